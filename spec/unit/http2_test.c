/* The engine against an HTTP/2 server that refuses streams, goes away and breaks off: what the server
 * provably did not look at is no try, and nothing else is repeated behind the ledger's back. */
#include "authority.h"
#include "gitdev.h"
#include "net/certificate.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a server: frames over OpenSSL, a thread for each connection ---- */

enum { DATA, HEADERS, RST_STREAM = 3, SETTINGS, PING = 6, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { ACK = 1, END_STREAM = 1, END_HEADERS = 4 };
enum { NO_ERROR = 0, INTERNAL_ERROR = 2, REFUSED_STREAM = 7, HTTP_1_1_REQUIRED = 13 };
enum { CONNECTIONS_MAX = 64, HEAD = 9 };

typedef struct peer peer;

typedef struct line {
  peer *owner;
  pthread_t thread;
  SSL *ssl;
  int fd;
  int number;    /* of the connection, from 1 */
  int requests;  /* whole ones, on it */
  unsigned last; /* for scripts: what GOAWAY has said */
  unsigned open[256];
  size_t open_count;
} line;

/* Does something about a request that is whole. False: the connection is closed at once. */
typedef bool (*script_fn)(line *self, unsigned stream);

struct peer {
  script_fn script;
  unsigned streams_max; /* as its SETTINGS say; 0: nothing said */
  bool shut;  /* its SETTINGS leave no room for bodies: WINDOW_UPDATE does, after a while */
  bool early; /* or it answers without; and may reset the stream then */
  bool resets;
  int gather;  /* for scripts: how many requests they wait for */
  size_t head; /* for scripts: bytes of header values in an answer */
  int fd, port;
  SSL_CTX *tls;
  pthread_t thread;
  line lines[CONNECTIONS_MAX];
  atomic_int connections, requests, executed, surplus;
  char ca_file[AUTHORITY_PATH_SIZE], url[64];
};

static void put_number(uint8_t *out, uint32_t number) {
  for (int i = 0; i < 4; i++)
    out[i] = (uint8_t)(number >> (24 - 8 * i));
}

static void put_frame(line *self, int type, int flags, unsigned stream, const void *body,
                      size_t len) {
  uint8_t frame[HEAD + 64];
  put_number(frame, (uint32_t)len << 8 | (uint32_t)type);
  frame[4] = (uint8_t)flags;
  put_number(frame + 5, stream);
  memcpy(frame + HEAD, body, len);
  SSL_write(self->ssl, frame, (int)(HEAD + len));
}

static void close_stream(line *self, unsigned stream) {
  for (size_t i = 0; i < self->open_count; i++)
    if (self->open[i] == stream)
      self->open[i] = self->open[--self->open_count];
}

/* ":status: 200" is the eighth of HPACK's static table. */
static void answer(line *self, unsigned stream) {
  static const uint8_t ok = 0x88;
  atomic_fetch_add(&self->owner->executed, 1);
  put_frame(self, HEADERS, END_HEADERS, stream, &ok, 1);
  put_frame(self, DATA, END_STREAM, stream, "{}", 2);
  close_stream(self, stream);
}

static void refuse(line *self, unsigned stream, uint32_t code) {
  uint8_t body[4];
  put_number(body, code);
  put_frame(self, RST_STREAM, 0, stream, body, sizeof body);
  close_stream(self, stream);
}

static void go_away(line *self, unsigned last_stream) {
  uint8_t body[8];
  put_number(body, last_stream);
  put_number(body + 4, NO_ERROR);
  put_frame(self, GOAWAY, 0, 0, body, sizeof body);
}

static bool take(SSL *ssl, void *out, size_t len) {
  for (size_t got = 0, part; got < len; got += part)
    if (SSL_read_ex(ssl, (char *)out + got, len - got, &part) != 1)
      return false;
  return true;
}

static void let_body_come(line *self, unsigned stream) {
  const struct timespec while_ = {.tv_nsec = 200000000};
  uint8_t bytes[4];
  put_number(bytes, 1000);
  nanosleep(&while_, NULL);
  put_frame(self, WINDOW_UPDATE, 0, stream, bytes, sizeof bytes);
}

static void answer_early(line *self, unsigned stream) {
  static const uint8_t declined[] = {8, 3, '4', '2', '2'}; /* ":status", the eighth's name */
  put_frame(self, HEADERS, END_HEADERS, stream, declined, sizeof declined);
  put_frame(self, DATA, END_STREAM, stream, "{\"error\":{\"code\":\"x\"}}", 22);
  if (self->owner->resets)
    refuse(self, stream, NO_ERROR);
}

static bool on_frame(line *self, int type, int flags, unsigned stream) {
  peer *owner = self->owner;
  if (owner->early && type == HEADERS)
    answer_early(self, stream);
  else if (owner->shut && type == HEADERS)
    let_body_come(self, stream);
  if (type == SETTINGS && !(flags & ACK))
    put_frame(self, SETTINGS, ACK, 0, "", 0);
  if (type == HEADERS) {
    self->open[self->open_count++ % 256] = stream;
    if (owner->streams_max && self->open_count > owner->streams_max) {
      atomic_fetch_add(&owner->surplus, 1);
      refuse(self, stream, REFUSED_STREAM);
      return true;
    }
  }
  if ((type != HEADERS && type != DATA) || !(flags & END_STREAM))
    return true;
  self->requests++;
  atomic_fetch_add(&owner->requests, 1);
  return owner->script(self, stream);
}

static void greet(line *self) {
  uint8_t settings[12] = {0, 3, [7] = 4}; /* MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE: 0 */
  char preface[24];
  if (!take(self->ssl, preface, sizeof preface))
    return;
  put_number(settings + 2, self->owner->streams_max);
  if (self->owner->shut)
    put_frame(self, SETTINGS, 0, 0, settings + 6, 6);
  else
    put_frame(self, SETTINGS, 0, 0, settings, self->owner->streams_max ? 6 : 0);
}

/* Each request ends with its body, {}. */
static void serve_http1(line *self) {
  static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
  for (char last[2] = ""; take(self->ssl, last + 1, 1); last[0] = last[1])
    if (memcmp(last, "{}", 2) == 0) {
      atomic_fetch_add(&self->owner->executed, 1);
      SSL_write(self->ssl, ok, sizeof ok - 1);
    }
}

static bool speaks_http1(const line *self) {
  const unsigned char *name;
  unsigned len;
  SSL_get0_alpn_selected(self->ssl, &name, &len);
  return len == 8;
}

static void *run_line(void *payload) {
  line *self = payload;
  uint8_t head[HEAD];
  char *body = malloc(1 << 16);
  bool going = body && SSL_accept(self->ssl) == 1;
  if (going && speaks_http1(self)) {
    serve_http1(self);
    going = false;
  } else if (going) {
    greet(self);
  }
  while (going && take(self->ssl, head, HEAD)) {
    size_t len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
    unsigned stream = (unsigned)head[7] << 8 | head[8];
    going = len < 1 << 16 && take(self->ssl, body, len) && on_frame(self, head[3], head[4], stream);
  }
  free(body);
  shutdown(self->fd, SHUT_RDWR);
  return NULL;
}

static void *accept_lines(void *payload) {
  peer *self = payload;
  for (int fd; (fd = accept(self->fd, NULL, NULL)) >= 0;) {
    int count = atomic_load(&self->connections);
    line *next = &self->lines[count];
    if (count == CONNECTIONS_MAX - 1)
      abort();
    *next = (line){.owner = self, .fd = fd, .number = count + 1, .ssl = SSL_new(self->tls)};
    SSL_set_fd(next->ssl, fd);
    atomic_store(&self->connections, count + 1);
    if (pthread_create(&next->thread, NULL, run_line, next))
      abort();
  }
  return NULL;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offered, unsigned len, void *payload) {
  (void)ssl, (void)payload;
  static const unsigned char known[] = "\2h2\10http/1.1";
  unsigned char *chosen;
  if (SSL_select_next_proto(&chosen, out_len, known, sizeof known - 1, offered, len) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

static void open_tls(peer *self) {
  const char *const names[] = {"127.0.0.1"};
  gitdev_certificate certificate;
  assert_int_equal(gitdev_certificate_make(&certificate, names, 1, 1), GITDEV_OK);
  self->tls = SSL_CTX_new(TLS_server_method());
  assert_non_null(self->tls);
  assert_int_equal(SSL_CTX_use_certificate(self->tls, certificate.certificate), 1);
  assert_int_equal(SSL_CTX_use_PrivateKey(self->tls, certificate.key), 1);
  SSL_CTX_set_alpn_select_cb(self->tls, choose_protocol, NULL);
  authority_write(self->ca_file, &certificate);
  gitdev_certificate_free(&certificate);
}

static void open_socket(peer *self) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t len = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  self->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(self->fd, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(self->fd, CONNECTIONS_MAX), 0);
  assert_int_equal(getsockname(self->fd, (struct sockaddr *)&address, &len), 0);
  self->port = ntohs(address.sin_port);
  snprintf(self->url, sizeof self->url, "https://127.0.0.1:%d/v2", self->port);
}

static peer *start_peer(script_fn script, unsigned streams_max) {
  peer *self = calloc(1, sizeof *self);
  assert_non_null(self);
  self->script = script;
  self->streams_max = streams_max;
  open_tls(self);
  open_socket(self);
  assert_int_equal(pthread_create(&self->thread, NULL, accept_lines, self), 0);
  return self;
}

static void stop_peer(peer *self) {
  shutdown(self->fd, SHUT_RDWR);
  pthread_join(self->thread, NULL);
  for (int i = 0; i < self->connections; i++) {
    shutdown(self->lines[i].fd, SHUT_RDWR);
    pthread_join(self->lines[i].thread, NULL);
    SSL_free(self->lines[i].ssl);
    close(self->lines[i].fd);
  }
  close(self->fd);
  SSL_CTX_free(self->tls);
  unlink(self->ca_file);
  free(self);
}

/* ---- the client's side ---- */

enum { CALLS_MAX = 200 };

typedef struct world {
  peer *server;
  gitdev_loop *loop;
  gitdev_engine *engine;
  gitdev_client *client;
  gitdev_call *calls[CALLS_MAX];
  size_t count, done, turns;
} world;

static world *open_world(script_fn script, unsigned streams_max) {
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  w->server = start_peer(script, streams_max);
  assert_int_equal(gitdev_loop_new(&w->loop), GITDEV_OK);
  assert_int_equal(gitdev_engine_new(&w->engine, w->loop, NULL), GITDEV_OK);
  const gitdev_client_options options = {.api_key = "gsk_test_0123456789abcdefghijklmnopqrstuv",
                                         .base_url = w->server->url,
                                         .ca_file = w->server->ca_file,
                                         .timeout = 20};
  assert_int_equal(gitdev_client_new(&w->client, &options, NULL), GITDEV_OK);
  return w;
}

static void forget_calls(world *w) {
  for (size_t i = 0; i < w->count; i++)
    gitdev_call_free(w->calls[i]);
  w->count = w->done = w->turns = 0;
}

static void close_world(world *w) {
  forget_calls(w);
  gitdev_engine_free(w->engine);
  gitdev_client_free(w->client);
  gitdev_loop_free(w->loop);
  stop_peer(w->server);
  free(w);
}

static void count_done(gitdev_call *call, void *payload) {
  (void)call;
  ++*(size_t *)payload;
}

/* Makes so many calls at once and waits until they are done. The pace lets eight go before it knows
 * its limit: none of these answers tells one. */
static void call(world *w, size_t count) {
  forget_calls(w);
  for (; w->count < count; w->count++) {
    const gitdev_call_options options = {
        .method = "POST", .path = "/a", .body = "{}", .body_len = 2};
    gitdev_call **one = &w->calls[w->count];
    assert_int_equal(gitdev_call_new(one, w->client, &options, gitdev_now(), NULL), GITDEV_OK);
    assert_int_equal(gitdev_submit(w->engine, *one, count_done, &w->done), GITDEV_OK);
  }
  for (; w->done < w->count; w->turns++)
    assert_int_equal(gitdev_step(w->loop, 5), 0);
}

static void assert_all_well(const world *w, size_t attempts) {
  for (size_t i = 0; i < w->count; i++) {
    const gitdev_result *result = gitdev_call_result(w->calls[i]);
    assert_string_equal(result->type ? result->message : "well", "well");
    assert_int_equal(result->attempt_count, attempts);
  }
}

/* ---- never looked at ---- */

static bool refuse_on_first(line *self, unsigned stream) {
  if (self->number == 1)
    refuse(self, stream, REFUSED_STREAM);
  else
    answer(self, stream);
  return true;
}

static bool refuse_after_first(line *self, unsigned stream) {
  if (self->number == 1 && self->requests > 1)
    refuse(self, stream, REFUSED_STREAM);
  else
    answer(self, stream);
  return true;
}

static bool go_before_first(line *self, unsigned stream) {
  if (self->number > 1) {
    answer(self, stream);
    return true;
  }
  go_away(self, 0);
  return false;
}

static bool want_http1(line *self, unsigned stream) {
  refuse(self, stream, HTTP_1_1_REQUIRED);
  return true;
}

static void test_a_server_that_wants_http1_gets_it(void **state) {
  (void)state;
  world *w = open_world(want_http1, 0);
  call(w, 8); /* libcurl (7.88.1) says why of some alone: the others were a try */
  for (size_t i = 0; i < w->count; i++) {
    const gitdev_result *result = gitdev_call_result(w->calls[i]);
    assert_string_equal(result->type ? result->message : "well", "well");
    assert_in_range(result->attempt_count, 1, 2);
  }
  assert_int_equal(atomic_load(&w->server->executed), 8);
  close_world(w);
}

/* Once all are there: libcurl's words are listened to from when a request has left. */
static bool go_after_first(line *self, unsigned stream) {
  if (self->number > 1 || self->requests == 1)
    answer(self, stream);
  else if (self->requests == 1 + self->owner->gather)
    go_away(self, 1);
  return true;
}

/* What it has taken on before it goes is still answered. */
static bool go_in_good_order(line *self, unsigned stream) {
  if (self->number > 1 || stream <= 5)
    answer(self, stream);
  if (self->number == 1 && self->requests == 1 + self->owner->gather)
    go_away(self, 5);
  return true;
}

static void test_what_was_not_looked_at_is_no_try(void **state) {
  (void)state;
  static const struct {
    const char *name;
    script_fn script;
    size_t at_once;
  } cases[] = {
      {"refused, on a new connection", refuse_on_first, 1},
      {"refused, on a new connection, several", refuse_on_first, 6},
      {"refused, on one in use", refuse_after_first, 1},
      {"refused, on one in use, several", refuse_after_first, 6},
      {"gone, on a new connection", go_before_first, 1},
      {"gone, on one in use", go_after_first, 1},
      {"gone, on one in use, several", go_after_first, 6},
      {"gone in good order", go_in_good_order, 6},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    world *w = open_world(cases[i].script, 0);
    print_message("    %s\n", cases[i].name);
    w->server->gather = (int)cases[i].at_once;
    call(w, 1);
    assert_all_well(w, 1);
    call(w, cases[i].at_once);
    assert_all_well(w, 1);
    assert_int_equal(w->server->executed, 1 + cases[i].at_once);
    assert_true(w->server->requests > w->server->executed);
    close_world(w);
  }
}

static bool refuse_always(line *self, unsigned stream) {
  refuse(self, stream, REFUSED_STREAM);
  return true;
}

static void test_refusing_for_ever_ends(void **state) {
  (void)state;
  world *w = open_world(refuse_always, 0);
  call(w, 1);
  const gitdev_result *result = gitdev_call_result(w->calls[0]);
  assert_string_equal(result->type, "connection_error");
  assert_int_equal(result->attempt_count, 3);
  assert_true(w->server->requests <= 3 * 9);
  close_world(w);
}

/* ---- perhaps looked at ---- */

static bool fail_on_first(line *self, unsigned stream) {
  if (self->number == 1 && self->requests == 2)
    refuse(self, stream, INTERNAL_ERROR);
  else
    answer(self, stream);
  return true;
}

static bool break_on_first(line *self, unsigned stream) {
  if (self->number == 1 && self->requests == 2)
    return false;
  answer(self, stream);
  return true;
}

/* It goes, and says that it has looked at the request; but nothing comes of it. */
static bool go_without_a_word(line *self, unsigned stream) {
  if (self->number > 1 || self->requests == 1) {
    answer(self, stream);
    return true;
  }
  go_away(self, stream);
  return false;
}

static void test_what_may_have_been_done_is_a_try(void **state) {
  (void)state;
  static const script_fn scripts[] = {fail_on_first, break_on_first, go_without_a_word};
  for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
    world *w = open_world(scripts[i], 0);
    call(w, 1);
    assert_all_well(w, 1);
    call(w, 1);
    assert_all_well(w, 2);
    const gitdev_attempt *first = gitdev_call_result(w->calls[0])->attempts;
    assert_string_equal(first->reason, "stale connection");
    assert_int_equal(w->server->requests, 3);
    close_world(w);
  }
}

/* ---- connections ---- */

static bool answer_all(line *self, unsigned stream) {
  answer(self, stream);
  return true;
}

static void test_many_share_one_connection(void **state) {
  (void)state;
  world *w = open_world(answer_all, 0);
  call(w, CALLS_MAX);
  assert_all_well(w, 1);
  assert_int_equal(w->server->connections, 1);
  close_world(w);
}

/* libcurl would send a hundred at once before it has been told how many the server takes. */
static void test_no_stream_too_many(void **state) {
  (void)state;
  static const unsigned limits[] = {1, 2, 4, 10};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    world *w = open_world(answer_all, limits[i]);
    call(w, 1);
    call(w, CALLS_MAX);
    assert_all_well(w, 1);
    assert_int_equal(w->server->surplus, 0);
    assert_true(w->server->connections <= 16);
    close_world(w);
  }
}

