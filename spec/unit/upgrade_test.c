/* Requests to a listener that become WebSockets, over real sockets and real TLS on loopback. Server
 * and clients share one thread: whoever waits for something turns the loop meanwhile, so nothing here
 * depends on time. */
#include "net/certificate.h"
#include "net/listener.h"
#include "net/socket.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { RECORD = 16384, CROWD = 300 };

/* Only a bug makes anyone wait that long. */
static const double PATIENCE = 60;

typedef struct server {
  gitdev_loop *loop;
  gitdev_certificate certificate;
  gitdev_listener *listener;
  SSL_CTX *context;
} server;

typedef struct client {
  server *of;
  int fd;
  SSL *ssl; /* NULL: plain */
  gitdev_websocket *codec;
  gitdev_buffer head;
  bool ended, reset;
} client;

static void listen_with(server *all, gitdev_listener_options options) {
  gitdev_listener_free(all->listener);
  assert_int_equal(gitdev_listener_new(&all->listener, all->loop, &options), 0);
}

static int setup(void **state) {
  static const char *const names[] = {"localhost"};
  server *all = calloc(1, sizeof *all);
  assert_non_null(all);
  assert_int_equal(gitdev_loop_new(&all->loop), 0);
  assert_int_equal(gitdev_certificate_make(&all->certificate, names, 1, 30), 0);
  all->context = SSL_CTX_new(TLS_client_method());
  assert_non_null(all->context);
  listen_with(all, (gitdev_listener_options){.certificate = &all->certificate});
  *state = all;
  return 0;
}

static int teardown(void **state) {
  server *all = *state;
  gitdev_listener_free(all->listener);
  gitdev_certificate_free(&all->certificate);
  SSL_CTX_free(all->context);
  gitdev_loop_free(all->loop);
  free(all);
  return 0;
}

static void step(server *all) {
  assert_int_equal(gitdev_step(all->loop, 0.002), 0);
}

static client *dial(server *all, bool tls) {
  client *made = calloc(1, sizeof *made);
  assert_non_null(made);
  made->of = all;
  made->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)gitdev_listener_port(all->listener)),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(connect(made->fd, (struct sockaddr *)&to, sizeof to), 0);
  assert_int_equal(fcntl(made->fd, F_SETFL, O_NONBLOCK), 0);
  made->codec = gitdev_websocket_new(GITDEV_WEBSOCKET_CLIENT, 0);
  gitdev_buffer_init(&made->head, SIZE_MAX);
  if (!tls)
    return made;
  made->ssl = SSL_new(all->context);
  assert_int_equal(SSL_set_fd(made->ssl, made->fd), 1);
  SSL_set_connect_state(made->ssl);
  double limit = gitdev_now() + PATIENCE;
  while (SSL_do_handshake(made->ssl) != 1 && gitdev_now() < limit)
    step(all);
  assert_true(SSL_is_init_finished(made->ssl));
  return made;
}

static void hang_up(client *done) {
  SSL_free(done->ssl);
  close(done->fd);
  gitdev_websocket_free(done->codec);
  gitdev_buffer_free(&done->head);
  free(done);
}

static ssize_t write_to(client *from, const char *bytes, size_t len) {
  if (from->ssl)
    return SSL_write(from->ssl, bytes, (int)len);
  return send(from->fd, bytes, len, MSG_NOSIGNAL);
}

static void send_bytes(client *from, const char *bytes, size_t len) {
  double limit = gitdev_now() + PATIENCE;
  while (len && gitdev_now() < limit) {
    ssize_t sent = write_to(from, bytes, len);
    if (sent > 0) {
      bytes += sent;
      len -= (size_t)sent;
    } else {
      step(from->of);
    }
  }
  assert_int_equal(len, 0);
}

/* Some bytes, or 0 when there are none now or will be none. */
static size_t get_some(client *to, char *bytes, size_t size) {
  step(to->of);
  errno = 0;
  ssize_t got = to->ssl ? SSL_read(to->ssl, bytes, (int)size) : recv(to->fd, bytes, size, 0);
  if (got > 0)
    return (size_t)got;
  to->reset = to->reset || errno == ECONNRESET;
  char byte;
  to->ended = to->ended || (!to->reset && recv(to->fd, &byte, 1, MSG_PEEK) == 0);
  return 0;
}

