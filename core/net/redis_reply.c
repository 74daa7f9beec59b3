#include "net/redis_reply.h"
#include "wire/memory.h"
#include <hiredis/hiredis.h>
#include <string.h>

/* Where there is text it is copied to `*text`, which moves behind it. False for what is none of a
 * list's. */
static bool set_value(gitdev_redis_value *value, const redisReply *reply, char **text) {
  switch (reply->type) {
  case REDIS_REPLY_INTEGER: value->number = reply->integer; return true;
  case REDIS_REPLY_NIL: value->is_nil = true; return true;
  case REDIS_REPLY_STRING:
  case REDIS_REPLY_STATUS:
    memcpy(*text, reply->str, reply->len);
    (*text)[reply->len] = '\0';
    value->text = *text;
    value->len = reply->len;
    *text += reply->len + 1;
    return true;
  default: return false;
  }
}

static size_t text_size(const redisReply *reply) {
  bool has_text = reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
  return has_text ? reply->len + 1 : 0;
}

const char *gitdev_redis_read(gitdev_redis_value **out, size_t *count,
                              const struct redisReply *reply) {
  bool is_list = reply->type == REDIS_REPLY_ARRAY;
  size_t total = is_list ? reply->elements : 1, size = 0;
  const redisReply *const *parts =
      is_list ? (const redisReply *const *)reply->element : (const redisReply *const *)&reply;
  *out = NULL;
  *count = 0;
  if (total > GITDEV_REDIS_VALUES_MAX)
    return "the reply is a list of too many values";
  for (size_t i = 0; i < total; i++)
    size += text_size(parts[i]);
  gitdev_redis_value *values = gitdev_calloc(1, (total + 1) * sizeof *values + size);
  if (!values)
    return "memory is out";
  char *text = (char *)(values + total + 1);
  for (size_t i = 0; i < total; i++)
    if (!set_value(&values[i], parts[i], &text)) {
      gitdev_free(values);
      return "the reply is not one of a kind that is known here";
    }
  *out = values;
  *count = total;
  return NULL;
}
