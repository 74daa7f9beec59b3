/* Calls and WebSockets by way of a proxy that the environment names (CONNECT), all on one loop. */
#include "authority.h"
#include "net/certificate.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/tls_stream.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const char KEY[] = "gsk_test_0123456789abcdefghijklmnopqrstuv";
static const char HOST[] = "api.example.test"; /* that no resolver knows (RFC 6761) */
static const char ACCEPTS[] =
    "HTTP/1.1 200 Connection established\r\nX-From: proxy\r\nRetry-After: 9\r\n\r\n";
static const char REFUSES[] =
    "HTTP/1.1 403 Forbidden\r\nX-From: proxy\r\nContent-Length: 5\r\n\r\nnever";

enum { TUNNELS_MAX = 8, CHUNK = 4096 };

typedef struct end {
  gitdev_stream stream;
  gitdev_watch watch;
  struct end *other;
  struct world *of;
  bool holds; /* what comes from it is kept, to be passed on at once */
  char kept[CHUNK];
  size_t kept_len;
} end;

typedef struct tunnel {
  end client, server;
} tunnel;

typedef struct world {
  gitdev_loop *loop;
  gitdev_listener *listener;
  gitdev_engine *engine;
  gitdev_client *client;
  gitdev_socket *peer; /* the server's end of the WebSocket */
  gitdev_watch door;   /* of the proxy */
  gitdev_tls *tls;     /* that it speaks; NULL: none */
  bool refuses;
  tunnel tunnels[TUNNELS_MAX];
  size_t tunnel_count;
  char connect[CHUNK]; /* the last request to the proxy */
  char ca_file[AUTHORITY_PATH_SIZE];
} world;

/* ---- the proxy: it takes a request, and carries bytes from then on ---- */

/* What libcurl trusts a proxy by is the system's (ca_file is about the origin): here it is a file of the
 * test's. */
static char proxy_ca_file[AUTHORITY_PATH_SIZE];

CURL *curl_easy_init(void) {
  CURL *(*make)(void);
  void *symbol = dlsym(RTLD_NEXT, "curl_easy_init");
  memcpy(&make, &symbol, sizeof make);
  CURL *easy = make();
  curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, proxy_ca_file);
  curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
  return easy;
}

static void put(end *to, const char *bytes, size_t len) {
  size_t written;
  assert_int_equal(gitdev_stream_write(&to->stream, bytes, len, &written), GITDEV_IO_DONE);
  assert_int_equal(written, len);
}

static void keep(end *from, const char *bytes, size_t len) {
  assert_in_range(len, 0, sizeof from->kept - from->kept_len);
  memcpy(from->kept + from->kept_len, bytes, len);
  from->kept_len += len;
}

static void carry(void *payload, int ready) {
  end *from = payload;
  char bytes[CHUNK];
  size_t len;
  gitdev_io io;
  (void)ready;
  gitdev_stream_ready(&from->stream);
  while ((io = gitdev_stream_read(&from->stream, bytes, sizeof bytes, &len)) == GITDEV_IO_DONE)
    if (from->holds)
      keep(from, bytes, len);
    else
      put(from->other, bytes, len);
  if (io == GITDEV_IO_AGAIN)
    return;
  gitdev_unwatch(from->of->loop, &from->watch);
  shutdown(from->other->stream.fd, SHUT_WR);
}

static int dial(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  return fd;
}

static void watch_end(end *self, gitdev_watch_fn fn) {
  assert_int_equal(
      gitdev_watch_start(self->of->loop, &self->watch, self->stream.fd, GITDEV_READABLE, fn, self),
      0);
}

/* What is ready for it; AGAIN while there is nothing, or the handshake goes on. */
static gitdev_io read_request(end *client, size_t *len) {
  world *w = client->of;
  gitdev_stream_ready(&client->stream);
  gitdev_io io = w->tls ? gitdev_stream_handshake(&client->stream) : GITDEV_IO_DONE;
  if (io == GITDEV_IO_DONE)
    io = gitdev_stream_read(&client->stream, w->connect, sizeof w->connect - 1, len);
  return io;
}

static void on_request(void *payload, int ready) {
  end *client = payload;
  world *w = client->of;
  size_t len = 0;
  (void)ready;
  gitdev_io io = read_request(client, &len);
  if (io == GITDEV_IO_AGAIN)
    return;
  if (io != GITDEV_IO_DONE) {
    gitdev_unwatch(w->loop, &client->watch);
    return;
  }
  w->connect[len] = '\0';
  const char *answer = w->refuses ? REFUSES : ACCEPTS;
  put(client, answer, strlen(answer));
  if (w->refuses)
    return;
  gitdev_unwatch(w->loop, &client->watch);
  watch_end(client, carry);
  gitdev_stream_open(&client->other->stream, dial(gitdev_listener_port(w->listener)));
  watch_end(client->other, carry);
}

