/* What the peer of a connection sends, until it is a request: bytes in, a whole exchange out. It
 * does no I/O. */
#ifndef GITDEV_NET_INTAKE_H
#define GITDEV_NET_INTAKE_H

#include "net/exchange.h"
#include "wire/http1.h"

/* A zeroed one is empty. */
typedef struct gitdev_intake {
  gitdev_http1 *reader;      /* NULL until there are bytes for it */
  gitdev_exchange *exchange; /* being collected */
  size_t taken;              /* bytes that came for this request */
  size_t ahead;              /* and after it, since it was whole */
  bool begun;                /* bytes of a request that is not whole are here */
  bool whole;                /* until gitdev_intake_next() */
  bool continue_due;
} gitdev_intake;

typedef enum gitdev_intake_event {
  GITDEV_INTAKE_NEED,      /* feed more */
  GITDEV_INTAKE_CONTINUE,  /* the peer waits for a "100 Continue"; then as above */
  GITDEV_INTAKE_WHOLE,     /* a request is complete: see gitdev_intake_hand_over() */
  GITDEV_INTAKE_MALFORMED, /* see the reader's error status and problem */
  GITDEV_INTAKE_FAILED     /* memory is out */
} gitdev_intake_event;

/* False when memory is out, or far too much was sent ahead. */
bool gitdev_intake_feed(gitdev_intake *self, const gitdev_http1_limits *limits, const char *bytes,
                        size_t len);
/* What the bytes say. Not to be asked again after WHOLE, before gitdev_intake_next(). */
gitdev_intake_event gitdev_intake_pull(gitdev_intake *self, const gitdev_http1_limits *limits,
                                       const char *peer);
/* The request, after WHOLE; the caller owns it. */
gitdev_exchange *gitdev_intake_hand_over(gitdev_intake *self);
/* The request has been answered. True when there are bytes of the next one already. */
bool gitdev_intake_next(gitdev_intake *self);
/* The bytes after the request, which belong to the protocol that it changes to. Borrowed. */
const char *gitdev_intake_rest(const gitdev_intake *self, size_t *len);
/* Frees what it holds; it is empty then. */
void gitdev_intake_free(gitdev_intake *self);

#endif
