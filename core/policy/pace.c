#include "policy/pace.h"

#define WAIT_MIN   0.001 /* seconds: a wait that rounding cannot turn into none */
#define PROBE      1.0   /* seconds between looks when there is nothing to reckon with */
#define LIMIT_MAX  1e9   /* tokens: no bucket has more */
#define PAUSE_MAX  60.0  /* seconds that a store is believed */
#define ALMOST_ONE (1 - 1e-9)

/* How the share of the refill that counts as ours shrinks with a refusal and grows with an answer.
 * While others spend half of the bucket about 3 requests in 100 are refused, and we get all of the
 * other half; with a share that is always 1 it would be 40 in 100. */
#define SHARE_LESS 0.7
#define SHARE_MORE 0.005
#define SHARE_MIN  0.05

void gitdev_pace_init(gitdev_pace *pace, double now) {
  *pace = (gitdev_pace){
      .limits = GITDEV_LIMITS_UNKNOWN,
      .share = 1,
      .at = now,
      .reset = -1,
      .last_end = now,
      .paused_until = now,
  };
}

void gitdev_pace_enter(gitdev_pace *pace) {
  pace->waiting++;
}

void gitdev_pace_leave(gitdev_pace *pace) {
  pace->waiting -= pace->waiting > 0 ? 1 : 0;
}

static double lesser(double a, double b) {
  return a < b ? a : b;
}

static double greater(double a, double b) {
  return a > b ? a : b;
}

/* Tokens per second that this client counts on. */
static double our_rate(const gitdev_pace *pace) {
  return pace->limits == GITDEV_LIMITS_KNOWN ? pace->rate * pace->share : 0;
}

static double refilled(const gitdev_pace *pace, double now) {
  if (pace->limits != GITDEV_LIMITS_KNOWN || now <= pace->at)
    return pace->tokens;
  double room = pace->capacity - pace->in_flight;
  double tokens = pace->tokens + our_rate(pace) * (now - pace->at);
  return greater(pace->tokens, lesser(tokens, room));
}

static void refill(gitdev_pace *pace, double now) {
  pace->tokens = refilled(pace, now);
  pace->at = greater(now, pace->at);
}

double gitdev_pace_tokens(const gitdev_pace *pace, double now) {
  if (!pace->answered)
    return -1;
  return greater(refilled(pace, now), 0);
}

/* DENIED and out of tokens: what Reset, or its absence, allows by now. */
static void refill_at_reset(gitdev_pace *pace, double now) {
  if (pace->reset >= 0 && now >= pace->reset) {
    pace->tokens = greater(pace->tokens, pace->seen - pace->in_flight);
    pace->reset = -1; /* it has been used up: the next answer brings another */
  }
  if (pace->tokens < ALMOST_ONE && pace->reset < 0 && pace->in_flight == 0 &&
      now >= pace->last_end + PROBE)
    pace->tokens = 1;
}

static double next_look(const gitdev_pace *pace, double now) {
  switch (pace->limits) {
  case GITDEV_LIMITS_KNOWN: return now + (1 - pace->tokens) / our_rate(pace);
  case GITDEV_LIMITS_DENIED:
    if (pace->reset >= 0)
      return pace->reset;
    return pace->in_flight == 0 ? pace->last_end + PROBE : now + PROBE;
  default: return now + PROBE;
  }
}

static gitdev_pace_turn wait_until(double *until, double now, double when) {
  *until = greater(when, now + WAIT_MIN);
  return GITDEV_PACE_WAIT;
}

static gitdev_pace_turn go(gitdev_pace *pace) {
  gitdev_pace_leave(pace);
  pace->in_flight++;
  pace->tokens -= 1;
  return GITDEV_PACE_GO;
}

/* Time to ask for the limits: Remaining is less than what is in flight and queued. */
static bool must_ask(const gitdev_pace *pace, double now) {
  if (pace->limits == GITDEV_LIMITS_ASKED)
    return now >= pace->asked_at + GITDEV_PACE_ASK_MAX;
  return pace->limits == GITDEV_LIMITS_UNKNOWN && pace->tokens < pace->waiting;
}

static gitdev_pace_turn ask(gitdev_pace *pace, double now) {
  pace->limits = pace->limits == GITDEV_LIMITS_KNOWN ? GITDEV_LIMITS_KNOWN : GITDEV_LIMITS_ASKED;
  pace->asked_at = now;
  pace->ended_at_ask = pace->ended;
  return GITDEV_PACE_ASK;
}