static void on_door(void *payload, int ready) {
  world *w = payload;
  (void)ready;
  assert_in_range(w->tunnel_count, 0, TUNNELS_MAX - 1);
  tunnel *made = &w->tunnels[w->tunnel_count++];
  made->client.of = made->server.of = w;
  made->client.other = &made->server;
  made->server.other = &made->client;
  made->server.stream.fd = -1;
  gitdev_stream_open(&made->client.stream, accept4(w->door.fd, NULL, NULL, SOCK_NONBLOCK));
  if (w->tls)
    assert_int_equal(gitdev_stream_start_tls(&made->client.stream, w->tls), GITDEV_OK);
  watch_end(&made->client, on_request);
}

static void name_proxy(world *w, const char *scheme) {
  struct sockaddr_in at;
  socklen_t len = sizeof at;
  char url[64];
  assert_int_equal(getsockname(w->door.fd, (struct sockaddr *)&at, &len), 0);
  snprintf(url, sizeof url, "%s://127.0.0.1:%d", scheme, ntohs(at.sin_port));
  assert_int_equal(setenv("https_proxy", url, 1), 0);
}

static void open_proxy(world *w) {
  struct sockaddr_in at = {.sin_family = AF_INET};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(fd, TUNNELS_MAX), 0);
  assert_int_equal(gitdev_watch_start(w->loop, &w->door, fd, GITDEV_READABLE, on_door, w), 0);
  name_proxy(w, "http");
}

/* From now on the proxy itself is spoken to over TLS. */
static void use_tls(world *w) {
  const char *const names[] = {"127.0.0.1"};
  gitdev_certificate certificate;
  assert_int_equal(gitdev_certificate_make(&certificate, names, 1, 1), GITDEV_OK);
  assert_int_equal(gitdev_tls_new(&w->tls, &certificate), GITDEV_OK);
  authority_write(proxy_ca_file, &certificate);
  gitdev_certificate_free(&certificate);
  name_proxy(w, "https");
}

static void close_proxy(world *w) {
  for (size_t i = 0; i < w->tunnel_count; i++) {
    end *ends[] = {&w->tunnels[i].client, &w->tunnels[i].server};
    for (size_t k = 0; k < 2; k++) {
      gitdev_unwatch(w->loop, &ends[k]->watch);
      if (ends[k]->stream.fd >= 0)
        gitdev_stream_close(&ends[k]->stream, false);
    }
  }
  gitdev_tls_free(w->tls);
  gitdev_unwatch(w->loop, &w->door);
  close(w->door.fd);
  unsetenv("https_proxy");
}

/* ---- the world ---- */

static void use_url(world *w, const char *url) {
  const gitdev_client_options options = {
      .api_key = KEY, .base_url = url, .ca_file = w->ca_file, .max_retries = GITDEV_NO_RETRIES};
  gitdev_client_free(w->client);
  assert_int_equal(gitdev_client_new(&w->client, &options, NULL), GITDEV_OK);
}

static int set_up(void **state) {
  const char *const names[] = {HOST, "127.0.0.1"};
  char url[64];
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  gitdev_certificate certificate;
  assert_int_equal(gitdev_certificate_make(&certificate, names, 2, 1), GITDEV_OK);
  authority_write(w->ca_file, &certificate);
  assert_int_equal(gitdev_loop_new(&w->loop), GITDEV_OK);
  const gitdev_listener_options listen = {.certificate = &certificate};
  assert_int_equal(gitdev_listener_new(&w->listener, w->loop, &listen), GITDEV_OK);
  gitdev_certificate_free(&certificate);
  assert_int_equal(gitdev_engine_new(&w->engine, w->loop, NULL), GITDEV_OK);
  snprintf(url, sizeof url, "https://%s/v2", HOST);
  use_url(w, url);
  open_proxy(w);
  *state = w;
  return 0;
}

static int tear_down(void **state) {
  world *w = *state;
  gitdev_socket_free(w->peer);
  gitdev_engine_free(w->engine);
  gitdev_client_free(w->client);
  gitdev_listener_free(w->listener);
  close_proxy(w);
  gitdev_loop_free(w->loop);
  unlink(w->ca_file);
  if (proxy_ca_file[0])
    unlink(proxy_ca_file);
  proxy_ca_file[0] = '\0';
  free(w);
  return 0;
}

static void serve(world *w, gitdev_exchange *exchange) {
  const char *problem;
  if (gitdev_exchange_wish(exchange, &problem) == GITDEV_HANDSHAKE_GOOD)
    assert_int_equal(gitdev_exchange_upgrade(exchange, NULL, "", 0, 0, &w->peer), GITDEV_OK);
  else
    assert_int_equal(gitdev_exchange_answer(exchange, 404, "X-From: origin\r\n", 16, "{}", 2),
                     GITDEV_OK);
  gitdev_exchange_free(exchange);
}

