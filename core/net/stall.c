#include "net/stall.h"
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { LOOK_EVERY = 8 }; /* a look costs two system calls */

/* What was handed to the socket for sending: what the peer has acknowledged, and the rest. False where
 * the kernel does not tell. */
static bool bytes_written(int fd, uint64_t *bytes) {
  struct tcp_info info;
  socklen_t len = sizeof info;
  int rest = 0;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
      len < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked ||
      ioctl(fd, SIOCOUTQ, &rest) != 0)
    return false;
  *bytes = (uint64_t)info.tcpi_bytes_acked + (unsigned)rest;
  return true;
}

bool gitdev_stall_seen(gitdev_stall *stall, int fd) {
  if (++stall->told % LOOK_EVERY != 0)
    return false;
  uint64_t before = stall->written;
  return bytes_written(fd, &stall->written) && stall->told > LOOK_EVERY && stall->written == before;
}

void gitdev_stall_passed(gitdev_stall *stall) {
  stall->told = 2 * LOOK_EVERY - 2;
}
