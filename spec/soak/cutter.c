/* cutter: a TCP proxy on loopback that breaks every connection off, at a byte of its own choice.
 *
 *   cutter TARGET_PORT SEED MIN MAX
 *
 * Prints the port that it listens on, and ends when its standard input does. What comes from the
 * target goes on in pieces of random length; after MIN to MAX bytes the connection is reset, closed,
 * or held still for a moment and then reset. One in seven is broken off within its first bytes, in
 * the middle of the TLS handshake or of an answer's head. MAX 0: none is, and only the pieces are
 * random. The same SEED makes the same choices for the same number of a connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TARGET_PORT = 1, SEED, MIN, MAX, ARGUMENTS };
enum { BACKLOG = 1024, PIECE_MAX = 8192, EARLY_EVERY = 7, EARLY_MAX = 4000, STILL_US = 50000 };

typedef struct cutter {
  uint16_t target;
  uint64_t seed, min, max;
  int listener;
} cutter;

/* One connection and its way on. */
typedef struct relay {
  int client, target;
  uint64_t random, left; /* bytes from the target until it is broken off; 0: never */
} relay;

/* xorshift64*: any state but 0 does. */
static uint64_t draw(relay *self, uint64_t below) {
  self->random ^= self->random >> 12;
  self->random ^= self->random << 25;
  self->random ^= self->random >> 27;
  return (self->random * 2685821657736338717u >> 33) % below;
}

static bool write_all(int fd, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent <= 0)
      return false;
    bytes += sent;
    len -= (size_t)sent;
  }
  return true;
}

static void reset(relay *self) {
  struct linger none = {.l_onoff = 1, .l_linger = 0};
  (void)setsockopt(self->client, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

static void cut(relay *self) {
  uint64_t way = draw(self, 3);
  if (way == 0)
    (void)usleep(STILL_US);
  if (way != 1)
    reset(self);
}

/* Takes a piece from one side to the other. False when that is the end. */
static bool pass_on(relay *self, int from, int to) {
  char bytes[PIECE_MAX];
  size_t size = sizeof bytes;
  if (from == self->target) {
    size = 1 + (size_t)draw(self, PIECE_MAX);
    if (self->left > 0 && size > self->left)
      size = (size_t)self->left;
  }
  ssize_t got = recv(from, bytes, size, 0);
  if (got < 0 && errno == ECONNRESET)
    reset(self);
  if (got <= 0 || !write_all(to, bytes, (size_t)got))
    return false;
  if (from == self->client || self->left == 0)
    return true;
  self->left -= (size_t)got;
  if (self->left == 0)
    cut(self);
  return self->left > 0;
}

static void run(relay *self) {
  struct pollfd ends[] = {{.fd = self->client, .events = POLLIN},
                          {.fd = self->target, .events = POLLIN}};
  for (;;) {
    if (poll(ends, 2, -1) < 0)
      return;
    if (ends[0].revents && !pass_on(self, self->client, self->target))
      return;
    if (ends[1].revents && !pass_on(self, self->target, self->client))
      return;
  }
}

static struct sockaddr_in loopback(uint16_t port) {
  return (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
}

static int serve(const cutter *self, int client, uint64_t number) {
  int on = 1;
  struct sockaddr_in address = loopback(self->target);
  relay one = {.client = client, .random = (self->seed + number) * 0x9e3779b97f4a7c15u | 1};
  one.target = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (one.target < 0 ||
      connect(one.target, (const struct sockaddr *)&address, sizeof address) != 0 ||
      setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
      setsockopt(one.target, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
    return 1;
  (void)draw(&one, 2);
  if (self->max > 0)
    one.left = number % EARLY_EVERY == EARLY_EVERY - 1
                   ? 1 + draw(&one, EARLY_MAX)
                   : self->min + draw(&one, self->max - self->min + 1);
  run(&one);
  return 0;
}

/* Each connection has a process of its own, which ends with this one. */
static void take(const cutter *self, uint64_t number) {
  int client = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC);
  if (client < 0)
    return;
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    (void)close(self->listener);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
      _exit(1);
    _exit(serve(self, client, number));
  }
  (void)close(client);
}

static bool listen_on(cutter *self) {
  struct sockaddr_in address = loopback(0);
  socklen_t len = sizeof address;
  self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (self->listener < 0 ||
      bind(self->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
      listen(self->listener, BACKLOG) != 0 ||
      getsockname(self->listener, (struct sockaddr *)&address, &len) != 0)
    return false;
  printf("%d\n", ntohs(address.sin_port));
  return fflush(stdout) == 0;
}

static bool read_arguments(cutter *self, int argc, char **argv) {
  if (argc != ARGUMENTS)
    return false;
  *self = (cutter){.target = (uint16_t)strtoul(argv[TARGET_PORT], NULL, 10),
                   .seed = strtoull(argv[SEED], NULL, 10),
                   .min = strtoull(argv[MIN], NULL, 10),
                   .max = strtoull(argv[MAX], NULL, 10)};
  return self->target > 0 && (self->max == 0 || (self->min > 0 && self->min <= self->max));
}

int main(int argc, char **argv) {
  cutter self;
  if (!read_arguments(&self, argc, argv)) {
    fputs("usage: cutter TARGET_PORT SEED MIN MAX\n", stderr);
    return 2;
  }
  signal(SIGCHLD, SIG_IGN);
  if (!listen_on(&self)) {
    perror("cutter");
    return 1;
  }
  struct pollfd ends[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                          {.fd = self.listener, .events = POLLIN}};
  for (uint64_t number = 0; poll(ends, 2, -1) >= 0 || errno == EINTR;) {
    if (ends[0].revents)
      return 0;
    if (ends[1].revents)
      take(&self, number++);
  }
  return 1;
}
