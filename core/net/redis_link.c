#include "net/redis_link.h"
#include "net/loop.h"
#include "net/redis.h"
#include "wire/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

struct gitdev_redis_link {
  gitdev_loop *loop;
  gitdev_redis_login login;
  const gitdev_redis_link_events *events; /* NULL: nobody is to be told of anything */
  void *payload;
  redisAsyncContext *context; /* whose end is the link's, through clean_up(); NULL from then on */
  gitdev_watch watch;
  size_t logins;     /* answers to logging in that are to come */
  size_t unanswered; /* commands that hiredis waits for, those that log in included */
  bool is_connected, is_up;
  bool is_busy;     /* in on_ready(), which frees it if its context went meanwhile */
  bool is_entering; /* in on_connected(), where hiredis bears no freeing: */
  bool is_doomed;   /* it is made up for */
};

/* ---- the end ---- */

static const char *problem_of(const redisAsyncContext *context) {
  if (context->c.err == REDIS_ERR_EOF)
    return "the server closed the connection";
  return context->c.errstr[0] ? context->c.errstr : "the connection failed";
}

static void tell_gone(gitdev_redis_link *link, const char *problem) {
  const gitdev_redis_link_events *events = link->events;
  link->events = NULL;
  if (events)
    events->gone(link->payload, problem);
}

/* hiredis is about to free the context, whoever wanted that. */
static void clean_up(void *payload) {
  gitdev_redis_link *link = payload;
  gitdev_unwatch(link->loop, &link->watch);
  tell_gone(link, problem_of(link->context));
  link->context = NULL;
  if (!link->is_busy)
    gitdev_free(link);
}

void gitdev_redis_link_close(gitdev_redis_link *link) {
  link->events = NULL;
  if (link->is_entering)
    link->is_doomed = true;
  else
    redisAsyncFree(link->context);
}

static void end(gitdev_redis_link *link, const char *problem) {
  tell_gone(link, problem);
  gitdev_redis_link_close(link);
}

/* ---- replies ---- */

static const char UNSOUND[] = "the server sends replies that nobody asked for: it is no Redis";

/* Such a reply would be fatal to hiredis. */
static void end_if_unsound(gitdev_redis_link *link) {
  const redisReader *reader = link->context->c.reader;
  if (link->events && link->unanswered == 0 && reader->len > reader->pos)
    end(link, UNSOUND);
}

static void on_reply(redisAsyncContext *context, void *reply, void *unused) {
  gitdev_redis_link *link = context->data;
  (void)unused;
  if (!reply || !link->events)
    return;
  link->unanswered--;
  link->events->reply(link->payload, reply);
  end_if_unsound(link);
}

bool gitdev_redis_link_send(gitdev_redis_link *link, const char *bytes, size_t len) {
  if (redisAsyncFormattedCommand(link->context, on_reply, NULL, bytes, len) != REDIS_OK)
    return false;
  link->unanswered++;
  return true;
}

/* ---- logging in ---- */

static void note_up(gitdev_redis_link *link) {
  link->is_up = true;
  link->events->up(link->payload);
}

static void on_login(redisAsyncContext *context, void *payload, void *unused) {
  gitdev_redis_link *link = context->data;
  const redisReply *reply = payload;
  (void)unused;
  if (!reply || !link->events)
    return;
  link->unanswered--;
  link->logins--;
  char problem[GITDEV_REDIS_PROBLEM_MAX];
  snprintf(problem, sizeof problem, "the server does not let us in: %s",
           reply->str ? reply->str : "?");
  if (reply->type != REDIS_REPLY_STATUS) {
    end(link, problem);
    return;
  }
  if (link->logins == 0)
    note_up(link);
  end_if_unsound(link);
}

static bool log_in(gitdev_redis_link *link, int count, const char **words) {
  link->logins++;
  link->unanswered++;
  return redisAsyncCommandArgv(link->context, on_login, NULL, count, words, NULL) == REDIS_OK;
}

/* Commands follow when the answers are there: they would be carried out in the wrong database. */
static bool send_login(gitdev_redis_link *link) {
  const gitdev_redis_login *login = &link->login;
  char number[16];
  snprintf(number, sizeof number, "%d", login->database);
  const char *named[] = {"AUTH", login->username, login->password};
  const char *unnamed[] = {"AUTH", login->password};
  const char *database[] = {"SELECT", number};
  bool fine = true;
  if (login->password)
    fine = login->username ? log_in(link, 3, named) : log_in(link, 2, unnamed);
  if (fine && login->database > 0)
    fine = log_in(link, 2, database);
  return fine;
}

