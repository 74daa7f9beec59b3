/* What is to happen at a time: a loop's timers, the next one first. Their users go through the loop
 * (net/loop.h). */
#ifndef GITDEV_NET_TIMERS_H
#define GITDEV_NET_TIMERS_H

#include <stddef.h>

typedef void (*gitdev_timer_fn)(void *payload);

/* A timer. Its memory is its user's; a zeroed one is not armed. */
typedef struct gitdev_timer {
  double at;    /* gitdev_now() seconds */
  size_t place; /* in the heap, from 1; 0 while not armed */
  gitdev_timer_fn fn;
  void *payload;
} gitdev_timer;

/* A zeroed one is empty. */
typedef struct gitdev_timers {
  gitdev_timer **heap; /* a binary heap by `at`, from index 1 */
  size_t count, room;
  double fired_until; /* while firing: those due by then are being fired */
  unsigned firing;    /* a nesting depth */
} gitdev_timers;

/* See gitdev_timer_set() and gitdev_timer_clear(). */
int gitdev_timers_set(gitdev_timers *self, gitdev_timer *timer, double at, gitdev_timer_fn fn,
                      void *payload);
void gitdev_timers_clear(gitdev_timers *self, gitdev_timer *timer);

/* Fires those that are due by now. */
void gitdev_timers_fire(gitdev_timers *self);

/* Seconds until the next is due, 0 at least; -1 when none is armed. */
double gitdev_timers_wait(const gitdev_timers *self);

/* Those that are armed stay as they are, and must not be touched any more. */
void gitdev_timers_free(gitdev_timers *self);

#endif
