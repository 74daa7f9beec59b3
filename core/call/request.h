/* The request of a call: checked, copied into one block, the same bytes on every try. */
#ifndef GITDEV_CALL_REQUEST_H
#define GITDEV_CALL_REQUEST_H

#include "call/client.h"
#include "wire/buffer.h"

enum {
  GITDEV_PATH_MAX = 16 << 10,         /* bytes of a call's path and query */
  GITDEV_HEADER_BYTES_MAX = 32 << 10, /* of all further headers together */
  GITDEV_HEADERS_MAX = 32,            /* further headers that one call may carry */
  GITDEV_IDEMPOTENCY_KEY_MAX = 255,   /* contract 1.9 */
};

/* Builds `out` for a client's call. Everything that it points to lives in `*block`, which the
 * caller frees with gitdev_free(), in the client, or in static memory. `*repeatable` says whether the
 * request may be repeated after it was sent: a safe method, or an idempotency key. The headers have
 * room for GITDEV_RANGE_HEADERS more. 0,
 * GITDEV_ENOMEM, or GITDEV_EINVAL with `problem` filled; on failure `*block` is NULL. */
int gitdev_request_build(gitdev_request *out, void **block, bool *repeatable, gitdev_client *client,
                         const gitdev_call_options *options, gitdev_problem *problem);

#endif