/* Of a connection that was not made, clean_up() tells. */
static void on_connected(const redisAsyncContext *context, int status) {
  gitdev_redis_link *link = context->data;
  if (status != REDIS_OK || !link->events)
    return;
  link->is_connected = link->is_entering = true;
  if (!send_login(link))
    end(link, "memory is out");
  else if (link->logins == 0)
    note_up(link);
  link->is_entering = false;
}

/* ---- hiredis on the loop ---- */

static void want(void *payload, int more, int less) {
  gitdev_redis_link *link = payload;
  gitdev_watch_want(link->loop, &link->watch, (link->watch.want | more) & ~less);
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

/* While nothing is awaited hiredis must not see what comes. */
static void read_in(gitdev_redis_link *link) {
  if (link->unanswered == 0) {
    char byte;
    ssize_t got = recv(link->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0)
      end(link, UNSOUND);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
      end(link, "the server closed the connection");
    return;
  }
  redisAsyncHandleRead(link->context);
  if (link->context && link->context->c.reader->len > GITDEV_REDIS_REPLY_MAX)
    end(link, "the server's reply is too large");
}

static void on_ready(void *payload, int ready) {
  gitdev_redis_link *link = payload;
  bool was_connected = link->is_connected;
  link->is_busy = true;
  if (!was_connected || ready & GITDEV_WRITABLE)
    write_out(link->context);
  if (was_connected && link->context && ready & (GITDEV_READABLE | GITDEV_HANGUP))
    read_in(link);
  link->is_busy = false;
  if (!link->context)
    gitdev_free(link);
  else if (link->is_doomed)
    redisAsyncFree(link->context);
}

/* ---- the beginning ---- */

/* A connection that rests for long is forgotten by what stands on its way (NAT, load balancers), and
 * the next command would wait in vain. */
static bool keep_alive(int fd) {
  const int on = 1, idle = 60, interval = 20, count = 3;
  return setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0 &&
         setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle) == 0 &&
         setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval) == 0 &&
         setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count) == 0;
}

static bool attach(gitdev_redis_link *link) {
  redisAsyncContext *context = link->context;
  int fd = context->c.fd;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || (!link->login.socket && !keep_alive(fd)) ||
      gitdev_watch_start(link->loop, &link->watch, fd, 0, on_ready, link) != GITDEV_OK)
    return false;
  context->data = link;
  context->ev.data = link;
  context->ev.addRead = add_read;
  context->ev.delRead = del_read;
  context->ev.addWrite = add_write;
  context->ev.delWrite = del_write;
  context->ev.cleanup = clean_up;
  return redisAsyncSetConnectCallback(context, on_connected) == REDIS_OK;
}

/* Whether the context is there and on the loop. */
static bool begin(gitdev_redis_link *link, char problem[GITDEV_REDIS_PROBLEM_MAX]) {
  const gitdev_redis_login *login = &link->login;
  link->context = login->socket ? redisAsyncConnectUnix(login->socket)
                                : redisAsyncConnect(login->address, login->port);
  if (!link->context)
    return false;
  snprintf(problem, GITDEV_REDIS_PROBLEM_MAX, "%s", problem_of(link->context));
  return !link->context->c.err && attach(link);
}

gitdev_redis_link *gitdev_redis_link_open(gitdev_loop *loop, const gitdev_redis_login *login,
                                          const gitdev_redis_link_events *events, void *payload,
                                          char problem[GITDEV_REDIS_PROBLEM_MAX]) {
  gitdev_redis_link *link = gitdev_calloc(1, sizeof *link);
  snprintf(problem, GITDEV_REDIS_PROBLEM_MAX, "memory is out");
  if (!link)
    return NULL;
  link->loop = loop;
  link->login = *login;
  if (begin(link, problem)) {
    link->events = events;
    link->payload = payload;
    return link;
  }
  link->is_busy = true; /* whether it is attached or not, it is freed here */
  if (link->context)
    redisAsyncFree(link->context);
  gitdev_free(link);
  return NULL;
}

bool gitdev_redis_link_is_connected(const gitdev_redis_link *link) {
  return link->is_connected;
}

bool gitdev_redis_link_is_up(const gitdev_redis_link *link) {
  return link->is_up;
}
