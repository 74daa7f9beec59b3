#include "net/redis.h"
#include "net/redis_reply.h"
#include "net/redis_server.h"
#include "wire/memory.h"
#include <hiredis/hiredis.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Where a command is. It is in one of its connection's two lists until it is over and told. */
typedef enum stage { WAITING, SENT, OVER, TOLD } stage;

struct gitdev_redis_command {
  gitdev_redis *redis; /* NULL: the connection is freed, or the end is told */
  gitdev_redis_command *before, *after;
  gitdev_redis_fn fn;
  void *payload;
  gitdev_timer deadline;
  stage stage;
  char *bytes; /* while WAITING, in hiredis' memory */
  size_t len;
  uint64_t number; /* once SENT: of those that were sent over the connection */
  gitdev_redis_answer answer;
  gitdev_redis_value *values;
  char problem[GITDEV_REDIS_PROBLEM_MAX];
};

typedef struct list {
  gitdev_redis_command *first, *last;
} list;

struct gitdev_redis {
  gitdev_redis_server server;
  uint64_t sent,
      answered; /* over the connection; what was freed meanwhile is answered all the same */
  size_t count; /* of those under way */
  gitdev_timer report;
  list going, over; /* going: first those that were sent, in that order */
};

/* ---- lists ---- */

static void append(list *to, gitdev_redis_command *command) {
  command->after = NULL;
  command->before = to->last;
  if (to->last)
    to->last->after = command;
  else
    to->first = command;
  to->last = command;
}

static void take_out(list *from, gitdev_redis_command *command) {
  if (command->before)
    command->before->after = command->after;
  else
    from->first = command->after;
  if (command->after)
    command->after->before = command->before;
  else
    from->last = command->before;
  command->before = command->after = NULL;
}

/* ---- the end of a command ---- */

static void on_report(void *payload) {
  gitdev_redis *redis = payload;
  while (redis->over.first) {
    gitdev_redis_command *command = redis->over.first;
    take_out(&redis->over, command);
    command->stage = TOLD;
    command->redis = NULL;
    command->fn(command->payload, command);
  }
}

/* It is under way no more. */
static void leave(gitdev_redis *redis, gitdev_redis_command *command) {
  take_out(&redis->going, command);
  redis->count--;
  gitdev_timer_clear(redis->server.loop, &command->deadline);
}

/* Lists it among those that are over; the loop tells its owner in its next turn. */
static void finish(gitdev_redis_command *command, gitdev_redis_end end, const char *problem) {
  gitdev_redis *redis = command->redis;
  leave(redis, command);
  command->stage = OVER;
  command->answer.end = end;
  command->answer.problem = command->problem;
  snprintf(command->problem, sizeof command->problem, "%s", problem);
  append(&redis->over, command);
  gitdev_timer_set(redis->server.loop, &redis->report, gitdev_now(), on_report, redis);
}

static void answer(gitdev_redis_command *command, const redisReply *reply) {
  if (reply->type == REDIS_REPLY_ERROR) {
    finish(command, GITDEV_REDIS_REFUSED, reply->str);
    return;
  }
  const char *fault = gitdev_redis_read(&command->values, &command->answer.count, reply);
  command->answer.values = command->values;
  finish(command, fault ? GITDEV_REDIS_REFUSED : GITDEV_REDIS_ANSWERED, fault ? fault : "");
}

/* ---- what the server does ---- */

static bool send_waiting(gitdev_redis *redis) {
  for (gitdev_redis_command *one = redis->going.first; one; one = one->after) {
    if (one->stage != WAITING)
      continue;
    if (!gitdev_redis_link_send(redis->server.link, one->bytes, one->len))
      return false;
    redisFreeCommand(one->bytes);
    one->bytes = NULL;
    one->stage = SENT;
    one->number = ++redis->sent;
  }
  return true;
}

static void on_up(void *payload) {
  gitdev_redis *redis = payload;
  redis->sent = redis->answered = 0;
  if (!send_waiting(redis))
    gitdev_redis_server_drop(&redis->server, "memory is out");
}

/* The server has become a replica: its host's name may lead to another by now. */
static bool is_readonly(const redisReply *reply) {
  return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "READONLY ", 9) == 0;
}

static void on_reply(void *payload, const redisReply *reply) {
  gitdev_redis *redis = payload;
  gitdev_redis_command *first = redis->going.first;
  redis->answered++;
  if (first && first->stage == SENT && first->number == redis->answered)
    answer(first, reply);
  if (is_readonly(reply))
    gitdev_redis_server_drop(&redis->server, reply->str);
}

