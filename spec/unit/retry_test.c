#include "policy/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What a case does not name: an answer without any of the headers, to a repeatable request, on its
 * first try. */
#define FACTS(...)                                                                                 \
  {                                                                                                \
    .reach = GITDEV_ANSWERED, .should_retry = -1, .retry_after = -1, .reset_in = -1,               \
    .repeatable = true, .max_retries = 2, .time_left = 120, .random = 0.5, __VA_ARGS__             \
  }

typedef struct retry_case {
  const char *name;
  gitdev_retry_facts facts;
  gitdev_retry_reason reason;
  double delay;
  bool retryable;
} retry_case;

#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
static const retry_case CASES[] = {
    /* Nothing to retry. */
    {"200", FACTS(.status = 200), GITDEV_RETRY_DONE, 0, false},
    {"204", FACTS(.status = 204), GITDEV_RETRY_DONE, 0, false},
    {"304", FACTS(.status = 304), GITDEV_RETRY_DONE, 0, false},
    {"101", FACTS(.status = 101), GITDEV_RETRY_DONE, 0, false},
    {"200 with should-retry", FACTS(.status = 200, .should_retry = 1), GITDEV_RETRY_DONE, 0, false},
    {"200 with should-not", FACTS(.status = 200, .should_retry = 0), GITDEV_RETRY_DONE, 0, false},
    {"hopeless", FACTS(.reach = GITDEV_HOPELESS), GITDEV_RETRY_DONE, 0, false},
    {"hopeless, told to", FACTS(.reach = GITDEV_HOPELESS, .should_retry = 1), GITDEV_RETRY_DONE, 0,
     false},
    {"hopeless, told not to", FACTS(.reach = GITDEV_HOPELESS, .should_retry = 0), GITDEV_RETRY_DONE,
     0, false},
    {"400", FACTS(.status = 400), GITDEV_RETRY_DONE, 0, false},
    {"401", FACTS(.status = 401), GITDEV_RETRY_DONE, 0, false},
    {"404", FACTS(.status = 404), GITDEV_RETRY_DONE, 0, false},
    {"408", FACTS(.status = 408), GITDEV_RETRY_DONE, 0, false},
    {"409", FACTS(.status = 409), GITDEV_RETRY_DONE, 0, false},
    {"422", FACTS(.status = 422), GITDEV_RETRY_DONE, 0, false},
    {"501", FACTS(.status = 501), GITDEV_RETRY_DONE, 0, false},
    {"404 with Retry-After", FACTS(.status = 404, .retry_after = 1), GITDEV_RETRY_DONE, 0, false},

    /* What may pass. */
    {"429", FACTS(.status = 429), GITDEV_RETRY_AGAIN, 0.375, true},
    {"500", FACTS(.status = 500), GITDEV_RETRY_AGAIN, 0.375, true},
    {"502", FACTS(.status = 502), GITDEV_RETRY_AGAIN, 0.375, true},
    {"503", FACTS(.status = 503), GITDEV_RETRY_AGAIN, 0.375, true},
    {"504", FACTS(.status = 504), GITDEV_RETRY_AGAIN, 0.375, true},
    {"409 key in use", FACTS(.status = 409, .key_in_use = true), GITDEV_RETRY_AGAIN, 0.375, true},
    {"never sent", FACTS(.reach = GITDEV_NEVER_SENT), GITDEV_RETRY_AGAIN, 0.375, true},
    {"sent, unknown", FACTS(.reach = GITDEV_SENT_UNKNOWN), GITDEV_RETRY_AGAIN, 0.375, true},

    /* Not repeatable. */
    {"never sent, not repeatable", FACTS(.reach = GITDEV_NEVER_SENT, .repeatable = false),
     GITDEV_RETRY_AGAIN, 0.375, true},
    {"sent, not repeatable", FACTS(.reach = GITDEV_SENT_UNKNOWN, .repeatable = false),
     GITDEV_RETRY_UNREPEATABLE, 0, true},
    {"429, not repeatable", FACTS(.status = 429, .repeatable = false), GITDEV_RETRY_AGAIN, 0.375,
     true},
    {"500, not repeatable", FACTS(.status = 500, .repeatable = false), GITDEV_RETRY_UNREPEATABLE, 0,
     true},
    {"503, not repeatable, used up", FACTS(.status = 503, .repeatable = false, .retries = 2),
     GITDEV_RETRY_UNREPEATABLE, 0, true},
    {"404, not repeatable", FACTS(.status = 404, .repeatable = false), GITDEV_RETRY_DONE, 0, false},

    /* X-Should-Retry wins both ways. */
    {"404, told to", FACTS(.status = 404, .should_retry = 1), GITDEV_RETRY_AGAIN, 0.375, true},
    {"500, told not to", FACTS(.status = 500, .should_retry = 0), GITDEV_RETRY_TOLD_NOT, 0, false},
    {"429, told not to", FACTS(.status = 429, .should_retry = 0), GITDEV_RETRY_TOLD_NOT, 0, false},
    {"404, told not to", FACTS(.status = 404, .should_retry = 0), GITDEV_RETRY_TOLD_NOT, 0, false},
    {"500, not repeatable, told to", FACTS(.status = 500, .repeatable = false, .should_retry = 1),
     GITDEV_RETRY_AGAIN, 0.375, true},
    {"told to, used up", FACTS(.status = 500, .should_retry = 1, .retries = 2),
     GITDEV_RETRY_EXHAUSTED, 0, true},

    /* max_retries. */
    {"one used", FACTS(.status = 500, .retries = 1), GITDEV_RETRY_AGAIN, 0.75, true},
    {"used up", FACTS(.status = 500, .retries = 2), GITDEV_RETRY_EXHAUSTED, 0, true},
    {"none allowed", FACTS(.status = 500, .max_retries = 0), GITDEV_RETRY_EXHAUSTED, 0, true},
    {"used up before too long", FACTS(.status = 503, .retries = 2, .retry_after = 61),
     GITDEV_RETRY_EXHAUSTED, 0, true},

    /* The delay. */
    {"least", FACTS(.status = 500, .random = 0), GITDEV_RETRY_AGAIN, 0.25, true},
    {"most", FACTS(.status = 500, .random = 0.9999999), GITDEV_RETRY_AGAIN, 0.5, true},
    {"third", FACTS(.status = 500, .retries = 2, .max_retries = 99), GITDEV_RETRY_AGAIN, 1.5, true},
    {"fourth", FACTS(.status = 500, .retries = 3, .max_retries = 99), GITDEV_RETRY_AGAIN, 3, true},
    {"fifth, at the cap", FACTS(.status = 500, .retries = 4, .max_retries = 99), GITDEV_RETRY_AGAIN,
     6, true},
    {"hundredth", FACTS(.status = 500, .retries = 99, .max_retries = 1000), GITDEV_RETRY_AGAIN, 6,
     true},
    {"of very many", FACTS(.status = 500, .retries = INT32_MAX - 1, .max_retries = INT32_MAX),
     GITDEV_RETRY_AGAIN, 6, true},

    /* Retry-After. */
    {"Retry-After 3", FACTS(.status = 503, .retry_after = 3), GITDEV_RETRY_AGAIN, 3, true},
    {"Retry-After 0", FACTS(.status = 503, .retry_after = 0), GITDEV_RETRY_AGAIN, 0.375, true},
    {"Retry-After below the backoff", FACTS(.status = 503, .retries = 1, .retry_after = 0.6),
     GITDEV_RETRY_AGAIN, 0.75, true},
    {"Retry-After 60", FACTS(.status = 503, .retry_after = 60), GITDEV_RETRY_AGAIN, 60, true},
    {"Retry-After 61", FACTS(.status = 503, .retry_after = 61), GITDEV_RETRY_TOO_LONG, 0, true},
    {"Retry-After on 409", FACTS(.status = 409, .key_in_use = true, .retry_after = 5),
     GITDEV_RETRY_AGAIN, 5, true},
    {"Retry-After without an answer", FACTS(.reach = GITDEV_NEVER_SENT, .retry_after = 61),
     GITDEV_RETRY_AGAIN, 0.375, true},
    {"too long before no time", FACTS(.status = 503, .retry_after = 61, .time_left = 1),
     GITDEV_RETRY_TOO_LONG, 0, true},

    /* X-RateLimit-Reset in its place. */
    {"429 with Reset", FACTS(.status = 429, .reset_in = 7), GITDEV_RETRY_AGAIN, 7, true},
    {"429 with both", FACTS(.status = 429, .reset_in = 7, .retry_after = 2), GITDEV_RETRY_AGAIN, 2,
     true},
    {"429 with a passed Reset", FACTS(.status = 429, .reset_in = 0), GITDEV_RETRY_AGAIN, 0.375,
     true},
    {"429 with a far Reset", FACTS(.status = 429, .reset_in = 61), GITDEV_RETRY_TOO_LONG, 0, true},
    {"500 with Reset", FACTS(.status = 500, .reset_in = 7), GITDEV_RETRY_AGAIN, 0.375, true},

    /* The deadline. */
    {"time enough", FACTS(.status = 503, .retry_after = 3, .time_left = 3.001), GITDEV_RETRY_AGAIN,
     3, true},
    {"just no time", FACTS(.status = 503, .retry_after = 3, .time_left = 3), GITDEV_RETRY_NO_TIME,
     0, true},
    {"past the deadline", FACTS(.reach = GITDEV_SENT_UNKNOWN, .time_left = -1),
     GITDEV_RETRY_NO_TIME, 0, true},
};
#pragma GCC diagnostic pop

