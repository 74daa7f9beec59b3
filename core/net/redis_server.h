/* A Redis server, and the connection to it: found by its name, tried by each of its addresses, left
 * alone for a moment while it is away. */
#ifndef GITDEV_NET_REDIS_SERVER_H
#define GITDEV_NET_REDIS_SERVER_H

#include "net/lookup.h"
#include "net/loop.h"
#include "net/redis.h"
#include "net/redis_link.h"

typedef struct gitdev_redis_server {
  gitdev_loop *loop;
  char *socket, *host, *username, *password;
  int port, database;
  const gitdev_redis_link_events
      *events; /* `gone`: there is no connection, nor one in the making */
  void *payload;
  gitdev_lookup *lookup;
  gitdev_addresses addresses; /* of the host, until the connection is over */
  size_t next_address;
  gitdev_timer next;                      /* tries the next of them */
  gitdev_redis_link *link;                /* NULL: there is no connection, nor one in the making */
  bool welcome;                           /* the connection has answered something */
  double pause, look_again;               /* at which time it may be looked for again */
  char problem[GITDEV_REDIS_PROBLEM_MAX]; /* why there is no connection */
} gitdev_redis_server;

/* Copies the options and opens nothing yet; the events are borrowed. 0, GITDEV_ENOMEM; it is to be
 * closed either way. */
int gitdev_redis_server_open(gitdev_redis_server *server, gitdev_loop *loop,
                             const gitdev_redis_options *options,
                             const gitdev_redis_link_events *events, void *payload);
/* Nobody is told. */
void gitdev_redis_server_close(gitdev_redis_server *server);

/* Whether commands may be sent. */
bool gitdev_redis_server_is_up(const gitdev_redis_server *server);
/* Has it looked for, if it is not already: `up` or `gone` is told, the latter perhaps at once. One
 * that was not to be reached a moment ago is not looked for, and gone. */
void gitdev_redis_server_reach(gitdev_redis_server *server);
/* Ends the connection, or the one in the making; `gone` is told. */
void gitdev_redis_server_drop(gitdev_redis_server *server, const char *problem);

#endif
