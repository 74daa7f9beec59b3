/* Requests that go out in one turn of the loop on one HTTP/2 connection leave together, in as few
 * segments as they fit in: libcurl writes each in two pieces, and each piece would wake the server
 * and cross the network by itself. It halves the time that both sides spend on a request when many
 * are under way. What is held back leaves once it is enough to keep the server busy, and just before the
 * loop waits. */
#ifndef GITDEV_NET_BURST_H
#define GITDEV_NET_BURST_H

#include "net/link.h"
#include "net/loop.h"

/* A zeroed one holds nothing. */
typedef struct gitdev_burst {
  gitdev_chore chore;
  gitdev_link *first;
} gitdev_burst;

/* A request is about to be written on `link`: it may wait for others. */
void gitdev_burst_add(gitdev_burst *burst, gitdev_loop *loop, gitdev_link *link);

/* Lets go of the connections. What they hold back leaves with their closing. */
void gitdev_burst_end(gitdev_burst *burst, gitdev_loop *loop);

#endif
