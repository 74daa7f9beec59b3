/* A pace whose limit is shared through a store: what it asks of the store, what it does with what it
 * is granted, and what it does without. */
#include "call/client.h"
#include "policy/pace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
  gitdev_pace pace;
  gitdev_report report;
  double again, until;
} fixture;

static fixture begin(bool closed) {
  fixture f = {.again = 0};
  gitdev_pace_init(&f.pace, 100);
  gitdev_pace_share(&f.pace, closed);
  return f;
}

static void enter(fixture *f, int count) {
  while (count-- > 0)
    gitdev_pace_enter(&f->pace);
}

static gitdev_pace_turn take(fixture *f, double now) {
  return gitdev_pace_take(&f->pace, now, &f->until);
}

static bool report(fixture *f, double now) {
  return gitdev_pace_report(&f->pace, now, &f->report, &f->again);
}

static void grant(fixture *f, double now, gitdev_grant grant) {
  gitdev_pace_grant(&f->pace, now, &grant);
}

static void answered(fixture *f, double now, double sent_at, double remaining) {
  const gitdev_pace_answer answer = {.sent_at = sent_at, .remaining = remaining, .reset_in = -1};
  gitdev_pace_answered(&f->pace, now, &answer);
}

static void says_nothing_before_it_is_used(void **state) {
  (void)state;
  fixture f = begin(false);
  assert_false(report(&f, 100));
  assert_true(isinf(f.again));
}

static void sends_what_is_granted_and_no_more(void **state) {
  (void)state;
  fixture f = begin(false);
  enter(&f, 3);
  assert_int_equal(take(&f, 100), GITDEV_PACE_WAIT);
  assert_true(report(&f, 100));
  assert_int_equal(f.report.visit, 1);
  assert_int_equal(f.report.wanted, 3);
  assert_int_equal(f.report.flying, 0);
  assert_true(f.report.remaining < 0 && f.report.age < 0 && f.report.burst < 0);
  assert_false(report(&f, 100)); /* one visit at a time */
  grant(&f, 100, (gitdev_grant){.granted = 2, .wait = 4, .per_minute = 60, .burst = 10});
  assert_int_equal(take(&f, 100), GITDEV_PACE_GO);
  assert_int_equal(take(&f, 100), GITDEV_PACE_GO);
  assert_int_equal(take(&f, 100), GITDEV_PACE_WAIT);
  assert_true(f.until >= 104 && f.until < 104.1);
  assert_false(report(&f, 103.9));
  assert_true(f.again >= 104 && f.again < 104 + 1e-9);
  assert_true(report(&f, 104));
  assert_int_equal(f.report.visit, 2);
  assert_int_equal(f.report.wanted, 1);
  assert_int_equal(f.report.flying, 2);
  assert_true(f.report.per_minute > 59 && f.report.burst > 9);
}

static void wants_few_at_once(void **state) {
  (void)state;
  fixture f = begin(false);
  enter(&f, 10000);
  assert_true(report(&f, 100));
  assert_int_equal(f.report.wanted, GITDEV_WANTED_MAX);
}

static void gives_back_what_is_not_used(void **state) {
  (void)state;
  fixture f = begin(false);
  enter(&f, 4);
  assert_true(report(&f, 100));
  grant(&f, 100.1, (gitdev_grant){.granted = 4});
  assert_int_equal(take(&f, 100.1), GITDEV_PACE_GO);
  for (int i = 0; i < 3; i++)
    gitdev_pace_leave(&f.pace); /* they are canceled */
  assert_false(report(&f, 100.2));
  assert_true(f.again > 100.2 && f.again < 101);
  enter(&f, 1);
  assert_int_equal(take(&f, 101), GITDEV_PACE_WAIT); /* too old to be used */
  assert_true(report(&f, 101));
  assert_int_equal(f.report.returned, 3);
  assert_int_equal(f.report.wanted, 1);
  grant(&f, 101, (gitdev_grant){.wait = 1});
  assert_true(report(&f, 102));
  assert_int_equal(f.report.returned, 0); /* told once */
}

