/* A signature header is parsed by the rules of contract 4.4 and verifies only when it holds the
 * right MAC; and what we sign verifies. */
#include "fuzz.h"
#include "policy/sign.h"

#include <string.h>

#define SECRET "whsec_00000000000000000000000000000000"

static const char BODY[] = "{}";

static void require_parsed(const gitdev_signature *signature) {
  size_t digits = strlen(signature->timestamp_text);
  int64_t timestamp = 0;
  REQUIRE(digits >= 1 && digits <= 12);
  for (size_t i = 0; i < digits; i++) {
    REQUIRE(signature->timestamp_text[i] >= '0' && signature->timestamp_text[i] <= '9');
    timestamp = timestamp * 10 + (signature->timestamp_text[i] - '0');
  }
  REQUIRE(signature->timestamp == timestamp);
  REQUIRE(signature->mac_count >= 1 && signature->mac_count <= GITDEV_SIGNATURE_MACS_MAX);
}

/* Whether the header holds the MAC of its own t and BODY, reckoned another way. */
static bool holds_right_mac(gitdev_signer *signer, const gitdev_signature *signature) {
  char message[64];
  unsigned char mac[GITDEV_MAC_SIZE];
  int len = snprintf(message, sizeof message, "%s.%s", signature->timestamp_text, BODY);
  gitdev_secret secret = {SECRET, strlen(SECRET)};
  REQUIRE(gitdev_mac(signer, secret, message, (size_t)len, mac));
  for (size_t i = 0; i < signature->mac_count; i++)
    if (memcmp(signature->macs[i], mac, sizeof mac) == 0)
      return true;
  return false;
}

static void read_header(gitdev_signer *signer, const char *header, size_t len) {
  gitdev_signature signature;
  gitdev_secret secret = {SECRET, strlen(SECRET)};
  gitdev_signature_check check = {.body = BODY,
                                  .body_len = strlen(BODY),
                                  .header = header,
                                  .header_len = len,
                                  .secrets = &secret,
                                  .secret_count = 1,
                                  .now = 1718942301,
                                  .any_time = true};
  gitdev_signature_status status = gitdev_verify(signer, &check);
  if (!gitdev_signature_parse(&signature, header, len)) {
    REQUIRE(status == GITDEV_SIGNATURE_MALFORMED);
    return;
  }
  require_parsed(&signature);
  bool is_right = holds_right_mac(signer, &signature);
  REQUIRE(status == (is_right ? GITDEV_SIGNATURE_OK : GITDEV_SIGNATURE_NO_MATCH));
  check.any_time = false;
  check.tolerance = 300;
  status = gitdev_verify(signer, &check);
  bool is_timely = signature.timestamp >= 1718942001 && signature.timestamp <= 1718942601;
  REQUIRE((status == GITDEV_SIGNATURE_OK) == (is_right && is_timely));
}

static void sign_and_verify(gitdev_signer *signer, const char *body, size_t len) {
  char header[GITDEV_SIGNATURE_SIZE];
  gitdev_secret secret = {SECRET, strlen(SECRET)};
  int64_t timestamp = (int64_t)len * 7919;
  REQUIRE(gitdev_sign(signer, secret, timestamp, body, len, header));
  gitdev_signature_check check = {.body = body,
                                  .body_len = len,
                                  .header = header,
                                  .header_len = strlen(header),
                                  .secrets = &secret,
                                  .secret_count = 1,
                                  .now = timestamp};
  REQUIRE(gitdev_verify(signer, &check) == GITDEV_SIGNATURE_OK);
  if (len > 0) {
    check.body_len--;
    REQUIRE(gitdev_verify(signer, &check) == GITDEV_SIGNATURE_NO_MATCH);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gitdev_signer *signer = gitdev_signer_new();
  REQUIRE(signer != NULL);
  read_header(signer, (const char *)data, size);
  sign_and_verify(signer, (const char *)data, size);
  gitdev_signer_free(signer);
  return 0;
}
