/* latency: how long an nginx takes for a location that has nothing to do with the load it is under.
 *
 *   latency PORT PROBED_PATH LOAD_PATH RATE AT_ONCE SECONDS
 *
 * One process asks for LOAD_PATH, RATE times a second over AT_ONCE connections; another asks for
 * PROBED_PATH every half millisecond, and prints what it saw as JSON: the 50th and 99th percentile
 * in microseconds, how many requests of the load were answered with a 2xx, and how many were not. A
 * probe that could not begin in time, since the one before took longer, counts from when it should
 * have begun. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 1, PROBED_PATH, LOAD_PATH, RATE, AT_ONCE, SECONDS, ARGUMENTS };
enum { CONNECTIONS_MAX = 512, ANSWER_MAX = 65536 };

static const double PROBE_EVERY = 0.0005, PATIENCE = 10;

typedef struct connection {
  int fd;
  bool busy;
  char answer[ANSWER_MAX];
  size_t len;
} connection;

typedef struct counts {
  long answered, failed;
} counts;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void sleep_until(double when) {
  struct timespec time = {.tv_sec = (time_t)when};
  time.tv_nsec = (long)((when - (double)time.tv_sec) * 1e9);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void fail(const char *what) {
  fprintf(stderr, "latency: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int open_connection(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
    fail("cannot connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static void ask(connection *self, const char *path) {
  char request[512];
  int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
  if (send(self->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
    fail("cannot send");
  self->busy = true;
  self->len = 0;
}

/* Whether the answer is whole: its body is as long as its head says. */
static bool is_whole(const connection *self) {
  const char *end = strstr(self->answer, "\r\n\r\n");
  const char *length = strcasestr(self->answer, "Content-Length: ");
  if (!end)
    return false;
  if (!length || length > end)
    return strncmp(self->answer + 9, "204", 3) == 0;
  return self->len >= (size_t)(end + 4 - self->answer) + strtoul(length + 16, NULL, 10);
}

/* Takes what has come. Returns the answer's status once it is whole, else 0. */
static int take(connection *self) {
  ssize_t got = recv(self->fd, self->answer + self->len, ANSWER_MAX - 1 - self->len, 0);
  if (got <= 0)
    fail("the connection was closed");
  self->len += (size_t)got;
  self->answer[self->len] = '\0';
  if (!is_whole(self))
    return 0;
  self->busy = false;
  return (int)strtol(self->answer + 9, NULL, 10);
}

/* ---- the load ---- */

static connection *idle_one(connection *all, int count) {
  for (int i = 0; i < count; i++)
    if (!all[i].busy)
      return &all[i];
  return NULL;
}

static int wait_for_answers(connection *all, struct pollfd *watched, int count, double seconds) {
  for (int i = 0; i < count; i++)
    watched[i] = (struct pollfd){.fd = all[i].fd, .events = POLLIN};
  struct timespec limit = {.tv_sec = (time_t)seconds};
  limit.tv_nsec = (long)((seconds - (double)limit.tv_sec) * 1e9);
  return ppoll(watched, (nfds_t)count, &limit, NULL);
}

static int take_answers(connection *all, const struct pollfd *watched, int count, counts *counted) {
  int busy = 0;
  for (int i = 0; i < count; i++) {
    int status = watched[i].revents ? take(&all[i]) : 0;
    counted->answered += status / 100 == 2;
    counted->failed += status != 0 && status / 100 != 2;
    busy += all[i].busy;
  }
  return busy;
}

static counts load(char **argv) {
  int count = (int)strtol(argv[AT_ONCE], NULL, 10), busy = 0;
  connection *all = calloc((size_t)count, sizeof *all);
  struct pollfd *watched = calloc((size_t)count, sizeof *watched);
  if (!all || !watched || count > CONNECTIONS_MAX)
    fail("cannot hold so many connections");
  for (int i = 0; i < count; i++)
    all[i].fd = open_connection((int)strtol(argv[PORT], NULL, 10));
  counts counted = {0};
  double every = 1 / strtod(argv[RATE], NULL), start = now(), next = start;
  double end = start + strtod(argv[SECONDS], NULL);
  while ((next < end || busy > 0) && now() < end + PATIENCE) {
    connection *free_one;
    while (next < end && next <= now() && (free_one = idle_one(all, count))) {
      ask(free_one, argv[LOAD_PATH]);
      next += every;
    }
    double wait = next < end && idle_one(all, count) ? next - now() : 0.1;
    wait_for_answers(all, watched, count, wait > 0 ? wait : 0);
    busy = take_answers(all, watched, count, &counted);
  }
  free(watched);
  free(all);
  return counted;
}

/* ---- the probes ---- */

static int by_size(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

static size_t probe(char **argv, double *taken, size_t room) {
  static connection one;
  one.fd = open_connection((int)strtol(argv[PORT], NULL, 10));
  double due = now(), end = due + strtod(argv[SECONDS], NULL);
  size_t count = 0;
  while (due < end && count < room) {
    bool late = now() > due;
    if (!late)
      sleep_until(due);
    double began = late ? due : now();
    ask(&one, argv[PROBED_PATH]);
    while (one.busy)
      take(&one);
    taken[count++] = now() - began;
    due += PROBE_EVERY;
  }
  return count;
}

int main(int argc, char **argv) {
  int ends[2];
  if (argc != ARGUMENTS || pipe(ends) != 0) {
    fprintf(stderr, "usage: latency PORT PROBED_PATH LOAD_PATH RATE AT_ONCE SECONDS\n");
    return 2;
  }
  if (fork() == 0) {
    counts counted = load(argv);
    _exit(write(ends[1], &counted, sizeof counted) == sizeof counted ? 0 : 1);
  }
  close(ends[1]);
  size_t room = (size_t)(strtod(argv[SECONDS], NULL) / PROBE_EVERY) + 1;
  double *taken = calloc(room, sizeof *taken);
  if (!taken)
    fail("memory is out");
  size_t count = probe(argv, taken, room);
  qsort(taken, count, sizeof *taken, by_size);
  counts counted;
  if (read(ends[0], &counted, sizeof counted) != sizeof counted)
    fail("the load failed");
  wait(NULL);
  printf("{\"p50\":%.2f,\"p99\":%.2f,\"probes\":%zu,\"answered\":%ld,\"failed\":%ld}\n",
         taken[count / 2] * 1e6, taken[count * 99 / 100] * 1e6, count, counted.answered,
         counted.failed);
  free(taken);
  return 0;
}
