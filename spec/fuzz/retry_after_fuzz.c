/* Retry-After is a number of seconds or a date, else -1; and a date that can be read is written and
 * read again. */
#include "fuzz.h"
#include "policy/retry.h"
#include "wire/date.h"

#include <string.h>

static bool is_number(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (text[i] < '0' || text[i] > '9')
      return false;
  return len > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  static const int64_t dates[] = {-1, 0, 784111777, INT64_MAX};
  int64_t time = gitdev_date_parse(text, size);
  REQUIRE(time >= -1);
  for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
    double seconds = gitdev_retry_after(text, size, dates[i]);
    bool is_usable = is_number(text, size) || (time >= 0 && dates[i] >= 0);
    REQUIRE(is_usable ? seconds >= 0 && seconds <= INT32_MAX : seconds >= -1 && seconds <= -1);
  }
  if (time >= 0) {
    char again[GITDEV_DATE_SIZE];
    gitdev_date_format(time, again);
    REQUIRE(strlen(again) == GITDEV_DATE_SIZE - 1);
    REQUIRE(gitdev_date_parse(again, strlen(again)) == time);
  }
  return 0;
}
