#include "wire/handshake.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

enum {
  NONCE_SIZE = 16,
  SHA1_SIZE = 20,
  KEY_LEN = GITDEV_HANDSHAKE_KEY_SIZE - 1,
  KEY_DIGITS = 22, /* of those the base64 digits; "==" follows */
};

/* RFC 6455 1.3. */
static const char GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

typedef struct slice {
  const char *at;
  size_t len;
} slice;

/* ---- texts; the locale has no say in them */

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_word(slice text, const char *lower_word) {
  if (text.len != strlen(lower_word))
    return false;
  for (size_t i = 0; i < text.len; i++)
    if (lower(text.at[i]) != lower_word[i])
      return false;
  return true;
}

static bool equals(slice text, const char *other) {
  return text.len == strlen(other) && memcmp(text.at, other, text.len) == 0;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static bool is_base64_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

/* ---- fields */

static slice trim(slice text) {
  for (; text.len > 0 && is_blank(text.at[0]); text.len--)
    text.at++;
  while (text.len > 0 && is_blank(text.at[text.len - 1]))
    text.len--;
  return text;
}

/* Whether one element of a comma-separated list is this word. */
static bool lists(slice list, const char *lower_word) {
  for (;;) {
    const char *comma = memchr(list.at, ',', list.len);
    size_t len = comma != NULL ? (size_t)(comma - list.at) : list.len;
    if (is_word(trim((slice){list.at, len}), lower_word))
      return true;
    if (comma == NULL)
      return false;
    list = (slice){comma + 1, list.len - len - 1};
  }
}

/* The same in any of the fields of that name. */
static bool field_lists(const gitdev_message *message, const char *name, const char *lower_word) {
  for (size_t i = 0; i < message->field_count; i++) {
    const gitdev_field *field = &message->fields[i];
    if (equals((slice){field->name, field->name_len}, name) &&
        lists((slice){field->value, field->value_len}, lower_word))
      return true;
  }
  return false;
}

/* How many fields have that name; `*value` is the value of the last. */
static size_t find(const gitdev_message *message, const char *name, slice *value) {
  size_t count = 0;
  *value = (slice){"", 0};
  for (size_t i = 0; i < message->field_count; i++) {
    const gitdev_field *field = &message->fields[i];
    if (!equals((slice){field->name, field->name_len}, name))
      continue;
    *value = (slice){field->value, field->value_len};
    count++;
  }
  return count;
}

/* ---- the key and what belongs to it */

bool gitdev_handshake_key(char key[GITDEV_HANDSHAKE_KEY_SIZE]) {
  unsigned char nonce[NONCE_SIZE];
  return RAND_bytes(nonce, sizeof nonce) == 1 &&
         EVP_EncodeBlock((unsigned char *)key, nonce, sizeof nonce) == KEY_LEN;
}

bool gitdev_handshake_accept(const char *key, size_t len,
                             char accept[GITDEV_HANDSHAKE_ACCEPT_SIZE]) {
  unsigned char digest[SHA1_SIZE];
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool is_made = context != NULL && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
                 EVP_DigestUpdate(context, key, len) == 1 &&
                 EVP_DigestUpdate(context, GUID, sizeof GUID - 1) == 1 &&
                 EVP_DigestFinal_ex(context, digest, NULL) == 1;
  EVP_MD_CTX_free(context);
  return is_made && EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest) ==
                        GITDEV_HANDSHAKE_ACCEPT_SIZE - 1;
}

/* ---- the client's side */

const char *gitdev_handshake_check_answer(const gitdev_message *answer, const char *key,
                                          const char *protocol) {
  char accept[GITDEV_HANDSHAKE_ACCEPT_SIZE];
  slice value;
  if (answer->status != 101 || answer->minor_version < 1)
    return "the status is not 101 in HTTP/1.1";
  if (find(answer, "upgrade", &value) != 1 || !is_word(value, "websocket"))
    return "the Upgrade header is not \"websocket\"";
  if (!field_lists(answer, "connection", "upgrade"))
    return "the Connection header does not name \"Upgrade\"";
  if (!gitdev_handshake_accept(key, strlen(key), accept))
    return "the Sec-WebSocket-Accept header cannot be checked: OpenSSL has no SHA-1";
  if (find(answer, "sec-websocket-accept", &value) != 1 || !equals(value, accept))
    return "the Sec-WebSocket-Accept header does not belong to the key that was sent";
  if (find(answer, "sec-websocket-extensions", &value) > 0)
    return "the Sec-WebSocket-Extensions header names what was not offered";
  size_t count = find(answer, "sec-websocket-protocol", &value);
  if (count > 0 && (count > 1 || protocol == NULL || !equals(value, protocol)))
    return "the Sec-WebSocket-Protocol header names what was not offered";
  return NULL;
}

/* ---- the server's side */

/* 16 bytes in base64. */
static bool is_key(slice key) {
  if (key.len != KEY_LEN || memcmp(key.at + KEY_DIGITS, "==", 2) != 0)
    return false;
  for (size_t i = 0; i < KEY_DIGITS; i++)
    if (!is_base64_digit(key.at[i]))
      return false;
  return true;
}

/* RFC 6455 4.2.1; the reader of HTTP has seen to Host. */
static const char *find_fault(const gitdev_message *request, slice *key) {
  slice value;
  if (!equals((slice){request->method, request->method_len}, "GET"))
    return "a WebSocket is opened with GET";
  if (find(request, "sec-websocket-version", &value) != 1 || !equals(value, "13"))
    return "the Sec-WebSocket-Version header must be there once, as \"13\"";
  if (find(request, "sec-websocket-key", key) != 1 || !is_key(*key))
    return "the Sec-WebSocket-Key header must be there once, with 16 bytes in base64";
  return NULL;
}

gitdev_handshake_wish gitdev_handshake_read(const gitdev_message *request,
                                            char accept[GITDEV_HANDSHAKE_ACCEPT_SIZE],
                                            const char **problem) {
  slice key;
  *problem = NULL;
  if (request->minor_version < 1 || !field_lists(request, "upgrade", "websocket") ||
      !field_lists(request, "connection", "upgrade"))
    return GITDEV_HANDSHAKE_NONE;
  *problem = find_fault(request, &key);
  if (*problem == NULL && !gitdev_handshake_accept(key.at, key.len, accept))
    *problem = "the Sec-WebSocket-Key header cannot be answered: OpenSSL has no SHA-1";
  return *problem == NULL ? GITDEV_HANDSHAKE_GOOD : GITDEV_HANDSHAKE_MALFORMED;
}
