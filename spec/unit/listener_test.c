/* The listener, over real sockets and real TLS on loopback. Server and clients share one thread:
 * whoever waits for something turns the loop meanwhile, so nothing here depends on time. */
#include "net/certificate.h"
#include "net/listener.h"
#include "net/loop.h"
#include "wire/memory.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CROWD = 300, CHUNK = 16384, HEAD_MAX = 4096, BODY_MAX = 4 * 1024 * 1024 };

/* Only a bug makes anyone wait that long. */
static const double PATIENCE = 60;

/* ---- the server's side ---- */

typedef struct fixture {
  gitdev_loop *loop;
  gitdev_certificate certificate;
  gitdev_listener *listener;
  SSL_CTX *client_context;
  bool hold; /* leave the requests to the test */
  int refused;
  int answered; /* what a refusal is answered with; 0: with its own status */
} fixture;

static int refuse(void *payload, int status, const char *problem, gitdev_buffer *head_fields,
                  gitdev_buffer *body) {
  fixture *all = payload;
  assert_non_null(problem);
  assert_true(strlen(problem) > 0);
  all->refused = status;
  gitdev_buffer_puts(head_fields, "Content-Type: application/json\r\n");
  gitdev_buffer_printf(body, "{\"status\":%d}", status);
  return all->answered ? all->answered : status;
}

static void listen_with(fixture *all, gitdev_listener_options options) {
  if (!options.limits.head_max)
    options.limits.head_max = HEAD_MAX;
  if (!options.limits.body_max)
    options.limits.body_max = BODY_MAX;
  assert_int_equal(gitdev_listener_new(&all->listener, all->loop, &options), 0);
  gitdev_listener_on_refuse(all->listener, refuse, all);
}

static void listen_again(fixture *all, gitdev_listener_options options) {
  gitdev_listener_free(all->listener);
  listen_with(all, options);
}

static SSL_CTX *trusting(const gitdev_certificate *certificate) {
  char *pem = gitdev_certificate_authority_pem(certificate);
  assert_non_null(pem);
  BIO *bio = BIO_new_mem_buf(pem, -1);
  X509 *authority = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  assert_non_null(authority);
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority), 1);
  X509_free(authority);
  BIO_free(bio);
  gitdev_free(pem);
  return context;
}

static int setup(void **state) {
  static const char *const names[] = {"api.git.dev", "localhost", "127.0.0.1", "::1"};
  fixture *all = calloc(1, sizeof *all);
  assert_non_null(all);
  assert_int_equal(gitdev_loop_new(&all->loop), 0);
  assert_int_equal(gitdev_certificate_make(&all->certificate, names, 4, 30), 0);
  all->client_context = trusting(&all->certificate);
  listen_with(all, (gitdev_listener_options){.certificate = &all->certificate});
  *state = all;
  return 0;
}

static int teardown(void **state) {
  fixture *all = *state;
  gitdev_listener_free(all->listener);
  SSL_CTX_free(all->client_context);
  gitdev_certificate_free(&all->certificate);
  gitdev_loop_free(all->loop);
  free(all);
  return 0;
}

/* Answers "METHOD target body". */
static void echo(gitdev_exchange *exchange) {
  const gitdev_message *message = gitdev_exchange_message(exchange);
  size_t len;
  const char *body = gitdev_exchange_body(exchange, &len);
  gitdev_buffer text;
  gitdev_buffer_init(&text, SIZE_MAX);
  gitdev_buffer_append(&text, message->method, message->method_len);
  gitdev_buffer_puts(&text, " ");
  gitdev_buffer_append(&text, message->target, message->target_len);
  gitdev_buffer_puts(&text, " ");
  gitdev_buffer_append(&text, body, len);
  assert_int_equal(gitdev_exchange_answer(exchange, 200, NULL, 0, text.data, text.len), 0);
  gitdev_buffer_free(&text);
}

static void turn(fixture *all) {
  assert_int_equal(gitdev_step(all->loop, 0.002), 0);
  if (all->hold)
    return;
  for (gitdev_exchange *exchange; (exchange = gitdev_listener_next(all->listener));) {
    echo(exchange);
    gitdev_exchange_free(exchange);
  }
}

static gitdev_exchange *wait_for_exchange(fixture *all) {
  double end = gitdev_now() + PATIENCE;
  gitdev_exchange *exchange;
  while (!(exchange = gitdev_listener_next(all->listener)) && gitdev_now() < end)
    turn(all);
  assert_non_null(exchange);
  return exchange;
}

static void wait_for_connections(fixture *all, size_t count) {
  double end = gitdev_now() + PATIENCE;
  while (gitdev_listener_connections(all->listener) != count && gitdev_now() < end)
    turn(all);
  assert_int_equal(gitdev_listener_connections(all->listener), count);
}

/* ---- the client's side: TLS between two memory BIOs, so that the test decides what the socket
 * gets ---- */

typedef struct client {
  fixture *all;
  int fd;
  SSL *ssl; /* NULL: plain */
  BIO *in, *out;
  size_t pace; /* bytes for each send; 0: as many as there are */
  bool ended, clean, reset;
} client;

static int dial(const fixture *all) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)gitdev_listener_port(all->listener)),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  return fd;
}

static client *open_plain(fixture *all) {
  client *made = calloc(1, sizeof *made);
  assert_non_null(made);
  made->all = all;
  made->fd = dial(all);
  return made;
}

static client *open_tls(fixture *all, SSL_CTX *context) {
  client *made = open_plain(all);
  made->ssl = SSL_new(context);
  made->in = BIO_new(BIO_s_mem());
  made->out = BIO_new(BIO_s_mem());
  assert_true(made->ssl && made->in && made->out);
  BIO_set_mem_eof_return(made->in, -1);
  SSL_set_bio(made->ssl, made->in, made->out);
  SSL_set_connect_state(made->ssl);
  return made;
}

static void hang_up(client *done) {
  SSL_free(done->ssl);
  if (done->fd >= 0)
    close(done->fd);
  free(done);
}

