#include "net/burst.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* Requests that leave together. The server works on them while the next are being made, so that
 * neither side comes to wait for the other. */
enum { BURST_MAX = 16 };

/* The kernel holds partial segments back while it is set, for 200 ms at most (tcp(7)). */
static bool cork(const gitdev_link *link, int on) {
  return setsockopt(link->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on) == 0;
}

/* What is held back leaves, while the connection stays corked (tcp(7), TCP_NODELAY). libcurl has set
 * that option already: nothing else changes. Where this fails they leave with the others. */
static void push(const gitdev_link *link) {
  static const int on = 1;
  setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static gitdev_link *take(gitdev_burst *burst) {
  gitdev_link *link = burst->first;
  burst->first = link->next_held;
  link->held = 0;
  return link;
}

static void let_leave(void *payload) {
  gitdev_burst *burst = payload;
  while (burst->first) {
    gitdev_link *link = take(burst);
    if (link->ssl) /* else it is closed, and its number may be another's */
      cork(link, 0);
    gitdev_link_release(link);
  }
}

void gitdev_burst_add(gitdev_burst *burst, gitdev_loop *loop, gitdev_link *link) {
  if (!link->http2 || link->fd < 0)
    return;
  if (link->held) {
    if (link->held++ % BURST_MAX == 0)
      push(link);
    return;
  }
  if (!cork(link, 1))
    return;
  link->held = 1;
  link->next_held = burst->first;
  burst->first = gitdev_link_retain(link);
  gitdev_chore_set(loop, &burst->chore, let_leave, burst);
}

void gitdev_burst_end(gitdev_burst *burst, gitdev_loop *loop) {
  gitdev_chore_clear(loop, &burst->chore);
  while (burst->first)
    gitdev_link_release(take(burst));
}
