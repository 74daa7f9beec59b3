/* A reply of hiredis' as the values of a gitdev_redis_answer. */
#ifndef GITDEV_NET_REDIS_REPLY_H
#define GITDEV_NET_REDIS_REPLY_H

#include "net/redis.h"

struct redisReply;

/* Copies a reply that is no error. NULL, and the values are the caller's to give to gitdev_free(); or
 * what is wrong with it, and there are none. */
const char *gitdev_redis_read(gitdev_redis_value **out, size_t *count,
                              const struct redisReply *reply);

#endif
