/* Commands to a Redis server, against one whose bytes are scripted. */
#include "net/lookup.h"
#include "net/loop.h"
#include "net/redis.h"
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE = 30 };
static const double STEP = 0.005;

/* A server that takes one connection at a time and says what it is told. */
typedef struct world {
  gitdev_loop *loop;
  gitdev_redis *redis;
  int listening, port;
  int fd;       /* of the connection that was taken last, or -1 */
  int accepted; /* so many were */
  char heard[65536];
  size_t heard_len;
} world;

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  assert_true(fd >= 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(fd, 16), 0);
  return fd;
}

static int port_of(int fd) {
  struct sockaddr_in address;
  socklen_t len = sizeof address;
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  return ntohs(address.sin_port);
}

static void connect_to(world *w, gitdev_redis_options options) {
  gitdev_redis_free(w->redis);
  options.port = w->port;
  options.host = options.host ? options.host : "127.0.0.1";
  assert_int_equal(gitdev_redis_new(&w->redis, w->loop, &options), 0);
}

static int setup(void **state) {
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  assert_int_equal(gitdev_loop_new(&w->loop), 0);
  w->listening = listen_on(0);
  w->port = port_of(w->listening);
  w->fd = -1;
  connect_to(w, (gitdev_redis_options){0});
  *state = w;
  return 0;
}

static void hang_up(world *w, bool abruptly) {
  struct linger none = {.l_onoff = 1, .l_linger = 0};
  if (w->fd >= 0 && abruptly)
    setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  if (w->fd >= 0)
    close(w->fd);
  w->fd = -1;
}

static int teardown(void **state) {
  world *w = *state;
  hang_up(w, false);
  if (w->listening >= 0)
    close(w->listening);
  gitdev_redis_free(w->redis);
  gitdev_loop_free(w->loop);
  free(w);
  return 0;
}

/* A turn of the loop, and what the server does meanwhile: it takes connections, and listens. */
static void turn(world *w) {
  gitdev_step(w->loop, STEP);
  int fd = w->listening < 0 ? -1 : accept4(w->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    hang_up(w, false);
    w->fd = fd;
    w->accepted++;
    w->heard_len = 0;
  }
  if (w->fd < 0)
    return;
  ssize_t got = read(w->fd, w->heard + w->heard_len, sizeof w->heard - w->heard_len - 1);
  w->heard_len += got > 0 ? (size_t)got : 0;
  w->heard[w->heard_len] = '\0';
}

#define TURN_UNTIL(w, condition)                                                                   \
  do {                                                                                             \
    double began_ = gitdev_now();                                                                  \
    while (!(condition)) {                                                                         \
      assert_true(gitdev_now() - began_ < PATIENCE);                                               \
      turn(w);                                                                                     \
    }                                                                                              \
  } while (0)

static void say(const world *w, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t sent = send(w->fd, bytes, len, MSG_NOSIGNAL);
    if (sent < 0) {
      assert_true(errno == EAGAIN || errno == ECONNRESET || errno == EPIPE);
      return;
    }
    bytes += sent;
    len -= (size_t)sent;
  }
}

static void note(void *payload, gitdev_redis_command *command) {
  (void)command;
  ++*(int *)payload;
}

static gitdev_redis_command *start(world *w, const char *word, double timeout, int *told) {
  gitdev_redis_command *command = NULL;
  const char *words[] = {"ECHO", word};
  const size_t lengths[] = {4, strlen(word)};
  *told = 0;
  assert_int_equal(gitdev_redis_start(&command, w->redis, 2, words, lengths, timeout, note, told),
                   0);
  assert_int_equal(*told, 0); /* never at once */
  return command;
}

/* Sends a command, and has the server say something, in pieces, once it came. How it went is the
 * caller's to free. */
