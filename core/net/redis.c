#include "net/redis.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "net/redis_reply.h"
#include "wire/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static const double PAUSE_MIN = 0.05,
                    PAUSE_MAX = 1; /* before the next look at a server that is away */

enum { PROBLEM_MAX = 256 };

/* Where a command is. It is in one of its connection's two lists until it is over and told. */
typedef enum stage { WAITING, SENT, OVER, TOLD } stage;

struct gitdev_redis_command {
  gitdev_redis *redis; /* NULL: the connection is freed, or the end is told */
  gitdev_redis_command *before, *after;
  gitdev_redis_fn fn;
  void *payload;
  gitdev_timer deadline;
  stage stage;
  bool abandoned; /* by its owner: what hiredis still has of it is freed with the reply */
  char *bytes;    /* while WAITING, in hiredis' memory */
  size_t len;
  gitdev_redis_answer answer;
  gitdev_redis_value *values;
  char problem[PROBLEM_MAX];
};

typedef struct list {
  gitdev_redis_command *first, *last;
} list;

struct gitdev_redis {
  gitdev_loop *loop;
  char *socket, *host, *username, *password;
  int port, database;
  gitdev_lookup *lookup;
  gitdev_addresses addresses; /* of the host, until none of them can be connected to */
  size_t next_address;
  gitdev_timer next;          /* connects to the next of them */
  redisAsyncContext *context; /* NULL: there is no connection, nor one in the making */
  gitdev_watch watch;
  size_t logins;             /* answers to logging in that are to come before commands are sent */
  bool is_ready;             /* commands may be sent */
  bool welcome;              /* the connection has answered something */
  size_t unanswered, count;  /* commands that hiredis waits for; all that are under way */
  char problem[PROBLEM_MAX]; /* why the connection ended, or could not be made */
  double pause, look_again;  /* at which time it may be looked for again */
  gitdev_timer report;
  list going, over;
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

static void release(gitdev_redis_command *command) {
  redisFreeCommand(command->bytes);
  gitdev_free(command->values);
  gitdev_free(command);
}

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

/* Lists it among those that are over; the loop tells its owner in its next turn. */
static void finish(gitdev_redis_command *command, gitdev_redis_end end, const char *problem) {
  gitdev_redis *redis = command->redis;
  take_out(&redis->going, command);
  redis->count--;
  gitdev_timer_clear(redis->loop, &command->deadline);
  command->stage = OVER;
  command->answer.end = end;
  command->answer.problem = command->problem;
  snprintf(command->problem, sizeof command->problem, "%s", problem);
  append(&redis->over, command);
  gitdev_timer_set(redis->loop, &redis->report, gitdev_now(), on_report, redis);
}

static void answer(gitdev_redis_command *command, redisReply *reply) {
  if (reply->type == REDIS_REPLY_ERROR) {
    finish(command, GITDEV_REDIS_REFUSED, reply->str);
    return;
  }
  const char *fault = gitdev_redis_read(&command->values, &command->answer.count, reply);
  command->answer.values = command->values;
  finish(command, fault ? GITDEV_REDIS_REFUSED : GITDEV_REDIS_ANSWERED, fault ? fault : "");
}

/* ---- the connection ---- */

static void end_all(gitdev_redis *redis) {
  while (redis->going.first) {
    gitdev_redis_command *command = redis->going.first;
    finish(command, command->stage == SENT ? GITDEV_REDIS_LOST : GITDEV_REDIS_AWAY, redis->problem);
  }
}

/* The connection is over, or was not to be made; hiredis' context goes by itself, or has gone. One
 * that has served is made anew without a pause. */
static void note_end(gitdev_redis *redis, const char *problem) {
  snprintf(redis->problem, sizeof redis->problem, "%s", problem);
  redis->context = NULL;
  redis->unanswered = redis->logins = 0;
  redis->is_ready = false;
  redis->addresses.count = 0;
  if (!redis->welcome) {
    redis->pause = redis->pause > 0 ? redis->pause * 2 : PAUSE_MIN;
    redis->pause = redis->pause > PAUSE_MAX ? PAUSE_MAX : redis->pause;
    redis->look_again = gitdev_now() + redis->pause;
  }
  end_all(redis);
}

static void drop(gitdev_redis *redis, const char *problem) {
  redisAsyncContext *context = redis->context;
  note_end(redis, problem);
  if (context)
    redisAsyncFree(context);
}

static const char *problem_of(const redisAsyncContext *context) {
  if (context->c.err == REDIS_ERR_EOF)
    return "the server closed the connection";
  return context->c.errstr[0] ? context->c.errstr : "the connection failed";
}

/* hiredis is about to free a context. Of one that was dropped, nobody wants to know. */
static void on_gone(const redisAsyncContext *context, int status) {
  gitdev_redis *redis = context->data;
  (void)status;
  if (redis->context == context)
    note_end(redis, problem_of(context));
}

static bool send_waiting(gitdev_redis *redis);
static bool send_login(gitdev_redis *redis);
static void connect_next(void *payload);

/* A failed one is on its way out, and its watch with it: the next begins in a turn of its own. One
 * that takes no command (memory is out) must not be freed from here: its commands will be late. */
static void on_connected(const redisAsyncContext *context, int status) {
  gitdev_redis *redis = context->data;
  if (redis->context != context)
    return;
  if (status == REDIS_OK) {
    send_login(redis);
    return;
  }
  redis->context = NULL;
  if (redis->next_address >= redis->addresses.count ||
      gitdev_timer_set(redis->loop, &redis->next, gitdev_now(), connect_next, redis) != GITDEV_OK)
    note_end(redis, problem_of(context));
}

static const char UNSOUND[] = "the server sends replies that nobody asked for: it is no Redis";

/* Such a reply would be fatal to hiredis. */
static void end_if_unsound(gitdev_redis *redis) {
  const redisReader *reader = redis->context->c.reader;
  if (redis->unanswered == 0 && reader->len > reader->pos)
    drop(redis, UNSOUND);
}

/* The server has become a replica: its host's name may lead to another by now. */
static bool is_readonly(const redisReply *reply) {
  return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "READONLY ", 9) == 0;
}

