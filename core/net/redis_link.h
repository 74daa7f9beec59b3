/* A connection to a Redis server, over hiredis' asynchronous interface on the loop: made, logged in,
 * ended. What hiredis must be kept from (docs/architecture.md) is kept from it here. */
#ifndef GITDEV_NET_REDIS_LINK_H
#define GITDEV_NET_REDIS_LINK_H

#include "gitdev.h"
#include <stdbool.h>
#include <stddef.h>

struct redisReply;

enum { GITDEV_REDIS_PROBLEM_MAX = 256 };

typedef struct gitdev_redis_link gitdev_redis_link;

/* Where it leads, and as whom. Borrowed, for as long as the link lives. */
typedef struct gitdev_redis_login {
  const char *socket;              /* the path of a Unix socket, or NULL: */
  const char *address;             /* one that is not looked up */
  int port;                        /* from 1 */
  const char *username, *password; /* NULL: none */
  int database;
} gitdev_redis_login;

/* Called from gitdev_step(). They may send, and close the link. */
typedef struct gitdev_redis_link_events {
  void (*up)(void *payload); /* it is logged in: commands may be sent */
  /* To the command that was sent first of those that are not answered. */
  void (*reply)(void *payload, const struct redisReply *reply);
  /* It is over, and frees itself. */
  void (*gone)(void *payload, const char *problem);
} gitdev_redis_link_events;

/* Begins to connect. NULL, with `problem` filled, when that is not even begun. */
gitdev_redis_link *gitdev_redis_link_open(gitdev_loop *loop, const gitdev_redis_login *login,
                                          const gitdev_redis_link_events *events, void *payload,
                                          char problem[GITDEV_REDIS_PROBLEM_MAX]);
/* Ends it, and frees it; nobody is told. */
void gitdev_redis_link_close(gitdev_redis_link *link);

/* Whether somebody is at the other end, if only to log in. */
bool gitdev_redis_link_is_connected(const gitdev_redis_link *link);
bool gitdev_redis_link_is_up(const gitdev_redis_link *link);

/* Sends a command in hiredis' format, once the link is up. False when memory is out: then nothing
 * was sent. */
bool gitdev_redis_link_send(gitdev_redis_link *link, const char *bytes, size_t len);

#endif