static void tells_of_answers_and_of_a_pause_at_once(void **state) {
  (void)state;
  fixture f = begin(false);
  enter(&f, 3);
  assert_true(report(&f, 100));
  grant(&f, 100, (gitdev_grant){.granted = 3});
  for (int i = 0; i < 3; i++)
    assert_int_equal(take(&f, 100), GITDEV_PACE_GO);
  answered(&f, 100.3, 100, 7);
  answered(&f, 100.4, 99, 9); /* an older one says nothing any more */
  assert_false(report(&f, 100.4));
  gitdev_pace_refused(&f.pace, 100.5, 8);
  assert_true(report(&f, 100.5));
  assert_int_equal(f.report.answered, 2);
  assert_int_equal(f.report.refused, 1);
  assert_true(fabs(f.report.remaining - 7) < 1e-9 && fabs(f.report.age - 0.5) < 1e-9);
  assert_true(fabs(f.report.paused_for - 8) < 1e-9);
  grant(&f, 100.5, (gitdev_grant){0});
  enter(&f, 1);
  assert_int_equal(take(&f, 108), GITDEV_PACE_WAIT);
  assert_true(report(&f, 108.5));
  assert_true(fabs(f.report.paused_for) < 1e-9); /* a pause is told by who met it, once */
}

static void keeps_to_a_pause_that_another_met(void **state) {
  (void)state;
  fixture f = begin(false);
  enter(&f, 1);
  assert_true(report(&f, 100));
  grant(&f, 100, (gitdev_grant){.paused_for = 5, .wait = 5});
  assert_int_equal(take(&f, 104), GITDEV_PACE_WAIT);
  assert_true(fabs(f.until - 105) < 1e-9);
  assert_true(report(&f, 105));
  assert_true(fabs(f.report.paused_for) < 1e-9);
}

static void asks_for_the_limits_when_it_is_told_to(void **state) {
  (void)state;
  fixture f = begin(false);
  enter(&f, 2);
  assert_true(report(&f, 100));
  grant(&f, 100, (gitdev_grant){.ask = true, .wait = 0.1});
  assert_int_equal(take(&f, 100), GITDEV_PACE_ASK);
  assert_int_equal(take(&f, 100), GITDEV_PACE_WAIT); /* once */
  gitdev_pace_learn(&f.pace, 100.05, 600, 50, 48);
  assert_true(report(&f, 100.05)); /* at once, whatever it was told to wait */
  assert_true(f.report.asked && !f.report.unreadable);
  assert_true(fabs(f.report.remaining - 48) < 1e-9 && fabs(f.report.burst - 50) < 1e-9);
}

/* A visit that is under way as the limits come to be known tells of the former ones. */
static void tells_the_limits_that_it_asked_for_and_no_others(void **state) {
  (void)state;
  fixture f = begin(false);
  enter(&f, 2);
  assert_true(report(&f, 100));
  grant(&f, 100, (gitdev_grant){.ask = true, .wait = 0.05, .per_minute = 60, .burst = 10});
  assert_int_equal(take(&f, 100), GITDEV_PACE_ASK);
  assert_true(report(&f, 100.05));
  gitdev_pace_learn(&f.pace, 100.1, 600, 50, 48);
  assert_false(report(&f, 100.1)); /* one visit at a time */
  grant(&f, 100.15, (gitdev_grant){.wait = 1, .per_minute = 60, .burst = 10});
  assert_true(report(&f, 100.15));
  assert_true(f.report.asked && fabs(f.report.per_minute - 600) < 1e-9 &&
              fabs(f.report.burst - 50) < 1e-9);
  grant(&f, 100.2, (gitdev_grant){.wait = 1, .per_minute = 60, .burst = 10}); /* then it decides */
  assert_true(fabs(f.pace.capacity - 10) < 1e-9);
}

static void is_not_driven_by_a_store_that_always_asks(void **state) {
  (void)state;
  fixture f = begin(false);
  int visits = 0, asked = 0;
  enter(&f, 1);
  for (int ms = 0; ms < 3000; ms++) {
    double now = 100 + ms * 0.001;
    while (report(&f, now)) {
      visits++;
      assert_true(visits < 100);
      grant(&f, now, (gitdev_grant){.ask = true});
    }
    if (take(&f, now) == GITDEV_PACE_ASK) {
      asked++;
      gitdev_pace_learn(&f.pace, now, 600, 50, 48);
    }
  }
  assert_int_equal(asked, 3);
}