static void judges(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    const retry_case *c = &CASES[i];
    gitdev_retry_verdict verdict = gitdev_retry_judge(&c->facts);
    double off = verdict.delay - c->delay;
    if (verdict.reason != c->reason || off > 1e-6 || off < -1e-6)
      fail_msg("%s: %s, %g", c->name, gitdev_retry_reason_text(verdict.reason), verdict.delay);
    if (gitdev_retryable(&c->facts) != c->retryable)
      fail_msg("%s: retryable", c->name);
  }
}

static void the_delay_stays_within_its_half(void **state) {
  (void)state;
  for (int retries = 0; retries < 8; retries++) {
    double longest = retries < 4 ? 0.5 * (1 << retries) : 8;
    for (int percent = 0; percent < 100; percent++) {
      gitdev_retry_facts facts = {.reach = GITDEV_NEVER_SENT,
                                  .should_retry = -1,
                                  .retry_after = -1,
                                  .reset_in = -1,
                                  .retries = retries,
                                  .max_retries = 8,
                                  .time_left = 100,
                                  .random = percent / 100.0};
      gitdev_retry_verdict verdict = gitdev_retry_judge(&facts);
      assert_int_equal(verdict.reason, GITDEV_RETRY_AGAIN);
      assert_true(verdict.delay >= longest / 2 && verdict.delay <= longest);
    }
  }
}

