#include "wire/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const struct {
  const char *text;
  int64_t time;
} DATES[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
    {"Sun Nov  6 08:49:37 1994", 784111777},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Fri, 21 Jun 2024 03:58:21 GMT", 1718942301},
    {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
    {"Tue, 29 Feb 2000 23:59:59 GMT", 951868799},
    {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800}, /* a leap second */
    {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
    {"Fri, 31 Dec 9999 23:59:60 GMT", -1},        /* would be in the year 10000 */
    {"Mon, 06 Nov 1994 08:49:37 GMT", 784111777}, /* it was a Sunday: not held against it */
    {"Saturday, 01-Jan-00 00:00:00 GMT", 946684800},
    {"Wednesday, 31-Dec-70 00:00:00 GMT", 3187209600}, /* 2070 */
    {"Friday, 01-Jan-71 00:00:00 GMT", 31536000},      /* 1971 */
    {"Wed Dec 31 23:59:59 2025", 1767225599},
    {"", -1},
    {"0", -1},
    {"tomorrow", -1},
    {"Sun", -1},
    {"Sun, ", -1},
    {"sun, 06 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 06 nov 1994 08:49:37 GMT", -1},
    {"Son, 06 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 06 Nov 94 08:49:37 GMT", -1},
    {"Sun, 06 Nov 1994 08:49:37", -1},
    {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
    {"Sun, 06 Nov 1994 08:49:37 +0000", -1},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
    {" Sun, 06 Nov 1994 08:49:37 GMT", -1},
    {"Sun,  06 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 06-Nov-1994 08:49:37 GMT", -1},
    {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 31 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 29 Feb 2023 08:49:37 GMT", -1},
    {"Mon, 29 Feb 2100 08:49:37 GMT", -1},
    {"Sun, 06 Nov 1994 24:00:00 GMT", -1},
    {"Sun, 06 Nov 1994 08:60:00 GMT", -1},
    {"Sun, 06 Nov 1994 08:49:61 GMT", -1},
    {"Sun, 06 Nov 1994 8:49:37 GMT", -1},
    {"Sun, 06 Nov 1994 08:49:-1 GMT", -1},
    {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
    {"Sat, 01 Jan 0000 00:00:00 GMT", -1},
    {"Sun, 06-Nov-94 08:49:37 GMT", -1},
    {"Sunday, 06 Nov 1994 08:49:37 GMT", -1},
    {"Sun Nov 06 08:49:37 1994", 784111777},
    {"Sun Nov 6 08:49:37 1994", -1},
    {"Sun Nov  6 08:49:37 94", -1},
    {"Sun Nov  6 08:49:37 1994 GMT", -1},
};

static void reads_the_three_forms(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof DATES / sizeof *DATES; i++) {
    int64_t time = gitdev_date_parse(DATES[i].text, strlen(DATES[i].text));
    if (time != DATES[i].time)
      fail_msg("\"%s\": %lld", DATES[i].text, (long long)time);
  }
}

static void every_shorter_text_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                      "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (size_t len = 0; len < strlen(texts[i]); len++)
      assert_int_equal(gitdev_date_parse(texts[i], len), -1);
}

/* Against the C library, over all months and odd times of the day. */
static void formats_what_it_reads(void **state) {
  (void)state;
  for (int64_t time = 0; time < 253402300800; time += 86400LL * 29 + 5077) {
    char expected[64];
    char text[GITDEV_DATE_SIZE];
    time_t libc_time = (time_t)time;
    struct tm parts;
    assert_non_null(gmtime_r(&libc_time, &parts));
    assert_true(strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0);
    gitdev_date_format(time, text);
    assert_string_equal(text, expected);
    assert_int_equal(gitdev_date_parse(text, strlen(text)), time);
  }
}

static void clamps_what_has_no_date(void **state) {
  (void)state;
  char text[GITDEV_DATE_SIZE];
  gitdev_date_format(-1, text);
  assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
  gitdev_date_format(INT64_MIN, text);
  assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
  gitdev_date_format(253402300799, text);
  assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
  gitdev_date_format(INT64_MAX, text);
  assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_the_three_forms),
      cmocka_unit_test(every_shorter_text_is_refused),
      cmocka_unit_test(formats_what_it_reads),
      cmocka_unit_test(clamps_what_has_no_date),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
