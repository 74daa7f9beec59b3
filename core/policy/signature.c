#include "policy/signature.h"

#include <stdio.h>
#include <string.h>

enum {
  TIMESTAMP_DIGITS_MAX = 12,
  NOT_A_DIGIT = 0x100,
};

static const int64_t TIMESTAMP_MAX = 999999999999; /* as many digits */

/* ---- texts ---- */

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static gitdev_slice trim(gitdev_slice text) {
  while (text.len > 0 && is_blank(text.text[0])) {
    text.text++;
    text.len--;
  }
  while (text.len > 0 && is_blank(text.text[text.len - 1]))
    text.len--;
  return text;
}

static bool is_text(gitdev_slice slice, const char *text) {
  return slice.len == strlen(text) && memcmp(slice.text, text, slice.len) == 0;
}

/* Splits at the first `separator`: what stands before it is returned, and *rest is what follows.
 * Without one, rest->text is NULL. */
static gitdev_slice split(gitdev_slice text, char separator, gitdev_slice *rest) {
  const char *found = text.len > 0 ? memchr(text.text, separator, text.len) : NULL;
  if (found == NULL) {
    *rest = (gitdev_slice){NULL, 0};
    return text;
  }
  gitdev_slice before = {text.text, (size_t)(found - text.text)};
  *rest = (gitdev_slice){found + 1, text.len - before.len - 1};
  return before;
}

/* The value of a hex digit, or NOT_A_DIGIT. */
static unsigned hex_value(char c) {
  unsigned digit = (unsigned char)c - (unsigned)'0';
  unsigned letter = ((unsigned char)c | 0x20U) - (unsigned)'a';
  return digit < 10 ? digit : letter < 6 ? letter + 10 : NOT_A_DIGIT;
}

static unsigned base64_value(char c) {
  unsigned upper = (unsigned char)c - (unsigned)'A', lower = (unsigned char)c - (unsigned)'a';
  unsigned digit = (unsigned char)c - (unsigned)'0';
  if (upper < 26)
    return upper;
  if (lower < 26)
    return lower + 26;
  return digit < 10 ? digit + 52 : c == '+' ? 62 : c == '/' ? 63 : NOT_A_DIGIT;
}

/* Decodes base64 with its padding or without. Returns how many bytes that are; 0 when it is no
 * base64, or is more than `size` of them. */
static size_t decode_base64(gitdev_slice text, unsigned char *out, size_t size) {
  unsigned bits = 0, seen = 0, held = 0;
  size_t count = 0;
  if (text.len % 4 == 0)
    for (int i = 0; i < 2 && text.len > 0 && text.text[text.len - 1] == '='; i++)
      text.len--;
  if (text.len % 4 == 1 || text.len / 4 * 3 + text.len % 4 * 3 / 4 > size)
    return 0;
  for (size_t i = 0; i < text.len; i++) {
    unsigned value = base64_value(text.text[i]);
    seen |= value;
    bits = (bits & 0xFF) << 6 | (value & 0x3F);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[count++] = (unsigned char)(bits >> held);
    }
  }
  return seen < NOT_A_DIGIT ? count : 0;
}

/* ---- their parts ---- */

/* A webhook-id: visible ASCII without a full stop. */
static bool is_id(gitdev_slice id) {
  if (id.len == 0 || id.len > GITDEV_SIGNATURE_ID_MAX)
    return false;
  for (size_t i = 0; i < id.len; i++)
    if (id.text[i] <= ' ' || id.text[i] > '~' || id.text[i] == '.')
      return false;
  return true;
}

static void sign_too(gitdev_signature *out, gitdev_slice part) {
  memcpy(out->prefix + out->prefix_len, part.text, part.len);
  out->prefix_len += part.len;
  out->prefix[out->prefix_len++] = '.';
}

static bool parse_timestamp(gitdev_signature *out, gitdev_slice digits) {
  if (out->is_timed || digits.len == 0 || digits.len > TIMESTAMP_DIGITS_MAX)
    return false;
  for (size_t i = 0; i < digits.len; i++) {
    if (digits.text[i] < '0' || digits.text[i] > '9')
      return false;
    out->timestamp = out->timestamp * 10 + (digits.text[i] - '0');
  }
  out->is_timed = true;
  sign_too(out, digits);
  return true;
}

static bool parse_hex_mac(gitdev_signature *out, gitdev_slice hex) {
  if (hex.len != (size_t)GITDEV_MAC_SIZE * 2 || out->mac_count == GITDEV_SIGNATURE_MACS_MAX)
    return false;
  unsigned char *mac = out->macs[out->mac_count++];
  unsigned seen = 0;
  for (size_t i = 0; i < GITDEV_MAC_SIZE; i++) {
    unsigned high = hex_value(hex.text[2 * i]);
    unsigned low = hex_value(hex.text[2 * i + 1]);
    seen |= high | low;
    mac[i] = (unsigned char)(high << 4 | low);
  }
  return seen < NOT_A_DIGIT;
}