static void on_gone(void *payload, const char *problem) {
  gitdev_redis *redis = payload;
  while (redis->going.first) {
    gitdev_redis_command *command = redis->going.first;
    finish(command, command->stage == SENT ? GITDEV_REDIS_LOST : GITDEV_REDIS_AWAY, problem);
  }
}

static const gitdev_redis_link_events EVENTS = {on_up, on_reply, on_gone};

/* ---- commands ---- */

/* Who did not answer in time will hardly answer the next ones. */
static void on_late(void *payload) {
  gitdev_redis_command *command = payload;
  gitdev_redis *redis = command->redis;
  bool sent = command->stage == SENT;
  const char *problem = sent ? "it did not answer in time" : "it was not reached in time";
  finish(command, sent ? GITDEV_REDIS_LATE : GITDEV_REDIS_AWAY, problem);
  gitdev_redis_server_drop(&redis->server, problem);
}

/* Has what is WAITING sent, now or when there is a connection. */
static void press_on(gitdev_redis *redis) {
  if (!gitdev_redis_server_is_up(&redis->server))
    gitdev_redis_server_reach(&redis->server);
  else if (!send_waiting(redis))
    gitdev_redis_server_drop(&redis->server, "memory is out");
}

static int begin(gitdev_redis_command *command, gitdev_redis *redis, double timeout) {
  int rc = gitdev_timer_set(redis->server.loop, &command->deadline, gitdev_now() + timeout, on_late,
                            command);
  if (rc != GITDEV_OK)
    return rc;
  command->redis = redis;
  append(&redis->going, command);
  redis->count++;
  if (redis->count > GITDEV_REDIS_WAITING_MAX)
    finish(command, GITDEV_REDIS_AWAY, "too many commands wait for it");
  else
    press_on(redis);
  return GITDEV_OK;
}

static void release(gitdev_redis_command *command) {
  redisFreeCommand(command->bytes);
  gitdev_free(command->values);
  gitdev_free(command);
}

int gitdev_redis_start(gitdev_redis_command **out, gitdev_redis *redis, int count,
                       const char *const *words, const size_t *lengths, double timeout,
                       gitdev_redis_fn fn, void *payload) {
  *out = NULL;
  if (gitdev_loop_forked(redis->server.loop))
    return GITDEV_ECLOSED;
  gitdev_redis_command *command = gitdev_calloc(1, sizeof *command);
  if (!command)
    return GITDEV_ENOMEM;
  command->fn = fn;
  command->payload = payload;
  /* It changes none of them: its signature says less. */
  const char **list_of = (const char **)(uintptr_t)words;
  int len = redisFormatCommandArgv(&command->bytes, count, list_of, lengths);
  command->len = len > 0 ? (size_t)len : 0;
  int rc = len > 0 ? begin(command, redis, timeout) : GITDEV_ENOMEM;
  if (rc == GITDEV_OK)
    *out = command;
  else
    release(command);
  return rc;
}

void gitdev_redis_command_free(gitdev_redis_command *command) {
  if (!command)
    return;
  gitdev_redis *redis = command->redis;
  if (redis && command->stage < OVER)
    leave(redis, command);
  else if (redis)
    take_out(&redis->over, command);
  release(command);
}

const gitdev_redis_answer *gitdev_redis_answer_of(const gitdev_redis_command *command) {
  return command->stage >= OVER ? &command->answer : NULL;
}

/* ---- life ---- */

int gitdev_redis_new(gitdev_redis **out, gitdev_loop *loop, const gitdev_redis_options *options) {
  *out = NULL;
  gitdev_redis *redis = gitdev_calloc(1, sizeof *redis);
  if (!redis)
    return GITDEV_ENOMEM;
  int rc = gitdev_redis_server_open(&redis->server, loop, options, &EVENTS, redis);
  if (rc == GITDEV_OK)
    *out = redis;
  else
    gitdev_redis_free(redis);
  return rc;
}

/* What is under way is its owners' to free. */
static void forsake(gitdev_redis *redis, list *all) {
  while (all->first) {
    gitdev_redis_command *command = all->first;
    take_out(all, command);
    gitdev_timer_clear(redis->server.loop, &command->deadline);
    command->redis = NULL;
    command->stage = TOLD;
  }
}

void gitdev_redis_free(gitdev_redis *redis) {
  if (!redis)
    return;
  forsake(redis, &redis->going);
  forsake(redis, &redis->over);
  gitdev_timer_clear(redis->server.loop, &redis->report);
  gitdev_redis_server_close(&redis->server);
  gitdev_free(redis);
}