/* A stream that was begun before the last may be whole only after it. */
static bool three_each(line *self, unsigned stream) {
  if (self->requests == 3)
    go_away(self, self->last = stream);
  if (self->requests <= 3 || stream <= self->last)
    answer(self, stream);
  return true;
}

static void test_connections_that_last_three_requests(void **state) {
  (void)state;
  world *w = open_world(three_each, 0);
  call(w, 60);
  assert_all_well(w, 1);
  assert_int_equal(w->server->executed, 60);
  close_world(w);
}

/* ---- answers and bodies that come in parts ---- */

/* A head of so many values of 500 bytes, in frames of the largest size, and all in one go. */
static bool answer_at_length(line *self, unsigned stream) {
  enum { FRAME_MAX = 16384, VALUE = 500 };
  static const uint8_t field[] = {
      0, 1, 'x', 0x7f, 0x80 | ((VALUE - 127) & 0x7f), (VALUE - 127) >> 7};
  size_t count = self->owner->head / VALUE, len = 1 + count * (sizeof field + VALUE), sent = 0;
  static const uint8_t body[] = {0, 0, 2, DATA, END_STREAM, 0, 0, 0, 0, '{', '}'};
  uint8_t *block = malloc(len), *out = malloc(len + 16 * HEAD), *at = out;
  *block = 0x88;
  for (size_t i = 0; i < count; i++) {
    uint8_t *one = block + 1 + i * (sizeof field + VALUE);
    memset(one, 'v', sizeof field + VALUE);
    memcpy(one, field, sizeof field);
  }
  for (size_t part; sent < len; sent += part) {
    part = len - sent < FRAME_MAX ? len - sent : FRAME_MAX;
    put_number(at, (uint32_t)part << 8 | (sent ? CONTINUATION : HEADERS));
    at[4] = sent + part == len ? END_HEADERS : 0;
    put_number(at + 5, stream);
    memcpy(at + HEAD, block + sent, part);
    at += HEAD + part;
  }
  memcpy(at, body, sizeof body);
  put_number(at + 5, stream);
  SSL_write(self->ssl, out, (int)(at + sizeof body - out));
  close_stream(self, stream);
  free(block);
  free(out);
  return true;
}