static bool parse_base64_mac(gitdev_signature *out, gitdev_slice text) {
  return out->mac_count < GITDEV_SIGNATURE_MACS_MAX &&
         decode_base64(text, out->macs[out->mac_count++], GITDEV_MAC_SIZE) == GITDEV_MAC_SIZE;
}

/* ---- the schemes ---- */

/* One `key=value`. Keys of other schemes are passed over: nothing weaker than v1 can stand in for
 * it. */
static bool parse_git_entry(gitdev_signature *out, gitdev_slice entry) {
  gitdev_slice value, key = split(entry, '=', &value);
  if (value.text == NULL || key.len == 0)
    return false;
  if (is_text(key, "t"))
    return parse_timestamp(out, value);
  return is_text(key, "v1") ? parse_hex_mac(out, value) : true;
}

static bool parse_git(gitdev_signature *out, gitdev_slice header) {
  do {
    gitdev_slice entry = split(header, ',', &header);
    if (!parse_git_entry(out, trim(entry)))
      return false;
  } while (header.text != NULL);
  return out->is_timed;
}

/* One `version,signature`; there may be more blanks between two than one. */
static bool parse_standard_entry(gitdev_signature *out, gitdev_slice entry) {
  gitdev_slice value, version = split(entry, ',', &value);
  if (entry.len == 0)
    return true;
  if (value.text == NULL || version.len == 0)
    return false;
  return is_text(version, "v1") ? parse_base64_mac(out, value) : true;
}

static bool parse_standard(gitdev_signature *out, const gitdev_signature_headers *headers) {
  gitdev_slice id = trim(headers->id), rest = headers->signature;
  if (!is_id(id))
    return false;
  sign_too(out, id);
  if (!parse_timestamp(out, trim(headers->timestamp)))
    return false;
  do {
    gitdev_slice entry = split(rest, ' ', &rest);
    if (!parse_standard_entry(out, trim(entry)))
      return false;
  } while (rest.text != NULL);
  return true;
}

static bool parse_body(gitdev_signature *out, gitdev_slice header) {
  gitdev_slice value, name = split(trim(header), '=', &value);
  if (value.text != NULL && !is_text(name, "sha256"))
    return false;
  return parse_hex_mac(out, value.text != NULL ? value : name);
}

bool gitdev_signature_parse(gitdev_signature *out, const gitdev_signature_headers *headers) {
  size_t len = headers->signature.len;
  bool is_good = false;
  out->is_timed = false;
  out->timestamp = 0;
  out->prefix_len = 0;
  out->mac_count = 0;
  if (len == 0 || len > GITDEV_SIGNATURE_HEADER_MAX)
    return false;
  switch (headers->scheme) {
  case GITDEV_SCHEME_GIT: is_good = parse_git(out, headers->signature); break;
  case GITDEV_SCHEME_STANDARD: is_good = parse_standard(out, headers); break;
  case GITDEV_SCHEME_BODY: is_good = parse_body(out, headers->signature); break;
  }
  return is_good && out->mac_count > 0;
}

int gitdev_signature_prefix(gitdev_scheme scheme, gitdev_slice id, int64_t timestamp,
                            char out[GITDEV_SIGNATURE_PREFIX_SIZE]) {
  if (scheme == GITDEV_SCHEME_BODY)
    return 0;
  if (timestamp < 0 || timestamp > TIMESTAMP_MAX)
    return -1;
  if (scheme == GITDEV_SCHEME_GIT)
    return snprintf(out, GITDEV_SIGNATURE_PREFIX_SIZE, "%lld.", (long long)timestamp);
  if (!is_id(id))
    return -1;
  return snprintf(out, GITDEV_SIGNATURE_PREFIX_SIZE, "%.*s.%lld.", (int)id.len, id.text,
                  (long long)timestamp);
}

gitdev_secret gitdev_signature_key(gitdev_scheme scheme, gitdev_secret secret,
                                   unsigned char room[GITDEV_KEY_SIZE_MAX]) {
  static const char whsec[] = "whsec_";
  static const size_t whsec_len = sizeof whsec - 1;
  static const gitdev_secret none = {NULL, 0};
  if (secret.text == NULL || secret.len == 0)
    return none;
  if (scheme != GITDEV_SCHEME_STANDARD)
    return secret;
  gitdev_slice text = {secret.text, secret.len};
  if (text.len >= whsec_len && memcmp(text.text, whsec, whsec_len) == 0)
    text = (gitdev_slice){text.text + whsec_len, text.len - whsec_len};
  size_t len = decode_base64(text, room, GITDEV_KEY_SIZE_MAX);
  return len < GITDEV_KEY_SIZE_MIN ? none : (gitdev_secret){(const char *)room, len};
}