static void on_reply(redisAsyncContext *context, void *given, void *payload) {
  gitdev_redis *redis = context->data;
  gitdev_redis_command *command = payload;
  redisReply *reply = given;
  bool is_ours = reply && redis->context == context;
  if (is_ours) {
    redis->unanswered--;
    redis->welcome = true;
    redis->pause = 0;
  }
  if (command->abandoned)
    release(command);
  else if (is_ours && command->stage == SENT)
    answer(command, reply);
  if (is_ours && is_readonly(reply))
    drop(redis, reply->str);
  else if (is_ours)
    end_if_unsound(redis);
}

static void on_login(redisAsyncContext *context, void *payload, void *unused) {
  gitdev_redis *redis = context->data;
  const redisReply *reply = payload;
  (void)unused;
  if (!reply || redis->context != context)
    return;
  redis->unanswered--;
  redis->logins--;
  char problem[PROBLEM_MAX];
  snprintf(problem, sizeof problem, "the server does not let us in: %s",
           reply->str ? reply->str : "?");
  if (reply->type != REDIS_REPLY_STATUS)
    drop(redis, problem);
  else if (redis->logins == 0 && !send_waiting(redis))
    drop(redis, "the connection takes no command");
  else
    end_if_unsound(redis);
}

/* ---- hiredis on the loop ---- */

static void want(void *payload, int more, int less) {
  gitdev_redis *redis = payload;
  gitdev_watch_want(redis->loop, &redis->watch, (redis->watch.want | more) & ~less);
}

static void add_read(void *payload) {
  want(payload, GITDEV_READABLE, 0);
}

static void del_read(void *payload) {
  want(payload, 0, GITDEV_READABLE);
}

static void add_write(void *payload) {
  want(payload, GITDEV_WRITABLE, 0);
}

static void del_write(void *payload) {
  want(payload, 0, GITDEV_WRITABLE);
}

static void clean_up(void *payload) {
  gitdev_redis *redis = payload;
  gitdev_unwatch(redis->loop, &redis->watch);
}

/* hiredis writes with write(2), whose signal would end a program that has not asked for it to be
 * ignored. It is held back here, and taken if it came of this. */
static void write_out(redisAsyncContext *context) {
  sigset_t pipe_alone, before, pending;
  sigemptyset(&pipe_alone);
  sigaddset(&pipe_alone, SIGPIPE);
  sigpending(&pending);
  bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe_alone, &before);
  redisAsyncHandleWrite(context);
  sigpending(&pending);
  if (!was_pending && sigismember(&pending, SIGPIPE) == 1)
    sigtimedwait(&pipe_alone, NULL, &(struct timespec){0});
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void read_in(gitdev_redis *redis) {
  redisAsyncContext *context = redis->context;
  if (redis->unanswered == 0) {
    char byte;
    ssize_t got = recv(redis->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0)
      drop(redis, UNSOUND);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
      drop(redis, "the server closed the connection");
    return;
  }
  redisAsyncHandleRead(context);
  if (redis->context == context && context->c.reader->len > GITDEV_REDIS_REPLY_MAX)
    drop(redis, "the server's reply is too large");
}