/* libcurl (7.88.1) hands over of a head as much as it reads at once, and nobody tells it to go on. */
static void test_a_long_head_comes_to_its_end(void **state) {
  (void)state;
  static const struct {
    size_t head;
    const char *type;
  } cases[] = {
      {1000, NULL}, {15000, NULL}, {17000, NULL}, {60000, NULL}, {70000, "response_error"}};
  world *w = open_world(answer_at_length, 0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    w->server->head = cases[i].head;
    call(w, 1);
    const gitdev_result *result = gitdev_call_result(w->calls[0]);
    assert_string_equal(result->type ? result->type : "", cases[i].type ? cases[i].type : "");
    assert_int_equal(result->attempt_count, 1);
    if (cases[i].type)
      assert_non_null(strstr(result->message, "head is too large"));
  }
  close_world(w);
}

/* Until the server's window lets a body leave there is nothing to do. */
static void test_a_shut_window_is_waited_for(void **state) {
  (void)state;
  world *w = open_world(answer_all, 0);
  w->server->shut = true;
  call(w, 1); /* it may leave before the SETTINGS are there */
  call(w, 1);
  assert_all_well(w, 1);
  assert_true(w->turns < 200);
  close_world(w);
}

static bool answer_no_more(line *self, unsigned stream) {
  close_stream(self, stream);
  return true;
}