static gitdev_pace_turn take_own(gitdev_pace *pace, double now, double *until) {
  if (!pace->answered)
    return pace->in_flight < GITDEV_PACE_BLIND_MAX ? go(pace) : wait_until(until, now, now + PROBE);
  if (must_ask(pace, now))
    return ask(pace, now);
  if (pace->limits == GITDEV_LIMITS_DENIED && pace->tokens < ALMOST_ONE)
    refill_at_reset(pace, now);
  return pace->tokens >= ALMOST_ONE ? go(pace) : wait_until(until, now, next_look(pace, now));
}

static gitdev_pace_turn take_shared(gitdev_pace *pace, double now, double *until) {
  double when = now;
  switch (gitdev_allowance_take(&pace->allowance, now, &when)) {
  case GITDEV_ALLOWANCE_GO: return go(pace);
  case GITDEV_ALLOWANCE_ASK: return ask(pace, now);
  case GITDEV_ALLOWANCE_WAIT: return wait_until(until, now, when);
  case GITDEV_ALLOWANCE_OWN: break;
  }
  return take_own(pace, now, until);
}

gitdev_pace_turn gitdev_pace_take(gitdev_pace *pace, double now, double *until) {
  refill(pace, now);
  if (now < pace->paused_until)
    return wait_until(until, now, pace->paused_until);
  bool shared = pace->allowance.store != GITDEV_STORE_NONE;
  return shared ? take_shared(pace, now, until) : take_own(pace, now, until);
}

static void prove(gitdev_pace *pace, double tokens) {
  pace->tokens = tokens;
  pace->ended_at_proof = pace->ended;
}

/* What a Remaining tells, whose request left when all but `since` of the calls that have ended had
 * ended. */
typedef struct reading {
  double remaining, sent_at;
  unsigned since;
  bool after_proof; /* it left after others were last proven to spend */
} reading;

static reading read_at(const gitdev_pace *pace, double remaining, double sent_at, unsigned since) {
  return (reading){remaining, sent_at, since, since <= pace->ended - pace->ended_at_proof};
}

/* Lowers the mirror when it proves that others spend. `later` of the calls in flight are taken to have
 * reached the server after it. */
static void lower(gitdev_pace *pace, double now, const reading *read, int later) {
  double trip = greater(now - read->sent_at, 0);
  double gained = pace->limits == GITDEV_LIMITS_KNOWN ? pace->rate * trip : 0;
  if (pace->tokens > read->remaining + 1 + gained - later)
    prove(pace, read->remaining - pace->in_flight);
}

/* Raises it to what is certain: what has ended since the request left, and what is in flight, may have
 * reached the server after it. False when that is not more, or when it may have been read before
 * others were proven to spend. */
static bool lift(gitdev_pace *pace, const reading *read) {
  double certain = read->remaining - pace->in_flight - read->since;
  if (pace->answered && (certain <= pace->tokens || !read->after_proof))
    return false;
  pace->tokens = certain;
  return true;
}

static void note_reset(gitdev_pace *pace, double now, double reset_in) {
  if (reset_in >= 0)
    pace->reset = greater(pace->reset, now + lesser(reset_in, GITDEV_PACE_RESET_MAX));
}

/* A call is no longer in flight, however it went. Until now it was: the refill comes first. */
static void end(gitdev_pace *pace, double now) {
  refill(pace, now);
  pace->in_flight -= pace->in_flight > 0 ? 1 : 0;
  pace->ended++;
  pace->last_end = now;
}

void gitdev_pace_answered(gitdev_pace *pace, double now, const gitdev_pace_answer *answer) {
  /* On a clock that stands still while things happen, an end is not after what left at its moment. */
  unsigned since = answer->sent_at >= pace->last_end ? 0 : pace->ended - answer->ended;
  const reading read = read_at(pace, answer->remaining, answer->sent_at, since);
  end(pace, now);
  gitdev_allowance_answered(&pace->allowance, answer->sent_at, answer->remaining);
  pace->share = lesser(pace->share + SHARE_MORE, 1);
  if (answer->remaining < 0)
    return;
  bool may_raise = !pace->answered || pace->limits != GITDEV_LIMITS_KNOWN;
  if (!may_raise || !lift(pace, &read))
    lower(pace, now, &read, pace->in_flight);
  pace->answered = true;
  pace->seen = greater(pace->seen, answer->remaining);
  note_reset(pace, now, answer->reset_in);
}

