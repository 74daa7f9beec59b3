/* The retry verdict (contract 1.12): given how a try ended, is there another, and when? Pure. */
#ifndef GITDEV_POLICY_RETRY_H
#define GITDEV_POLICY_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far a try came, in the terms that decide whether a write may be repeated. */
typedef enum gitdev_reach {
  GITDEV_ANSWERED,     /* a whole, well-formed response */
  GITDEV_NEVER_SENT,   /* no byte of the request reached a server (refused, DNS, TLS handshake,
                          REFUSED_STREAM) */
  GITDEV_SENT_UNKNOWN, /* the request, or a part of it, went out and no whole answer came back */
  GITDEV_HOPELESS,     /* it would fail the same way again: a certificate, a malformed or oversized
                          answer */
} gitdev_reach;

/* All that the verdict depends on. Times are seconds; -1 where a header was absent or unusable. */
typedef struct gitdev_retry_facts {
  gitdev_reach reach;
  int status;         /* HTTP status when answered, else 0 */
  bool key_in_use;    /* the answer's error code was idempotency_key_in_use */
  int should_retry;   /* X-Should-Retry: 1 true, 0 false, -1 absent */
  double retry_after; /* Retry-After, as seconds from the answer */
  double reset_in;    /* X-RateLimit-Reset less Date */
  bool stale;         /* sent on a rested connection that gave no byte back, for the first time */
  bool repeatable;    /* the method is safe, or the request carries an idempotency key */
  int retries;        /* retries made so far */
  int max_retries;
  double time_left; /* until the call's deadline */
  double random;    /* uniform in [0, 1) */
} gitdev_retry_facts;

typedef enum gitdev_retry_reason {
  GITDEV_RETRY_AGAIN = 0,    /* wait `delay`, then try again */
  GITDEV_RETRY_DONE,         /* nothing to retry: a success, or an error that stays one */
  GITDEV_RETRY_UNREPEATABLE, /* sent, outcome unknown, and not repeatable */
  GITDEV_RETRY_TOLD_NOT,     /* X-Should-Retry: false */
  GITDEV_RETRY_EXHAUSTED,    /* max_retries used up */
  GITDEV_RETRY_TOO_LONG, /* Retry-After, or the Reset in its place, above GITDEV_RETRY_AFTER_MAX */
  GITDEV_RETRY_NO_TIME,  /* the wait would pass the deadline */
} gitdev_retry_reason;

#define GITDEV_RETRY_AFTER_MAX 60.0 /* seconds; a longer Retry-After is raised, not waited for */
#define GITDEV_RETRY_BASE      0.5
#define GITDEV_RETRY_CAP       8.0

typedef struct gitdev_retry_verdict {
  gitdev_retry_reason reason;
  double delay; /* seconds, when reason is GITDEV_RETRY_AGAIN */
  bool free;    /* it counts neither as one of max_retries nor against the budget */
} gitdev_retry_verdict;

/* In this order: a success or a hopeless failure is done; X-Should-Retry decides for any other
 * answer, both ways, over status and repeatability alike (the server vouches for it); else status
 * or reach decides, and then repeatability, which 429 and a request never sent do not need; then
 * max_retries; then a Retry-After (on 429, failing that, the Reset) over GITDEV_RETRY_AFTER_MAX;
 * then the deadline, which a wait must end before.
 *
 * A stale connection is nobody's failure: where repeating is safe it is done at once and for free,
 * once in a call. It cannot make a storm, since each such connection has served before. */
gitdev_retry_verdict gitdev_retry_judge(const gitdev_retry_facts *facts);

/* Whether an answer or failure is of a kind that may pass by itself: what an error's `retryable`
 * says. Whether this request may be repeated, and how often it was, does not enter. */
bool gitdev_retryable(const gitdev_retry_facts *facts);

/* A word or two for the ledger: "retry", "done", "not repeatable", "told not to", "retries used
 * up", "Retry-After too long", "no time left". Static. */
const char *gitdev_retry_reason_text(gitdev_retry_reason reason);

/* Reads a Retry-After value (RFC 9110 10.2.3): whole seconds, or an HTTP-date read against `date`,
 * the answer's own Date as Unix seconds (-1 when it had none: then a date is unusable). A date that
 * has passed is 0. -1 for anything else: negative, fractional, signed, empty, trailing text. What
 * is more than INT32_MAX becomes INT32_MAX. */
double gitdev_retry_after(const char *value, size_t len, int64_t date);

#endif