static gitdev_redis_command *talk(world *w, const char *bytes, size_t len, size_t piece) {
  int told;
  gitdev_redis_command *command = start(w, "x", PATIENCE, &told);
  w->heard_len = 0;
  TURN_UNTIL(w, w->fd >= 0 && strstr(w->heard, "ECHO") && w->heard_len > 0);
  for (size_t at = 0; at < len; at += piece) {
    say(w, bytes + at, len - at < piece ? len - at : piece);
    turn(w);
  }
  if (len == 0)
    hang_up(w, false);
  TURN_UNTIL(w, told);
  assert_int_equal(told, 1);
  return command;
}

/* ---- replies ---- */

typedef struct reply_case {
  const char *bytes;
  gitdev_redis_end end;
  const char *seen; /* the values, or a part of the problem */
  bool stays;       /* so does the connection */
} reply_case;

static const reply_case REPLIES[] = {
    {"+OK\r\n", GITDEV_REDIS_ANSWERED, "OK,", true},
    {":42\r\n", GITDEV_REDIS_ANSWERED, "42,", true},
    {":-9007199254740993\r\n", GITDEV_REDIS_ANSWERED, "-9007199254740993,", true},
    {"$-1\r\n", GITDEV_REDIS_ANSWERED, "nil,", true},
    {"*-1\r\n", GITDEV_REDIS_ANSWERED, "nil,", true},
    {"$0\r\n\r\n", GITDEV_REDIS_ANSWERED, ",", true},
    {"$4\r\na\r\nb\r\n", GITDEV_REDIS_ANSWERED, "a\r\nb,", true},
    {"*0\r\n", GITDEV_REDIS_ANSWERED, "", true},
    {"*4\r\n:1\r\n$2\r\nab\r\n$-1\r\n+c\r\n", GITDEV_REDIS_ANSWERED, "1,ab,nil,c,", true},
    {"-ERR no such thing\r\n", GITDEV_REDIS_REFUSED, "ERR no such thing", true},
    {"*1\r\n*1\r\n:1\r\n", GITDEV_REDIS_REFUSED, "not one of a kind", true},
    {"*1\r\n-ERR inside\r\n", GITDEV_REDIS_REFUSED, "not one of a kind", true},
    {"HTTP/1.1 400 Bad Request\r\n\r\n", GITDEV_REDIS_LOST, "Protocol error", false},
    {"$99999999999999999999\r\n", GITDEV_REDIS_LOST, "", false},
    {"+OK\r\n+OK\r\n", GITDEV_REDIS_ANSWERED, "OK,", false},
    {"+OK\r\n$5\r\nhal", GITDEV_REDIS_ANSWERED, "OK,", false},
    {"", GITDEV_REDIS_LOST, "the server closed the connection", false},
};

static void show(const gitdev_redis_answer *answer, char *room, size_t size) {
  size_t at = 0;
  if (answer->end != GITDEV_REDIS_ANSWERED)
    at += (size_t)snprintf(room, size, "%s", answer->problem);
  else
    assert_string_equal(answer->problem, "");
  for (size_t i = 0; i < answer->count; i++) {
    const gitdev_redis_value *value = &answer->values[i];
    if (value->text)
      at += (size_t)snprintf(room + at, size - at, "%s,", value->text);
    else if (value->is_nil)
      at += (size_t)snprintf(room + at, size - at, "nil,");
    else
      at += (size_t)snprintf(room + at, size - at, "%lld,", value->number);
  }
  room[at] = '\0';
}

static void check_reply(world *w, const reply_case *one, size_t piece) {
  char room[512];
  int before = w->accepted;
  gitdev_redis_command *command = talk(w, one->bytes, strlen(one->bytes), piece);
  const gitdev_redis_answer *answer = gitdev_redis_answer_of(command);
  assert_int_equal(answer->end, one->end);
  show(answer, room, sizeof room);
  if (answer->end == GITDEV_REDIS_ANSWERED)
    assert_string_equal(room, one->seen);
  else
    assert_non_null(strstr(room, one->seen));
  gitdev_redis_command_free(command);
  before = w->accepted > before ? w->accepted : before;
  double began = gitdev_now();
  do { /* until it answers again: a server that talks nonsense is left alone for a moment */
    command = talk(w, "+fine\r\n", 7, 7);
    answer = gitdev_redis_answer_of(command);
    bool away = answer->end == GITDEV_REDIS_AWAY;
    gitdev_redis_command_free(command);
    if (!away)
      break;
  } while (gitdev_now() - began < PATIENCE);
  assert_int_equal(w->accepted == before, one->stays);
}

