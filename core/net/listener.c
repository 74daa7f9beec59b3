#include "net/listener.h"
#include "net/acceptor.h"
#include "net/connection.h"
#include "net/crowd.h"
#include "wire/memory.h"
#include <errno.h>
#include <openssl/crypto.h>

enum { CONNECTION_MAX = 4096, HEAD_MAX = 32 * 1024, FIELD_MAX = 100, BODY_MAX = 10 * 1024 * 1024 };

static const double IDLE_TIMEOUT = 75, REQUEST_TIMEOUT = 30;

struct gitdev_listener {
  gitdev_acceptor acceptor;
  int port;
  size_t connection_max;
  gitdev_server server;
};

static bool make_room(void *payload) {
  gitdev_listener *listener = payload;
  return gitdev_crowd_make_room(&listener->server);
}

static void on_accept(void *payload, int fd, const char *peer) {
  gitdev_listener *listener = payload;
  if (listener->server.connection_count < listener->connection_max || make_room(listener)) {
    gitdev_connection_open(&listener->server, fd, peer);
    return;
  }
  gitdev_stream refused;
  gitdev_stream_open(&refused, fd);
  gitdev_stream_close(&refused, false);
}

static size_t size_or(size_t value, size_t otherwise) {
  return value ? value : otherwise;
}

static double seconds_or(double value, double otherwise) {
  return value > 0 ? value : otherwise;
}

static void configure(gitdev_listener *listener, gitdev_loop *loop,
                      const gitdev_listener_options *options) {
  gitdev_server *server = &listener->server;
  listener->acceptor.watch.fd = -1;
  listener->connection_max = size_or(options->connection_max, CONNECTION_MAX);
  server->loop = loop;
  gitdev_loop_retain(loop);
  server->limits.head_max = size_or(options->limits.head_max, HEAD_MAX);
  server->limits.field_max = size_or(options->limits.field_max, FIELD_MAX);
  server->limits.body_max = size_or(options->limits.body_max, BODY_MAX);
  server->idle_timeout = seconds_or(options->idle_timeout, IDLE_TIMEOUT);
  server->request_timeout = seconds_or(options->request_timeout, REQUEST_TIMEOUT);
  gitdev_buffer_init(&server->answer, SIZE_MAX);
}

static int start(gitdev_listener *listener, const gitdev_listener_options *options) {
  gitdev_server *server = &listener->server;
  int error = 0;
  if (options->certificate)
    error = gitdev_tls_new(&server->tls, options->certificate);
  if (error)
    return error;
  const char *host = options->host ? options->host : "127.0.0.1";
  error = gitdev_acceptor_open(&listener->acceptor, server->loop, host, options->port, on_accept,
                               listener);
  if (error)
    return error;
  listener->acceptor.make_room = make_room;
  listener->port = gitdev_acceptor_port(&listener->acceptor);
  return listener->port < 0 ? GITDEV_ESYSTEM : 0;
}

int gitdev_listener_new(gitdev_listener **out, gitdev_loop *loop,
                        const gitdev_listener_options *options) {
  *out = NULL;
  gitdev_listener *listener = gitdev_calloc(1, sizeof *listener);
  if (!listener)
    return GITDEV_ENOMEM;
  configure(listener, loop, options);
  int error = start(listener, options);
  if (error) {
    int kept = errno;
    gitdev_listener_free(listener);
    errno = kept;
    return error;
  }
  *out = listener;
  return 0;
}

void gitdev_listener_free(gitdev_listener *listener) {
  if (!listener)
    return;
  gitdev_server *server = &listener->server;
  gitdev_acceptor_close(&listener->acceptor);
  gitdev_crowd_close(server);
  for (gitdev_exchange *exchange; (exchange = gitdev_exchange_pop(&server->queue));)
    gitdev_exchange_destroy(exchange);
  gitdev_buffer_wipe(&server->answer);
  OPENSSL_cleanse(server->scratch, sizeof server->scratch);
  gitdev_tls_free(server->tls);
  gitdev_loop_free(server->loop);
  gitdev_free(listener);
}

int gitdev_listener_port(const gitdev_listener *listener) {
  return listener->port;
}

void gitdev_listener_drain(gitdev_listener *listener) {
  listener->server.draining = true;
  gitdev_acceptor_close(&listener->acceptor);
  gitdev_crowd_drain(&listener->server);
}

size_t gitdev_listener_connections(const gitdev_listener *listener) {
  return listener->server.connection_count;
}

gitdev_exchange *gitdev_listener_next(gitdev_listener *listener) {
  return gitdev_exchange_pop(&listener->server.queue);
}

void gitdev_listener_on_refuse(gitdev_listener *listener, gitdev_refuse_fn fn, void *payload) {
  listener->server.refuse = fn;
  listener->server.refuse_payload = payload;
}
