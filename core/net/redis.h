/* Commands to a Redis server, over hiredis' asynchronous interface on the loop: nothing here blocks.
 * One connection, made when the first command needs it and made anew after it was lost. For the
 * stores that several machines share; it knows no command but those that log it in. */
#ifndef GITDEV_NET_REDIS_H
#define GITDEV_NET_REDIS_H

#include "gitdev.h"
#include <stdbool.h>
#include <stddef.h>

enum {
  GITDEV_REDIS_REPLY_MAX = 1 << 20, /* bytes of a reply; a larger one ends the connection */
  GITDEV_REDIS_VALUES_MAX = 1024,   /* in a reply that is a list */
  GITDEV_REDIS_WAITING_MAX = 16384, /* commands under way; one more fails at once */
};

typedef struct gitdev_redis gitdev_redis;
typedef struct gitdev_redis_command gitdev_redis_command;

typedef struct gitdev_redis_options {
  const char *socket;              /* the path of a Unix socket, or NULL: */
  const char *host;                /* a name or an address */
  int port;                        /* from 1 */
  const char *username, *password; /* NULL: none. Wiped when it is freed */
  int database;                    /* 0 is where a connection begins */
} gitdev_redis_options;

/* Copies the options and opens nothing yet. 0, GITDEV_ENOMEM. */
int gitdev_redis_new(gitdev_redis **out, gitdev_loop *loop, const gitdev_redis_options *options);
/* Commands that are under way end without a word; they still are their owners' to free. In a fork's
 * child it closes its descriptor and speaks to nobody. NULL is allowed. */
void gitdev_redis_free(gitdev_redis *redis);

/* Called from gitdev_step(), never from gitdev_redis_start(), once, when the command is over. It may
 * free any command and start others; the connection it leaves. */
typedef void (*gitdev_redis_fn)(void *payload, gitdev_redis_command *command);

/* Sends a command, its words given as with hiredis' …Argv functions and copied. The caller frees it.
 * `timeout`: seconds, for connecting and the answer; a command that is not answered in time takes
 * the connection with it. While the server was not to be reached a moment ago, it fails without
 * another look: the moment grows from 50 ms to one second.
 * 0; GITDEV_ENOMEM; GITDEV_ECLOSED in a fork's child. */
int gitdev_redis_start(gitdev_redis_command **out, gitdev_redis *redis, int count,
                       const char *const *words, const size_t *lengths, double timeout,
                       gitdev_redis_fn fn, void *payload);
/* Frees it; one that is under way ends without a word (the server may still carry it out). NULL is
 * allowed. */
void gitdev_redis_command_free(gitdev_redis_command *command);

typedef enum gitdev_redis_end {
  GITDEV_REDIS_ANSWERED,
  GITDEV_REDIS_REFUSED, /* the server answered with an error */
  GITDEV_REDIS_AWAY,    /* it was not reached, or does not let us in: nothing was carried out */
  GITDEV_REDIS_LOST,    /* the connection ended before the answer: it may have been carried out */
  GITDEV_REDIS_LATE,    /* no answer in time: likewise */
} gitdev_redis_end;

typedef struct gitdev_redis_value {
  const char *text; /* NULL: a whole number, or nothing at all */
  size_t len;
  long long number;
  bool is_nil;
} gitdev_redis_value;

/* How it went. A reply that is no list is a list of one. */
typedef struct gitdev_redis_answer {
  gitdev_redis_end end;
  const char *problem; /* a sentence without its full stop; "" when answered */
  size_t count;
  const gitdev_redis_value *values;
} gitdev_redis_answer;

/* The answer, once it is over; NULL before. Lives as long as the command. */
const gitdev_redis_answer *gitdev_redis_answer_of(const gitdev_redis_command *command);

#endif
