#include "policy/sign.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  TIMESTAMP_DIGITS_MAX = sizeof((gitdev_signature *)NULL)->timestamp_text - 1,
};

static const int64_t TIMESTAMP_MAX = 999999999999; /* as many digits */

struct gitdev_signer {
  EVP_MAC_CTX *mac;
  bool restarts; /* see can_restart() */
  size_t key_len;
  char key[128]; /* what `mac` was keyed with last, when `key_len` is not 0 */
};

typedef struct slice {
  const char *at;
  size_t len;
} slice;

static bool is_keyed(const gitdev_signer *signer, gitdev_secret key) {
  return signer->restarts && key.len == signer->key_len && key.len > 0 &&
         CRYPTO_memcmp(key.text, signer->key, key.len) == 0;
}

/* Most uses are with the key of the use before. Then it need not be set up again, which saves a
 * third of the time. */
static bool mac_begin(gitdev_signer *signer, gitdev_secret key) {
  if (key.text == NULL || key.len == 0)
    return false;
  if (is_keyed(signer, key))
    return EVP_MAC_init(signer->mac, NULL, 0, NULL) == 1;
  signer->key_len = 0;
  if (EVP_MAC_init(signer->mac, (const unsigned char *)key.text, key.len, NULL) != 1)
    return false;
  if (key.len <= sizeof signer->key) {
    memcpy(signer->key, key.text, key.len);
    signer->key_len = key.len;
  }
  return true;
}

/* Adds the last bytes and takes the result. */
static bool mac_end(gitdev_signer *signer, const char *bytes, size_t len,
                    unsigned char mac[GITDEV_MAC_SIZE]) {
  size_t written = 0;
  return EVP_MAC_update(signer->mac, (const unsigned char *)bytes, len) == 1 &&
         EVP_MAC_final(signer->mac, mac, &written, GITDEV_MAC_SIZE) == 1 &&
         written == GITDEV_MAC_SIZE;
}

bool gitdev_mac(gitdev_signer *signer, gitdev_secret key, const char *bytes, size_t len,
                unsigned char mac[GITDEV_MAC_SIZE]) {
  return mac_begin(signer, key) && mac_end(signer, bytes, len, mac);
}

/* Whether a second use without a key starts anew. The HMAC of OpenSSL 3.0.0 to 3.0.2, which may be
 * loaded as a FIPS provider under any later libcrypto, goes on with what it had, says that all is
 * well, and is wrong. */
static bool can_restart(gitdev_signer *signer) {
  static const char text[] = "text";
  const gitdev_secret key = {"key", 3};
  unsigned char first[GITDEV_MAC_SIZE];
  unsigned char second[GITDEV_MAC_SIZE];
  return gitdev_mac(signer, key, text, sizeof text, first) &&
         EVP_MAC_init(signer->mac, NULL, 0, NULL) == 1 &&
         mac_end(signer, text, sizeof text, second) &&
         CRYPTO_memcmp(first, second, sizeof first) == 0;
}

static EVP_MAC_CTX *make_hmac(void) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
  EVP_MAC_CTX *mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
  EVP_MAC_free(hmac); /* the context holds a reference of its own */
  /* The digest is looked up here, once: as a parameter of each EVP_MAC_init() it would cost as much
   * as the MAC. */
  if (mac != NULL && EVP_MAC_CTX_set_params(mac, params) != 1) {
    EVP_MAC_CTX_free(mac);
    return NULL;
  }
  return mac;
}

gitdev_signer *gitdev_signer_new(void) {
  gitdev_signer *signer = calloc(1, sizeof *signer);
  if (signer == NULL)
    return NULL;
  signer->mac = make_hmac();
  if (signer->mac == NULL) {
    free(signer);
    return NULL;
  }
  signer->restarts = can_restart(signer);
  return signer;
}

void gitdev_signer_free(gitdev_signer *signer) {
  if (signer != NULL) {
    EVP_MAC_CTX_free(signer->mac); /* wipes its own copy of the key */
    OPENSSL_cleanse(signer, sizeof *signer);
    free(signer);
  }
}