static void on_ready(void *payload, int ready) {
  gitdev_redis *redis = payload;
  redisAsyncContext *context = redis->context;
  bool is_up = context->c.flags & REDIS_CONNECTED;
  if (!is_up || ready & GITDEV_WRITABLE)
    write_out(context);
  if (is_up && redis->context == context && ready & (GITDEV_READABLE | GITDEV_HANGUP))
    read_in(redis);
}

static bool send_waiting(gitdev_redis *redis) {
  redis->is_ready = true;
  for (gitdev_redis_command *one = redis->going.first; one; one = one->after) {
    if (one->stage != WAITING)
      continue;
    if (redisAsyncFormattedCommand(redis->context, on_reply, one, one->bytes, one->len) != REDIS_OK)
      return false;
    redisFreeCommand(one->bytes);
    one->bytes = NULL;
    one->stage = SENT;
    redis->unanswered++;
  }
  return true;
}

static bool log_in(gitdev_redis *redis, int count, const char **words) {
  redis->logins++;
  redis->unanswered++;
  return redisAsyncCommandArgv(redis->context, on_login, NULL, count, words, NULL) == REDIS_OK;
}

/* Commands follow when the answers are there: they would be carried out in the wrong database. */
static bool send_login(gitdev_redis *redis) {
  char number[16];
  snprintf(number, sizeof number, "%d", redis->database);
  const char *named[] = {"AUTH", redis->username, redis->password};
  const char *unnamed[] = {"AUTH", redis->password};
  const char *database[] = {"SELECT", number};
  bool fine = true;
  if (redis->password)
    fine = redis->username ? log_in(redis, 3, named) : log_in(redis, 2, unnamed);
  if (fine && redis->database > 0)
    fine = log_in(redis, 2, database);
  return fine && (redis->logins > 0 || send_waiting(redis));
}

static bool attach(gitdev_redis *redis, redisAsyncContext *context) {
  int fd = context->c.fd;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
      gitdev_watch_start(redis->loop, &redis->watch, fd, 0, on_ready, redis) != GITDEV_OK)
    return false;
  context->data = redis;
  context->ev.data = redis;
  context->ev.addRead = add_read;
  context->ev.delRead = del_read;
  context->ev.addWrite = add_write;
  context->ev.delWrite = del_write;
  context->ev.cleanup = clean_up;
  redisAsyncSetDisconnectCallback(context, on_gone);
  return redisAsyncSetConnectCallback(context, on_connected) == REDIS_OK;
}

/* Begins to connect: to the socket, the host that is an address, or the next of its addresses. */
static void connect_now(gitdev_redis *redis) {
  const char *host = redis->host;
  if (redis->next_address < redis->addresses.count)
    host = redis->addresses.text[redis->next_address++];
  redis->welcome = false;
  redis->context =
      redis->socket ? redisAsyncConnectUnix(redis->socket) : redisAsyncConnect(host, redis->port);
  char problem[PROBLEM_MAX] = "memory is out";
  if (redis->context)
    snprintf(problem, sizeof problem, "%s", problem_of(redis->context));
  if (!redis->context || redis->context->c.err || !attach(redis, redis->context))
    drop(redis, problem);
}

static void connect_next(void *payload) {
  gitdev_redis *redis = payload;
  if (redis->going.first)
    connect_now(redis);
}

static void on_addresses(void *payload, const gitdev_addresses *addresses, const char *problem) {
  gitdev_redis *redis = payload;
  redis->addresses = *addresses;
  redis->next_address = 0;
  char why[PROBLEM_MAX];
  snprintf(why, sizeof why, "its host's name was not resolved: %s", problem ? problem : "");
  gitdev_lookup_free(redis->lookup);
  redis->lookup = NULL;
  if (problem)
    note_end(redis, why);
  else
    connect_next(redis);
}

static void look_up(gitdev_redis *redis) {
  redis->welcome = false;
  if (gitdev_lookup_start(&redis->lookup, redis->loop, redis->host, on_addresses, redis) !=
      GITDEV_OK)
    note_end(redis, "its host's name could not be looked up");
}

