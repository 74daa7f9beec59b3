/* The life of a call as a state machine without I/O. See gitdev.h for its use; this is what the
 * engine and the bindings need besides. */
#ifndef GITDEV_CALL_CALL_H
#define GITDEV_CALL_CALL_H

#include "call/client.h"

/* When the call is over, come what may. */
double gitdev_call_deadline(const gitdev_call *call);

gitdev_client *gitdev_call_client(const gitdev_call *call);

/* Ends the call, unless it is done, because its client is being closed. */
void gitdev_call_disown(gitdev_call *call, double now);

/* For those who would carry a call to its end without visiting the store meanwhile: ends one whose
 * rate limit is shared, with an error that says so. Whether it was one. */
bool gitdev_call_refuse_unvisited(gitdev_call *call, double now);

/* One more owner; undone by gitdev_call_free(). */
void gitdev_call_retain(gitdev_call *call);

/* Its source, its sink and whoever watches it are gone: they are not called any more, nor is the log,
 * and a try that needs them fails. */
void gitdev_call_mute(gitdev_call *call);

/* Of a call that is done: frees the request and the response body, once they have been read. */
void gitdev_call_trim(gitdev_call *call);

/* Whether it has a source or a sink. */
bool gitdev_call_streams(const gitdev_call *call);

/* What the try under way sends; NULL when none is. */
const gitdev_request *gitdev_call_request(const gitdev_call *call);

/* Whether what has come of the try's answer is a whole one, as far as that is seen from it. */
bool gitdev_call_is_answered(const gitdev_call *call);

/* What the try under way is to read its body from; NULL when there is none, or nothing to read. */
const gitdev_source *gitdev_call_source(const gitdev_call *call);

/* What a call that upgrades has opened, for whoever takes it; the call knows nothing of it but how to
 * let it go. */
typedef struct gitdev_opened {
  void *thing; /* NULL: there is none */
  void (*release)(void *thing);
} gitdev_opened;

/* The call owns it from now on. */
void gitdev_call_keep(gitdev_call *call, gitdev_opened opened);
/* The taker owns it; NULL when there is none, or it has been taken. */
void *gitdev_call_take(gitdev_call *call);

/* It waits for something else than the rate limit, and is not to be counted among those that do: until
 * it is asked what is next. */
void gitdev_call_step_aside(gitdev_call *call);

/* The head of the answer is whole. Where a body that is streamed follows, which lasts, what the head
 * says of the rate limit counts from now on: nobody else has to wait for its end. Whether it does. */
bool gitdev_call_heed_head(gitdev_call *call, double now);

/* A place for whoever drives the call to find its own record of it; the call does not look at it.
 */
void gitdev_call_set_driver(gitdev_call *call, void *driver);
void *gitdev_call_driver(const gitdev_call *call);

#endif