static void send_all(client *from, const char *bytes, size_t len) {
  double end = gitdev_now() + PATIENCE;
  while (len && gitdev_now() < end) {
    size_t part = from->pace && from->pace < len ? from->pace : len;
    ssize_t sent = send(from->fd, bytes, part, MSG_NOSIGNAL);
    if (sent > 0) {
      bytes += sent;
      len -= (size_t)sent;
    } else if (errno != EAGAIN) {
      return; /* the server has closed; what it said is what counts */
    }
    if (sent < 0 || from->pace)
      turn(from->all);
  }
  assert_int_equal(len, 0);
}

static void send_tls_out(client *from) {
  char *bytes;
  long len = BIO_get_mem_data(from->out, &bytes);
  if (len > 0)
    send_all(from, bytes, (size_t)len);
  (void)BIO_reset(from->out);
}

/* Turns the loop once and takes in what has come. */
static void receive(client *to) {
  static char bytes[CHUNK];
  turn(to->all);
  ssize_t got = recv(to->fd, bytes, sizeof bytes, to->ssl ? 0 : MSG_PEEK);
  to->ended = to->ended || got == 0;
  to->reset = to->reset || (got < 0 && errno != EAGAIN);
  if (got > 0 && to->ssl)
    assert_int_equal(BIO_write(to->in, bytes, (int)got), got);
}

static bool over(const client *to) {
  return to->ended || to->reset;
}

static bool shake_hands(client *with) {
  double end = gitdev_now() + PATIENCE;
  while (gitdev_now() < end) {
    int result = SSL_do_handshake(with->ssl);
    int error = SSL_get_error(with->ssl, result);
    send_tls_out(with);
    if (result == 1)
      return true;
    if (error != SSL_ERROR_WANT_READ || over(with))
      return false;
    receive(with);
  }
  return false;
}

static client *open_shaken(fixture *all) {
  client *made = open_tls(all, all->client_context);
  assert_int_equal(SSL_set1_host(made->ssl, "localhost"), 1);
  assert_true(shake_hands(made));
  return made;
}

static void say_bytes(client *from, const char *bytes, size_t len) {
  if (!from->ssl) {
    send_all(from, bytes, len);
    return;
  }
  assert_int_equal(SSL_write(from->ssl, bytes, (int)len), len);
  send_tls_out(from);
}

static void say(client *from, const char *text) {
  say_bytes(from, text, strlen(text));
}

/* Returns how many bytes came before the end, at most len. */
static size_t hear_bytes(client *to, char *bytes, size_t len) {
  double end = gitdev_now() + PATIENCE;
  size_t have = 0;
  while (have < len && gitdev_now() < end) {
    if (to->ssl) {
      int got = SSL_read(to->ssl, bytes + have, (int)(len - have));
      have += got > 0 ? (size_t)got : 0;
      to->clean = SSL_get_shutdown(to->ssl) & SSL_RECEIVED_SHUTDOWN;
      if (got > 0)
        continue;
    } else {
      ssize_t got = recv(to->fd, bytes + have, len - have, 0);
      have += got > 0 ? (size_t)got : 0;
      if (got > 0)
        continue;
    }
    if (over(to))
      break;
    receive(to);
  }
  return have;
}

static void hear(client *to, const char *expected) {
  size_t len = strlen(expected);
  char *bytes = calloc(1, len + 1);
  assert_non_null(bytes);
  hear_bytes(to, bytes, len);
  assert_string_equal(bytes, expected);
  free(bytes);
}

/* Nothing more comes, and the peer says so as it should. */
static void hear_end(client *to) {
  char byte;
  assert_int_equal(hear_bytes(to, &byte, 1), 0);
  assert_true(to->ended);
  assert_false(to->reset);
  if (to->ssl)
    assert_true(to->clean);
}

static void hear_refusal(client *to, int status, const char *reason) {
  char text[256];
  snprintf(text, sizeof text,
           "HTTP/1.1 %d %s\r\nContent-Length: 14\r\nConnection: close\r\n"
           "Content-Type: application/json\r\n\r\n{\"status\":%d}",
           status, reason, status);
  hear(to, text);
  hear_end(to);
  assert_int_equal(to->all->refused, status);
}

#define GET(target)      "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK(length, body) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body

/* ---- requests and answers ---- */

