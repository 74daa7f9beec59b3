/* What a store that many share has allowed one of them to send (contract 1.11): the part of a pace
 * whose rate limit is not its own alone. The store's rule is gitdev.store.bucket; whoever asks the
 * store carries reports to it and grants back, and nobody here knows how.
 *
 * Tokens are granted to be used at once. What is not used within the time for which the store takes
 * them to be on their way is used no more, and told as returned. When the store is away, the pace's
 * own mirror, which was kept all the while, decides; or nobody sends, as the user chose.
 *
 * A store that is far away is asked ahead: while calls go on, as many tokens are wanted as will be
 * used until the next visit is back, by how long visits take and how fast tokens went lately. The
 * store grants them, or does not, as it does all others. One that answers at once is not asked for
 * more than is wanted now. Pure, as the pace is. */
#ifndef GITDEV_POLICY_ALLOWANCE_H
#define GITDEV_POLICY_ALLOWANCE_H

#include "gitdev.h"

#define GITDEV_GRANT_MAX  0.75 /* seconds for which a token is good; WINDOW in gitdev.store.bucket */
#define GITDEV_VISIT_MAX  3.0  /* seconds after which a store that says nothing is away */
#define GITDEV_LOOK_EVERY 0.05 /* seconds between looks while nobody can tell when to look */
#define GITDEV_ASK_EVERY  1.0 /* seconds between questions for the limits, whatever a store wants */

enum {
  GITDEV_WANTED_MAX =
      16, /* at once, of what calls wait for: what one has in hand, the others do not */
  GITDEV_AHEAD_MAX = 112, /* and of what will be wanted when the answer is there */
  GITDEV_GRANTED_MAX = GITDEV_WANTED_MAX + GITDEV_AHEAD_MAX,
};

typedef enum gitdev_store_state {
  GITDEV_STORE_NONE, /* the limit is not shared */
  GITDEV_STORE_THERE,
  GITDEV_STORE_AWAY
} gitdev_store_state;

typedef struct gitdev_allowance {
  gitdev_store_state store;
  bool closed;                   /* nobody sends while the store is away */
  bool visiting;                 /* a report is out, since told_at */
  bool ask;                      /* the store wants the limits asked for */
  bool asked, unreadable;        /* what came of that, until it is told */
  int granted, returned;         /* tokens in hand; unused, until that is told */
  int visits, answered, refused; /* since the last report */
  double granted_at, told_at, asked_at;
  double due;           /* the store is not wanted again before */
  double overdue;       /* when it is taken for away, -1 while nobody waits for it */
  double alone_until;   /* each for itself: the limits cannot be read */
  double trip;          /* seconds that a visit takes, of late */
  double used, used_at; /* tokens, each counting less as time goes by: see rate_of() */
  double remaining,
      remaining_of; /* of the latest request that was answered, and when it left; -1 */
} gitdev_allowance;

typedef enum gitdev_allowance_turn {
  GITDEV_ALLOWANCE_GO,   /* a token is taken */
  GITDEV_ALLOWANCE_ASK,  /* GET /rate_limit first */
  GITDEV_ALLOWANCE_WAIT, /* until *until, or a grant */
  GITDEV_ALLOWANCE_OWN,  /* the mirror decides */
} gitdev_allowance_turn;

/* From now on it is shared. */
void gitdev_allowance_begin(gitdev_allowance *allowance, bool closed);

gitdev_allowance_turn gitdev_allowance_take(gitdev_allowance *allowance, double now, double *until);

/* A request that left at `sent_at` was answered; `remaining` is -1 when that was not said. */
void gitdev_allowance_answered(gitdev_allowance *allowance, double sent_at, double remaining);

/* When the store is to be visited: INFINITY when nothing asks for it. `waiting` calls want to send. */
double gitdev_allowance_due(gitdev_allowance *allowance, double now, int waiting, int in_flight);

/* A visit begins: its part of the report. What is told in it is told. */
void gitdev_allowance_report(gitdev_allowance *allowance, double now, int waiting, int in_flight,
                             gitdev_report *out);

/* And ends: with a grant, or without, until `again`. */
void gitdev_allowance_grant(gitdev_allowance *allowance, double now, const gitdev_grant *grant);
void gitdev_allowance_away(gitdev_allowance *allowance, double again);

#endif