static void paces_itself_when_the_limits_cannot_be_read(void **state) {
  (void)state;
  fixture f = begin(false);
  enter(&f, 2);
  assert_true(report(&f, 100));
  grant(&f, 100, (gitdev_grant){.ask = true});
  assert_int_equal(take(&f, 100), GITDEV_PACE_ASK);
  gitdev_pace_denied(&f.pace);
  assert_true(report(&f, 100));
  assert_true(f.report.unreadable);
  grant(&f, 100, (gitdev_grant){.alone = 60});
  assert_int_equal(take(&f, 100), GITDEV_PACE_GO);
  assert_false(report(&f, 159));
  assert_true(report(&f, 160));
}

static void paces_itself_while_the_store_is_away(void **state) {
  (void)state;
  fixture f = begin(false);
  enter(&f, 3);
  assert_true(report(&f, 100));
  gitdev_pace_away(&f.pace, 105);
  assert_false(gitdev_pace_shut(&f.pace));
  assert_int_equal(take(&f, 100), GITDEV_PACE_GO);
  assert_false(report(&f, 104));
  assert_true(report(&f, 105));
  assert_int_equal(take(&f, 105), GITDEV_PACE_GO); /* a try to reach it holds nobody up */
  grant(&f, 105, (gitdev_grant){.wait = 1});
  assert_int_equal(take(&f, 105), GITDEV_PACE_WAIT);
}

static void sends_nothing_while_the_store_is_away_if_so_told(void **state) {
  (void)state;
  fixture f = begin(true);
  enter(&f, 1);
  assert_true(report(&f, 100));
  gitdev_pace_away(&f.pace, 105);
  assert_true(gitdev_pace_shut(&f.pace));
  assert_int_equal(take(&f, 100), GITDEV_PACE_WAIT);
  assert_true(report(&f, 105));
  grant(&f, 105, (gitdev_grant){.granted = 1});
  assert_false(gitdev_pace_shut(&f.pace));
  assert_int_equal(take(&f, 105), GITDEV_PACE_GO);
}

/* Whoever went to the store has died on the way, or there is nobody who goes. */
static void takes_a_silent_store_for_away(void **state) {
  (void)state;
  for (int visited = 0; visited < 2; visited++) {
    fixture f = begin(false);
    enter(&f, 2);
    assert_int_equal(take(&f, 100), GITDEV_PACE_WAIT);
    if (visited)
      assert_true(report(&f, 100));
    assert_int_equal(take(&f, 102.9), GITDEV_PACE_WAIT);
    assert_int_equal(take(&f, 103.1), GITDEV_PACE_GO);
    assert_true(report(&f, 103.1)); /* another may go */
    grant(&f, 103.2, (gitdev_grant){.wait = 1});
    assert_int_equal(take(&f, 103.2), GITDEV_PACE_WAIT);
  }
}

static void says_whether_it_looks_or_waits(void **state) {
  (void)state;
  fixture f = begin(false);
  enter(&f, 1);
  assert_true(gitdev_pace_looking(&f.pace, 100));
  assert_true(report(&f, 100));
  assert_true(gitdev_pace_looking(&f.pace, 100));
  grant(&f, 100, (gitdev_grant){.wait = 1});
  assert_false(gitdev_pace_looking(&f.pace, 100));
  assert_true(gitdev_pace_looking(&f.pace, 101));
}

/* A store whose visits take `trip` seconds, and one caller: its calls take 50 ms each, one after the
 * other. Returns how many it made in a minute, from a store that gives all that is wanted. */