static void test_replies(void **state) {
  world *w = *state;
  for (size_t i = 0; i < sizeof REPLIES / sizeof *REPLIES; i++) {
    if (strcmp(REPLIES[i].seen, "OK,") == 0 || REPLIES[i].stays)
      check_reply(w, &REPLIES[i], 4096);
    if (REPLIES[i].stays)
      check_reply(w, &REPLIES[i], 1);
  }
}

/* What a connection that has answered nothing ends with. Each has a server of its own: one that
 * talks nonsense is left alone for a moment. */
static void test_nonsense(void **state) {
  world *w = *state;
  for (size_t i = 0; i < sizeof REPLIES / sizeof *REPLIES; i++) {
    char room[512];
    if (REPLIES[i].end != GITDEV_REDIS_LOST)
      continue;
    connect_to(w, (gitdev_redis_options){0});
    gitdev_redis_command *command = talk(w, REPLIES[i].bytes, strlen(REPLIES[i].bytes), 4096);
    assert_int_equal(gitdev_redis_answer_of(command)->end, GITDEV_REDIS_LOST);
    show(gitdev_redis_answer_of(command), room, sizeof room);
    assert_non_null(strstr(room, REPLIES[i].seen));
    gitdev_redis_command_free(command);
  }
}

static void test_large_replies(void **state) {
  world *w = *state;
  size_t size = GITDEV_REDIS_REPLY_MAX + 65536;
  char *bytes = malloc(size);
  assert_non_null(bytes);
  memset(bytes, 'a', size);
  int len = snprintf(bytes, size, "$%zu\r\n", size * 2);
  bytes[len] = 'a';
  gitdev_redis_command *command = talk(w, bytes, size, 16384);
  assert_int_equal(gitdev_redis_answer_of(command)->end, GITDEV_REDIS_LOST);
  assert_non_null(strstr(gitdev_redis_answer_of(command)->problem, "too large"));
  gitdev_redis_command_free(command);
  size_t at = (size_t)snprintf(bytes, size, "*%d\r\n", GITDEV_REDIS_VALUES_MAX + 1);
  for (int i = 0; i <= GITDEV_REDIS_VALUES_MAX; i++)
    at += (size_t)snprintf(bytes + at, size - at, ":%d\r\n", i);
  connect_to(w, (gitdev_redis_options){0});
  command = talk(w, bytes, at, 16384);
  assert_int_equal(gitdev_redis_answer_of(command)->end, GITDEV_REDIS_REFUSED);
  gitdev_redis_command_free(command);
  free(bytes);
}

