/* One try of a call over one libcurl easy handle: the machine's request goes in, the answer goes to
 * the machine as it comes, and in the end libcurl's verdict is put in the machine's terms. */
#ifndef GITDEV_NET_TRANSFER_H
#define GITDEV_NET_TRANSFER_H

#include "net/handle.h"
#include "net/link.h"

typedef struct gitdev_transfer gitdev_transfer;

/* Who is told of a try, from within libcurl: they may arm timers and no more. */
typedef struct gitdev_transfer_user {
  /* The connection that the request is about to be sent on is there. */
  void (*connected)(void *payload, gitdev_link *link);
  /* The head of an answer is there whose body is streamed, and what it says of the rate limit counts. */
  void (*headed)(void *payload);
  void *payload;
} gitdev_transfer_user;

/* Makes a transfer with an easy handle of its own. `options` and `watch` must outlive it. NULL when
 * memory is out or libcurl refuses an option. */
gitdev_transfer *gitdev_transfer_new(gitdev_handle_options *options, gitdev_link_watch *watch);
/* The handle must not be in a multi. */
void gitdev_transfer_free(gitdev_transfer *transfer);

/* The easy handle; its CURLOPT_PRIVATE is left to the engine. */
CURL *gitdev_transfer_easy(gitdev_transfer *transfer);

/* Makes the transfer ready to send `request`, which must live until the transfer has ended, for
 * `call`. 0 or GITDEV_ENOMEM. */
int gitdev_transfer_begin(gitdev_transfer *transfer, gitdev_call *call,
                          const gitdev_request *request, const gitdev_travel *travel,
                          const gitdev_transfer_user *user);
/* To be called once it has been added to its multi. */
void gitdev_transfer_begun(gitdev_transfer *transfer);
/* To be called when it has been removed, and told of. */
void gitdev_transfer_end(gitdev_transfer *transfer);

/* Whether libcurl has wanted to repeat a request on this handle. It counts that for the life of a
 * handle (7.88.1), and fails a request once they are five: a handle that had one is not used again.
 */
bool gitdev_transfer_worn(const gitdev_transfer *transfer);

/* When a byte of a body last moved, or could not because it was held back here. */
double gitdev_transfer_moved(const gitdev_transfer *transfer, double now);
/* Whether a source that was empty, or a sink that was full, has made it wait. */
bool gitdev_transfer_paused(const gitdev_transfer *transfer);
/* Nobody holds the bodies back any more. */
void gitdev_transfer_resumed(gitdev_transfer *transfer, double now);

/* Whether libcurl has begun to send it. */
bool gitdev_transfer_sent(const gitdev_transfer *transfer);
/* Of one that has ended: whether it was stopped because its connection is not ready for it yet. */
bool gitdev_transfer_postponed(const gitdev_transfer *transfer);
/* Of one that has ended: whether it was stopped because of what came over its connection before. That
 * one is closed; another will do. */
bool gitdev_transfer_diverted(const gitdev_transfer *transfer);
/* Of one that has ended: whether the server refused it because it wants HTTP/1.1 instead. */
bool gitdev_transfer_wants_http1(const gitdev_transfer *transfer);
/* How it went; FAILED_UNSENT also when it was sent, but provably not looked at. The message lives
 * until the transfer begins again. */
gitdev_outcome gitdev_transfer_outcome(gitdev_transfer *transfer, CURLcode code);

#endif