static int calls_one_after_another(double trip, double rest, int *visits, int *lapsed) {
  fixture f = begin(false);
  double back = -1, done = 100, next = 100;
  int wanted = 0, calls = 0;
  enum { IDLE, WAITING, FLYING } caller = IDLE;
  *visits = *lapsed = 0;
  for (int ms = 0; ms < 60000; ms++) {
    double now = 100 + ms * 0.001;
    if (caller == FLYING && now >= done) {
      answered(&f, now, now - 0.05, 100);
      caller = IDLE;
      next = now + rest;
    }
    if (caller == IDLE && now >= next) {
      enter(&f, 1);
      caller = WAITING;
    }
    if (report(&f, now)) {
      ++*visits;
      *lapsed += f.report.returned;
      wanted = f.report.wanted;
      assert_true(wanted <= GITDEV_GRANTED_MAX);
      back = now + trip;
    }
    if (back >= 0 && now >= back) {
      grant(&f, now, (gitdev_grant){.granted = wanted, .per_minute = 6000, .burst = 200});
      back = -1;
    }
    if (caller == WAITING && take(&f, now) == GITDEV_PACE_GO) {
      caller = FLYING;
      done = now + 0.05;
      calls++;
    }
  }
  return calls;
}

/* Without asking ahead a caller would get one call for each 150 ms. */
static void asks_a_store_ahead_that_is_far_away(void **state) {
  (void)state;
  static const double TRIPS[] = {0.01, 0.05, 0.1, 0.3};
  int visits, lapsed;
  for (size_t i = 0; i < sizeof TRIPS / sizeof *TRIPS; i++) {
    int calls = calls_one_after_another(TRIPS[i], 0, &visits, &lapsed);
    assert_true(calls >= 0.95 * 60 / 0.051); /* a call takes a token in the millisecond after */
    assert_true(visits <= calls);
    assert_true(lapsed <= 0.02 * calls);
  }
}

static void asks_no_store_ahead_that_answers_at_once_or_is_seldom_asked(void **state) {
  (void)state;
  int visits, lapsed, calls = calls_one_after_another(0, 0, &visits, &lapsed);
  assert_int_equal(visits, calls);
  calls = calls_one_after_another(0.1, 2, &visits, &lapsed);
  assert_int_equal(visits, calls);
  assert_int_equal(lapsed, 0);
}

static void counts_what_is_in_hand_as_under_way(void **state) {
  (void)state;
  fixture f = begin(false);
  enter(&f, 3);
  assert_true(report(&f, 100));
  grant(&f, 100, (gitdev_grant){.granted = 3});
  assert_int_equal(take(&f, 100), GITDEV_PACE_GO);
  gitdev_pace_refused(&f.pace, 100.1, 0);
  enter(&f, 1);
  assert_true(report(&f, 100.1));
  assert_int_equal(f.report.flying, 2);
  assert_int_equal(f.report.wanted, 1); /* three wait, and there is enough for two */
}

/* ---- clients ---- */

static const char KEY[] = "gsk_test_0123456789abcdefghijABCDEFGHIJ01";
static const char OTHER[] = "gsk_test_0123456789abcdefghijABCDEFGHIJ02";
static const char LIVE[] = "gsk_live_0123456789abcdefghijABCDEFGHIJ01";

static gitdev_client *client_of(const char *key, const char *limit_name, const char *base_url) {
  gitdev_client *client = NULL;
  const gitdev_client_options options = {
      .api_key = key, .limit_name = limit_name, .base_url = base_url};
  assert_int_equal(gitdev_client_new(&client, &options, NULL), GITDEV_OK);
  return client;
}

static void is_named_by_key_and_origin_or_by_the_user(void **state) {
  (void)state;
  const struct {
    const char *key, *name, *url;
    bool same;
  } others[] = {
      {KEY, "", NULL, true},
      {OTHER, "", NULL, false},
      {LIVE, "", NULL, false},
      {KEY, "acme", NULL, false},
      {KEY, "", "https://api.example.test/v2", false},
  };
  gitdev_client *client = client_of(KEY, "", NULL);
  const char *name = gitdev_client_limit_name(client);
  assert_int_equal(strlen(name), 32);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    gitdev_client *other = client_of(others[i].key, others[i].name, others[i].url);
    assert_int_equal(strcmp(name, gitdev_client_limit_name(other)) == 0, others[i].same);
    gitdev_client_free(other);
  }
  gitdev_client *one = client_of(KEY, "acme", NULL), *two = client_of(OTHER, "acme", NULL);
  gitdev_client *live = client_of(LIVE, "acme", NULL), *none = client_of(KEY, NULL, NULL);
  assert_string_equal(gitdev_client_limit_name(one), gitdev_client_limit_name(two));
  assert_memory_equal(gitdev_client_limit_name(one), "acme:test:", 10);
  assert_memory_equal(gitdev_client_limit_name(live), "acme:live:", 10);
  assert_null(gitdev_client_limit_name(none));
  gitdev_client *all[] = {client, one, two, live, none};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    gitdev_client_free(all[i]);
}

