/* The pace against a server's bucket, on a clock of its own. */
#include "policy/pace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TASKS_MAX = 256 };

/* What a task is up to until `next`. */
typedef enum task_state { QUEUED, GOING, COMING, ASKING, ANSWERING, IDLE } task_state;

typedef struct task {
  task_state state;
  double next, sent_at;
  unsigned ended; /* of the pace, when it was sent */
  int remaining;  /* of the answer under way; -1 when it is a 429 */
  double reset_in, pause;
} task;

typedef struct scenario {
  const char *name;
  double per_minute, burst;
  int tasks, calls;
  double trip_min, trip_max; /* seconds one way */
  double others;             /* the share of the refill that another party spends */
  bool denied;               /* GET /rate_limit is refused */
  int refusals_max;
  double used_min; /* of what the bucket gave: calls / (burst + rate * time) */
} scenario;

typedef struct sim {
  const scenario *plan;
  gitdev_pace pace;
  task tasks[TASKS_MAX];
  double now, tokens, at, others_next, others_every;
  int started, done, refusals, asked;
  uint32_t random;
} sim;

static double uniform(sim *s) {
  s->random = s->random * 1664525U + 1013904223U;
  return (double)(s->random >> 8) / (double)(1U << 24);
}

static double trip(sim *s) {
  return s->plan->trip_min + uniform(s) * (s->plan->trip_max - s->plan->trip_min);
}

static bool server_take(sim *s) {
  const scenario *plan = s->plan;
  s->tokens = fmin(plan->burst, s->tokens + plan->per_minute / 60 * (s->now - s->at));
  s->at = s->now;
  if (s->tokens < 1 - 1e-9)
    return false;
  s->tokens -= 1;
  return true;
}

/* The request has arrived: the server's answer goes back. */
static void arrive(sim *s, task *t) {
  double rate = s->plan->per_minute / 60;
  if (server_take(s)) {
    t->remaining = (int)floor(s->tokens + 1e-9);
  } else {
    t->remaining = -1;
    t->pause = fmax(1, ceil((1 - s->tokens) / rate));
    s->refusals++;
  }
  /* Reset is rounded up and Date down to whole seconds. */
  t->reset_in = ceil(s->now + (s->plan->burst - s->tokens) / rate) - floor(s->now);
  t->state = COMING;
  t->next = s->now + trip(s);
}

static void begin(sim *s, task *t) {
  if (s->started == s->plan->calls) {
    *t = (task){.state = IDLE, .next = INFINITY};
    return;
  }
  s->started++;
  *t = (task){.state = QUEUED, .next = s->now};
  gitdev_pace_enter(&s->pace);
}

static void wake_all(sim *s) {
  for (int i = 0; i < s->plan->tasks; i++)
    if (s->tasks[i].state == QUEUED)
      s->tasks[i].next = s->now;
}

static void finish(sim *s, task *t) {
  if (t->remaining < 0) {
    gitdev_pace_refused(&s->pace, s->now, t->pause);
    *t = (task){.state = QUEUED, .next = s->now};
    gitdev_pace_enter(&s->pace);
  } else {
    gitdev_pace_answer answer = {t->sent_at, t->remaining, t->reset_in, t->ended};
    gitdev_pace_answered(&s->pace, s->now, &answer);
    s->done++;
    begin(s, t);
  }
  wake_all(s);
}

static void take_turn(sim *s, task *t) {
  double until = -1;
  switch (gitdev_pace_take(&s->pace, s->now, &until)) {
  case GITDEV_PACE_GO:
    *t =
        (task){.state = GOING, .next = s->now + trip(s), .sent_at = s->now, .ended = s->pace.ended};
    break;
  case GITDEV_PACE_ASK:
    s->asked++;
    *t = (task){.state = ASKING, .next = s->now + trip(s)};
    break;
  case GITDEV_PACE_WAIT:
    assert_true(isfinite(until) && until > s->now);
    t->next = until;
    break;
  }
}

static void learn(sim *s, task *t) {
  const scenario *plan = s->plan;
  if (plan->denied)
    gitdev_pace_denied(&s->pace);
  else
    gitdev_pace_learn(&s->pace, s->now, plan->per_minute, plan->burst, t->remaining);
  *t = (task){.state = QUEUED, .next = s->now};
  wake_all(s);
}