static void turn(world *w) {
  gitdev_exchange *exchange;
  assert_int_equal(gitdev_step(w->loop, 5), 0);
  while ((exchange = gitdev_listener_next(w->listener)))
    serve(w, exchange);
}

static gitdev_call *perform(world *w, const char *upgrade) {
  gitdev_call *call;
  const gitdev_call_options options = {.method = "GET", .path = "/a", .upgrade = upgrade};
  assert_int_equal(gitdev_call_new(&call, w->client, &options, gitdev_now(), NULL), GITDEV_OK);
  assert_int_equal(gitdev_submit(w->engine, call, NULL, NULL), GITDEV_OK);
  while (!gitdev_call_result(call))
    turn(w);
  return call;
}

static const char *header(gitdev_call *call, const char *name) {
  size_t count;
  const gitdev_header *headers = gitdev_call_headers(call, &count);
  for (size_t i = 0; i < count; i++)
    if (strcmp(headers[i].name, name) == 0)
      return headers[i].value;
  return "";
}

/* ---- what is said of it ---- */

/* The proxy's own answer, to CONNECT, is no part of the origin's. */
static void test_an_answer_is_the_origins(void **state) {
  world *w = *state;
  gitdev_call *call = perform(w, NULL);
  const gitdev_result *result = gitdev_call_result(call);
  assert_int_equal(result->status, 404);
  assert_string_equal(result->body, "{}");
  assert_string_equal(header(call, "x-from"), "origin");
  assert_string_equal(header(call, "retry-after"), "");
  assert_int_equal(strncmp(w->connect, "CONNECT api.example.test:443 HTTP/1.1\r\n", 39), 0);
  assert_null(strstr(w->connect, "gsk_"));
  gitdev_call_free(call);
}

static void expect_text(world *w, gitdev_socket *socket, const char *text) {
  const char *message = NULL;
  size_t len;
  int rc;
  while ((rc = gitdev_socket_read(socket, &message, &len, NULL)) == GITDEV_AGAIN)
    turn(w);
  assert_int_equal(rc, GITDEV_OK);
  assert_string_equal(message, text);
}

static void say(gitdev_socket *socket, const char *text) {
  assert_int_equal(gitdev_socket_send(socket, text, strlen(text)), GITDEV_OK);
}

static void test_a_websocket_goes_through(void **state) {
  world *w = *state;
  gitdev_call *call = perform(w, "git.logs.v1");
  assert_null(gitdev_call_result(call)->type);
  assert_string_equal(header(call, "x-from"), "");
  gitdev_socket *socket = gitdev_call_socket(call);
  gitdev_call_free(call);
  assert_int_equal(strncmp(w->connect, "CONNECT api.example.test:443 HTTP/1.1\r\n", 39), 0);
  assert_null(strstr(w->connect, "gsk_"));
  say(w->peer, "through");
  expect_text(w, socket, "through");
  gitdev_socket_free(socket);
}

/* Two of the origin's records may be in one of the proxy's: the second then waits in libcurl, and no
 * readiness of the socket tells of it. */
static void test_a_websocket_goes_through_a_proxy_with_tls(void **state) {
  world *w = *state;
  use_tls(w);
  gitdev_call *call = perform(w, "git.logs.v1");
  assert_null(gitdev_call_result(call)->type);
  gitdev_socket *socket = gitdev_call_socket(call);
  gitdev_call_free(call);
  say(socket, "here");
  expect_text(w, w->peer, "here");
  end *server = &w->tunnels[0].server;
  server->holds = true;
  say(w->peer, "one");
  while (!server->kept_len)
    turn(w);
  size_t first = server->kept_len;
  say(w->peer, "two");
  while (server->kept_len == first)
    turn(w);
  put(server->other, server->kept, server->kept_len);
  expect_text(w, socket, "one");
  expect_text(w, socket, "two");
  gitdev_socket_free(socket);
}

/* ---- whom it trusts ---- */

/* Exchanges what the origin and what the proxy are trusted by. */
static void exchange_trust(const world *w) {
  char between[AUTHORITY_PATH_SIZE + 2];
  snprintf(between, sizeof between, "%s-", w->ca_file);
  assert_int_equal(rename(w->ca_file, between), 0);
  assert_int_equal(rename(proxy_ca_file, w->ca_file), 0);
  assert_int_equal(rename(between, proxy_ca_file), 0);
}

/* Adds what is in one file to another. */
static void add_trust(const char *to, const char *from) {
  char bytes[CHUNK];
  FILE *in = fopen(from, "r"), *out = fopen(to, "a");
  assert_non_null(in);
  assert_non_null(out);
  size_t len = fread(bytes, 1, sizeof bytes, in);
  assert_int_equal(fwrite(bytes, 1, len, out), len);
  fclose(in);
  assert_int_equal(fclose(out), 0);
}

