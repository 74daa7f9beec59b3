/* Whether a socket that libcurl wants to write to is written to. It wants to (7.88.1, HTTP/2) while a
 * body waits for the server's window too, or for the server to take another stream: told time and
 * again that it may, it turns without end and writes nothing. */
#ifndef GITDEV_NET_STALL_H
#define GITDEV_NET_STALL_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: nothing is known yet. */
typedef struct gitdev_stall {
  unsigned told;    /* how often it has been writable since it was last anything else */
  uint64_t written; /* bytes, at the last look */
} gitdev_stall;

/* Seconds that a socket is left alone for which has stalled. */
#define GITDEV_STALL_PAUSE 0.02

/* To be asked each time that `fd` is writable and nothing else. True when it was so several times, and
 * not a byte was written: it is to be left alone for a while, or until it is anything else. */
bool gitdev_stall_seen(gitdev_stall *stall, int fd);

/* It has been left alone: it is told once, and looked at again. */
void gitdev_stall_passed(gitdev_stall *stall);

#endif
