#include "policy/allowance.h"

#include <math.h>

enum { VISITS_MAX = 1000000 };

#define WAIT_MAX 180.0 /* seconds that a store is believed */

/* Asking ahead: worth a visit when calls wait for visits for more than a share of their time; and
 * when the next call is likely to come before the token lapses. */
#define AHEAD_SHARE 0.04
#define AHEAD_CALLS 2.0
#define AHEAD_MAX   1.0 /* seconds of use at most: what lapses unused is of no use to anyone */
#define AHEAD_MORE  1.25
#define SPREAD      0.05 /* seconds between visits at least, as in gitdev.store.bucket */
#define MEMORY      0.5  /* seconds for which a token that was used counts, about */

void gitdev_allowance_begin(gitdev_allowance *allowance, bool closed) {
  *allowance = (gitdev_allowance){.store = GITDEV_STORE_THERE,
                                  .closed = closed,
                                  .due = -INFINITY,
                                  .overdue = -1,
                                  .asked_at = -INFINITY,
                                  .alone_until = -INFINITY,
                                  .remaining = -1};
}

/* What is in hand for too long is given back. */
static void lapse(gitdev_allowance *allowance, double now) {
  if (allowance->granted == 0 || now < allowance->granted_at + GITDEV_GRANT_MAX)
    return;
  allowance->returned += allowance->granted;
  allowance->granted = 0;
}

/* Nobody comes, or who went does not come back. */
static void notice_absence(gitdev_allowance *allowance, double now) {
  if (allowance->store != GITDEV_STORE_THERE || allowance->overdue < 0 || now < allowance->overdue)
    return;
  gitdev_allowance_away(allowance, now);
}

static gitdev_allowance_turn wait(gitdev_allowance *allowance, double now, double *until) {
  double due = fmax(allowance->due, now);
  if (allowance->overdue < 0)
    allowance->overdue = due + GITDEV_VISIT_MAX;
  *until = due + GITDEV_LOOK_EVERY;
  return GITDEV_ALLOWANCE_WAIT;
}

/* ---- asking ahead ---- */

static double remembered(const gitdev_allowance *allowance, double now) {
  return allowance->used * exp(-fmax(now - allowance->used_at, 0) / MEMORY);
}

static void note_use(gitdev_allowance *allowance, double now) {
  allowance->used = remembered(allowance, now) + 1;
  allowance->used_at = now;
}

static void note_trip(gitdev_allowance *allowance, double seconds) {
  double trip = fmin(fmax(seconds, 0), GITDEV_VISIT_MAX);
  allowance->trip = fmax(trip, allowance->trip + (trip - allowance->trip) / 4);
}

/* Tokens that are used a second, of late; 0 when that, or the way to the store, is not worth asking
 * ahead. */
static double rate_of(const gitdev_allowance *allowance, double now) {
  double rate = remembered(allowance, now) / MEMORY;
  bool worth = rate * allowance->trip >= AHEAD_SHARE && rate * GITDEV_GRANT_MAX >= AHEAD_CALLS;
  return worth ? rate : 0;
}

/* What is used until a visit that begins now is back, and a little more: a rate that is held back by
 * what it was measured for would never grow. */
static double used_meanwhile(const gitdev_allowance *allowance, double rate) {
  return rate * fmin(allowance->trip, AHEAD_MAX / 2) * AHEAD_MORE + 1;
}

static bool runs_out(const gitdev_allowance *allowance, double now) {
  double rate = rate_of(allowance, now);
  return rate > 0 && allowance->granted < used_meanwhile(allowance, rate);
}

/* What a visit that begins now should leave in hand, beside what calls wait for: what is used until
 * it is back, and until the next one is. */
static int ahead(const gitdev_allowance *allowance, double now) {
  double rate = rate_of(allowance, now);
  double next = rate * fmin(fmax(allowance->trip, SPREAD), AHEAD_MAX / 2);
  return rate > 0 ? (int)fmin(ceil(used_meanwhile(allowance, rate) + next), GITDEV_AHEAD_MAX) : 0;
}

/* ---- turns ---- */

gitdev_allowance_turn gitdev_allowance_take(gitdev_allowance *allowance, double now,
                                            double *until) {
  lapse(allowance, now);
  notice_absence(allowance, now);
  if (allowance->store == GITDEV_STORE_AWAY && allowance->closed)
    return wait(allowance, now, until);
  if (allowance->store != GITDEV_STORE_THERE || now < allowance->alone_until)
    return GITDEV_ALLOWANCE_OWN;
  if (allowance->ask) {
    allowance->ask = false;
    allowance->asked_at = now;
    return GITDEV_ALLOWANCE_ASK;
  }
  if (allowance->granted == 0)
    return wait(allowance, now, until);
  allowance->granted--;
  note_use(allowance, now);
  return GITDEV_ALLOWANCE_GO;
}