#define HANDSHAKE                                                                                  \
  "GET /s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                    \
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define ACCEPTED                                                                                   \
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"              \
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static void say(client *from, const char *text) {
  send_bytes(from, text, strlen(text));
}

static gitdev_exchange *next_exchange(server *all) {
  double limit = gitdev_now() + PATIENCE;
  gitdev_exchange *exchange;
  while (!(exchange = gitdev_listener_next(all->listener)) && gitdev_now() < limit)
    step(all);
  assert_non_null(exchange);
  return exchange;
}

static gitdev_socket *upgrade(server *all, const char *protocol, const char *fields) {
  gitdev_exchange *exchange = next_exchange(all);
  const char *problem;
  gitdev_socket *made;
  assert_int_equal(gitdev_exchange_wish(exchange, &problem), GITDEV_HANDSHAKE_GOOD);
  assert_int_equal(gitdev_exchange_upgrade(exchange, protocol, fields, strlen(fields), 0, &made),
                   0);
  assert_int_equal(gitdev_exchange_answer(exchange, 200, NULL, 0, NULL, 0), GITDEV_EINVAL);
  gitdev_exchange_free(exchange);
  return made;
}

/* Reads the head, and leaves what follows to the codec. */
static void hear_head(client *to, const char *expected) {
  double limit = gitdev_now() + PATIENCE;
  char bytes[4096];
  char *found = NULL;
  while (!found && gitdev_now() < limit) {
    gitdev_buffer_append(&to->head, bytes, get_some(to, bytes, sizeof bytes));
    found = strstr(to->head.data, "\r\n\r\n");
  }
  assert_non_null(found);
  size_t len = (size_t)(found - to->head.data) + 4;
  assert_true(gitdev_websocket_feed(to->codec, found + 4, to->head.len - len));
  assert_int_equal(len, strlen(expected));
  assert_memory_equal(to->head.data, expected, len);
}

static gitdev_websocket_event hear(client *to) {
  double limit = gitdev_now() + PATIENCE;
  static char bytes[RECORD];
  gitdev_websocket_event event;
  while ((event = gitdev_websocket_pull(to->codec)) == GITDEV_WEBSOCKET_NEED && !to->ended &&
         !to->reset && gitdev_now() < limit) {
    size_t len = get_some(to, bytes, sizeof bytes);
    assert_true(gitdev_websocket_feed(to->codec, bytes, len));
  }
  return event;
}

static void hear_text(client *to, const char *expected) {
  size_t len;
  assert_int_equal(hear(to), GITDEV_WEBSOCKET_TEXT);
  assert_string_equal(gitdev_websocket_message(to->codec, &len), expected);
}

static void hear_close(client *to, int code) {
  assert_int_equal(hear(to), GITDEV_WEBSOCKET_CLOSE);
  assert_int_equal(gitdev_websocket_close_code(to->codec), code);
}

static void hear_end(client *to) {
  double limit = gitdev_now() + PATIENCE;
  char bytes[64];
  while (!to->ended && !to->reset && gitdev_now() < limit)
    get_some(to, bytes, sizeof bytes);
  assert_true(to->ended);
  assert_false(to->reset);
}

static void say_text(client *from, const char *text) {
  assert_true(gitdev_websocket_send(from->codec, text, strlen(text)));
  size_t len;
  const char *bytes = gitdev_websocket_output(from->codec, &len);
  send_bytes(from, bytes, len);
  gitdev_websocket_sent(from->codec, len);
}

static void say_close(client *from, int code) {
  (void)gitdev_websocket_close(from->codec, code, NULL);
  size_t len;
  const char *bytes = gitdev_websocket_output(from->codec, &len);
  send_bytes(from, bytes, len);
  gitdev_websocket_sent(from->codec, len);
}

static void expect_text(server *all, gitdev_socket *socket, const char *text) {
  double limit = gitdev_now() + PATIENCE;
  const char *message;
  size_t len;
  int rc;
  while ((rc = gitdev_socket_read(socket, &message, &len, NULL)) == GITDEV_AGAIN &&
         gitdev_now() < limit)
    step(all);
  assert_int_equal(rc, GITDEV_OK);
  assert_string_equal(message, text);
}

static void expect_end(server *all, gitdev_socket *socket, int code) {
  double limit = gitdev_now() + PATIENCE;
  while (!gitdev_socket_done(socket) && gitdev_now() < limit)
    step(all);
  assert_int_equal(gitdev_socket_close_code(socket), code);
}

