/* No secret of the platform's own shape survives the redaction of a text, wherever it stands in it;
 * and a second redaction changes nothing. */
#include "fuzz.h"
#include "policy/key.h"

#include <string.h>

static const char SECRET[] = "0123456789abcdefghijABCDEFGHIJKL";

static size_t copy(char *out, const void *bytes, size_t len) {
  memcpy(out, bytes, len);
  return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const prefixes[] = {"gsk_live_", "gsk_test_", "gpk_live_", "whsec_", "tkt_"};
  if (size < 1)
    return 0;
  const char *prefix = prefixes[data[0] % (sizeof prefixes / sizeof *prefixes)];
  size_t before = (size - 1) / 2;
  char *text = malloc(size + 64);
  REQUIRE(text != NULL);
  size_t len = copy(text, data + 1, before);
  len += copy(text + len, prefix, strlen(prefix));
  len += copy(text + len, SECRET, strlen(SECRET));
  len += copy(text + len, data + 1 + before, size - 1 - before);

  size_t redacted = gitdev_redact(text, len);
  REQUIRE(redacted < len);
  REQUIRE(memmem(text, redacted, SECRET + 1, strlen(SECRET) - 1) == NULL ||
          memmem(data, size, SECRET + 1, strlen(SECRET) - 1) != NULL);
  char *again = malloc(redacted + 1);
  REQUIRE(again != NULL);
  memcpy(again, text, redacted);
  REQUIRE(gitdev_redact(again, redacted) == redacted);
  REQUIRE(memcmp(again, text, redacted) == 0);
  free(again);
  free(text);
  return 0;
}