static void test_one_connection_serves_one_request_after_another(void **state) {
  client *one = open_shaken(*state);
  for (int i = 0; i < 3; i++) {
    say(one, GET("/a"));
    hear(one, OK("7", "GET /a "));
    say(one, "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    hear(one, OK("12", "POST /b body"));
  }
  fixture *all = *state;
  assert_int_equal(gitdev_listener_connections(all->listener), 1);
  hang_up(one);
  wait_for_connections(all, 0);
}

static void test_plain_http_where_no_certificate_is_given(void **state) {
  fixture *all = *state;
  listen_again(all, (gitdev_listener_options){0});
  client *one = open_plain(all);
  say(one, GET("/a"));
  hear(one, OK("7", "GET /a "));
  say(one, GET("/b"));
  hear(one, OK("7", "GET /b "));
  hang_up(one);
}

static void test_what_is_sent_and_what_comes_back(void **state) {
  static const struct {
    const char *request, *answer;
    bool closes;
  } cases[] = {
      {"HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n",
       false},
      {"GET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
       "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /c ", true},
      {"GET /o HTTP/1.0\r\nHost: a\r\n\r\n",
       "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /o ", true},
      {"GET /o HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
       "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: keep-alive\r\n\r\nGET /o ", false},
      {"PUT /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
       "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
       OK("10", "PUT /k abc"), false},
      {"PUT /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
       OK("9", "PUT /e ab"), false},
      {"GET /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", OK("7", "GET /e "), false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    client *one = open_shaken(*state);
    say(one, cases[i].request);
    hear(one, cases[i].answer);
    if (cases[i].closes) {
      hear_end(one);
    } else {
      say(one, GET("/z"));
      hear(one, OK("7", "GET /z "));
    }
    hang_up(one);
  }
}

static void test_answers_of_every_kind(void **state) {
  static const struct {
    int status;
    const char *fields, *body, *text;
  } cases[] = {
      {204, "", "", "HTTP/1.1 204 No Content\r\n\r\n"},
      {204, "X-A: b\r\n", "ignored", "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"},
      {304, "ETag: \"e\"\r\n", "", "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n\r\n"},
      {200, "", "", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
      {422, "X-A: b\r\n", "{}",
       "HTTP/1.1 422 Unprocessable Content\r\nContent-Length: 2\r\nX-A: b\r\n\r\n{}"},
      {599, "", "x", "HTTP/1.1 599 \r\nContent-Length: 1\r\n\r\nx"},
  };
  fixture *all = *state;
  all->hold = true;
  client *one = open_shaken(all);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    say(one, GET("/"));
    gitdev_exchange *exchange = wait_for_exchange(all);
    int error =
        gitdev_exchange_answer(exchange, cases[i].status, cases[i].fields, strlen(cases[i].fields),
                               cases[i].body, strlen(cases[i].body));
    assert_int_equal(error, 0);
    gitdev_exchange_free(exchange);
    hear(one, cases[i].text);
  }
  hang_up(one);
}

static void test_an_exchange_is_answered_once_and_with_a_final_status(void **state) {
  fixture *all = *state;
  all->hold = true;
  client *one = open_shaken(all);
  say(one, GET("/"));
  gitdev_exchange *exchange = wait_for_exchange(all);
  assert_int_equal(gitdev_exchange_answer(exchange, 100, NULL, 0, NULL, 0), GITDEV_EINVAL);
  assert_int_equal(gitdev_exchange_answer(exchange, 1000, NULL, 0, NULL, 0), GITDEV_EINVAL);
  assert_int_equal(gitdev_exchange_answer(exchange, 200, NULL, 0, "a", 1), 0);
  assert_int_equal(gitdev_exchange_answer(exchange, 200, NULL, 0, "b", 1), GITDEV_EINVAL);
  assert_int_equal(gitdev_exchange_raw(exchange, "c", 1, true), GITDEV_EINVAL);
  gitdev_exchange_free(exchange);
  hear(one, OK("1", "a"));
  say(one, GET("/"));
  exchange = wait_for_exchange(all);
  assert_int_equal(gitdev_exchange_answer(exchange, 200, NULL, 0, "d", 1), 0);
  gitdev_exchange_free(exchange);
  hear(one, OK("1", "d"));
  hang_up(one);
}

static void test_pipelined_requests_wait_for_their_turn(void **state) {
  fixture *all = *state;
  all->hold = true;
  client *one = open_shaken(all);
  say(one, GET("/1") GET("/2") "POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab");
  gitdev_exchange *first = wait_for_exchange(all);
  turn(all);
  assert_null(gitdev_listener_next(all->listener));
  echo(first);
  gitdev_exchange *second = gitdev_listener_next(all->listener);
  assert_non_null(second);
  assert_memory_equal(gitdev_exchange_message(first)->target, "/1", 2);
  assert_memory_equal(gitdev_exchange_message(second)->target, "/2", 2);
  gitdev_exchange_free(first);
  echo(second);
  gitdev_exchange_free(second);
  assert_null(gitdev_listener_next(all->listener));
  all->hold = false;
  say(one, "c" GET("/4"));
  hear(one, OK("7", "GET /1 ") OK("7", "GET /2 ") OK("11", "POST /3 abc") OK("7", "GET /4 "));
  hang_up(one);
}

static void test_much_may_be_sent_ahead(void **state) {
  enum { AHEAD = 20000 };
  fixture *all = *state;
  all->hold = true;
  client *one = open_shaken(all);
  char *requests = malloc(AHEAD * strlen(GET("/p")) + 1), *place = requests;
  assert_non_null(requests);
  for (int i = 0; i < AHEAD; i++)
    place = stpcpy(place, GET("/p"));
  /* More than the sockets hold, so it ends only because the answers below let the server read on.
   */
  size_t half = (size_t)(place - requests) / 2;
  say_bytes(one, requests, half);
  for (int i = 0; i < 20; i++)
    turn(all);
  all->hold = false;
  say_bytes(one, requests + half, (size_t)(place - requests) - half);
  for (int i = 0; i < AHEAD; i++)
    hear(one, OK("7", "GET /p "));
  free(requests);
  hang_up(one);
}

static void test_a_byte_at_a_time(void **state) {
  client *one = open_tls(*state, ((fixture *)*state)->client_context);
  one->pace = 1;
  assert_true(shake_hands(one));
  say(one, "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
  hear(one, OK("12", "POST /b body"));
  one->pace = 0;
  for (const char *byte = GET("/a"); *byte; byte++) /* each a TLS record of its own */
    say_bytes(one, byte, 1);
  hear(one, OK("7", "GET /a "));
  hang_up(one);
}

static char *pattern(size_t len) {
  char *bytes = malloc(len + 1);
  assert_non_null(bytes);
  for (size_t i = 0; i < len; i++)
    bytes[i] = (char)('a' + (i * 7 + i / 4093) % 26);
  bytes[len] = '\0';
  return bytes;
}

static void test_a_body_and_an_answer_larger_than_any_socket_buffer(void **state) {
  client *one = open_shaken(*state);
  char *body = pattern(BODY_MAX), *heard = malloc(BODY_MAX);
  assert_non_null(heard);
  for (int i = 0; i < 2; i++) {
    char head[128];
    snprintf(head, sizeof head, "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
             BODY_MAX);
    say(one, head);
    for (size_t done = 0; done < BODY_MAX; done += CHUNK)
      say_bytes(one, body + done, CHUNK);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nPOST /b ",
             BODY_MAX + 8);
    hear(one, head);
    assert_int_equal(hear_bytes(one, heard, BODY_MAX), BODY_MAX);
    assert_memory_equal(heard, body, BODY_MAX);
  }
  say(one, GET("/a"));
  hear(one, OK("7", "GET /a "));
  free(heard);
  free(body);
  hang_up(one);
}

static void test_expect_continue(void **state) {
  client *one = open_shaken(*state);
  for (int i = 0; i < 2; i++) {
    say(one, "PUT /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    hear(one, "HTTP/1.1 100 Continue\r\n\r\n");
    say(one, "ab");
    hear(one, OK("9", "PUT /e ab"));
  }
  say(one, "PUT /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n");
  hear_refusal(one, 413, "Content Too Large");
  hang_up(one);
}

/* ---- what is refused ---- */

static void test_what_cannot_be_read_is_answered_and_closed(void **state) {
  static const struct {
    const char *request;
    int status;
    const char *reason;
  } cases[] = {
      {"nonsense\r\n\r\n", 400, "Bad Request"},
      {"GET / HTTP/1.1\r\n\r\n", 400, "Bad Request"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "Bad Request"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", 413, "Content Too Large"},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "HTTP Version Not Supported"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    client *one = open_shaken(*state);
    say(one, cases[i].request);
    hear_refusal(one, cases[i].status, cases[i].reason);
    hang_up(one);
  }
}

static void test_the_hook_says_which_status_a_refusal_has(void **state) {
  fixture *all = *state;
  all->answered = 400;
  client *one = open_shaken(all);
  say(one, "GET / HTTP/2.0\r\nHost: a\r\n\r\n");
  hear(one, "HTTP/1.1 400 Bad Request\r\nContent-Length: 14\r\nConnection: close\r\nContent-Type: "
            "application/json\r\n\r\n{\"status\":505}");
  hear_end(one);
  hang_up(one);
}

static void test_the_request_before_a_malformed_one_is_answered(void **state) {
  client *one = open_shaken(*state);
  say(one, GET("/a") "nonsense\r\n\r\n");
  hear(one, OK("7", "GET /a "));
  hear_refusal(one, 400, "Bad Request");
  hang_up(one);
}

static void test_a_head_that_is_too_large(void **state) {
  client *one = open_shaken(*state);
  char *filler = pattern(HEAD_MAX);
  say(one, "GET / HTTP/1.1\r\nHost: a\r\nX-Long: ");
  say(one, filler);
  hear_refusal(one, 431, "Request Header Fields Too Large");
  free(filler);
  hang_up(one);
}

/* A reset would destroy the answer before such a client looks at it. */
static void test_a_client_that_sends_on_still_reads_the_refusal(void **state) {
  client *one = open_shaken(*state);
  char *chunk = pattern(CHUNK);
  say(one, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < BODY_MAX / CHUNK * 4; i++) {
    say(one, "4000\r\n");
    say_bytes(one, chunk, CHUNK);
    say(one, "\r\n");
  }
  hear_refusal(one, 413, "Content Too Large");
  free(chunk);
  hang_up(one);
}

static void test_without_a_hook_the_refusal_has_no_body(void **state) {
  fixture *all = *state;
  gitdev_listener_on_refuse(all->listener, NULL, NULL);
  client *one = open_shaken(all);
  say(one, "nonsense\r\n\r\n");
  hear(one, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  hear_end(one);
  hang_up(one);
}

static void test_plain_http_on_the_tls_port_is_told_so(void **state) {
  static const char *const requests[] = {GET("/"), "P", "POST / HTTP/1.1\r\nHost: a\r\n\r\n"};
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    client *one = open_plain(*state);
    say(one, requests[i]);
    hear_refusal(one, 403, "Forbidden");
    hang_up(one);
  }
  wait_for_connections(*state, 0);
}

static void test_noise_on_the_tls_port_is_closed(void **state) {
  client *one = open_plain(*state);
  say_bytes(one, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
  char byte;
  while (hear_bytes(one, &byte, 1) == 1) /* an alert, perhaps */
    ;
  assert_true(over(one));
  hang_up(one);
  wait_for_connections(*state, 0);
}

/* ---- TLS ---- */

static void test_the_certificate_is_good_for_its_names_alone(void **state) {
  static const struct {
    const char *name;
    bool good;
  } cases[] = {{"localhost", true},    {"api.git.dev", true}, {"example.com", false},
               {"127.0.0.1", true},    {"::1", true},         {"127.0.0.2", false},
               {"xapi.git.dev", false}};
  fixture *all = *state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    client *one = open_tls(all, all->client_context);
    X509_VERIFY_PARAM *param = SSL_get0_param(one->ssl);
    if (!X509_VERIFY_PARAM_set1_ip_asc(param, cases[i].name))
      assert_int_equal(X509_VERIFY_PARAM_set1_host(param, cases[i].name, 0), 1);
    assert_int_equal(shake_hands(one), cases[i].good);
    hang_up(one);
  }
  wait_for_connections(all, 0);
}

static void test_another_authority_is_not_trusted(void **state) {
  static const char *const names[] = {"localhost"};
  gitdev_certificate other;
  assert_int_equal(gitdev_certificate_make(&other, names, 1, 1), 0);
  SSL_CTX *context = trusting(&other);
  client *one = open_tls(*state, context);
  assert_false(shake_hands(one));
  assert_int_not_equal(SSL_get_verify_result(one->ssl), X509_V_OK);
  hang_up(one);
  SSL_CTX_free(context);
  gitdev_certificate_free(&other);
}

static void test_certificates_for_nothing_are_refused(void **state) {
  static const char *const names[] = {"localhost", ""}, *const odd[] = {"a b"};
  (void)state;
  gitdev_certificate made;
  assert_int_equal(gitdev_certificate_make(&made, NULL, 0, 1), GITDEV_EINVAL);
  assert_int_equal(gitdev_certificate_make(&made, names, 2, 1), GITDEV_EINVAL);
  assert_int_equal(gitdev_certificate_make(&made, odd, 1, 1), GITDEV_EINVAL);
  assert_int_equal(gitdev_certificate_make(&made, names, 1, 0), GITDEV_EINVAL);
  assert_null(made.certificate);
}

static void test_versions_and_protocols(void **state) {
  static const struct {
    const char *offered;
    int version; /* the client's only one; 0: any */
    bool good;
  } cases[] = {
      {"\x02h2\x08http/1.1", 0, true},
      {"\x08http/1.1", 0, true},
      {"\x08http/1.0", 0, true}, /* curl --http1.0 */
      {"\x08http/1.0\x08http/1.1", 0, true},
      {"", 0, true},
      {"\x02h2", 0, false},
      {"", TLS1_2_VERSION, true},
      {"", TLS1_3_VERSION, true},
      {"", TLS1_1_VERSION, false},
  };
  fixture *all = *state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    client *one = open_tls(all, all->client_context);
    SSL_set_security_level(one->ssl, 0);
    SSL_set_min_proto_version(one->ssl, cases[i].version);
    SSL_set_max_proto_version(one->ssl, cases[i].version);
    unsigned offered = (unsigned)strlen(cases[i].offered);
    if (offered)
      SSL_set_alpn_protos(one->ssl, (const unsigned char *)cases[i].offered, offered);
    assert_int_equal(shake_hands(one), cases[i].good);
    if (cases[i].good) {
      const unsigned char *chosen;
      unsigned len;
      SSL_get0_alpn_selected(one->ssl, &chosen, &len);
      assert_int_equal(len, offered ? 8 : 0);
      if (strstr(cases[i].offered, "http/1.1"))
        assert_memory_equal(chosen, "http/1.1", 8);
      say(one, GET("/a"));
      hear(one, OK("7", "GET /a "));
    }
    hang_up(one);
  }
}

static void test_sessions_are_resumed(void **state) {
  fixture *all = *state;
  client *one = open_shaken(all);
  say(one, GET("/a"));
  hear(one, OK("7", "GET /a "));
  SSL_SESSION *session = SSL_get1_session(one->ssl);
  assert_non_null(session);
  SSL_shutdown(one->ssl); /* else OpenSSL would not use the session again */
  hang_up(one);
  client *two = open_tls(all, all->client_context);
  assert_int_equal(SSL_set_session(two->ssl, session), 1);
  assert_true(shake_hands(two));
  assert_int_equal(SSL_session_reused(two->ssl), 1);
  say(two, GET("/a"));
  hear(two, OK("7", "GET /a "));
  SSL_SESSION_free(session);
  hang_up(two);
}

static void test_a_key_update_goes_unnoticed(void **state) {
  client *one = open_shaken(*state);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(SSL_key_update(one->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    say(one, GET("/a"));
    hear(one, OK("7", "GET /a "));
  }
  hang_up(one);
}

/* ---- peers that go, and users that misbehave on purpose ---- */

static void await_death(fixture *all, const gitdev_exchange *exchange) {
  double end = gitdev_now() + PATIENCE;
  while (gitdev_exchange_alive(exchange) && gitdev_now() < end)
    turn(all);
  assert_false(gitdev_exchange_alive(exchange));
}

static void cut(client *one, bool reset) {
  struct linger at_once = {.l_onoff = 1};
  if (reset)
    setsockopt(one->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  hang_up(one);
}

/* Says the last, and that it is; the answers can still be read. */
static void say_last(client *from, const char *text) {
  if (from->ssl) {
    assert_int_equal(SSL_write(from->ssl, text, (int)strlen(text)), strlen(text));
    assert_int_equal(SSL_shutdown(from->ssl), 0);
    send_tls_out(from);
  } else {
    say(from, text);
  }
  assert_int_equal(shutdown(from->fd, SHUT_WR), 0);
}

static client *open_either(fixture *all, bool with_tls) {
  return with_tls ? open_shaken(all) : open_plain(all);
}

/* So do ncat and socat when their input ends. */
static void test_who_only_stops_sending_is_answered(void **state) {
  fixture *all = *state;
  char *body = pattern(BODY_MAX);
  for (int with_tls = 1; with_tls >= 0; with_tls--) {
    if (!with_tls)
      listen_again(all, (gitdev_listener_options){0});
    all->hold = false;
    client *one = open_either(all, with_tls);
    say_last(one, GET("/1") GET("/2") "GET /cut-off HTTP");
    hear(one, OK("7", "GET /1 ") OK("7", "GET /2 "));
    hear_end(one);
    hang_up(one);
    one = open_either(all, with_tls);
    say_last(one, "");
    hear_end(one);
    hang_up(one);
    wait_for_connections(all, 0);

    all->hold = true;
    one = open_either(all, with_tls);
    say_last(one, GET("/late") GET("/later"));
    gitdev_exchange *exchange = wait_for_exchange(all);
    await_death(all, exchange); /* it may have gone */
    assert_int_equal(gitdev_listener_connections(all->listener), 1);
    assert_int_equal(gitdev_exchange_answer(exchange, 200, NULL, 0, body, BODY_MAX), 0);
    gitdev_exchange_free(exchange);
    char *heard = malloc(BODY_MAX);
    assert_non_null(heard);
    hear(one, "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n");
    assert_int_equal(hear_bytes(one, heard, BODY_MAX), BODY_MAX);
    assert_memory_equal(heard, body, BODY_MAX);
    free(heard);
    exchange = wait_for_exchange(all);
    echo(exchange);
    gitdev_exchange_free(exchange);
    hear(one, OK("11", "GET /later "));
    hear_end(one);
    hang_up(one);
    wait_for_connections(all, 0);
  }
  free(body);
}

static void test_who_has_stopped_sending_gets_no_websocket(void **state) {
  fixture *all = *state;
  all->hold = true;
  client *one = open_shaken(all);
  say_last(one, "GET /s HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  gitdev_exchange *exchange = wait_for_exchange(all);
  await_death(all, exchange);
  gitdev_socket *socket;
  assert_int_equal(gitdev_exchange_upgrade(exchange, NULL, NULL, 0, 0, &socket), GITDEV_ECLOSED);
  assert_null(socket);
  gitdev_exchange_free(exchange);
  hear_end(one);
  hang_up(one);
}

static void test_a_peer_that_is_gone_cannot_be_answered(void **state) {
  fixture *all = *state;
  all->hold = true;
  for (int reset = 0; reset < 2; reset++) {
    client *one = open_shaken(all);
    say(one, "POST /gone HTTP/1.1\r\nHost: a\r\nX-Field: value\r\nContent-Length: 4\r\n\r\nbody");
    gitdev_exchange *exchange = wait_for_exchange(all);
    assert_true(gitdev_exchange_alive(exchange));
    cut(one, reset);
    await_death(all, exchange);
    assert_int_equal(gitdev_listener_connections(all->listener), 0);
    const gitdev_message *message = gitdev_exchange_message(exchange);
    assert_memory_equal(message->target, "/gone", 5);
    assert_int_equal(message->field_count, 3);
    assert_memory_equal(message->fields[1].name, "x-field", 7);
    assert_memory_equal(message->fields[1].value, "value", 5);
    size_t len;
    assert_string_equal(gitdev_exchange_body(exchange, &len), "body");
    assert_string_equal(gitdev_exchange_peer(exchange), "127.0.0.1");
    assert_int_equal(gitdev_exchange_answer(exchange, 200, NULL, 0, "x", 1), GITDEV_ECLOSED);
    gitdev_exchange_free(exchange);
  }
}

/* Before the loop has had a chance to see it, and with more to say than the socket takes. */
static void test_a_peer_that_goes_while_it_is_answered(void **state) {
  fixture *all = *state;
  all->hold = true;
  char *body = pattern(BODY_MAX);
  for (int reset = 0; reset < 2; reset++) {
    client *one = open_shaken(all);
    say(one, GET("/"));
    gitdev_exchange *exchange = wait_for_exchange(all);
    cut(one, reset);
    int error = gitdev_exchange_answer(exchange, 200, NULL, 0, body, BODY_MAX);
    assert_true(error == 0 || error == GITDEV_ECLOSED);
    gitdev_exchange_free(exchange);
    wait_for_connections(all, 0);
  }
  free(body);
}

static void test_requests_broken_off_never_show_up(void **state) {
  static const char *const parts[] = {"", "GET / HT", "POST / HTTP/1.1\r\nHost: a\r\n",
                                      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"};
  fixture *all = *state;
  all->hold = true;
  for (size_t i = 0; i < 2 * sizeof parts / sizeof *parts; i++) {
    client *one = open_shaken(all);
    if (*parts[i / 2])
      say(one, parts[i / 2]);
    turn(all);
    cut(one, i % 2);
    wait_for_connections(all, 0);
    assert_null(gitdev_listener_next(all->listener));
  }
}

static void test_raw_bytes(void **state) {
  static const struct {
    const char *bytes;
    bool reset;
  } cases[] = {{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntrunc", false},
               {"no HTTP at all", false},
               {"", false},
               {"", true}};
  fixture *all = *state;
  all->hold = true;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    client *one = open_shaken(all);
    say(one, GET("/"));
    gitdev_exchange *exchange = wait_for_exchange(all);
    assert_int_equal(
        gitdev_exchange_raw(exchange, cases[i].bytes, strlen(cases[i].bytes), cases[i].reset), 0);
    assert_false(gitdev_exchange_alive(exchange));
    gitdev_exchange_free(exchange);
    if (*cases[i].bytes)
      hear(one, cases[i].bytes);
    if (cases[i].reset) {
      char byte;
      assert_int_equal(hear_bytes(one, &byte, 1), 0);
      assert_true(one->reset);
    } else {
      hear_end(one);
    }
    hang_up(one);
    wait_for_connections(all, 0);
  }
}

static void test_an_exchange_freed_unanswered_closes(void **state) {
  fixture *all = *state;
  all->hold = true;
  client *one = open_shaken(all);
  say(one, GET("/"));
  gitdev_exchange_free(wait_for_exchange(all));
  hear_end(one);
  hang_up(one);
}

/* ---- the listener's own life ---- */

static void test_draining_finishes_what_is_under_way(void **state) {
  fixture *all = *state;
  all->hold = true;
  client *idle = open_shaken(all), *busy = open_shaken(all), *half = open_shaken(all),
         *fresh = open_plain(all), *unseen = open_shaken(all);
  say(busy, GET("/busy"));
  gitdev_exchange *exchange = wait_for_exchange(all);
  say(half, "GET /half HTTP/1.1\r\n");
  turn(all);
  turn(all);
  say(unseen, GET("/unseen"));
  gitdev_listener_drain(all->listener);
  hear_end(idle);
  char byte;
  assert_int_equal(hear_bytes(fresh, &byte, 1), 0);
  echo(exchange);
  gitdev_exchange_free(exchange);
  all->hold = false;
  hear(busy, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nGET /busy ");
  hear_end(busy);
  say(half, "Host: a\r\n\r\n");
  hear(half, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nGET /half ");
  hear(unseen, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\nGET /unseen ");
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)gitdev_listener_port(all->listener)),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), -1);
  close(fd);
  hang_up(idle);
  hang_up(busy);
  hang_up(half);
  hang_up(fresh);
  hang_up(unseen);
  wait_for_connections(all, 0);
}

static void test_exchanges_outlive_the_listener(void **state) {
  fixture *all = *state;
  all->hold = true;
  client *one = open_shaken(all), *two = open_shaken(all);
  say(one, GET("/a"));
  gitdev_exchange *held = wait_for_exchange(all);
  say(two, GET("/b")); /* stays in the queue */
  for (int i = 0; i < 5; i++)
    turn(all);
  gitdev_listener_free(all->listener);
  all->listener = NULL;
  assert_false(gitdev_exchange_alive(held));
  assert_memory_equal(gitdev_exchange_message(held)->target, "/a", 2);
  assert_int_equal(gitdev_exchange_answer(held, 200, NULL, 0, NULL, 0), GITDEV_ECLOSED);
  gitdev_exchange_free(held);
  hang_up(one);
  hang_up(two);
}

static void test_what_cannot_be_listened_on(void **state) {
  fixture *all = *state;
  gitdev_listener *other;
  gitdev_listener_options taken = {.port = gitdev_listener_port(all->listener)};
  assert_int_equal(gitdev_listener_new(&other, all->loop, &taken), GITDEV_ESYSTEM);
  assert_int_equal(errno, EADDRINUSE);
  assert_null(other);
  gitdev_listener_options named = {.host = "localhost"}, far = {.port = 65536};
  assert_int_equal(gitdev_listener_new(&other, all->loop, &named), GITDEV_EINVAL);
  assert_int_equal(gitdev_listener_new(&other, all->loop, &far), GITDEV_EINVAL);
}

static void test_a_forks_child_frees_it_without_a_word(void **state) {
  fixture *all = *state;
  client *one = open_shaken(all);
  say(one, GET("/a"));
  hear(one, OK("7", "GET /a "));
  client *waiting = open_shaken(all), *doomed = open_shaken(all);
  all->hold = true;
  say(waiting, GET("/held"));
  gitdev_exchange *held = wait_for_exchange(all);
  say(doomed, GET("/raw"));
  gitdev_exchange *raw = wait_for_exchange(all);
  all->hold = false;
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    gitdev_exchange_free(held);
    (void)gitdev_exchange_raw(raw, "", 0, true);
    gitdev_exchange_free(raw);
    gitdev_listener_free(all->listener);
    gitdev_loop_free(all->loop);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  say(one, GET("/b"));
  hear(one, OK("7", "GET /b "));
  client *two = open_shaken(all);
  assert_int_equal(gitdev_exchange_answer(held, 204, NULL, 0, NULL, 0), 0);
  hear(waiting, "HTTP/1.1 204 No Content\r\n\r\n");
  assert_int_equal(gitdev_exchange_answer(raw, 204, NULL, 0, NULL, 0), 0);
  hear(doomed, "HTTP/1.1 204 No Content\r\n\r\n");
  gitdev_exchange_free(held);
  gitdev_exchange_free(raw);
  hang_up(one);
  hang_up(two);
  hang_up(waiting);
  hang_up(doomed);
}

static void test_ipv6(void **state) {
  fixture *all = *state;
  gitdev_listener_free(all->listener);
  all->listener = NULL;
  gitdev_listener_options options = {.host = "::1"};
  int error = gitdev_listener_new(&all->listener, all->loop, &options);
  if (error == GITDEV_ESYSTEM && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT))
    skip(); /* this machine has none */
  assert_int_equal(error, 0);
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                            .sin6_port = htons((uint16_t)gitdev_listener_port(all->listener)),
                            .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  assert_int_equal(send(fd, GET("/"), strlen(GET("/")), 0), strlen(GET("/")));
  all->hold = true;
  gitdev_exchange *exchange = wait_for_exchange(all);
  assert_string_equal(gitdev_exchange_peer(exchange), "::1");
  gitdev_exchange_free(exchange);
  close(fd);
}

static size_t descriptors(void) {
  size_t count = 0;
  DIR *all = opendir("/proc/self/fd");
  assert_non_null(all);
  while (readdir(all))
    count++;
  closedir(all);
  return count;
}

static void test_a_crowd_comes_and_goes(void **state) {
  static client *all_clients[CROWD];
  fixture *all = *state;
  size_t before = descriptors();
  for (int i = 0; i < CROWD; i++)
    all_clients[i] = open_tls(all, all->client_context);
  for (int i = 0; i < CROWD; i++)
    assert_true(shake_hands(all_clients[i]));
  for (int i = 0; i < CROWD; i++)
    say(all_clients[i], GET("/a"));
  for (int i = 0; i < CROWD; i++)
    hear(all_clients[i], OK("7", "GET /a "));
  assert_int_equal(gitdev_listener_connections(all->listener), CROWD);
  for (int i = 0; i < CROWD; i++)
    cut(all_clients[i], i % 2);
  wait_for_connections(all, 0);
  assert_int_equal(descriptors(), before);
}

static void test_beyond_its_connections_it_closes_the_one_that_rests_longest(void **state) {
  fixture *all = *state;
  listen_again(all,
               (gitdev_listener_options){.certificate = &all->certificate, .connection_max = 2});
  client *one = open_shaken(all), *two = open_shaken(all);
  say(one, GET("/a"));
  hear(one, OK("7", "GET /a "));
  client *three = open_shaken(all);
  hear_end(two);
  assert_int_equal(gitdev_listener_connections(all->listener), 2);
  say(one, GET("/b"));
  hear(one, OK("7", "GET /b "));
  say(three, GET("/c"));
  hear(three, OK("7", "GET /c "));
  hang_up(one);
  hang_up(two);
  hang_up(three);
}

/* The listener learns of the newcomer before it learns of the request. */
static void test_one_that_has_just_asked_does_not_rest(void **state) {
  fixture *all = *state;
  listen_again(all,
               (gitdev_listener_options){.certificate = &all->certificate, .connection_max = 2});
  client *one = open_shaken(all), *two = open_shaken(all);
  client *three = open_tls(all, all->client_context);
  say(one, GET("/a"));
  hear(one, OK("7", "GET /a "));
  hear_end(two);
  assert_true(shake_hands(three));
  say(three, GET("/c"));
  hear(three, OK("7", "GET /c "));
  hang_up(one);
  hang_up(two);
  hang_up(three);
}

static void test_where_requests_are_under_way_on_all_a_new_one_is_closed(void **state) {
  fixture *all = *state;
  listen_again(all,
               (gitdev_listener_options){.certificate = &all->certificate, .connection_max = 2});
  client *one = open_shaken(all), *two = open_shaken(all);
  say(one, "GET /half HTTP/1.1\r\n");
  all->hold = true;
  say(two, GET("/held"));
  gitdev_exchange *held = wait_for_exchange(all);
  client *three = open_plain(all);
  char byte;
  assert_int_equal(hear_bytes(three, &byte, 1), 0);
  assert_int_equal(gitdev_listener_connections(all->listener), 2);
  gitdev_exchange_free(held);
  hang_up(one);
  hang_up(two);
  hang_up(three);
}

/* Who gave up while it waited does not keep others out. */
static void test_where_nobody_rests_one_that_sends_no_more_gives_its_place(void **state) {
  fixture *all = *state;
  listen_again(all,
               (gitdev_listener_options){.certificate = &all->certificate, .connection_max = 2});
  client *one = open_shaken(all), *two = open_shaken(all);
  say(one, "GET /half HTTP/1.1\r\n");
  all->hold = true;
  say_last(two, GET("/held"));
  gitdev_exchange *held = wait_for_exchange(all);
  await_death(all, held);
  client *three = open_shaken(all);
  hear_end(two);
  assert_int_equal(gitdev_listener_connections(all->listener), 2);
  assert_int_equal(gitdev_exchange_answer(held, 200, NULL, 0, "x", 1), GITDEV_ECLOSED);
  gitdev_exchange_free(held);
  say(one, "Host: a\r\n\r\n");
  held = wait_for_exchange(all);
  echo(held);
  gitdev_exchange_free(held);
  hear(one, OK("10", "GET /half "));
  hang_up(one);
  hang_up(two);
  hang_up(three);
}

/* Descriptors run out while others rest: those that rest give theirs. */
static void test_those_that_rest_give_their_descriptors(void **state) {
  fixture *all = *state;
  client *resting[3];
  for (size_t i = 0; i < 3; i++)
    resting[i] = open_shaken(all);
  struct rlimit before, tight;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  client *next = open_tls(all, all->client_context);
  tight = before;
  tight.rlim_cur = (rlim_t)next->fd + 1;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
  bool shaken = shake_hands(next);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_true(shaken);
  say(next, GET("/a"));
  hear(next, OK("7", "GET /a "));
  hear_end(resting[0]);
  assert_int_equal(gitdev_listener_connections(all->listener), 3);
  for (size_t i = 0; i < 3; i++)
    hang_up(resting[i]);
  hang_up(next);
}

/* The process has no descriptor left: the loop rests, and accepts once there is one again. */
static void test_no_descriptor_left(void **state) {
  fixture *all = *state;
  struct rlimit before, tight;
  client *one = open_plain(all);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  tight = before;
  tight.rlim_cur = (rlim_t)one->fd + 1;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
  assert_int_equal(gitdev_step(all->loop, 0), 0);
  double rest = gitdev_timeout(all->loop);
  struct pollfd ready = {.fd = gitdev_fd(all->loop), .events = POLLIN};
  int busy = poll(&ready, 1, 0);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_true(rest > 0);
  assert_int_equal(busy, 0);
  client *two = open_shaken(all);
  hang_up(one);
  hang_up(two);
}

/* ---- time ---- */

static void test_those_who_take_too_long(void **state) {
  fixture *all = *state;
  listen_again(all, (gitdev_listener_options){.certificate = &all->certificate,
                                              .idle_timeout = 0.1,
                                              .request_timeout = 0.1});
  client *silent = open_plain(all), *hesitant = open_plain(all);
  say_bytes(hesitant, "\x16\x03\x01", 3);
  char byte;
  assert_int_equal(hear_bytes(silent, &byte, 1), 0);
  assert_int_equal(hear_bytes(hesitant, &byte, 1), 0);
  hang_up(silent);
  hang_up(hesitant);
  client *idle = open_shaken(all);
  hear_end(idle);
  hang_up(idle);
  client *half = open_shaken(all);
  say(half, "GET /half HTTP/1.1\r\n");
  hear_refusal(half, 408, "Request Timeout");
  hang_up(half);
  wait_for_connections(all, 0);
}

static void test_one_that_does_not_read_its_answer_is_cut_off(void **state) {
  fixture *all = *state;
  listen_again(all,
               (gitdev_listener_options){.certificate = &all->certificate, .request_timeout = 0.1});
  all->hold = true;
  client *one = open_shaken(all);
  say(one, GET("/"));
  gitdev_exchange *exchange = wait_for_exchange(all);
  size_t len = 32 * 1024 * 1024;
  char *body = pattern(len);
  assert_int_equal(gitdev_exchange_answer(exchange, 200, NULL, 0, body, len), 0);
  gitdev_exchange_free(exchange);
  assert_int_equal(gitdev_listener_connections(all->listener), 1);
  wait_for_connections(all, 0);
  free(body);
  hang_up(one);
}

int main(void) {
#define UNIT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      UNIT(test_one_connection_serves_one_request_after_another),
      UNIT(test_plain_http_where_no_certificate_is_given),
      UNIT(test_what_is_sent_and_what_comes_back),
      UNIT(test_answers_of_every_kind),
      UNIT(test_an_exchange_is_answered_once_and_with_a_final_status),
      UNIT(test_pipelined_requests_wait_for_their_turn),
      UNIT(test_much_may_be_sent_ahead),
      UNIT(test_a_byte_at_a_time),
      UNIT(test_a_body_and_an_answer_larger_than_any_socket_buffer),
      UNIT(test_expect_continue),
      UNIT(test_what_cannot_be_read_is_answered_and_closed),
      UNIT(test_the_hook_says_which_status_a_refusal_has),
      UNIT(test_the_request_before_a_malformed_one_is_answered),
      UNIT(test_a_head_that_is_too_large),
      UNIT(test_a_client_that_sends_on_still_reads_the_refusal),
      UNIT(test_without_a_hook_the_refusal_has_no_body),
      UNIT(test_plain_http_on_the_tls_port_is_told_so),
      UNIT(test_noise_on_the_tls_port_is_closed),
      UNIT(test_the_certificate_is_good_for_its_names_alone),
      UNIT(test_another_authority_is_not_trusted),
      UNIT(test_certificates_for_nothing_are_refused),
      UNIT(test_versions_and_protocols),
      UNIT(test_sessions_are_resumed),
      UNIT(test_a_key_update_goes_unnoticed),
      UNIT(test_who_only_stops_sending_is_answered),
      UNIT(test_who_has_stopped_sending_gets_no_websocket),
      UNIT(test_a_peer_that_is_gone_cannot_be_answered),
      UNIT(test_a_peer_that_goes_while_it_is_answered),
      UNIT(test_requests_broken_off_never_show_up),
      UNIT(test_raw_bytes),
      UNIT(test_an_exchange_freed_unanswered_closes),
      UNIT(test_draining_finishes_what_is_under_way),
      UNIT(test_exchanges_outlive_the_listener),
      UNIT(test_what_cannot_be_listened_on),
      UNIT(test_a_forks_child_frees_it_without_a_word),
      UNIT(test_ipv6),
      UNIT(test_a_crowd_comes_and_goes),
      UNIT(test_beyond_its_connections_it_closes_the_one_that_rests_longest),
      UNIT(test_one_that_has_just_asked_does_not_rest),
      UNIT(test_where_requests_are_under_way_on_all_a_new_one_is_closed),
      UNIT(test_where_nobody_rests_one_that_sends_no_more_gives_its_place),
      UNIT(test_those_that_rest_give_their_descriptors),
      UNIT(test_no_descriptor_left),
      UNIT(test_those_who_take_too_long),
      UNIT(test_one_that_does_not_read_its_answer_is_cut_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
