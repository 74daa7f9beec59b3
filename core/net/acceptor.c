#include "net/acceptor.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* A handshake costs a fraction of a millisecond, and a frame loop's step must not hitch when many
 * connect at once. */
enum { BACKLOG = 512, ACCEPTS_MAX = 32 };

static const double PAUSE = 0.1;

typedef union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_storage storage;
} address;

static void describe(const address *peer, char text[INET6_ADDRSTRLEN]) {
  const void *bytes = peer->any.sa_family == AF_INET6 ? (const void *)&peer->v6.sin6_addr
                                                      : (const void *)&peer->v4.sin_addr;
  if (!inet_ntop(peer->any.sa_family, bytes, text, INET6_ADDRSTRLEN))
    text[0] = '\0';
}

static void hand_over(gitdev_acceptor *acceptor, int fd, const address *peer) {
  int on = 1;
  /* Without it only the latency is worse. */
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  char text[INET6_ADDRSTRLEN];
  describe(peer, text);
  acceptor->fn(acceptor->payload, fd, text);
}

static void resume(void *payload) {
  gitdev_acceptor *acceptor = payload;
  gitdev_watch_want(acceptor->loop, &acceptor->watch, GITDEV_READABLE);
}

/* The connection that cannot be accepted keeps the socket readable: looking away for a moment
 * spares a busy loop. */
static void look_away(gitdev_acceptor *acceptor) {
  if (!gitdev_timer_set(acceptor->loop, &acceptor->pause, gitdev_now() + PAUSE, resume, acceptor))
    gitdev_watch_want(acceptor->loop, &acceptor->watch, 0);
}

/* Without a descriptor the kernel does not say whether anyone waits; that the socket is readable
 * does. So room is made for one at a time, and the next turn accepts it. */
static void on_exhaustion(gitdev_acceptor *acceptor) {
  if (!acceptor->make_room || !acceptor->make_room(acceptor->payload))
    look_away(acceptor);
}

static bool is_exhaustion(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void on_readable(void *payload, int ready) {
  gitdev_acceptor *acceptor = payload;
  (void)ready;
  for (int i = 0; i < ACCEPTS_MAX && acceptor->watch.fd >= 0; i++) {
    address peer = {.storage = {0}};
    socklen_t len = sizeof peer;
    int fd = accept4(acceptor->watch.fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      hand_over(acceptor, fd, &peer);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      return;
    if (is_exhaustion(errno)) {
      if (i == 0)
        on_exhaustion(acceptor);
      return;
    }
    /* Else that one connection is gone already (ECONNABORTED and its like): on to the next. */
  }
}

/* Returns a listening descriptor, or -1 with errno. */
static int listen_on(const struct addrinfo *info) {
  int type = info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, on = 1;
  int fd = socket(info->ai_family, type, info->ai_protocol);
  if (fd < 0)
    return -1;
  if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) &&
      !bind(fd, info->ai_addr, info->ai_addrlen) && !listen(fd, BACKLOG))
    return fd;
  int kept = errno;
  close(fd);
  errno = kept;
  return -1;
}

static struct addrinfo *resolve(const char *host, int port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                           .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
  struct addrinfo *found = NULL;
  char service[sizeof "65535"];
  if (port < 0 || port > UINT16_MAX)
    return NULL;
  snprintf(service, sizeof service, "%u", (unsigned)port & UINT16_MAX);
  return getaddrinfo(host, service, &hints, &found) ? NULL : found;
}

int gitdev_acceptor_open(gitdev_acceptor *acceptor, gitdev_loop *loop, const char *host, int port,
                         gitdev_accept_fn fn, void *payload) {
  *acceptor = (gitdev_acceptor){.loop = loop, .watch.fd = -1, .fn = fn, .payload = payload};
  struct addrinfo *info = resolve(host, port);
  if (!info)
    return GITDEV_EINVAL;
  int fd = listen_on(info);
  int kept = errno;
  freeaddrinfo(info);
  errno = kept;
  if (fd < 0)
    return GITDEV_ESYSTEM;
  int error =
      gitdev_watch_start(loop, &acceptor->watch, fd, GITDEV_READABLE, on_readable, acceptor);
  acceptor->watch.fd = fd;
  if (error)
    gitdev_acceptor_close(acceptor);
  return error;
}

void gitdev_acceptor_close(gitdev_acceptor *acceptor) {
  if (acceptor->watch.fd < 0)
    return;
  int kept = errno;
  gitdev_timer_clear(acceptor->loop, &acceptor->pause);
  gitdev_unwatch(acceptor->loop, &acceptor->watch);
  close(acceptor->watch.fd);
  acceptor->watch.fd = -1;
  errno = kept;
}

int gitdev_acceptor_port(const gitdev_acceptor *acceptor) {
  address own = {.storage = {0}};
  socklen_t len = sizeof own;
  if (getsockname(acceptor->watch.fd, &own.any, &len))
    return -1;
  return ntohs(own.any.sa_family == AF_INET6 ? own.v6.sin6_port : own.v4.sin_port);
}