static void turn(sim *s, task *t) {
  switch (t->state) {
  case QUEUED: take_turn(s, t); break;
  case GOING: arrive(s, t); break;
  case COMING: finish(s, t); break;
  case ASKING:
    (void)server_take(s);
    s->tokens += 1; /* the question is free */
    t->remaining = (int)floor(s->tokens);
    t->state = ANSWERING;
    t->next = s->now + trip(s);
    break;
  case ANSWERING: learn(s, t); break;
  case IDLE: break;
  }
}

static task *next_task(sim *s) {
  task *first = &s->tasks[0];
  for (int i = 1; i < s->plan->tasks; i++)
    first = s->tasks[i].next < first->next ? &s->tasks[i] : first;
  return first;
}

/* The other party is always there first: what it spends is gone, even when it leaves the bucket in
 * debt. */
static void others_spend(sim *s) {
  if (!server_take(s))
    s->tokens -= 1;
  s->others_next += s->others_every * 2 * uniform(s);
}

/* Nobody else spends, and nothing was refused: what the mirror shows is there, for those too that have
 * not arrived yet. */
static void require_no_more_than_there_is(sim *s) {
  const scenario *plan = s->plan;
  double there = fmin(plan->burst, s->tokens + plan->per_minute / 60 * (s->now - s->at));
  for (int i = 0; i < plan->tasks; i++)
    there -= s->tasks[i].state == GOING;
  double shown = gitdev_pace_tokens(&s->pace, s->now);
  if (plan->others == 0 && shown > 0 && shown > there + 1e-6)
    fail_msg("%s: %.3f shown at %.3f s, where %.3f are", plan->name, shown, s->now, there);
}

static void run(sim *s, const scenario *plan) {
  *s = (sim){.plan = plan, .tokens = plan->burst, .random = 1, .others_next = INFINITY};
  if (plan->others > 0) {
    s->others_every = 60 / (plan->per_minute * plan->others);
    s->others_next = s->others_every;
  }
  gitdev_pace_init(&s->pace, 0);
  for (int i = 0; i < plan->tasks; i++)
    begin(s, &s->tasks[i]);
  while (s->done < plan->calls) {
    task *t = next_task(s);
    s->now = fmin(t->next, s->others_next);
    if (s->others_next <= t->next)
      others_spend(s);
    else
      turn(s, t);
    require_no_more_than_there_is(s);
  }
}

static const scenario SCENARIOS[] = {
    /* name, per minute, burst, tasks, calls, trip, others, denied, refusals, used */
    {"starter, 64 at once", 60, 10, 64, 1000, 0.05, 0.05, 0, false, 0, 0.95},
    {"pro, 64 at once", 600, 50, 64, 1000, 0.05, 0.05, 0, false, 0, 0.95},
    {"enterprise, 64 at once", 6000, 200, 64, 1000, 0.05, 0.05, 0, false, 0, 0.95},
    {"enterprise, more at once than the burst", 6000, 200, 250, 1000, 0.05, 0.05, 0, false, 0,
     0.95},
    {"starter, no trip at all", 60, 10, 64, 1000, 0, 0, 0, false, 0, 0.95},
    {"pro, no trip at all", 600, 50, 64, 1000, 0, 0, 0, false, 0, 0.95},
    {"starter, answers out of order", 60, 10, 64, 1000, 0.005, 0.3, 0, false, 0, 0.95},
    {"pro, answers out of order", 600, 50, 64, 1000, 0.005, 0.3, 0, false, 0, 0.95},
    {"enterprise, answers out of order", 6000, 200, 64, 1000, 0.005, 0.3, 0, false, 0, 0.9},
    {"enterprise, slower than the refill, answers out of order", 6000, 200, 8, 5000, 0.005, 0.3, 0,
     false, 0, 0.25},
    {"pro, as many as the refill, answers out of order", 600, 50, 3, 5000, 0.005, 0.3, 0, false, 0,
     0.9},
    {"starter, one after another", 60, 10, 1, 1000, 0.05, 0.05, 0, false, 0, 0.95},
    {"pro, one after another", 600, 50, 1, 1000, 0.005, 0.005, 0, false, 0, 0.95},
    {"pro, as fast as the refill", 600, 50, 1, 1000, 0.05, 0.05, 0, false, 0, 0.95},
    {"starter, half spent by others", 60, 10, 64, 1000, 0.05, 0.05, 0.5, false, 60, 0.45},
    {"pro, half spent by others", 600, 50, 64, 1000, 0.05, 0.05, 0.5, false, 60, 0.45},
    {"enterprise, half spent by others", 6000, 200, 64, 1000, 0.05, 0.05, 0.5, false, 60, 0.45},
    {"starter, limits denied", 60, 10, 64, 1000, 0.05, 0.05, 0, true, 0, 0.8},
    {"pro, limits denied", 600, 50, 64, 1000, 0.05, 0.05, 0, true, 0, 0.8},
    {"enterprise, limits denied", 6000, 200, 64, 1000, 0.05, 0.05, 0, true, 0, 0.8},
    {"starter alone, limits denied", 60, 10, 1, 1000, 0.05, 0.05, 0, true, 0, 0.8},
};

