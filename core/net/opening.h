/* One try of a call that opens a WebSocket: a channel is connected, the machine's request goes out as
 * the handshake of RFC 6455 4.1, the answer goes to the machine, and where it is the right 101 the
 * channel carries a socket from then on. */
#ifndef GITDEV_NET_OPENING_H
#define GITDEV_NET_OPENING_H

#include "net/channel.h"
#include "net/socket.h"

typedef struct gitdev_opening gitdev_opening;

/* Called once when it is over, from gitdev_step() or gitdev_multi_report(); it may free the opening.
 */
typedef void (*gitdev_opening_fn)(void *payload);

/* Makes an opening; the caller owns it. What is passed must outlive it. 0, GITDEV_ENOMEM or
 * GITDEV_ECURL. */
int gitdev_opening_new(gitdev_opening **out, gitdev_channels *channels, gitdev_call *call,
                       gitdev_handle_options *options);
/* Closes the connection, unless a socket has it. NULL is allowed. */
void gitdev_opening_free(gitdev_opening *self);

/* Begins. gitdev_multi_report() is due. 0, GITDEV_ENOMEM, GITDEV_ECURL, or GITDEV_ESYSTEM when the
 * system has no randomness. */
int gitdev_opening_begin(gitdev_opening *self, const gitdev_request *request,
                         const gitdev_travel *travel, gitdev_opening_fn fn, void *payload);

/* Whether there was a connection. */
bool gitdev_opening_connected(const gitdev_opening *self);
/* How it went; with `late`, although it is not over, because its time is. The message lives as long
 * as the opening. */
gitdev_outcome gitdev_opening_outcome(const gitdev_opening *self, bool late);
/* One that has opened a socket is the call's now, which frees it, unless gitdev_call_socket() asks
 * for the socket. */
void gitdev_opening_keep(gitdev_opening *self);
/* Frees the one that a call still has, if it has one; those that all calls have, before the channels
 * go. */
void gitdev_opening_drop(gitdev_call *call);
void gitdev_opening_drop_all(gitdev_channels *channels);

#endif