static void every_reason_has_its_words(void **state) {
  (void)state;
  static const char *const words[] = {"retry",           "done",
                                      "not repeatable",  "told not to",
                                      "retries used up", "Retry-After too long",
                                      "no time left"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    assert_string_equal(gitdev_retry_reason_text((gitdev_retry_reason)i), words[i]);
}

enum { NOON = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */

static const struct {
  const char *value;
  int64_t date;
  double seconds;
} VALUES[] = {
    {"0", -1, 0},
    {"1", -1, 1},
    {"120", NOON, 120},
    {"007", -1, 7},
    {"2147483647", -1, 2147483647},
    {"2147483648", -1, 2147483647},
    {"9223372036854775807", -1, 2147483647},
    {"9223372036854775808", -1, 2147483647},
    {"99999999999999999999999999999999999999", -1, 2147483647},
    {"", -1, -1},
    {"-1", -1, -1},
    {"+1", -1, -1},
    {"1.5", -1, -1},
    {"1 ", -1, -1},
    {" 1", -1, -1},
    {"1s", -1, -1},
    {"0x10", -1, -1},
    {"1e3", -1, -1},
    {"soon", NOON, -1},
    {"Sun, 06 Nov 1994 08:49:47 GMT", NOON, 10},
    {"Sunday, 06-Nov-94 08:49:47 GMT", NOON, 10},
    {"Sun Nov  6 08:49:47 1994", NOON, 10},
    {"Sun, 06 Nov 1994 08:49:37 GMT", NOON, 0},
    {"Sun, 06 Nov 1994 08:49:27 GMT", NOON, 0},
    {"Sun, 06 Nov 1994 08:49:47 GMT", -1, -1},
    {"Sun, 06 Nov 1994 08:49:47 GMT", 0, 784111787},
    {"Fri, 31 Dec 9999 23:59:59 GMT", NOON, 2147483647},
    {"Sun, 31 Nov 1994 08:49:47 GMT", NOON, -1},
    {"Sun, 06 Nov 1994 08:49:47 GMT;", NOON, -1},
};

static void reads_retry_after(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++) {
    double seconds = gitdev_retry_after(VALUES[i].value, strlen(VALUES[i].value), VALUES[i].date);
    if (seconds < VALUES[i].seconds || seconds > VALUES[i].seconds)
      fail_msg("\"%s\": %g", VALUES[i].value, seconds);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(judges),
      cmocka_unit_test(the_delay_stays_within_its_half),
      cmocka_unit_test(every_reason_has_its_words),
      cmocka_unit_test(reads_retry_after),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