static void keeps_the_rate_and_uses_it(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof SCENARIOS / sizeof *SCENARIOS; i++) {
    const scenario *plan = &SCENARIOS[i];
    sim s;
    run(&s, plan);
    double used = plan->calls / (plan->burst + plan->per_minute / 60 * s.now);
    if (s.refusals > plan->refusals_max || used < plan->used_min || s.asked > 1)
      fail_msg("%s: %d refusals, %.3f used, asked %d times", plan->name, s.refusals, used, s.asked);
  }
}

/* A pace whose first answer left `remaining` tokens. */
static gitdev_pace after_one_answer(double remaining) {
  gitdev_pace pace;
  double until;
  gitdev_pace_init(&pace, 0);
  gitdev_pace_enter(&pace);
  assert_int_equal(gitdev_pace_take(&pace, 0, &until), GITDEV_PACE_GO);
  gitdev_pace_answered(&pace, 0.1, &(gitdev_pace_answer){.remaining = remaining, .reset_in = -1});
  return pace;
}

static gitdev_pace_turn enter_and_take(gitdev_pace *pace, double now, double *until) {
  gitdev_pace_enter(pace);
  return gitdev_pace_take(pace, now, until);
}

static void is_blind_until_the_first_answer(void **state) {
  (void)state;
  gitdev_pace pace;
  double until = 0;
  gitdev_pace_init(&pace, 5);
  for (int i = 0; i < GITDEV_PACE_BLIND_MAX; i++)
    assert_int_equal(enter_and_take(&pace, 5, &until), GITDEV_PACE_GO);
  assert_int_equal(enter_and_take(&pace, 5, &until), GITDEV_PACE_WAIT);
  assert_true(isfinite(until) && until > 5);
  assert_true(gitdev_pace_tokens(&pace, 6) < 0);

  /* An answer without the header (a proxy's) tells nothing, but makes room. */
  gitdev_pace_answered(&pace, 6, &(gitdev_pace_answer){5, -1, -1, 0});
  assert_true(gitdev_pace_tokens(&pace, 6) < 0);
  assert_int_equal(gitdev_pace_take(&pace, 6, &until), GITDEV_PACE_GO);

  /* What is in flight, and what has just ended, may have come to the server after it. */
  gitdev_pace_answered(&pace, 6, &(gitdev_pace_answer){5, 42, -1, 0});
  assert_float_equal(gitdev_pace_tokens(&pace, 6), 42 - (GITDEV_PACE_BLIND_MAX - 1) - 1, 1e-9);
}

static void follows_the_server_when_calls_do_not_overlap(void **state) {
  (void)state;
  static const double remaining[] = {9, 8, 9, 3, 9, 2, 1};
  gitdev_pace pace = after_one_answer(9);
  double until;
  for (size_t i = 0; i < sizeof remaining / sizeof *remaining; i++) {
    double now = 1 + (double)i;
    assert_int_equal(enter_and_take(&pace, now, &until), GITDEV_PACE_GO);
    gitdev_pace_answered(&pace, now + 0.1,
                         &(gitdev_pace_answer){now, remaining[i], -1, 1 + (unsigned)i});
    assert_float_equal(gitdev_pace_tokens(&pace, now + 0.1), remaining[i], 1e-9);
  }
}

/* As many as that are always under way, so that each answer comes while others are. */
static void follows_the_server_when_calls_overlap(void **state) {
  (void)state;
  enum { AT_ONCE = 32, BURST = 200, CALLS = 2000 };
  gitdev_pace pace = after_one_answer(BURST - 1);
  unsigned ended[AT_ONCE];
  double until;
  for (int i = 0; i < CALLS; i++) {
    double now = 1 + i * 0.01;
    if (i >= AT_ONCE) {
      gitdev_pace_answered(
          &pace, now, &(gitdev_pace_answer){now - 0.3, BURST - AT_ONCE, -1, ended[i % AT_ONCE]});
      assert_true(gitdev_pace_tokens(&pace, now) <= BURST - AT_ONCE - (AT_ONCE - 1));
    }
    ended[i % AT_ONCE] = pace.ended;
    assert_int_equal(enter_and_take(&pace, now, &until), GITDEV_PACE_GO);
  }
  assert_int_equal(pace.limits, GITDEV_LIMITS_UNKNOWN);
}

