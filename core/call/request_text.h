/* The head of a try's request as HTTP/1.1, for whoever brings sockets of its own. */
#ifndef GITDEV_CALL_REQUEST_TEXT_H
#define GITDEV_CALL_REQUEST_TEXT_H

#include "gitdev.h"
#include "wire/buffer.h"

/* Where a head may be cut so that the pieces repeat from call to call, or are short: behind the
 * target, behind the headers that all calls of a client have, before the value of the idempotency
 * key, and behind it. */
enum { GITDEV_HEAD_CUTS = 4 };

/* Appends the head up to its empty line. A body from a source whose size is not known (-1) is to be
 * sent in chunks. `key`: the Sec-WebSocket-Key of a request that upgrades, else it is not looked at.
 * It holds the API key: wipe the buffer. `cuts` may be NULL. GITDEV_OK, or GITDEV_ENOMEM. */
int gitdev_request_head(gitdev_buffer *out, const gitdev_request *request, const char *key,
                        size_t cuts[GITDEV_HEAD_CUTS]);

#endif