static void test_a_reply_that_nobody_asked_for(void **state) {
  world *w = *state;
  gitdev_redis_command_free(talk(w, "+OK\r\n", 5, 5));
  int before = w->accepted;
  say(w, "+surprise\r\n", 11);
  char byte;
  TURN_UNTIL(w, recv(w->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0); /* it has hung up */
  gitdev_redis_command_free(talk(w, "+OK\r\n", 5, 5));
  assert_int_equal(w->accepted, before + 1);
}

/* ---- the connection ---- */

static void test_a_server_that_has_become_a_replica(void **state) {
  world *w = *state;
  static const char SAYS[] = "-READONLY You can't write against a read only replica.\r\n";
  gitdev_redis_command *command = talk(w, SAYS, sizeof SAYS - 1, 4096);
  assert_int_equal(gitdev_redis_answer_of(command)->end, GITDEV_REDIS_REFUSED);
  gitdev_redis_command_free(command);
  int before = w->accepted;
  gitdev_redis_command_free(talk(w, "+OK\r\n", 5, 5));
  assert_int_equal(w->accepted, before + 1);
}

static void test_an_answer_that_does_not_come(void **state) {
  world *w = *state;
  int told, other;
  gitdev_redis_command *late = start(w, "x", 0.1, &told), *behind = start(w, "y", PATIENCE, &other);
  TURN_UNTIL(w, told && other);
  assert_int_equal(gitdev_redis_answer_of(late)->end, GITDEV_REDIS_LATE);
  assert_int_equal(gitdev_redis_answer_of(behind)->end, GITDEV_REDIS_LOST);
  gitdev_redis_command_free(late);
  gitdev_redis_command_free(behind);
}

static void test_a_server_that_is_away(void **state) {
  world *w = *state;
  int told;
  close(w->listening);
  w->listening = -1;
  gitdev_redis_command *command = start(w, "x", PATIENCE, &told);
  TURN_UNTIL(w, told);
  assert_int_equal(gitdev_redis_answer_of(command)->end, GITDEV_REDIS_AWAY);
  assert_string_equal(gitdev_redis_answer_of(command)->problem, "Connection refused");
  gitdev_redis_command_free(command);
  w->listening = listen_on(w->port);
  double began = gitdev_now();
  gitdev_redis_end end;
  do { /* it is looked for again, after a moment */
    command = start(w, "x", PATIENCE, &told);
    TURN_UNTIL(w, told || w->fd >= 0);
    if (w->fd >= 0)
      say(w, "+OK\r\n", 5);
    TURN_UNTIL(w, told);
    end = gitdev_redis_answer_of(command)->end;
    gitdev_redis_command_free(command);
  } while (end == GITDEV_REDIS_AWAY && gitdev_now() - began < PATIENCE);
  assert_int_equal(end, GITDEV_REDIS_ANSWERED);
}

static void test_many_at_once(void **state) {
  world *w = *state;
  enum { COUNT = 200 };
  gitdev_redis_command *all[COUNT];
  int told[COUNT];
  for (int i = 0; i < COUNT; i++)
    all[i] = start(w, "x", PATIENCE, &told[i]);
  TURN_UNTIL(w, w->heard_len == COUNT * strlen("*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n"));
  for (int i = 0; i < COUNT; i++) {
    char bytes[32];
    if (i % 3 == 0) {
      gitdev_redis_command_free(all[i]); /* its reply comes all the same */
      all[i] = NULL;
    }
    say(w, bytes, (size_t)snprintf(bytes, sizeof bytes, ":%d\r\n", i));
  }
  TURN_UNTIL(w, told[COUNT - 1]);
  for (int i = 0; i < COUNT; i++) {
    if (all[i])
      assert_int_equal(gitdev_redis_answer_of(all[i])->values[0].number, i);
    assert_int_equal(told[i], all[i] != NULL);
    gitdev_redis_command_free(all[i]);
  }
}

static void test_freeing_what_is_under_way(void **state) {
  world *w = *state;
  int told, other, third;
  gitdev_redis_command *first = start(w, "x", PATIENCE, &told);
  TURN_UNTIL(w, w->heard_len > 0);
  gitdev_redis_command *second = start(w, "y", PATIENCE, &other);
  gitdev_redis_command_free(first);
  gitdev_redis_free(w->redis);
  w->redis = NULL;
  gitdev_redis_command_free(second);
  connect_to(w, (gitdev_redis_options){0});
  gitdev_redis_command *waiting = start(w, "z", PATIENCE, &third); /* not connected yet */
  gitdev_redis_command_free(waiting);
  turn(w);
  turn(w);
  assert_int_equal(told + other + third, 0);
}

static void test_a_connection_that_is_reset(void **state) {
  world *w = *state;
  int told[3];
  gitdev_redis_command *all[3];
  gitdev_redis_command_free(talk(w, "+OK\r\n", 5, 5));
  hang_up(w, true);
  for (int i = 0; i < 3; i++)
    all[i] = start(w, "x", PATIENCE, &told[i]);
  TURN_UNTIL(w, told[0] && told[1] && told[2]);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(gitdev_redis_answer_of(all[i])->end, GITDEV_REDIS_LOST);
    gitdev_redis_command_free(all[i]);
  }
}