/* Two are under way, and another party spends 50 between them: the earlier one is read before that,
 * and heard last. */
static void is_not_raised_by_what_was_read_before_others_spent(void **state) {
  (void)state;
  static const struct {
    bool refused, asked;
  } cases[] = {{false, false}, {true, false}, {false, true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_pace pace = after_one_answer(99);
    double until;
    assert_int_equal(enter_and_take(&pace, 1, &until), GITDEV_PACE_GO);
    assert_int_equal(enter_and_take(&pace, 1.1, &until), GITDEV_PACE_GO);
    if (cases[i].asked) {
      pace.tokens = 0; /* as after many more */
      assert_int_equal(enter_and_take(&pace, 1.2, &until), GITDEV_PACE_ASK);
      pace.tokens = 97;
    }
    if (cases[i].refused)
      gitdev_pace_refused(&pace, 2, 1);
    else
      gitdev_pace_answered(&pace, 2, &(gitdev_pace_answer){1.1, 47, -1, 1});
    double least = gitdev_pace_tokens(&pace, 2);
    assert_true(least <= 46);
    if (cases[i].asked)
      gitdev_pace_learn(&pace, 2.1, 60, 100, 98);
    else
      gitdev_pace_answered(&pace, 2.1, &(gitdev_pace_answer){1, 98, -1, 1});
    assert_true(gitdev_pace_tokens(&pace, 2.1) <= least + 0.1 + 1e-9);
    if (cases[i].refused || cases[i].asked)
      continue;
    /* What leaves from now on tells again. */
    assert_int_equal(enter_and_take(&pace, 4, &until), GITDEV_PACE_GO);
    gitdev_pace_answered(&pace, 4.1, &(gitdev_pace_answer){4, 80, -1, pace.ended});
    assert_float_equal(gitdev_pace_tokens(&pace, 4.1), 80, 1e-9);
  }
}

static void asks_once_when_more_is_queued_than_remains(void **state) {
  (void)state;
  gitdev_pace pace = after_one_answer(2);
  double until;
  for (int i = 0; i < 3; i++)
    gitdev_pace_enter(&pace);
  assert_int_equal(gitdev_pace_take(&pace, 1, &until), GITDEV_PACE_ASK);
  /* What is certain may go out meanwhile; the third has to wait, for the answer above all. */
  assert_int_equal(gitdev_pace_take(&pace, 1, &until), GITDEV_PACE_GO);
  assert_int_equal(gitdev_pace_take(&pace, 1, &until), GITDEV_PACE_GO);
  assert_int_equal(gitdev_pace_take(&pace, 1, &until), GITDEV_PACE_WAIT);
  assert_true(isfinite(until) && until > 1);

  gitdev_pace_learn(&pace, 1.2, 60, 10, 0);
  assert_int_equal(pace.limits, GITDEV_LIMITS_KNOWN);
  assert_int_equal(gitdev_pace_take(&pace, 1.2, &until), GITDEV_PACE_WAIT);
  /* Whether the two were paid for when Remaining 0 was read is not known: it proves nothing. */
  assert_float_equal(until, 1.2 + 1, 1e-6);
}

static void asks_again_only_when_the_question_was_dropped(void **state) {
  (void)state;
  gitdev_pace pace = after_one_answer(0);
  double until;
  assert_int_equal(enter_and_take(&pace, 1, &until), GITDEV_PACE_ASK);
  assert_int_equal(enter_and_take(&pace, 1, &until), GITDEV_PACE_WAIT);
  gitdev_pace_unasked(&pace);
  assert_int_equal(gitdev_pace_take(&pace, 2, &until), GITDEV_PACE_ASK);
  /* An asker that vanished does not stop the others for good. */
  assert_int_equal(gitdev_pace_take(&pace, 2 + GITDEV_PACE_ASK_MAX - 1, &until), GITDEV_PACE_WAIT);
  assert_int_equal(gitdev_pace_take(&pace, 2 + GITDEV_PACE_ASK_MAX, &until), GITDEV_PACE_ASK);
  gitdev_pace_learn(&pace, 70, 60, 10, 5);
  gitdev_pace_unasked(&pace);
  assert_int_equal(pace.limits, GITDEV_LIMITS_KNOWN);
}

static void does_not_believe_impossible_limits(void **state) {
  (void)state;
  static const double limits[][2] = {{0, 10},  {-1, 10},  {60, 0},
                                     {60, -5}, {NAN, 10}, {60, INFINITY}};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    gitdev_pace pace = after_one_answer(0);
    gitdev_pace_learn(&pace, 1, limits[i][0], limits[i][1], 3);
    assert_int_equal(pace.limits, GITDEV_LIMITS_DENIED);
  }
}

