/* The pace of a rate limit (contract 1.11): a client's mirror of the server's token bucket, so that
 * it waits before the first 429 rather than after it, and a pause for everyone when the server does
 * say no. One per origin and key. Pure: times are seconds of one monotonic clock that the caller
 * passes in.
 *
 * The mirror never shows more than the server has, as long as nobody else spends from the bucket: a
 * token is taken here when a request leaves, there only when it arrives, so the mirror fills up to
 * the capacity less the requests in flight. An answer whose Remaining proves that others spend too
 * lowers it to Remaining less what is in flight. Remaining is a whole number and is read one trip
 * later, so an answer proves nothing within one token and the refill of that trip. Since that is
 * coarse where little is left, a refusal also lowers the share of the refill that counts as ours,
 * and answers raise it again.
 *
 * Until the limits are known nothing is taken to refill, but an answer raises the mirror as well, to
 * what is certain: Remaining less what is in flight, and less what has ended since its request left,
 * which may have reached the server after it. So a client that keeps far fewer in flight than the
 * bucket holds follows the server without ever asking. Once it is proven that others spend, only what
 * leaves after that raises the mirror: what was under way may have been read before they did. Where
 * the limits cannot be read (DENIED), a spent mirror waits for Reset, when the bucket is full again:
 * then it shows the most that any answer has shown, less what is in flight. Without a Reset one
 * request a second is let out.
 *
 * Where the limit is shared through a store (gitdev_pace_share()), that decides instead, and the
 * mirror is kept for when it is away. */
#ifndef GITDEV_POLICY_PACE_H
#define GITDEV_POLICY_PACE_H

#include "policy/allowance.h"

/* Calls in flight at most until the first answer with a Remaining. */
enum { GITDEV_PACE_BLIND_MAX = 8 };

#define GITDEV_PACE_ASK_MAX   60.0 /* seconds */
#define GITDEV_PACE_RESET_MAX 60.0 /* seconds; a Reset further ahead is not believed */

/* What is known of capacity and rate. */
typedef enum gitdev_pace_limits {
  GITDEV_LIMITS_UNKNOWN,
  GITDEV_LIMITS_ASKED, /* GET /rate_limit is under way */
  GITDEV_LIMITS_KNOWN,
  GITDEV_LIMITS_DENIED, /* they cannot be read: wait for Reset instead */
} gitdev_pace_limits;

typedef struct gitdev_pace {
  gitdev_pace_limits limits;
  double capacity, rate; /* tokens; tokens per second; when limits are known */
  double share;          /* of the rate that is taken to be ours, up to 1; less after refusals */
  bool answered;         /* a Remaining has been seen: `tokens` means something */
  double tokens, at;     /* the mirror, at time `at` */
  double seen;           /* the greatest Remaining of all answers */
  double reset;          /* when the bucket is full again, by the latest answers; -1 unknown */
  double last_end;       /* when a call last ended */
  unsigned ended;        /* calls that have ended, in all */
  unsigned
      ended_at_proof; /* the same, when a lower Remaining, or a refusal, last lowered the mirror */
  double asked_at;    /* when GITDEV_PACE_ASK was last returned */
  unsigned ended_at_ask; /* `ended`, then */
  double paused_until;   /* after a 429: nobody sends before */
  int in_flight, waiting;
  gitdev_allowance allowance; /* of a limit that is shared through a store */
} gitdev_pace;

typedef enum gitdev_pace_turn {
  /* A token is taken: send. */
  GITDEV_PACE_GO,
  /* Ask again at *until, or when another call has ended, or when the limits were learned. */
  GITDEV_PACE_WAIT,
  /* Send GET /rate_limit first and report it with gitdev_pace_learn() or gitdev_pace_denied(), or
   * gitdev_pace_unasked() when it was given up; then take again. It does not count as in flight. */
  GITDEV_PACE_ASK,
} gitdev_pace_turn;

/* What an answer's headers say. -1 where a header was absent. */
typedef struct gitdev_pace_answer {
  double sent_at;   /* when its request left */
  double remaining; /* X-RateLimit-Remaining */
  double reset_in;  /* X-RateLimit-Reset less Date, seconds */
  unsigned ended;   /* the pace's `ended`, when its request left */
} gitdev_pace_answer;

void gitdev_pace_init(gitdev_pace *pace, double now);

/* A call that wants to send enters once, and leaves once if it gives up before its turn. */
void gitdev_pace_enter(gitdev_pace *pace);
void gitdev_pace_leave(gitdev_pace *pace);

/* Is it this call's turn? On GO the call is in flight (no longer waiting) and a token is spent; it
 * must be ended by one of gitdev_pace_answered(), gitdev_pace_refused() and gitdev_pace_lost().
 * `*until` is set on WAIT: finite, and at least a millisecond ahead. Only one call at a time gets
 * ASK; meanwhile the others go on as far as the tokens that are certain reach. */
gitdev_pace_turn gitdev_pace_take(gitdev_pace *pace, double now, double *until);

/* An answer came, whatever its status but 429. */
void gitdev_pace_answered(gitdev_pace *pace, double now, const gitdev_pace_answer *answer);

/* 429: the token was not spent (a refused request costs nothing), and everyone waits for `pause`
 * seconds, when there is one token (by Retry-After). */
void gitdev_pace_refused(gitdev_pace *pace, double now, double pause);

/* No answer: the request may or may not have cost its token; the mirror assumes that it did. */
void gitdev_pace_lost(gitdev_pace *pace, double now);

/* The limits, as GET /rate_limit tells them, or that they cannot be read. Limits that no bucket has
 * (a burst below 1, a rate of 0, billions) count as not readable. */
void gitdev_pace_learn(gitdev_pace *pace, double now, double per_minute, double burst,
                       double remaining);
void gitdev_pace_denied(gitdev_pace *pace);
/* The question was dropped before it was answered (its call was canceled): the next call in need
 * asks again. An asker that never reports back is replaced after GITDEV_PACE_ASK_MAX seconds. */
void gitdev_pace_unasked(gitdev_pace *pace);

/* ---- a limit that is shared ---- */

/* From now on a store decides: see policy/allowance.h. */
void gitdev_pace_share(gitdev_pace *pace, bool closed);
/* The visit to the store that is due at `now`: true, and the report to take there but for its
 * member, or false. `*again` is when to ask anew if nothing happens until then, INFINITY: never. */
bool gitdev_pace_report(gitdev_pace *pace, double now, gitdev_report *out, double *again);
/* What the store said; or that it could not be reached, and is to be left alone until `again`. */
void gitdev_pace_grant(gitdev_pace *pace, double now, const gitdev_grant *grant);
void gitdev_pace_away(gitdev_pace *pace, double again);
/* Whether nobody may send since the store is away. */
bool gitdev_pace_shut(const gitdev_pace *pace);
/* Whether who waits does so for the store's answer alone, which has not said that it must. */
bool gitdev_pace_looking(gitdev_pace *pace, double now);

/* Tokens that the mirror shows at `now`, 0 at least; -1 before the first answer. */
double gitdev_pace_tokens(const gitdev_pace *pace, double now);

#endif