static void refuses_a_name_that_a_store_might_not_take(void **state) {
  (void)state;
  const char *bad[] = {"a b", "a:b", "a\n", "\xc3\xa4",
                       "01234567890123456789012345678901234567890123456789012345678901234"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    gitdev_client *client = NULL;
    gitdev_problem problem;
    const gitdev_client_options options = {.api_key = KEY, .limit_name = bad[i]};
    assert_int_equal(gitdev_client_new(&client, &options, &problem), GITDEV_EINVAL);
    assert_non_null(strstr(problem.text, "limit_name"));
  }
}

static void is_shared_by_clients_that_name_it_alike_alone(void **state) {
  (void)state;
  gitdev_client *one = client_of(KEY, "", NULL), *two = client_of(KEY, "", NULL);
  gitdev_client *alone = client_of(KEY, NULL, NULL), *named = client_of(KEY, "acme", NULL);
  gitdev_client_share(two, one);
  gitdev_client_share(alone, one);
  gitdev_client_share(named, one);
  assert_ptr_equal(one->pace, two->pace);
  assert_ptr_not_equal(one->pace, alone->pace);
  assert_ptr_not_equal(one->pace, named->pace);
  gitdev_client *all[] = {one, two, alone, named};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    gitdev_client_free(all[i]);
}

static void says_who_it_is_and_how_it_stands(void **state) {
  (void)state;
  gitdev_client *client = client_of(KEY, "", NULL), *alone = client_of(KEY, NULL, NULL);
  gitdev_call *call = NULL;
  const gitdev_call_options options = {.method = "GET", .path = "/projects"};
  gitdev_report report;
  gitdev_rate_limit limit;
  double again;
  assert_false(gitdev_client_report(client, 1, &report, &again));
  assert_int_equal(gitdev_call_new(&call, client, &options, 1, NULL), GITDEV_OK);
  assert_int_equal(gitdev_call_next(call, 1).kind, GITDEV_WAIT);
  assert_true(gitdev_client_report(client, 1, &report, &again));
  char mine[24];
  snprintf(mine, sizeof mine, ".%d", (int)getpid());
  assert_non_null(strstr(report.member, mine));
  gitdev_client_rate_limit(client, 1, &limit);
  assert_int_equal(limit.sharing, GITDEV_LIMIT_SHARED);
  gitdev_client_store_away(client, 2);
  gitdev_client_rate_limit(client, 1, &limit);
  assert_int_equal(limit.sharing, GITDEV_LIMIT_AWAY);
  assert_int_equal(gitdev_call_next(call, 1).kind, GITDEV_SEND);
  gitdev_client_rate_limit(alone, 1, &limit);
  assert_int_equal(limit.sharing, GITDEV_LIMIT_OWN);
  const gitdev_grant grant = {.wait = 5};
  gitdev_client_grant(alone, 1, &grant); /* of no use to it, and no harm */
  gitdev_client_store_away(alone, 2);
  assert_false(gitdev_client_report(alone, 1, &report, &again));
  gitdev_client_rate_limit(alone, 1, &limit);
  assert_int_equal(limit.sharing, GITDEV_LIMIT_OWN);
  gitdev_call_free(call);
  gitdev_client_free(client);
  gitdev_client_free(alone);
}

/* 0 when a fork's child begins as a member of its own. */
static int look_in_child(gitdev_client *client, gitdev_call *call) {
  gitdev_report report;
  double again;
  bool waits = gitdev_call_next(call, 1).kind == GITDEV_WAIT;
  return waits && gitdev_client_report(client, 1, &report, &again) ? 0 : 1;
}

