/* Signature headers are parsed by the rules of contract 4.4 and 8, in every scheme, and verify only
 * when they hold the right MAC; what we sign verifies; and a key is what its base64 says. */
#include "fuzz.h"
#include "policy/sign.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#define SECRET "whsec_00000000000000000000000000000000"

static const char BODY[] = "{}";
static const gitdev_secret KEY = {SECRET, sizeof SECRET - 1};

enum { NOW = 1718942301, TOLERANCE = 300 };

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static void require_parsed(const gitdev_signature *signature, const gitdev_signature_headers *of) {
  REQUIRE(signature->mac_count >= 1 && signature->mac_count <= GITDEV_SIGNATURE_MACS_MAX);
  REQUIRE(signature->prefix_len <= GITDEV_SIGNATURE_PREFIX_SIZE);
  REQUIRE(signature->is_timed == (of->scheme != GITDEV_SCHEME_BODY));
  if (!signature->is_timed) {
    REQUIRE(signature->prefix_len == 0 && signature->mac_count == 1);
    return;
  }
  const char *end = signature->prefix + signature->prefix_len - 1, *at = end;
  REQUIRE(*end == '.');
  while (at > signature->prefix && is_digit(at[-1]))
    at--;
  REQUIRE(end - at >= 1 && end - at <= 12);
  int64_t timestamp = 0;
  for (; at < end; at++)
    timestamp = timestamp * 10 + (*at - '0');
  REQUIRE(signature->timestamp == timestamp);
  size_t stops = 0;
  for (size_t i = 0; i < signature->prefix_len; i++)
    stops += signature->prefix[i] == '.';
  REQUIRE(stops == (of->scheme == GITDEV_SCHEME_STANDARD ? 2 : 1));
}

/* Whether the header holds the MAC of what it says and BODY, reckoned another way. */
static bool holds_right_mac(gitdev_signer *signer, gitdev_scheme scheme,
                            const gitdev_signature *signature) {
  char message[GITDEV_SIGNATURE_PREFIX_SIZE + sizeof BODY];
  unsigned char mac[GITDEV_MAC_SIZE], room[GITDEV_KEY_SIZE_MAX];
  memcpy(message, signature->prefix, signature->prefix_len);
  memcpy(message + signature->prefix_len, BODY, strlen(BODY));
  gitdev_secret key = gitdev_signature_key(scheme, KEY, room);
  REQUIRE(gitdev_mac(signer, key, message, signature->prefix_len + strlen(BODY), mac));
  for (size_t i = 0; i < signature->mac_count; i++)
    if (memcmp(signature->macs[i], mac, sizeof mac) == 0)
      return true;
  return false;
}

static void read_headers(gitdev_signer *signer, gitdev_signature_headers headers) {
  gitdev_signature signature;
  gitdev_signature_check check = {.body = BODY,
                                  .body_len = strlen(BODY),
                                  .headers = headers,
                                  .secrets = &KEY,
                                  .secret_count = 1,
                                  .now = NOW,
                                  .any_time = true};
  gitdev_signature_status status = gitdev_verify(signer, &check);
  if (!gitdev_signature_parse(&signature, &headers)) {
    REQUIRE(status == GITDEV_SIGNATURE_MALFORMED);
    return;
  }
  require_parsed(&signature, &headers);
  bool is_right = holds_right_mac(signer, headers.scheme, &signature);
  REQUIRE(status == (is_right ? GITDEV_SIGNATURE_OK : GITDEV_SIGNATURE_NO_MATCH));
  check.any_time = false;
  check.tolerance = TOLERANCE;
  status = gitdev_verify(signer, &check);
  bool is_timely = !signature.is_timed || (signature.timestamp >= NOW - TOLERANCE &&
                                           signature.timestamp <= NOW + TOLERANCE);
  REQUIRE((status == GITDEV_SIGNATURE_OK) == (is_right && is_timely));
}

/* Takes a line off the front. */
static gitdev_slice line_of(gitdev_slice *rest) {
  const char *end = rest->len > 0 ? memchr(rest->text, '\n', rest->len) : NULL;
  gitdev_slice line = {rest->text, end != NULL ? (size_t)(end - rest->text) : rest->len};
  size_t taken = line.len + (end != NULL);
  *rest = (gitdev_slice){rest->text + taken, rest->len - taken};
  return line;
}

/* The bytes as one header, and as three, each on a line. */
static void read_as_headers(gitdev_signer *signer, gitdev_slice bytes) {
  read_headers(signer, (gitdev_signature_headers){GITDEV_SCHEME_GIT, .signature = bytes});
  read_headers(signer, (gitdev_signature_headers){GITDEV_SCHEME_BODY, .signature = bytes});
  gitdev_signature_headers standard = {.scheme = GITDEV_SCHEME_STANDARD};
  standard.id = line_of(&bytes);
  standard.timestamp = line_of(&bytes);
  standard.signature = bytes;
  read_headers(signer, standard);
}

static void sign_and_verify(gitdev_signer *signer, gitdev_scheme scheme, gitdev_slice body) {
  char header[GITDEV_SIGNATURE_SIZE], time[24];
  gitdev_signable what = {scheme, {"evt_1", 5}, (int64_t)body.len * 7919, body.text, body.len};
  REQUIRE(gitdev_sign(signer, KEY, &what, header));
  int digits = snprintf(time, sizeof time, "%lld", (long long)what.timestamp);
  gitdev_signature_check check = {
      .body = body.text,
      .body_len = body.len,
      .headers = {scheme, {header, strlen(header)}, what.id, {time, (size_t)digits}},
      .secrets = &KEY,
      .secret_count = 1,
      .now = what.timestamp};
  REQUIRE(gitdev_verify(signer, &check) == GITDEV_SIGNATURE_OK);
  if (body.len > 0) {
    check.body_len--;
    REQUIRE(gitdev_verify(signer, &check) == GITDEV_SIGNATURE_NO_MATCH);
  }
}

/* A key, written again, is the text that it was read from but for the padding, and the bits of the
 * last digit that no byte has. */
static void read_key(gitdev_slice text) {
  static const char whsec[] = "whsec_";
  unsigned char room[GITDEV_KEY_SIZE_MAX], again[GITDEV_KEY_SIZE_MAX * 2];
  gitdev_secret secret = {text.text, text.len};
  gitdev_secret key = gitdev_signature_key(GITDEV_SCHEME_STANDARD, secret, room);
  if (key.text == NULL)
    return;
  REQUIRE(key.len >= GITDEV_KEY_SIZE_MIN && key.len <= GITDEV_KEY_SIZE_MAX);
  if (text.len >= strlen(whsec) && memcmp(text.text, whsec, strlen(whsec)) == 0)
    text = (gitdev_slice){text.text + strlen(whsec), text.len - strlen(whsec)};
  (void)EVP_EncodeBlock(again, room, (int)key.len);
  REQUIRE(memcmp(again, text.text, key.len * 8 / 6) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gitdev_signer *signer = gitdev_signer_new();
  gitdev_slice bytes = {(const char *)data, size};
  REQUIRE(signer != NULL);
  read_as_headers(signer, bytes);
  sign_and_verify(signer, GITDEV_SCHEME_GIT, bytes);
  sign_and_verify(signer, GITDEV_SCHEME_STANDARD, bytes);
  sign_and_verify(signer, GITDEV_SCHEME_BODY, bytes);
  read_key(bytes);
  gitdev_signer_free(signer);
  return 0;
}