/* Known limits (1 a second, 10), nothing in flight, `tokens` in the mirror at time 0.1. */
static gitdev_pace known(double tokens) {
  gitdev_pace pace = after_one_answer(tokens);
  gitdev_pace_learn(&pace, 0.1, 60, 10, tokens);
  return pace;
}

static void waits_for_the_next_token(void **state) {
  (void)state;
  gitdev_pace pace = known(0);
  double until;
  assert_int_equal(enter_and_take(&pace, 0.35, &until), GITDEV_PACE_WAIT);
  assert_float_equal(until, 1.1, 1e-6);
  assert_int_equal(gitdev_pace_take(&pace, until, &until), GITDEV_PACE_GO);
  /* A moment before a token: still no wait of nothing. */
  assert_int_equal(enter_and_take(&pace, 2.1 - 1e-6, &until), GITDEV_PACE_WAIT);
  assert_true(until >= 2.1 - 1e-6 + 0.0009);
}

static void fills_to_the_capacity_less_what_is_in_flight(void **state) {
  (void)state;
  gitdev_pace pace = known(9);
  double until;
  for (int i = 0; i < 4; i++)
    assert_int_equal(enter_and_take(&pace, 1, &until), GITDEV_PACE_GO);
  assert_float_equal(gitdev_pace_tokens(&pace, 1000), 6, 1e-9);
  gitdev_pace_answered(&pace, 1000, &(gitdev_pace_answer){1, 6, -1, 0});
  gitdev_pace_lost(&pace, 1000);
  assert_float_equal(gitdev_pace_tokens(&pace, 1000), 6, 1e-9);
  assert_float_equal(gitdev_pace_tokens(&pace, 2000), 8, 1e-9);
}