/* Whether one of this process's connections to a port asks now and then whether the other is there. */
static bool is_kept_alive(int port) {
  for (int fd = 3; fd < 256; fd++) {
    struct sockaddr_in peer = {.sin_port = 0};
    socklen_t len = sizeof peer;
    int on = 0, idle = 0;
    if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0 || ntohs(peer.sin_port) != port)
      continue;
    len = sizeof on;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &len), 0);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, &len), 0);
    return on && idle <= 60;
  }
  return false;
}

static void test_a_connection_that_rests(void **state) {
  world *w = *state;
  gitdev_redis_command_free(talk(w, "+OK\r\n", 5, 5));
  assert_true(is_kept_alive(w->port));
}

static void listen_on_a_socket(world *w, struct sockaddr_un *address) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  snprintf(address->sun_path, sizeof address->sun_path, "/tmp/gitdev-redis-%d", (int)getpid());
  unlink(address->sun_path);
  close(w->listening);
  w->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(w->listening, (struct sockaddr *)address, sizeof *address), 0);
  assert_int_equal(listen(w->listening, 16), 0);
}

/* A program that has not asked for SIGPIPE to be ignored lives on: a socket whose other end is gone
 * raises it at the first write. */
static void test_a_socket_whose_other_end_is_gone(void **state) {
  world *w = *state;
  struct sockaddr_un address;
  listen_on_a_socket(w, &address);
  gitdev_redis_free(w->redis);
  gitdev_redis_options options = {.socket = address.sun_path};
  assert_int_equal(gitdev_redis_new(&w->redis, w->loop, &options), 0);
  gitdev_redis_command_free(talk(w, "+OK\r\n", 5, 5));
  hang_up(w, false);
  int told;
  gitdev_redis_command *command = start(w, "x", PATIENCE, &told);
  TURN_UNTIL(w, told);
  assert_int_equal(gitdev_redis_answer_of(command)->end, GITDEV_REDIS_LOST);
  gitdev_redis_command_free(command);
  command = talk(w, "+OK\r\n", 5, 5);
  assert_int_equal(gitdev_redis_answer_of(command)->end, GITDEV_REDIS_ANSWERED);
  gitdev_redis_command_free(command);
  unlink(address.sun_path);
}

static void test_logging_in(void **state) {
  static const struct {
    gitdev_redis_options options;
    const char *sent, *reply, *then; /* `then`: what is sent after the reply */
  } CASES[] = {
      {{.password = "open sesame"},
       "*2\r\n$4\r\nAUTH\r\n$11\r\nopen sesame\r\n",
       "+OK\r\n",
       "*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n"},
      {{.password = "b", .username = "a", .database = 3},
       "*3\r\n$4\r\nAUTH\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n",
       "+OK\r\n+OK\r\n",
       "*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n"},
      {{.password = "b"}, "*2\r\n$4\r\nAUTH\r\n$1\r\nb\r\n", "-WRONGPASS no\r\n", NULL},
      {{.database = 99}, "*2\r\n$6\r\nSELECT\r\n$2\r\n99\r\n", "-ERR out of range\r\n", NULL},
  };
  world *w = *state;
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    int told;
    int before = w->accepted;
    connect_to(w, CASES[i].options);
    gitdev_redis_command *command = start(w, "x", PATIENCE, &told);
    TURN_UNTIL(w, w->accepted > before && w->heard_len >= strlen(CASES[i].sent));
    turn(w);
    assert_string_equal(w->heard, CASES[i].sent);
    w->heard_len = 0;
    say(w, CASES[i].reply, strlen(CASES[i].reply));
    if (CASES[i].then) {
      TURN_UNTIL(w, w->heard_len >= strlen(CASES[i].then));
      assert_string_equal(w->heard, CASES[i].then);
      say(w, ":1\r\n", 4);
    }
    TURN_UNTIL(w, told);
    const gitdev_redis_answer *answer = gitdev_redis_answer_of(command);
    assert_int_equal(answer->end, CASES[i].then ? GITDEV_REDIS_ANSWERED : GITDEV_REDIS_AWAY);
    if (!CASES[i].then)
      assert_non_null(strstr(answer->problem, "does not let us in: "));
    gitdev_redis_command_free(command);
  }
}

