#include "net/timers.h"
#include "gitdev.h"
#include "wire/memory.h"
#include <float.h>

enum { ROOM_MIN = 64 };

static void put(gitdev_timers *self, size_t place, gitdev_timer *timer) {
  self->heap[place] = timer;
  timer->place = place;
}

static void sift_up(gitdev_timers *self, gitdev_timer *timer) {
  size_t place = timer->place;
  for (; place > 1 && self->heap[place / 2]->at > timer->at; place /= 2)
    put(self, place, self->heap[place / 2]);
  put(self, place, timer);
}

static void sift_down(gitdev_timers *self, gitdev_timer *timer) {
  size_t place = timer->place;
  for (;;) {
    size_t child = place * 2;
    if (child < self->count && self->heap[child + 1]->at < self->heap[child]->at)
      child++;
    if (child > self->count || self->heap[child]->at >= timer->at)
      break;
    put(self, place, self->heap[child]);
    place = child;
  }
  put(self, place, timer);
}

static bool make_room(gitdev_timers *self) {
  if (self->count + 1 < self->room)
    return true;
  size_t room = self->room ? self->room * 2 : ROOM_MIN;
  gitdev_timer **heap = gitdev_realloc(self->heap, room * sizeof *heap);
  if (!heap)
    return false;
  self->heap = heap;
  self->room = room;
  return true;
}

int gitdev_timers_set(gitdev_timers *self, gitdev_timer *timer, double at, gitdev_timer_fn fn,
                      void *payload) {
  if (!timer->place && !make_room(self))
    return GITDEV_ENOMEM;
  if (!timer->place)
    put(self, ++self->count, timer);
  /* Else a timer that arms itself for now would fire for ever. */
  if (self->firing && at <= self->fired_until)
    at = self->fired_until * (1 + DBL_EPSILON);
  timer->at = at;
  timer->fn = fn;
  timer->payload = payload;
  sift_up(self, timer);
  sift_down(self, timer);
  return 0;
}

void gitdev_timers_clear(gitdev_timers *self, gitdev_timer *timer) {
  size_t place = timer->place;
  if (!place)
    return;
  timer->place = 0;
  gitdev_timer *last = self->heap[self->count--];
  if (last == timer)
    return;
  put(self, place, last);
  sift_up(self, last);
  sift_down(self, last);
}

void gitdev_timers_fire(gitdev_timers *self) {
  if (!self->count)
    return;
  double now = gitdev_now();
  self->firing++;
  self->fired_until = now;
  while (self->count && self->heap[1]->at <= now) {
    gitdev_timer *timer = self->heap[1];
    gitdev_timers_clear(self, timer);
    timer->fn(timer->payload);
  }
  self->firing--;
}

double gitdev_timers_wait(const gitdev_timers *self) {
  if (!self->count)
    return -1;
  double wait = self->heap[1]->at - gitdev_now();
  return wait > 0 ? wait : 0;
}

void gitdev_timers_free(gitdev_timers *self) {
  gitdev_free(self->heap);
}
