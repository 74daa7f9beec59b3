/* A request on its way to its answer, apart from its connection: it may outlive that, and does not
 * point into anything of it. What a listener's user does with it is in listener.h. */
#ifndef GITDEV_NET_EXCHANGE_H
#define GITDEV_NET_EXCHANGE_H

#include "net/listener.h"
#include <netinet/in.h>

struct gitdev_connection;

struct gitdev_exchange {
  struct gitdev_connection *connection; /* NULL once it is answered, or the peer is gone */
  bool answered;
  gitdev_exchange *next; /* in the queue */
  char peer[INET6_ADDRSTRLEN];
  gitdev_buffer body;
  gitdev_message message;
  gitdev_field fields[]; /* and behind them the text that the message points to */
};

/* Copies the message. The caller owns the result; NULL when memory is out. */
gitdev_exchange *gitdev_exchange_new(const gitdev_message *message, const char *peer,
                                     size_t body_max);
/* Frees the memory alone; what happens to the connection is gitdev_exchange_free()'s affair. */
void gitdev_exchange_destroy(gitdev_exchange *exchange);

/* First in, first out; a zeroed one is empty. */
typedef struct gitdev_exchange_queue {
  gitdev_exchange *first, *last;
} gitdev_exchange_queue;

void gitdev_exchange_push(gitdev_exchange_queue *queue, gitdev_exchange *exchange);
/* NULL when it is empty. */
gitdev_exchange *gitdev_exchange_pop(gitdev_exchange_queue *queue);

#endif
