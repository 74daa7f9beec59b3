/* The event loop: one epoll set that holds file descriptors, timers and a wake-up. What else waits
 * (libcurl's sockets, the listener and its connections) joins it. The public face, with its rules,
 * is in gitdev.h. */
#ifndef GITDEV_NET_LOOP_H
#define GITDEV_NET_LOOP_H

#include "gitdev.h"
#include "net/timers.h"
#include <stdbool.h>

/* A mask of what is wanted, and of what is ready. GITDEV_HANGUP comes unasked when the descriptor
 * failed or both directions are closed; asked for, it also tells that the peer will send no more
 * (for those who do not read at the moment, and so would not see the end of the stream). */
enum { GITDEV_READABLE = 1, GITDEV_WRITABLE = 2, GITDEV_HANGUP = 4 };

/* Called from gitdev_step() with a mask of what is ready. It may watch, change and unwatch
 * anything, itself included, and may turn the loop itself. What it is told may be stale by the
 * time it acts, so its descriptor must not block. */
typedef void (*gitdev_watch_fn)(void *payload, int ready);

/* A watched descriptor. Its memory is its user's and must stay where it is until gitdev_unwatch().
 * Read what you like, but change it only through the functions below. */
typedef struct gitdev_watch {
  int fd;
  int want;
  gitdev_watch_fn fn;
  void *payload;
} gitdev_watch;

/* Starts to watch `fd`, which nobody else watches on this loop. 0, GITDEV_ENOMEM, or GITDEV_ESYSTEM
 * with errno kept when the kernel refuses (too many watches, not a descriptor that can wait). */
int gitdev_watch_start(gitdev_loop *loop, gitdev_watch *watch, int fd, int want, gitdev_watch_fn fn,
                       void *payload);
/* Changes what is wanted. It takes effect before the next wait, so that a transfer which ends and a
 * next one which begins on the same connection cost no system call. With nothing wanted, a hangup
 * is told once. */
void gitdev_watch_want(gitdev_loop *loop, gitdev_watch *watch, int want);
/* Stops watching, at once. Call it before the descriptor is closed. A watch that was zeroed, or is
 * not watched any more, is left alone. */
void gitdev_unwatch(gitdev_loop *loop, gitdev_watch *watch);

/* Arms the timer for `at`, or moves it there. It fires once, from gitdev_step(); one that is armed
 * by a timer's function fires in a later step at the earliest, however early it is due. 0, or
 * GITDEV_ENOMEM (never for a timer that is armed already). */
int gitdev_timer_set(gitdev_loop *loop, gitdev_timer *timer, double at, gitdev_timer_fn fn,
                     void *payload);
void gitdev_timer_clear(gitdev_loop *loop, gitdev_timer *timer);

typedef void (*gitdev_chore_fn)(void *payload);

/* Something that is put off until the loop is about to wait, so that it is done once for all that
 * happens in a turn. Its memory is its user's; a zeroed one is not due. */
typedef struct gitdev_chore {
  gitdev_chore_fn fn;
  void *payload;
  bool due;
  struct gitdev_chore *next;
} gitdev_chore;

/* Has fn(payload) called before the next wait, or when a foreign loop asks what to wait for. It may
 * not use the loop. */
void gitdev_chore_set(gitdev_loop *loop, gitdev_chore *chore, gitdev_chore_fn fn, void *payload);
void gitdev_chore_clear(gitdev_loop *loop, gitdev_chore *chore);

/* One more owner: the loop lives until each has called gitdev_loop_free(). For whatever stays on it
 * longer than a call, so that no order of freeing is wrong. */
void gitdev_loop_retain(gitdev_loop *loop);

/* Whether this process is a fork's child that did not make the loop. Such a one may close
 * descriptors and free memory, but whatever reaches the epoll set or a socket reaches the parent's.
 */
bool gitdev_loop_forked(const gitdev_loop *loop);

#endif