static void wait_for_connections(server *all, size_t count) {
  double limit = gitdev_now() + PATIENCE;
  while (gitdev_listener_connections(all->listener) != count && gitdev_now() < limit)
    step(all);
  assert_int_equal(gitdev_listener_connections(all->listener), count);
}

/* A client that has been upgraded; *socket is the server's end. */
static client *meet(server *all, gitdev_socket **socket) {
  client *one = dial(all, true);
  say(one, HANDSHAKE);
  *socket = upgrade(all, NULL, "");
  hear_head(one, ACCEPTED "\r\n");
  return one;
}

static void converse(server *all, bool tls) {
  client *one = dial(all, tls);
  say(one, HANDSHAKE);
  gitdev_socket *socket = upgrade(all, "git.logs.v1", "X-A: b\r\n");
  assert_int_equal(gitdev_socket_send(socket, "hello", 5), GITDEV_OK);
  hear_head(one, ACCEPTED "Sec-WebSocket-Protocol: git.logs.v1\r\nX-A: b\r\n\r\n");
  hear_text(one, "hello");
  say_text(one, "hello yourself");
  expect_text(all, socket, "hello yourself");
  assert_int_equal(gitdev_listener_connections(all->listener), 1);
  say_close(one, 1000);
  expect_end(all, socket, 1000);
  hear_close(one, 1000);
  hear_end(one);
  gitdev_socket_free(socket);
  hang_up(one);
  wait_for_connections(all, 0);
}

static void test_a_request_becomes_a_websocket(void **state) {
  server *all = *state;
  converse(all, true);
  listen_with(all, (gitdev_listener_options){0});
  converse(all, false);
}

/* The request and the first frames come in one piece, and the rest in another. */
static void test_frames_that_come_ahead_of_the_answer(void **state) {
  server *all = *state;
  client *one = dial(all, true);
  assert_true(gitdev_websocket_send(one->codec, "ahead", 5));
  assert_true(gitdev_websocket_send(one->codec, "of time", 7));
  size_t len;
  const char *frames = gitdev_websocket_output(one->codec, &len);
  gitdev_buffer bytes;
  gitdev_buffer_init(&bytes, SIZE_MAX);
  gitdev_buffer_puts(&bytes, HANDSHAKE);
  gitdev_buffer_append(&bytes, frames, len - 3);
  send_bytes(one, bytes.data, bytes.len);
  gitdev_socket *socket = upgrade(all, NULL, "");
  send_bytes(one, frames + len - 3, 3);
  expect_text(all, socket, "ahead");
  expect_text(all, socket, "of time");
  hear_head(one, ACCEPTED "\r\n");
  gitdev_buffer_free(&bytes);
  gitdev_socket_free(socket);
  hear_close(one, 1001);
  hang_up(one);
}

static void test_what_is_no_handshake_stays_http(void **state) {
  static const struct {
    const char *request;
    gitdev_handshake_wish wish;
  } cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", GITDEV_HANDSHAKE_NONE},
      {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
       GITDEV_HANDSHAKE_MALFORMED},
  };
  server *all = *state;
  client *one = dial(all, true);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    say(one, cases[i].request);
    gitdev_exchange *exchange = next_exchange(all);
    const char *problem = NULL;
    gitdev_socket *socket;
    assert_int_equal(gitdev_exchange_wish(exchange, &problem), cases[i].wish);
    assert_int_equal(problem != NULL, cases[i].wish == GITDEV_HANDSHAKE_MALFORMED);
    assert_int_equal(gitdev_exchange_upgrade(exchange, NULL, NULL, 0, 0, &socket), GITDEV_EINVAL);
    assert_null(socket);
    assert_int_equal(gitdev_exchange_answer(exchange, 204, NULL, 0, NULL, 0), 0);
    gitdev_exchange_free(exchange);
    gitdev_buffer_reset(&one->head);
    hear_head(one, "HTTP/1.1 204 No Content\r\n\r\n");
  }
  say(one, HANDSHAKE);
  gitdev_exchange *exchange = next_exchange(all);
  hang_up(one);
  wait_for_connections(all, 0);
  gitdev_socket *socket;
  assert_int_equal(gitdev_exchange_upgrade(exchange, NULL, NULL, 0, 0, &socket), GITDEV_ECLOSED);
  gitdev_exchange_free(exchange);
}