const char *gitdev_signature_reason(gitdev_signature_status status) {
  switch (status) {
  case GITDEV_SIGNATURE_OK: return "ok";
  case GITDEV_SIGNATURE_NO_SECRET: return "no_secret";
  case GITDEV_SIGNATURE_MALFORMED: return "malformed_header";
  case GITDEV_SIGNATURE_NO_MATCH: return "no_match";
  case GITDEV_SIGNATURE_TIMESTAMP: return "timestamp_outside_tolerance";
  case GITDEV_SIGNATURE_INTERNAL: return "internal";
  }
  return "internal";
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static slice trim(slice text) {
  while (text.len > 0 && is_blank(text.at[0])) {
    text.at++;
    text.len--;
  }
  while (text.len > 0 && is_blank(text.at[text.len - 1]))
    text.len--;
  return text;
}

static bool is_key(slice key, const char *name) {
  return key.len == strlen(name) && memcmp(key.at, name, key.len) == 0;
}

static bool parse_timestamp(gitdev_signature *out, slice digits) {
  bool is_second = out->timestamp_text[0] != '\0';
  if (is_second || digits.len == 0 || digits.len > TIMESTAMP_DIGITS_MAX)
    return false;
  for (size_t i = 0; i < digits.len; i++) {
    if (digits.at[i] < '0' || digits.at[i] > '9')
      return false;
    out->timestamp = out->timestamp * 10 + (digits.at[i] - '0');
  }
  memcpy(out->timestamp_text, digits.at, digits.len);
  out->timestamp_text[digits.len] = '\0';
  return true;
}

enum { NOT_HEX = 0x100 };

/* The value of a digit, or NOT_HEX. */
static unsigned hex_value(char c) {
  unsigned digit = (unsigned char)c - (unsigned)'0';
  unsigned letter = ((unsigned char)c | 0x20U) - (unsigned)'a';
  return digit < 10 ? digit : letter < 6 ? letter + 10 : NOT_HEX;
}

static bool parse_mac(gitdev_signature *out, slice hex) {
  if (hex.len != (size_t)GITDEV_MAC_SIZE * 2 || out->mac_count == GITDEV_SIGNATURE_MACS_MAX)
    return false;
  unsigned char *mac = out->macs[out->mac_count++];
  unsigned seen = 0;
  for (size_t i = 0; i < GITDEV_MAC_SIZE; i++) {
    unsigned high = hex_value(hex.at[2 * i]);
    unsigned low = hex_value(hex.at[2 * i + 1]);
    seen |= high | low;
    mac[i] = (unsigned char)(high << 4 | low);
  }
  return seen < NOT_HEX;
}

/* One `key=value`. Keys of other schemes are passed over: nothing weaker than v1 can stand in for
 * it. */
static bool parse_entry(gitdev_signature *out, slice entry) {
  const char *equals = entry.len > 0 ? memchr(entry.at, '=', entry.len) : NULL;
  if (equals == NULL || equals == entry.at)
    return false;
  slice key = {entry.at, (size_t)(equals - entry.at)};
  slice value = {equals + 1, entry.len - key.len - 1};
  if (is_key(key, "t"))
    return parse_timestamp(out, value);
  return is_key(key, "v1") ? parse_mac(out, value) : true;
}

bool gitdev_signature_parse(gitdev_signature *out, const char *header, size_t len) {
  out->timestamp = 0;
  out->timestamp_text[0] = '\0';
  out->mac_count = 0;
  if (len == 0 || len > GITDEV_SIGNATURE_HEADER_MAX)
    return false;
  slice rest = {header, len};
  for (;;) {
    const char *comma = rest.len > 0 ? memchr(rest.at, ',', rest.len) : NULL;
    slice entry = {rest.at, comma != NULL ? (size_t)(comma - rest.at) : rest.len};
    if (!parse_entry(out, trim(entry)))
      return false;
    if (comma == NULL)
      return out->timestamp_text[0] != '\0' && out->mac_count > 0;
    rest = (slice){comma + 1, rest.len - entry.len - 1};
  }
}

/* HMAC over `timestamp` + "." + body. */
static bool compute(gitdev_signer *signer, gitdev_secret secret, const char *timestamp,
                    const char *body, size_t body_len, unsigned char mac[GITDEV_MAC_SIZE]) {
  char prefix[TIMESTAMP_DIGITS_MAX + 1];
  size_t prefix_len = strlen(timestamp);
  memcpy(prefix, timestamp, prefix_len);
  prefix[prefix_len++] = '.';
  return mac_begin(signer, secret) &&
         EVP_MAC_update(signer->mac, (const unsigned char *)prefix, prefix_len) == 1 &&
         mac_end(signer, body, body_len, mac);
}

static bool have_secrets(const gitdev_signature_check *check) {
  for (size_t i = 0; i < check->secret_count; i++)
    if (check->secrets[i].text == NULL || check->secrets[i].len == 0)
      return false;
  return check->secret_count > 0;
}

/* Compares with every v1 of the header, whether or not one has matched: time tells nothing about
 * which. */
static bool matches_any(const gitdev_signature *signature,
                        const unsigned char mac[GITDEV_MAC_SIZE]) {
  unsigned matches = 0;
  for (size_t i = 0; i < signature->mac_count; i++)
    matches += CRYPTO_memcmp(signature->macs[i], mac, GITDEV_MAC_SIZE) == 0;
  return matches > 0;
}

static bool is_timely(const gitdev_signature_check *check, int64_t timestamp) {
  if (check->any_time)
    return true;
  /* Unsigned, as `now` is the caller's and may be anything. */
  uint64_t apart = check->now > timestamp ? (uint64_t)check->now - (uint64_t)timestamp
                                          : (uint64_t)timestamp - (uint64_t)check->now;
  return check->tolerance >= 0 && apart <= (uint64_t)check->tolerance;
}

gitdev_signature_status gitdev_verify(gitdev_signer *signer, const gitdev_signature_check *check) {
  gitdev_signature signature;
  unsigned char mac[GITDEV_MAC_SIZE];
  unsigned matches = 0;
  bool computed = true;
  if (!have_secrets(check))
    return GITDEV_SIGNATURE_NO_SECRET;
  if (!gitdev_signature_parse(&signature, check->header, check->header_len))
    return GITDEV_SIGNATURE_MALFORMED;
  for (size_t i = 0; i < check->secret_count && computed; i++) {
    computed = compute(signer, check->secrets[i], signature.timestamp_text, check->body,
                       check->body_len, mac);
    matches += computed && matches_any(&signature, mac);
  }
  OPENSSL_cleanse(mac, sizeof mac);
  if (!computed)
    return GITDEV_SIGNATURE_INTERNAL;
  if (matches == 0)
    return GITDEV_SIGNATURE_NO_MATCH;
  return is_timely(check, signature.timestamp) ? GITDEV_SIGNATURE_OK : GITDEV_SIGNATURE_TIMESTAMP;
}

bool gitdev_sign(gitdev_signer *signer, gitdev_secret secret, int64_t timestamp, const char *body,
                 size_t body_len, char out[GITDEV_SIGNATURE_SIZE]) {
  static const char digits[] = "0123456789abcdef";
  char text[TIMESTAMP_DIGITS_MAX + 1];
  unsigned char mac[GITDEV_MAC_SIZE];
  if (timestamp < 0 || timestamp > TIMESTAMP_MAX)
    return false;
  (void)snprintf(text, sizeof text, "%lld", (long long)timestamp);
  if (!compute(signer, secret, text, body, body_len, mac))
    return false;
  int prefix = snprintf(out, GITDEV_SIGNATURE_SIZE, "t=%s,v1=", text);
  char *end = out + prefix;
  for (size_t i = 0; i < GITDEV_MAC_SIZE; i++) {
    *end++ = digits[mac[i] >> 4];
    *end++ = digits[mac[i] & 15];
  }
  *end = '\0';
  return true;
}
