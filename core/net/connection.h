/* One connection of a listener: TLS, then HTTP/1.1 requests one after another, each handed over as
 * a whole and answered before the next is looked at. */
#ifndef GITDEV_NET_CONNECTION_H
#define GITDEV_NET_CONNECTION_H

#include "net/answer.h"
#include "net/exchange.h"
#include "net/listener.h"
#include "net/tls_stream.h"

typedef struct gitdev_connection gitdev_connection;

enum { GITDEV_SCRATCH_SIZE = 16384 }; /* what a TLS record holds */

/* What a listener's connections share: its settings, its queue, and memory that nobody needs for
 * longer than a call, so that an idle connection has none. The listener owns it. */
typedef struct gitdev_server {
  gitdev_loop *loop;
  gitdev_tls *tls; /* NULL: plain HTTP */
  gitdev_http1_limits limits;
  double idle_timeout, request_timeout;
  gitdev_refuse_fn refuse;
  void *refuse_payload;
  bool draining;
  gitdev_exchange_queue queue; /* complete requests that nobody has asked for yet */
  gitdev_connection *first;
  size_t connection_count;
  gitdev_buffer answer;
  char scratch[GITDEV_SCRATCH_SIZE];
} gitdev_server;

/* Takes over the descriptor; closes it when memory is out. The connection frees itself once it is
 * over. */
void gitdev_connection_open(gitdev_server *server, int fd, const char *peer);

/* Whether the peer has closed its sending direction. */
bool gitdev_connection_has_ended(const gitdev_connection *connection);

/* Answers the request that the connection holds, and goes on. The connection may be freed by it. 0,
 * GITDEV_ENOMEM or GITDEV_ECLOSED. */
int gitdev_connection_answer(gitdev_connection *connection, gitdev_answer *answer);
/* Instead of an answer: sends bytes as they are, then closes (or resets). As above. */
int gitdev_connection_raw(gitdev_connection *connection, const char *bytes, size_t len, bool reset);

#endif
