/* log_server: serves log streams over TLS as fast as they are taken, to any number of clients.
 *
 *   log_server CERTIFICATE_FILE KEY_FILE PORT
 *
 * On loopback, in one process, until it is ended. What it says is in log_source.h. It holds one
 * record for each client and makes the next once that is written: a client that does not read stops
 * it. */
#include "log_source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 4096, RECORD = 16384, BACKLOG = 4096, EVENTS = 64, BURST = 16 };

typedef struct client {
  int fd;
  SSL *ssl;
  log_source source;
  size_t head_len;          /* of the request that is being read */
  size_t out_len, out_sent; /* of what is being written */
  char head[HEAD_MAX + 1];
  char out[RECORD];
} client;

typedef struct server {
  int epoll, listener;
  SSL_CTX *tls;
} server;

static void drop(client *self) {
  SSL_free(self->ssl);
  close(self->fd);
  free(self);
}

/* Whether an SSL function that failed may be tried again once the socket is ready. */
static bool may_go_on(client *self, int result) {
  int error = SSL_get_error(self->ssl, result);
  ERR_clear_error();
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* What a client that streams sends: only its end is of interest, and its close frame. */
static bool listen_to(client *self) {
  unsigned char bytes[HEAD_MAX];
  int got;
  while ((got = SSL_read(self->ssl, bytes, sizeof bytes)) > 0)
    if (bytes[0] == 0x88)
      return false;
  return may_go_on(self, got);
}

/* Reads a request's head and makes the answer. */
static bool read_head(client *self) {
  while (self->out_len == 0) {
    int got = SSL_read(self->ssl, self->head + self->head_len, (int)(HEAD_MAX - self->head_len));
    if (got <= 0)
      return may_go_on(self, got);
    self->head_len += (size_t)got;
    self->head[self->head_len] = '\0';
    if (strstr(self->head, "\r\n\r\n")) {
      self->out_len = log_source_answer(&self->source, self->head, self->out);
      self->head_len = 0;
    } else if (self->head_len == HEAD_MAX) {
      return false;
    }
  }
  return true;
}

/* Writes what there is. *done is set when all of it is out. */
static bool write_out(client *self, bool *done) {
  while (self->out_sent < self->out_len) {
    int sent =
        SSL_write(self->ssl, self->out + self->out_sent, (int)(self->out_len - self->out_sent));
    if (sent <= 0)
      return may_go_on(self, sent);
    self->out_sent += (size_t)sent;
  }
  self->out_len = self->out_sent = 0;
  *done = true;
  return true;
}

/* Goes on until the socket is full or nothing is due; after a burst, others have their turn. False
 * when the client is to be dropped, which is when it closes. *more is set when the burst was cut
 * off. */
static bool stream(client *self, bool *more) {
  for (int i = 0; i < BURST; i++) {
    bool done = false;
    if (!write_out(self, &done))
      return false;
    if (!done)
      return listen_to(self);
    self->out_len = log_source_frames(&self->source, self->out, RECORD);
    if (self->out_len == 0)
      return listen_to(self);
  }
  *more = true;
  return true;
}

static bool turn(client *self, bool *more) {
  for (bool done = true; done && !self->source.streaming;) {
    if (!read_head(self))
      return false;
    if (self->out_len == 0)
      return true;
    done = false;
    if (!self->source.streaming && !write_out(self, &done))
      return false;
  }
  return !self->source.streaming || stream(self, more);
}

static bool make_client(server *self, int fd) {
  int on = 1;
  client *one = calloc(1, sizeof *one);
  SSL *ssl = SSL_new(self->tls);
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                              .data = {.ptr = one}};
  if (!one || !ssl || SSL_set_fd(ssl, fd) != 1 ||
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
      epoll_ctl(self->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    SSL_free(ssl);
    free(one);
    return false;
  }
  SSL_set_accept_state(ssl);
  one->fd = fd;
  one->ssl = ssl;
  return true;
}

static void take_clients(server *self) {
  int fd;
  while ((fd = accept4(self->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
    if (!make_client(self, fd))
      close(fd);
}

/* An edge is told once: a client whose burst was cut off is armed again, so that it is told anew. */
static void serve(server *self, client *one) {
  bool more = false;
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                              .data = {.ptr = one}};
  if (!turn(one, &more) || (more && epoll_ctl(self->epoll, EPOLL_CTL_MOD, one->fd, &event) != 0))
    drop(one);
}

static int run(server *self) {
  struct epoll_event events[EVENTS];
  for (;;) {
    int count = epoll_wait(self->epoll, events, EVENTS, -1);
    if (count < 0 && errno != EINTR)
      return 1;
    for (int i = 0; i < count; i++)
      if (events[i].data.ptr)
        serve(self, events[i].data.ptr);
      else
        take_clients(self);
  }
}

static bool open_tls(server *self, char **argv) {
  self->tls = SSL_CTX_new(TLS_server_method());
  if (!self->tls)
    return false;
  SSL_CTX_set_mode(self->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
  return SSL_CTX_use_certificate_chain_file(self->tls, argv[1]) == 1 &&
         SSL_CTX_use_PrivateKey_file(self->tls, argv[2], SSL_FILETYPE_PEM) == 1;
}

static bool open_listener(server *self, char **argv) {
  int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10)),
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};
  self->epoll = epoll_create1(EPOLL_CLOEXEC);
  self->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return self->epoll >= 0 && self->listener >= 0 &&
         setsockopt(self->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
         bind(self->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
         listen(self->listener, BACKLOG) == 0 &&
         epoll_ctl(self->epoll, EPOLL_CTL_ADD, self->listener, &event) == 0;
}

int main(int argc, char **argv) {
  server self = {.epoll = -1, .listener = -1};
  if (argc != 4) {
    fputs("usage: log_server CERTIFICATE_FILE KEY_FILE PORT\n", stderr);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  if (!open_tls(&self, argv) || !open_listener(&self, argv)) {
    perror("log_server");
    ERR_print_errors_fp(stderr);
    return 1;
  }
  return run(&self);
}