void gitdev_pace_refused(gitdev_pace *pace, double now, double pause) {
  end(pace, now);
  pace->allowance.refused++;
  pause = greater(pause, 0);
  /* What was already under way when the pause began is refused for the same reason, and is not
   * counted again. */
  if (now >= pace->paused_until)
    pace->share = greater(pace->share * SHARE_LESS, SHARE_MIN);
  /* There was none, and there will be one when the pause ends. All that is in flight may want it
   * too; each that is refused as well gives back here the token that was not spent. */
  double none = -pace->in_flight + lesser(0, 1 - our_rate(pace) * pause);
  prove(pace, lesser(pace->answered ? pace->tokens + 1 : none, none));
  pace->answered = true;
  pace->paused_until = greater(pace->paused_until, now + pause);
}

void gitdev_pace_lost(gitdev_pace *pace, double now) {
  end(pace, now);
}

static void know(gitdev_pace *pace, double now, double per_minute, double burst) {
  refill(pace, now);
  pace->limits = GITDEV_LIMITS_KNOWN;
  pace->capacity = burst;
  pace->rate = per_minute / 60;
}

static bool is_limit(double per_minute, double burst) {
  return per_minute > 0 && per_minute <= LIMIT_MAX && burst >= 1 && burst <= LIMIT_MAX;
}

void gitdev_pace_learn(gitdev_pace *pace, double now, double per_minute, double burst,
                       double remaining) {
  if (!is_limit(per_minute, burst)) {
    gitdev_pace_denied(pace);
    return;
  }
  know(pace, now, per_minute, burst);
  if (!(remaining >= 0))
    return;
  gitdev_allowance_answered(&pace->allowance, pace->asked_at, remaining);
  pace->allowance.asked = true;
  const reading read =
      read_at(pace, lesser(remaining, burst), pace->asked_at, pace->ended - pace->ended_at_ask);
  if (!lift(pace, &read))
    lower(pace, now, &read, 0);
  pace->answered = true;
}

void gitdev_pace_denied(gitdev_pace *pace) {
  if (pace->limits == GITDEV_LIMITS_KNOWN)
    return; /* a store wanted them anew */
  pace->limits = GITDEV_LIMITS_DENIED;
  pace->allowance.unreadable = true;
}

void gitdev_pace_unasked(gitdev_pace *pace) {
  if (pace->limits == GITDEV_LIMITS_ASKED)
    pace->limits = GITDEV_LIMITS_UNKNOWN;
}

/* ---- a limit that is shared ---- */

void gitdev_pace_share(gitdev_pace *pace, bool closed) {
  gitdev_allowance_begin(&pace->allowance, closed);
}

bool gitdev_pace_report(gitdev_pace *pace, double now, gitdev_report *out, double *again) {
  gitdev_allowance *allowance = &pace->allowance;
  *again = gitdev_allowance_due(allowance, now, pace->waiting, pace->in_flight);
  if (now < *again)
    return false;
  bool known = pace->limits == GITDEV_LIMITS_KNOWN;
  out->per_minute = known ? pace->rate * 60 : -1;
  out->burst = known ? pace->capacity : -1;
  /* A pause that the store has told of is no news to it: those are who met it. */
  out->paused_for = allowance->refused > 0 ? greater(pace->paused_until - now, 0) : 0;
  gitdev_allowance_report(allowance, now, pace->waiting, pace->in_flight, out);
  return true;
}

void gitdev_pace_grant(gitdev_pace *pace, double now, const gitdev_grant *grant) {
  gitdev_allowance_grant(&pace->allowance, now, grant);
  /* What the platform said meanwhile is newer, and the store is yet to be told. */
  if (is_limit(grant->per_minute, grant->burst) && !pace->allowance.asked)
    know(pace, now, grant->per_minute, grant->burst);
  if (grant->paused_for > 0)
    pace->paused_until = greater(pace->paused_until, now + lesser(grant->paused_for, PAUSE_MAX));
}

void gitdev_pace_away(gitdev_pace *pace, double again) {
  gitdev_allowance_away(&pace->allowance, again);
}

bool gitdev_pace_shut(const gitdev_pace *pace) {
  return pace->allowance.store == GITDEV_STORE_AWAY && pace->allowance.closed;
}

bool gitdev_pace_looking(gitdev_pace *pace, double now) {
  gitdev_allowance *allowance = &pace->allowance;
  if (allowance->store != GITDEV_STORE_THERE || now < pace->paused_until)
    return false;
  return allowance->visiting ||
         gitdev_allowance_due(allowance, now, pace->waiting, pace->in_flight) <= now;
}