static void test_no_timeout_of_the_listener_ends_it(void **state) {
  server *all = *state;
  listen_with(all, (gitdev_listener_options){.certificate = &all->certificate,
                                             .idle_timeout = 0.05,
                                             .request_timeout = 1});
  gitdev_socket *socket;
  client *one = meet(all, &socket), *two = dial(all, true);
  client *three = dial(all, true);
  hear_end(two);
  hear_end(three); /* whose timeout came after the socket's would have */
  say_text(one, "here");
  expect_text(all, socket, "here");
  gitdev_socket_free(socket);
  hang_up(one);
  hang_up(two);
  hang_up(three);
}

static void test_it_does_not_give_way_to_others(void **state) {
  server *all = *state;
  listen_with(all,
              (gitdev_listener_options){.certificate = &all->certificate, .connection_max = 2});
  gitdev_socket *socket;
  client *one = meet(all, &socket);
  client *two = dial(all, true), *three = dial(all, true);
  hear_end(two);
  say_text(one, "here");
  expect_text(all, socket, "here");
  gitdev_socket_free(socket);
  hang_up(one);
  hang_up(two);
  hang_up(three);
}

static void test_draining_says_goodbye(void **state) {
  server *all = *state;
  gitdev_socket *socket;
  client *one = meet(all, &socket), *late = dial(all, true);
  say(late, HANDSHAKE);
  gitdev_exchange *held = next_exchange(all);
  assert_int_equal(gitdev_socket_send(socket, "last", 4), GITDEV_OK);
  gitdev_listener_drain(all->listener);
  hear_text(one, "last");
  hear_close(one, 1001);
  say_close(one, 1001);
  expect_end(all, socket, 1001);
  hear_end(one);
  /* One that is upgraded now goes the same way. */
  gitdev_socket *second;
  assert_int_equal(gitdev_exchange_upgrade(held, NULL, NULL, 0, 0, &second), 0);
  gitdev_exchange_free(held);
  hear_head(late, ACCEPTED "\r\n");
  hear_close(late, 1001);
  say_close(late, 1001);
  expect_end(all, second, 1001);
  hear_end(late);
  gitdev_socket_free(socket);
  gitdev_socket_free(second);
  hang_up(one);
  hang_up(late);
  wait_for_connections(all, 0);
}

static void test_sockets_outlive_the_listener(void **state) {
  server *all = *state;
  gitdev_socket *first;
  client *one = meet(all, &first), *two = dial(all, true);
  say(two, HANDSHAKE);
  gitdev_socket *second = upgrade(all, NULL, "");
  gitdev_listener_free(all->listener);
  all->listener = NULL;
  hear_close(one, 1001);
  hear_end(one);
  hear_head(two, ACCEPTED "\r\n");
  assert_int_equal(gitdev_socket_close_code(first), 1006);
  assert_int_equal(gitdev_socket_send(first, "a", 1), GITDEV_ECLOSED);
  assert_int_equal(gitdev_socket_unsent(first), 0);
  gitdev_socket_free(first);
  gitdev_socket_free(second);
  hang_up(one);
  hang_up(two);
}

static void test_the_loop_may_go_first(void **state) {
  server *all = *state;
  client *one = dial(all, true), *two = dial(all, true);
  say(one, HANDSHAKE);
  gitdev_socket *socket = upgrade(all, NULL, "");
  say(two, HANDSHAKE);
  gitdev_exchange *held = next_exchange(all);
  gitdev_loop_free(all->loop);
  all->loop = NULL;
  assert_int_equal(gitdev_socket_send(socket, "a", 1), GITDEV_OK);
  gitdev_socket *second;
  assert_int_equal(gitdev_exchange_upgrade(held, NULL, NULL, 0, 0, &second), 0);
  gitdev_listener_free(all->listener);
  all->listener = NULL;
  gitdev_exchange_free(held);
  assert_int_equal(gitdev_socket_close_code(socket), 1006);
  gitdev_socket_free(socket);
  gitdev_socket_on_news(second, NULL, NULL);
  gitdev_socket_free(second);
  hang_up(one);
  hang_up(two);
}

