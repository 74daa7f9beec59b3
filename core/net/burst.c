#include "net/burst.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* The kernel holds partial segments back while it is set, for 200 ms at most (tcp(7)). */
static bool cork(const gitdev_link *link, int on) {
  return setsockopt(link->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on) == 0;
}

static gitdev_link *take(gitdev_burst *burst) {
  gitdev_link *link = burst->first;
  burst->first = link->next_held;
  link->held = false;
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
  if (!link->http2 || link->fd < 0 || link->held || !cork(link, 1))
    return;
  link->held = true;
  link->next_held = burst->first;
  burst->first = gitdev_link_retain(link);
  gitdev_chore_set(loop, &burst->chore, let_leave, burst);
}

void gitdev_burst_end(gitdev_burst *burst, gitdev_loop *loop) {
  gitdev_chore_clear(loop, &burst->chore);
  while (burst->first)
    gitdev_link_release(take(burst));
}
