/* connect_proxy: an HTTP proxy on loopback that knows CONNECT alone.
 *
 *   connect_proxy TARGET_PORT [AUTHORIZATION]
 *
 * Prints the port that it listens on, then a line for each request that it takes: what it was asked
 * to connect to. Wherever that is, it connects to TARGET_PORT on loopback. With AUTHORIZATION it
 * answers 407 to who does not send that as Proxy-Authorization. It ends when its standard input
 * does. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TARGET_PORT = 1, AUTHORIZATION, BACKLOG = 64, HEAD_MAX = 8192 };

static const char ACCEPTS[] = "HTTP/1.1 200 Connection established\r\nX-From: proxy\r\n\r\n";
static const char DEMANDS[] = "HTTP/1.1 407 Proxy Authentication Required\r\n"
                              "Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";

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

static int connect_to(uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
    return fd;
  return -1;
}

/* Reads up to the empty line. False when it did not come. */
static bool read_head(int fd, char head[HEAD_MAX]) {
  size_t len = 0;
  while (len < HEAD_MAX - 1) {
    ssize_t got = recv(fd, head + len, HEAD_MAX - 1 - len, 0);
    if (got <= 0)
      return false;
    len += (size_t)got;
    head[len] = '\0';
    if (strstr(head, "\r\n\r\n"))
      return true;
  }
  return false;
}

/* Carries what comes from one to the other. False when that is over. */
static bool carry(const struct pollfd *from, int to) {
  char bytes[16384];
  if (!from->revents)
    return true;
  ssize_t got = recv(from->fd, bytes, sizeof bytes, 0);
  return got > 0 && write_all(to, bytes, (size_t)got);
}

static void relay(int client, int target) {
  struct pollfd ends[2] = {{.fd = client, .events = POLLIN}, {.fd = target, .events = POLLIN}};
  while (poll(ends, 2, -1) > 0)
    if (!carry(&ends[0], target) || !carry(&ends[1], client))
      return;
}

static void serve(int client, uint16_t port, const char *authorization) {
  char head[HEAD_MAX], line[HEAD_MAX + 32];
  if (!read_head(client, head))
    return;
  printf("%.*s\n", (int)strcspn(head, "\r"), head);
  fflush(stdout);
  snprintf(line, sizeof line, "\r\nProxy-Authorization: %s\r\n",
           authorization ? authorization : "");
  if (authorization && !strstr(head, line)) {
    write_all(client, DEMANDS, sizeof DEMANDS - 1);
    return;
  }
  int target = connect_to(port);
  if (target >= 0 && write_all(client, ACCEPTS, sizeof ACCEPTS - 1))
    relay(client, target);
}

static int listen_anywhere(uint16_t *port) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, BACKLOG) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &size) != 0)
    return -1;
  *port = ntohs(address.sin_port);
  return fd;
}

/* One process for each client; all end with this one. */
static void accept_one(int listener, uint16_t port, const char *authorization) {
  int client = accept(listener, NULL, NULL);
  if (client < 0)
    return;
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    serve(client, port, authorization);
    _exit(0);
  }
  close(client);
}

int main(int argc, char **argv) {
  uint16_t port;
  int listener = argc > TARGET_PORT ? listen_anywhere(&port) : -1;
  if (listener < 0) {
    fprintf(stderr, "usage: connect_proxy TARGET_PORT [AUTHORIZATION]\n");
    return 2;
  }
  signal(SIGCHLD, SIG_IGN);
  printf("%d\n", port);
  fflush(stdout);
  struct pollfd watched[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                              {.fd = listener, .events = POLLIN}};
  while (poll(watched, 2, -1) > 0 && !watched[0].revents)
    accept_one(listener, (uint16_t)strtoul(argv[TARGET_PORT], NULL, 10),
               argc > AUTHORIZATION ? argv[AUTHORIZATION] : NULL);
  return 0;
}