static void test_a_peer_that_hangs_up(void **state) {
  server *all = *state;
  gitdev_socket *first, *second;
  client *one = meet(all, &first), *two = meet(all, &second);
  struct linger at_once = {.l_onoff = 1};
  assert_int_equal(setsockopt(two->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  hang_up(one);
  hang_up(two);
  expect_end(all, first, 1006);
  expect_end(all, second, 1006);
  gitdev_socket_free(first);
  gitdev_socket_free(second);
  wait_for_connections(all, 0);
}

static void test_aborting_resets(void **state) {
  server *all = *state;
  gitdev_socket *socket;
  client *one = meet(all, &socket);
  gitdev_socket_abort(socket);
  assert_int_not_equal(hear(one), GITDEV_WEBSOCKET_CLOSE);
  assert_true(one->reset);
  gitdev_socket_free(socket);
  hang_up(one);
}

static void test_a_forks_child_frees_it_without_a_word(void **state) {
  server *all = *state;
  gitdev_socket *first, *second;
  client *one = meet(all, &first), *two = meet(all, &second);
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    gitdev_socket_abort(first);
    gitdev_socket_free(first);
    gitdev_listener_free(all->listener);
    gitdev_socket_free(second);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(gitdev_socket_send(first, "here", 4), GITDEV_OK);
  hear_text(one, "here");
  say_text(two, "there");
  expect_text(all, second, "there");
  gitdev_socket_free(first);
  hear_close(one, 1001);
  hear_end(one);
  gitdev_socket_free(second);
  hang_up(one);
  hang_up(two);
}

/* Much in both directions at once, over buffers that are full all the time. */
static void test_floods_cross(void **state) {
  server *all = *state;
  gitdev_socket *socket;
  client *one = meet(all, &socket);
  enum { COUNT = 200, SIZE = 60000 };
  char *text = calloc(1, SIZE + 1);
  assert_non_null(text);
  memset(text, 'f', SIZE);
  for (int i = 0; i < COUNT; i++)
    assert_int_equal(gitdev_socket_send(socket, text, SIZE), GITDEV_OK);
  for (int i = 0; i < COUNT; i++)
    assert_true(gitdev_websocket_send(one->codec, text, SIZE));
  size_t len, got = 0, heard = 0;
  const char *message;
  double limit = gitdev_now() + PATIENCE;
  while ((got < COUNT || heard < COUNT) && gitdev_now() < limit) {
    char bytes[RECORD];
    const char *out = gitdev_websocket_output(one->codec, &len);
    ssize_t sent = len ? write_to(one, out, len < RECORD ? len : RECORD) : 0;
    gitdev_websocket_sent(one->codec, sent > 0 ? (size_t)sent : 0);
    assert_true(gitdev_websocket_feed(one->codec, bytes, get_some(one, bytes, sizeof bytes)));
    while (gitdev_websocket_pull(one->codec) == GITDEV_WEBSOCKET_TEXT)
      heard++;
    while (gitdev_socket_read(socket, &message, &len, NULL) == GITDEV_OK)
      got++;
  }
  assert_int_equal(got, COUNT);
  assert_int_equal(heard, COUNT);
  free(text);
  gitdev_socket_free(socket);
  hang_up(one);
}

static void test_many_at_once(void **state) {
  server *all = *state;
  client *clients[CROWD];
  gitdev_socket *sockets[CROWD];
  for (size_t i = 0; i < CROWD; i++)
    clients[i] = meet(all, &sockets[i]);
  for (size_t i = 0; i < CROWD; i++)
    assert_int_equal(gitdev_socket_send(sockets[i], "all", 3), GITDEV_OK);
  for (size_t i = 0; i < CROWD; i++)
    hear_text(clients[i], "all");
  assert_int_equal(gitdev_listener_connections(all->listener), CROWD);
  for (size_t i = 0; i < CROWD; i++) {
    if (i % 2)
      hang_up(clients[i]);
    gitdev_socket_free(sockets[i]);
    if (i % 2 == 0)
      hang_up(clients[i]);
  }
  wait_for_connections(all, 0);
}

int main(void) {
#define UNIT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      UNIT(test_a_request_becomes_a_websocket),
      UNIT(test_frames_that_come_ahead_of_the_answer),
      UNIT(test_what_is_no_handshake_stays_http),
      UNIT(test_no_timeout_of_the_listener_ends_it),
      UNIT(test_it_does_not_give_way_to_others),
      UNIT(test_draining_says_goodbye),
      UNIT(test_sockets_outlive_the_listener),
      UNIT(test_the_loop_may_go_first),
      UNIT(test_a_peer_that_hangs_up),
      UNIT(test_aborting_resets),
      UNIT(test_a_forks_child_frees_it_without_a_word),
      UNIT(test_floods_cross),
      UNIT(test_many_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