static void is_lowered_by_proof_only(void **state) {
  (void)state;
  static const struct {
    double remaining, tokens;
  } cases[] = {
      /* After the call 7 are in the mirror, 1 call is in flight; 0.5 s of trip bring 0.5. The most
       * that the bucket could hold now is remaining + 1 + 0.5, less 1 for the call in flight. */
      {9, 7.5}, {8, 7.5}, {7, 7.5}, {6, 5}, {3, 2}, {0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_pace pace = known(9);
    double until;
    assert_int_equal(enter_and_take(&pace, 0.1, &until), GITDEV_PACE_GO);
    assert_int_equal(enter_and_take(&pace, 0.1, &until), GITDEV_PACE_GO);
    gitdev_pace_answered(&pace, 0.6, &(gitdev_pace_answer){0.1, cases[i].remaining, -1, 0});
    assert_float_equal(gitdev_pace_tokens(&pace, 0.6), cases[i].tokens, 1e-9);
  }
}

static void a_refusal_pauses_everyone_and_costs_nothing(void **state) {
  (void)state;
  gitdev_pace pace = known(9);
  double until;
  assert_int_equal(enter_and_take(&pace, 1, &until), GITDEV_PACE_GO);
  assert_int_equal(enter_and_take(&pace, 1, &until), GITDEV_PACE_GO);
  gitdev_pace_refused(&pace, 2, 3);
  assert_int_equal(pace.in_flight, 1);
  assert_int_equal(enter_and_take(&pace, 2, &until), GITDEV_PACE_WAIT);
  assert_float_equal(until, 5, 1e-9);
  /* A shorter pause does not end the longer one. */
  gitdev_pace_refused(&pace, 2.5, 1);
  assert_int_equal(gitdev_pace_take(&pace, 4.9, &until), GITDEV_PACE_WAIT);
  assert_float_equal(until, 5, 1e-9);
  /* Then there is one token, not as many as would have come in without others. */
  assert_true(gitdev_pace_tokens(&pace, 5) <= 1 + 1e-9);
  assert_true(pace.share < 1);
}

static void the_share_comes_back(void **state) {
  (void)state;
  gitdev_pace pace = known(9);
  double until;
  assert_int_equal(enter_and_take(&pace, 1, &until), GITDEV_PACE_GO);
  gitdev_pace_refused(&pace, 1, 1);
  double least = pace.share;
  for (int i = 1; i <= 1000; i++) {
    double now = 10 * i;
    assert_int_equal(enter_and_take(&pace, now, &until), GITDEV_PACE_GO);
    gitdev_pace_answered(&pace, now, &(gitdev_pace_answer){now, 9, -1, pace.ended});
  }
  assert_true(least < 1);
  assert_float_equal(pace.share, 1, 1e-9);
}

static void waits_for_reset_when_the_limits_are_denied(void **state) {
  (void)state;
  gitdev_pace pace = after_one_answer(9);
  double until;
  assert_int_equal(enter_and_take(&pace, 1, &until), GITDEV_PACE_GO);
  gitdev_pace_denied(&pace);
  gitdev_pace_answered(&pace, 1.5, &(gitdev_pace_answer){1, 0, 10, 1});
  assert_int_equal(enter_and_take(&pace, 2, &until), GITDEV_PACE_WAIT);
  assert_float_equal(until, 11.5, 1e-9);
  for (int i = 0; i < 9; i++) /* the most that was seen */
    assert_int_equal(enter_and_take(&pace, 11.5, &until), GITDEV_PACE_GO);
  assert_int_equal(gitdev_pace_take(&pace, 11.5, &until), GITDEV_PACE_WAIT);
  assert_true(isfinite(until) && until > 11.5);
}

static void lets_one_out_each_second_without_a_reset(void **state) {
  (void)state;
  gitdev_pace pace = after_one_answer(0);
  double until;
  gitdev_pace_denied(&pace);
  for (int i = 0; i < 5; i++) {
    double now = pace.last_end;
    assert_int_equal(enter_and_take(&pace, now, &until), GITDEV_PACE_WAIT);
    assert_float_equal(until, now + 1, 1e-9);
    assert_int_equal(gitdev_pace_take(&pace, until, &until), GITDEV_PACE_GO);
    gitdev_pace_lost(&pace, now + 1.5);
  }
}

static void does_not_believe_a_reset_far_away(void **state) {
  (void)state;
  gitdev_pace pace = after_one_answer(9);
  double until;
  gitdev_pace_denied(&pace);
  assert_int_equal(enter_and_take(&pace, 1, &until), GITDEV_PACE_GO);
  gitdev_pace_answered(&pace, 1, &(gitdev_pace_answer){1, 0, 1e9, 1});
  assert_int_equal(enter_and_take(&pace, 1, &until), GITDEV_PACE_WAIT);
  assert_float_equal(until, 1 + GITDEV_PACE_RESET_MAX, 1e-9);
}

static void a_call_that_leaves_no_longer_counts(void **state) {
  (void)state;
  gitdev_pace pace = after_one_answer(1);
  double until;
  gitdev_pace_enter(&pace);
  gitdev_pace_enter(&pace);
  gitdev_pace_leave(&pace);
  assert_int_equal(gitdev_pace_take(&pace, 1, &until), GITDEV_PACE_GO);
  gitdev_pace_leave(&pace);
  assert_int_equal(pace.waiting, 0);
  assert_int_equal(pace.in_flight, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_the_rate_and_uses_it),
      cmocka_unit_test(is_blind_until_the_first_answer),
      cmocka_unit_test(follows_the_server_when_calls_do_not_overlap),
      cmocka_unit_test(follows_the_server_when_calls_overlap),
      cmocka_unit_test(is_not_raised_by_what_was_read_before_others_spent),
      cmocka_unit_test(asks_once_when_more_is_queued_than_remains),
      cmocka_unit_test(asks_again_only_when_the_question_was_dropped),
      cmocka_unit_test(does_not_believe_impossible_limits),
      cmocka_unit_test(waits_for_the_next_token),
      cmocka_unit_test(fills_to_the_capacity_less_what_is_in_flight),
      cmocka_unit_test(is_lowered_by_proof_only),
      cmocka_unit_test(a_refusal_pauses_everyone_and_costs_nothing),
      cmocka_unit_test(the_share_comes_back),
      cmocka_unit_test(waits_for_reset_when_the_limits_are_denied),
      cmocka_unit_test(lets_one_out_each_second_without_a_reset),
      cmocka_unit_test(does_not_believe_a_reset_far_away),
      cmocka_unit_test(a_call_that_leaves_no_longer_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
