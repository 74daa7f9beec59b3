/* A listening TCP socket on the loop, which hands over the connections that it accepts. */
#ifndef GITDEV_NET_ACCEPTOR_H
#define GITDEV_NET_ACCEPTOR_H

#include "net/loop.h"
#include <netinet/in.h>

/* Takes over a connected descriptor (not blocking, closed on exec). `peer` is its address as text.
 */
typedef void (*gitdev_accept_fn)(void *payload, int fd, const char *peer);
/* Descriptors or memory have run out while somebody waits to be accepted. Returns whether some were
 * given back. */
typedef bool (*gitdev_make_room_fn)(void *payload);

/* Its memory is its user's and must stay where it is while it is open. */
typedef struct gitdev_acceptor {
  gitdev_loop *loop;
  gitdev_watch watch; /* fd -1: closed */
  gitdev_timer pause; /* armed while descriptors or memory have run out */
  gitdev_accept_fn fn;
  gitdev_make_room_fn make_room; /* may be set once it is open; NULL: it only waits */
  void *payload;
} gitdev_acceptor;

/* Binds `host` (an IPv4 or IPv6 address) and `port` (0: any free one) and listens. 0, GITDEV_EINVAL
 * when the host is no address or the port is none, GITDEV_ENOMEM, or GITDEV_ESYSTEM with errno
 * kept. After a failure it is closed. */
int gitdev_acceptor_open(gitdev_acceptor *acceptor, gitdev_loop *loop, const char *host, int port,
                         gitdev_accept_fn fn, void *payload);
/* Closing again does nothing. */
void gitdev_acceptor_close(gitdev_acceptor *acceptor);
/* The port it is bound to. */
int gitdev_acceptor_port(const gitdev_acceptor *acceptor);

#endif