void gitdev_allowance_answered(gitdev_allowance *allowance, double sent_at, double remaining) {
  allowance->answered++;
  if (remaining < 0 || (allowance->remaining >= 0 && sent_at < allowance->remaining_of))
    return;
  allowance->remaining = remaining;
  allowance->remaining_of = sent_at;
}

/* When nothing is under way that an answer could come to. */
static double wish(const gitdev_allowance *allowance, double now, int waiting, int in_flight) {
  if (allowance->store == GITDEV_STORE_AWAY || now < allowance->alone_until)
    return waiting > 0 || in_flight > 0 ? allowance->due : INFINITY;
  if (allowance->asked || allowance->unreadable || allowance->refused > 0)
    return now;
  bool more = (waiting > 0 || in_flight > 0) && runs_out(allowance, now);
  double lapses = allowance->granted_at + GITDEV_GRANT_MAX;
  if (allowance->granted > 0)
    return more ? fmin(allowance->due, lapses) : lapses;
  if (waiting > 0 || more)
    return allowance->due;
  return allowance->returned > 0 ? now : INFINITY;
}

double gitdev_allowance_due(gitdev_allowance *allowance, double now, int waiting, int in_flight) {
  if (allowance->store == GITDEV_STORE_NONE)
    return INFINITY;
  lapse(allowance, now);
  notice_absence(allowance, now);
  if (allowance->visiting && now < allowance->told_at + GITDEV_VISIT_MAX)
    return allowance->told_at + GITDEV_VISIT_MAX;
  return wish(allowance, now, waiting, in_flight);
}

static int wanted(const gitdev_allowance *allowance, double now, int waiting, int in_flight) {
  int now_wanted = waiting < GITDEV_WANTED_MAX ? waiting : GITDEV_WANTED_MAX;
  int later = waiting > 0 || in_flight > 0 ? ahead(allowance, now) : 0;
  int all = now_wanted + later - allowance->granted;
  return all > 0 ? all : 0;
}

void gitdev_allowance_report(gitdev_allowance *allowance, double now, int waiting, int in_flight,
                             gitdev_report *out) {
  out->visit = allowance->visits = allowance->visits % VISITS_MAX + 1;
  out->wanted = wanted(allowance, now, waiting, in_flight);
  out->flying =
      in_flight + allowance->granted; /* what is in hand may be sent before this is told */
  out->returned = allowance->returned;
  out->answered = allowance->answered;
  out->refused = allowance->refused;
  out->remaining = allowance->remaining;
  out->age = allowance->remaining >= 0 ? fmax(now - allowance->remaining_of, 0) : -1;
  out->asked = allowance->asked;
  out->unreadable = allowance->unreadable;
  allowance->returned = allowance->answered = allowance->refused = 0;
  allowance->asked = allowance->unreadable = false;
  allowance->visiting = true;
  allowance->told_at = now;
}

static bool is_positive(double value) {
  return isfinite(value) && value > 0;
}

void gitdev_allowance_grant(gitdev_allowance *allowance, double now, const gitdev_grant *grant) {
  if (allowance->visiting)
    note_trip(allowance, now - allowance->told_at);
  allowance->store = GITDEV_STORE_THERE;
  allowance->visiting = false;
  allowance->overdue = -1;
  allowance->due = now;
  if (grant->granted > 0) {
    allowance->granted += grant->granted;
    allowance->granted_at = now;
  } else {
    allowance->due += GITDEV_LOOK_EVERY; /* a store that gives nothing may name no time */
  }
  if (is_positive(grant->wait))
    allowance->due = now + fmin(grant->wait, WAIT_MAX);
  if (is_positive(grant->alone))
    allowance->due = allowance->alone_until = now + fmin(grant->alone, WAIT_MAX);
  allowance->ask = grant->ask && now >= allowance->asked_at + GITDEV_ASK_EVERY;
}

void gitdev_allowance_away(gitdev_allowance *allowance, double again) {
  allowance->store = GITDEV_STORE_AWAY;
  allowance->visiting = false;
  allowance->overdue = -1;
  allowance->due = isfinite(again) ? again : -INFINITY;
}