/* A server that declines need not read the body, and may say so (RFC 9113 8.1); libcurl (7.88.1) would
 * wait for it to be read. */
static void test_an_answer_before_the_body_is_taken(void **state) {
  (void)state;
  world *w = open_world(answer_no_more, 0);
  w->server->shut = w->server->early = true;
  for (int resets = 0; resets <= 1; resets++) {
    w->server->resets = resets;
    for (int i = 0; i < 3; i++) {
      call(w, 1);
      const gitdev_result *result = gitdev_call_result(w->calls[0]);
      assert_string_equal(result->type, "invalid_request_error");
      assert_int_equal(result->status, 422);
      assert_int_equal(result->attempt_count, 1);
    }
  }
  assert_int_equal(atomic_load(&w->server->connections), 1);
  close_world(w);
}

static int ignore_broken_pipes(void **state) {
  (void)state;
  return signal(SIGPIPE, SIG_IGN) == SIG_ERR; /* the server's SSL_write() raises it */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_was_not_looked_at_is_no_try),
      cmocka_unit_test(test_refusing_for_ever_ends),
      cmocka_unit_test(test_what_may_have_been_done_is_a_try),
      cmocka_unit_test(test_a_server_that_wants_http1_gets_it),
      cmocka_unit_test(test_many_share_one_connection),
      cmocka_unit_test(test_no_stream_too_many),
      cmocka_unit_test(test_connections_that_last_three_requests),
      cmocka_unit_test(test_a_long_head_comes_to_its_end),
      cmocka_unit_test(test_a_shut_window_is_waited_for),
      cmocka_unit_test(test_an_answer_before_the_body_is_taken),
  };
  return cmocka_run_group_tests(tests, ignore_broken_pipes, NULL);
}