/* `code`: of the error, whatever it is when NULL. Below a proxy's TLS libcurl loses why a handshake has
 * failed. `whose`: the certificate, as it is told. */
static void expect_distrust(world *w, const char *code, const char *whose) {
  static const char *const upgrades[] = {NULL, "git.logs.v1"};
  for (size_t i = 0; i < 4; i++) {
    gitdev_call *call = perform(w, upgrades[i % 2]);
    const gitdev_result *result = gitdev_call_result(call);
    assert_int_equal(result->status, 0);
    assert_string_equal(result->type, "connection_error");
    assert_string_equal(result->code, code ? code : result->code);
    assert_non_null(strstr(result->message, whose));
    gitdev_call_free(call);
  }
}

static void test_a_proxys_authority_is_not_the_origins(void **state) {
  world *w = *state;
  use_tls(w);
  exchange_trust(w);
  add_trust(proxy_ca_file, w->ca_file); /* the proxy by both, the origin by the proxy's alone */
  expect_distrust(w, NULL, "");
  assert_int_equal(strncmp(w->connect, "CONNECT ", 8), 0);
}

static void test_an_origins_authority_is_not_the_proxys(void **state) {
  world *w = *state;
  use_tls(w);
  exchange_trust(w);
  add_trust(w->ca_file, proxy_ca_file); /* the origin by both, the proxy by the origin's alone */
  expect_distrust(w, "certificate_not_trusted",
                  "the certificate of the proxy on the way to https://api.example.test");
  assert_string_equal(w->connect, "");
}

static void test_a_proxy_that_refuses_leaves_it_unsent(void **state) {
  world *w = *state;
  static const char *const upgrades[] = {NULL, "git.logs.v1"};
  w->refuses = true;
  for (size_t i = 0; i < 2; i++) {
    gitdev_call *call = perform(w, upgrades[i]);
    const gitdev_result *result = gitdev_call_result(call);
    assert_string_equal(result->type, "connection_error");
    assert_string_equal(result->code, "not_connected");
    assert_int_equal(result->status, 0);
    assert_non_null(strstr(result->message, "403"));
    gitdev_call_free(call);
  }
}

static void test_a_proxys_password_is_not_told(void **state) {
  world *w = *state;
  static const char *const upgrades[] = {NULL, "git.logs.v1"};
  static const char *const urls[] = {"http://me:sesame 1@127.0.0.1:1",
                                     "gopher://me:sesame@127.0.0.1:1",
                                     "http://me:sesame@127.0.0.1:99999"};
  for (size_t i = 0; i < 6; i++) {
    assert_int_equal(setenv("https_proxy", urls[i / 2], 1), 0);
    gitdev_call *call = perform(w, upgrades[i % 2]);
    const gitdev_result *result = gitdev_call_result(call);
    assert_string_equal(result->type, "connection_error");
    assert_non_null(strstr(result->message, "proxy"));
    assert_null(strstr(result->message, "sesame"));
    gitdev_call_free(call);
  }
}

static void test_what_is_on_this_machine_is_reached_directly(void **state) {
  world *w = *state;
  char url[64];
  snprintf(url, sizeof url, "https://127.0.0.1:%d/v2", gitdev_listener_port(w->listener));
  use_url(w, url);
  gitdev_call *call = perform(w, "git.logs.v1");
  assert_null(gitdev_call_result(call)->type);
  gitdev_call_free(call);
  assert_string_equal(w->connect, "");
}

static void test_no_proxy_is_heeded(void **state) {
  world *w = *state;
  static const char *const upgrades[] = {NULL, "git.logs.v1"};
  assert_int_equal(setenv("no_proxy", HOST, 1), 0);
  for (size_t i = 0; i < 2; i++) {
    gitdev_call *call = perform(w, upgrades[i]);
    assert_string_equal(gitdev_call_result(call)->type, "connection_error"); /* nobody knows it */
    gitdev_call_free(call);
  }
  unsetenv("no_proxy");
  assert_string_equal(w->connect, "");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_an_answer_is_the_origins),
      TEST(test_a_websocket_goes_through),
      TEST(test_a_websocket_goes_through_a_proxy_with_tls),
      TEST(test_a_proxys_authority_is_not_the_origins),
      TEST(test_an_origins_authority_is_not_the_proxys),
      TEST(test_a_proxy_that_refuses_leaves_it_unsent),
      TEST(test_a_proxys_password_is_not_told),
      TEST(test_what_is_on_this_machine_is_reached_directly),
      TEST(test_no_proxy_is_heeded),
  };
#undef TEST
  return cmocka_run_group_tests(tests, NULL, NULL);
}