static void test_a_fork(void **state) {
  world *w = *state;
  gitdev_redis_command_free(talk(w, "+OK\r\n", 5, 5));
  int told;
  gitdev_redis_command *command = start(w, "x", PATIENCE, &told);
  pid_t child = fork();
  if (child == 0) {
    gitdev_redis_command *refused = NULL;
    const char *word = "PING";
    size_t len = 4;
    int rc = gitdev_redis_start(&refused, w->redis, 1, &word, &len, 1, note, &told);
    gitdev_redis_free(w->redis);
    gitdev_redis_command_free(command);
    _exit(rc == GITDEV_ECLOSED && !refused ? 0 : 1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  TURN_UNTIL(w, w->heard_len > 0 && strstr(w->heard, "x"));
  say(w, ":7\r\n", 4);
  TURN_UNTIL(w, told);
  assert_int_equal(gitdev_redis_answer_of(command)->values[0].number, 7);
  gitdev_redis_command_free(command);
}

static void test_a_fork_while_a_name_is_looked_up(void **state) {
  world *w = *state;
  int told, next = dup(w->listening);
  connect_to(w, (gitdev_redis_options){.host = "localhost"});
  close(next);
  gitdev_redis_command *command = start(w, "x", PATIENCE, &told);
  assert_true(fcntl(next, F_GETFD) >= 0);
  pid_t child = fork();
  if (child == 0) {
    gitdev_redis_free(w->redis);
    gitdev_redis_command_free(command);
    _exit(fcntl(next, F_GETFD) < 0 ? 0 : 1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  TURN_UNTIL(w, w->heard_len > 0 && strstr(w->heard, "x"));
  say(w, ":7\r\n", 4);
  TURN_UNTIL(w, told);
  assert_int_equal(gitdev_redis_answer_of(command)->values[0].number, 7);
  gitdev_redis_command_free(command);
}

/* ---- names ---- */

static void test_a_name(void **state) {
  world *w = *state;
  connect_to(w, (gitdev_redis_options){.host = "localhost"});
  gitdev_redis_command *command = talk(w, "+OK\r\n", 5, 5); /* whichever of its addresses it is */
  assert_int_equal(gitdev_redis_answer_of(command)->end, GITDEV_REDIS_ANSWERED);
  gitdev_redis_command_free(command);
  int told;
  connect_to(w, (gitdev_redis_options){.host = "not a name"});
  command = start(w, "x", PATIENCE, &told);
  TURN_UNTIL(w, told);
  assert_int_equal(gitdev_redis_answer_of(command)->end, GITDEV_REDIS_AWAY);
  assert_non_null(strstr(gitdev_redis_answer_of(command)->problem, "was not resolved"));
  gitdev_redis_command_free(command);
  connect_to(w, (gitdev_redis_options){.host = "localhost"});
  command = start(w, "x", PATIENCE, &told);
  gitdev_redis_free(w->redis); /* while it is looked up */
  w->redis = NULL;
  gitdev_redis_command_free(command);
}

/* The resolver's, but for one name: a host that has two addresses. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out) {
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  if (!node || strcmp(node, "two.test") != 0)
    return real(node, service, hints, out);
  int rc = real("127.0.0.2", service, hints, out);
  return rc ? rc : real("127.0.0.1", service, hints, &(*out)->ai_next);
}

/* Somebody listens there and takes no connection, nor sends one away. False where the system makes
 * them all the same. */
static bool fill_up(int port, int *listening, int clients[], size_t count) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  assert_int_equal(inet_pton(AF_INET, "127.0.0.2", &address.sin_addr), 1);
  *listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool full = bind(*listening, (struct sockaddr *)&address, sizeof address) == 0 &&
              listen(*listening, 0) == 0;
  for (size_t i = 0; i < count; i++) {
    clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc = connect(clients[i], (struct sockaddr *)&address, sizeof address);
    assert_true(rc == 0 || errno == EINPROGRESS);
  }
  struct pollfd last = {.fd = clients[count - 1], .events = POLLOUT};
  return full && poll(&last, 1, 200) == 0;
}

/* Freed, or late, at any moment of its way from address to address. */
static void break_off_on_the_way(world *w) {
  static const double MOMENTS[] = {0, 0.05, 0.2, 0.24, 0.26, 0.3};
  for (size_t i = 0; i < sizeof MOMENTS / sizeof MOMENTS[0]; i++) {
    int told;
    connect_to(w, (gitdev_redis_options){.host = "two.test"});
    gitdev_redis_command *command = start(w, "x", PATIENCE, &told);
    for (double began = gitdev_now(); gitdev_now() < began + MOMENTS[i];)
      turn(w);
    gitdev_redis_free(w->redis);
    w->redis = NULL;
    turn(w);
    assert_int_equal(told, 0);
    gitdev_redis_command_free(command);
    connect_to(w, (gitdev_redis_options){.host = "two.test"});
    command = start(w, "x", MOMENTS[i], &told);
    TURN_UNTIL(w, told);
    assert_int_not_equal(gitdev_redis_answer_of(command)->end, GITDEV_REDIS_ANSWERED);
    gitdev_redis_command_free(command);
  }
}

static void test_an_address_that_says_nothing(void **state) {
  world *w = *state;
  enum { CLIENTS = 8 };
  int listening, clients[CLIENTS];
  bool full = fill_up(w->port, &listening, clients, CLIENTS);
  if (full) {
    connect_to(w, (gitdev_redis_options){.host = "two.test"});
    gitdev_redis_command *command = talk(w, "+OK\r\n", 5, 5);
    assert_int_equal(gitdev_redis_answer_of(command)->end, GITDEV_REDIS_ANSWERED);
    gitdev_redis_command_free(command);
    break_off_on_the_way(w);
  }
  for (size_t i = 0; i < CLIENTS; i++)
    close(clients[i]);
  close(listening);
  if (!full)
    skip();
}

static void test_what_is_an_address(void **state) {
  (void)state;
  assert_true(gitdev_lookup_is_address("127.0.0.1"));
  assert_true(gitdev_lookup_is_address("::1"));
  assert_true(gitdev_lookup_is_address("fe80::1%eth0"));
  assert_false(gitdev_lookup_is_address("redis.example"));
  assert_false(gitdev_lookup_is_address("127.0.0.1.example"));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(test_replies),
      CASE(test_nonsense),
      CASE(test_large_replies),
      CASE(test_a_reply_that_nobody_asked_for),
      CASE(test_a_server_that_has_become_a_replica),
      CASE(test_an_answer_that_does_not_come),
      CASE(test_a_server_that_is_away),
      CASE(test_many_at_once),
      CASE(test_freeing_what_is_under_way),
      CASE(test_a_connection_that_is_reset),
      CASE(test_a_connection_that_rests),
      CASE(test_a_socket_whose_other_end_is_gone),
      CASE(test_logging_in),
      CASE(test_a_fork),
      CASE(test_a_fork_while_a_name_is_looked_up),
      CASE(test_a_name),
      CASE(test_an_address_that_says_nothing),
      CASE(test_what_is_an_address),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