/* Has what is WAITING sent, now or when there is a connection. */
static void press_on(gitdev_redis *redis) {
  if (redis->is_ready && !send_waiting(redis))
    drop(redis, "the connection takes no command");
  if (redis->context || redis->lookup || redis->next.place || !redis->going.first)
    return;
  if (gitdev_now() < redis->look_again)
    end_all(redis);
  else if (redis->socket || gitdev_lookup_is_address(redis->host))
    connect_now(redis);
  else
    look_up(redis);
}

/* ---- commands ---- */

/* Who did not answer in time will hardly answer the next ones. */
static void on_late(void *payload) {
  gitdev_redis_command *command = payload;
  gitdev_redis *redis = command->redis;
  bool sent = command->stage == SENT;
  const char *problem = sent ? "it did not answer in time" : "it was not reached in time";
  finish(command, sent ? GITDEV_REDIS_LATE : GITDEV_REDIS_AWAY, problem);
  gitdev_timer_clear(redis->loop, &redis->next);
  gitdev_lookup_free(redis->lookup);
  redis->lookup = NULL;
  drop(redis, problem);
}

static int begin(gitdev_redis_command *command, gitdev_redis *redis, double timeout) {
  int rc =
      gitdev_timer_set(redis->loop, &command->deadline, gitdev_now() + timeout, on_late, command);
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

int gitdev_redis_start(gitdev_redis_command **out, gitdev_redis *redis, int count,
                       const char *const *words, const size_t *lengths, double timeout,
                       gitdev_redis_fn fn, void *payload) {
  *out = NULL;
  if (gitdev_loop_forked(redis->loop))
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
  bool with_hiredis = command->stage == SENT && redis && redis->context;
  if (redis && command->stage < OVER) {
    take_out(&redis->going, command);
    redis->count--;
    gitdev_timer_clear(redis->loop, &command->deadline);
  } else if (redis) {
    take_out(&redis->over, command);
  }
  if (with_hiredis)
    command->abandoned = true;
  else
    release(command);
}

const gitdev_redis_answer *gitdev_redis_answer_of(const gitdev_redis_command *command) {
  return command->stage >= OVER ? &command->answer : NULL;
}

/* ---- life ---- */

static char *copy_of(const char *text, bool *whole) {
  char *copy = text ? gitdev_strdup(text) : NULL;
  *whole &= !text || copy;
  return copy;
}

int gitdev_redis_new(gitdev_redis **out, gitdev_loop *loop, const gitdev_redis_options *options) {
  *out = NULL;
  gitdev_redis *redis = gitdev_calloc(1, sizeof *redis);
  if (!redis)
    return GITDEV_ENOMEM;
  bool whole = true;
  redis->loop = loop;
  gitdev_loop_retain(loop);
  redis->socket = copy_of(options->socket, &whole);
  redis->host = copy_of(options->host, &whole);
  redis->username = copy_of(options->username, &whole);
  redis->password = copy_of(options->password, &whole);
  redis->port = options->port;
  redis->database = options->database;
  if (whole) {
    *out = redis;
    return GITDEV_OK;
  }
  gitdev_redis_free(redis);
  return GITDEV_ENOMEM;
}

/* What is under way is its owners' to free; of what hiredis has, it lets go here. */
static void forsake(gitdev_redis *redis, list *all) {
  while (all->first) {
    gitdev_redis_command *command = all->first;
    take_out(all, command);
    gitdev_timer_clear(redis->loop, &command->deadline);
    command->redis = NULL;
    command->stage = TOLD;
  }
}

void gitdev_redis_free(gitdev_redis *redis) {
  if (!redis)
    return;
  forsake(redis, &redis->going);
  forsake(redis, &redis->over);
  redisAsyncContext *context = redis->context;
  redis->context = NULL;
  if (context)
    redisAsyncFree(context);
  gitdev_lookup_free(redis->lookup);
  gitdev_timer_clear(redis->loop, &redis->report);
  gitdev_timer_clear(redis->loop, &redis->next);
  if (redis->password)
    OPENSSL_cleanse(redis->password, strlen(redis->password));
  gitdev_free(redis->password);
  gitdev_free(redis->username);
  gitdev_free(redis->host);
  gitdev_free(redis->socket);
  gitdev_loop_free(redis->loop);
  gitdev_free(redis);
}