static void leaves_the_parent_what_it_was_granted(void **state) {
  (void)state;
  gitdev_client *client = client_of(KEY, "", NULL);
  gitdev_call *call = NULL;
  const gitdev_call_options options = {.method = "GET", .path = "/projects"};
  const gitdev_grant grant = {.granted = 1, .per_minute = 600, .burst = 50};
  gitdev_report report;
  double again;
  assert_int_equal(gitdev_call_new(&call, client, &options, 1, NULL), GITDEV_OK);
  for (int granted = 0; granted <= 1; granted++) {
    if (granted)
      gitdev_client_grant(client, 1, &grant);
    else
      assert_true(gitdev_client_report(client, 1, &report, &again));
    int status = 0;
    pid_t child = fork();
    if (child == 0)
      _exit(look_in_child(client, call));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
  }
  assert_int_equal(gitdev_call_next(call, 1).kind, GITDEV_SEND);
  gitdev_call_free(call);
  gitdev_client_free(client);
}

/* Nobody would visit the store: it must not go as if it had the limit to itself. */
static void is_not_performed_unpaced(void **state) {
  (void)state;
  gitdev_loop *loop = NULL;
  gitdev_engine *engine = NULL;
  gitdev_call *call = NULL;
  gitdev_client *client = client_of(KEY, "", NULL);
  const gitdev_call_options options = {.method = "GET", .path = "/projects"};
  assert_int_equal(gitdev_loop_new(&loop), GITDEV_OK);
  assert_int_equal(gitdev_engine_new(&engine, loop, NULL), GITDEV_OK);
  assert_int_equal(gitdev_call_new(&call, client, &options, gitdev_now(), NULL), GITDEV_OK);
  assert_int_equal(gitdev_perform(engine, call), GITDEV_OK);
  const gitdev_result *result = gitdev_call_result(call);
  assert_non_null(result);
  assert_string_equal(result->type, "config_error");
  assert_string_equal(result->code, "store_not_visited");
  assert_non_null(strstr(result->message, "gitdev_submit()"));
  assert_int_equal(gitdev_perform(engine, call), GITDEV_EINVAL); /* it is done */
  gitdev_call_free(call);
  gitdev_client_free(client);
  gitdev_engine_free(engine);
  gitdev_loop_free(loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(says_nothing_before_it_is_used),
      cmocka_unit_test(sends_what_is_granted_and_no_more),
      cmocka_unit_test(wants_few_at_once),
      cmocka_unit_test(gives_back_what_is_not_used),
      cmocka_unit_test(tells_of_answers_and_of_a_pause_at_once),
      cmocka_unit_test(keeps_to_a_pause_that_another_met),
      cmocka_unit_test(asks_for_the_limits_when_it_is_told_to),
      cmocka_unit_test(tells_the_limits_that_it_asked_for_and_no_others),
      cmocka_unit_test(is_not_driven_by_a_store_that_always_asks),
      cmocka_unit_test(paces_itself_when_the_limits_cannot_be_read),
      cmocka_unit_test(paces_itself_while_the_store_is_away),
      cmocka_unit_test(sends_nothing_while_the_store_is_away_if_so_told),
      cmocka_unit_test(takes_a_silent_store_for_away),
      cmocka_unit_test(says_whether_it_looks_or_waits),
      cmocka_unit_test(asks_a_store_ahead_that_is_far_away),
      cmocka_unit_test(asks_no_store_ahead_that_answers_at_once_or_is_seldom_asked),
      cmocka_unit_test(counts_what_is_in_hand_as_under_way),
      cmocka_unit_test(is_named_by_key_and_origin_or_by_the_user),
      cmocka_unit_test(refuses_a_name_that_a_store_might_not_take),
      cmocka_unit_test(is_shared_by_clients_that_name_it_alike_alone),
      cmocka_unit_test(says_who_it_is_and_how_it_stands),
      cmocka_unit_test(leaves_the_parent_what_it_was_granted),
      cmocka_unit_test(is_not_performed_unpaced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
