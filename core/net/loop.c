#include "net/loop.h"
#include "wire/memory.h"
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH = 128, ROUNDS_MAX = 16, SEATS_MIN = 64 };

/* One for each descriptor number. An event carries the number and the generation that it was
 * registered under, so one that is still in a batch when its watch ends finds nobody, even if the
 * number is in use again by then. */
typedef struct seat {
  gitdev_watch *watch;
  uint32_t generation;
  uint32_t events; /* what the epoll set knows, while present */
  bool present;
  bool dirty; /* listed in `dirty` */
} seat;

struct gitdev_loop {
  unsigned owners;
  int epoll;
  pid_t process; /* that made it */
  gitdev_watch wakeup;
  seat *seats; /* by descriptor number */
  int *dirty;  /* numbers whose seat is to be brought together with the epoll set */
  size_t seat_count, dirty_count;
  gitdev_chore *chores; /* that are due */
  gitdev_timers timers;
  bool handed_out; /* gitdev_fd() was asked for */
};

bool gitdev_loop_forked(const gitdev_loop *loop) {
  return getpid() != loop->process;
}

/* ---- chores ---- */

void gitdev_chore_set(gitdev_loop *loop, gitdev_chore *chore, gitdev_chore_fn fn, void *payload) {
  chore->fn = fn;
  chore->payload = payload;
  if (chore->due)
    return;
  chore->due = true;
  chore->next = loop->chores;
  loop->chores = chore;
}

void gitdev_chore_clear(gitdev_loop *loop, gitdev_chore *chore) {
  gitdev_chore **link = &loop->chores;
  while (*link && *link != chore)
    link = &(*link)->next;
  if (*link)
    *link = chore->next;
  chore->due = false;
}

static void do_chores(gitdev_loop *loop) {
  while (loop->chores) {
    gitdev_chore *chore = loop->chores;
    loop->chores = chore->next;
    chore->due = false;
    chore->fn(chore->payload);
  }
}

/* ---- watches ---- */

static uint32_t to_epoll(int want) {
  return (want & GITDEV_READABLE ? (uint32_t)EPOLLIN : 0) |
         (want & GITDEV_WRITABLE ? (uint32_t)EPOLLOUT : 0) |
         (want & GITDEV_HANGUP ? (uint32_t)EPOLLRDHUP : 0);
}

static int from_epoll(uint32_t events) {
  return (events & (EPOLLIN | EPOLLPRI) ? GITDEV_READABLE : 0) |
         (events & EPOLLOUT ? GITDEV_WRITABLE : 0) |
         (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP) ? GITDEV_HANGUP : 0);
}

/* Makes seats for all numbers up to fd; `dirty` has room for all of them, so that changing a watch
 * cannot fail. */
static bool seats_for(gitdev_loop *loop, int fd) {
  size_t count = loop->seat_count ? loop->seat_count : SEATS_MIN;
  while (count <= (size_t)fd)
    count *= 2;
  if (count == loop->seat_count)
    return true;
  seat *seats = gitdev_realloc(loop->seats, count * sizeof *seats);
  if (!seats)
    return false;
  loop->seats = seats;
  int *dirty = gitdev_realloc(loop->dirty, count * sizeof *dirty);
  if (!dirty)
    return false;
  loop->dirty = dirty;
  memset(seats + loop->seat_count, 0, (count - loop->seat_count) * sizeof *seats);
  loop->seat_count = count;
  return true;
}

static seat *seat_of(const gitdev_loop *loop, const gitdev_watch *watch) {
  if (watch->fd < 0 || (size_t)watch->fd >= loop->seat_count)
    return NULL;
  seat *own = &loop->seats[watch->fd];
  return own->watch == watch ? own : NULL;
}

/* Tells the epoll set what the seat's watch wants. Whether the number is known there is what the
 * kernel says, not what we remember: a descriptor that was closed while watched has left the set.
 */
static bool enlist(gitdev_loop *loop, int fd) {
  seat *own = &loop->seats[fd];
  uint32_t events = to_epoll(own->watch->want);
  struct epoll_event event = {.events = events};
  event.data.u64 = (uint64_t)own->generation << 32 | (uint32_t)fd;
  int failed = epoll_ctl(loop->epoll, own->present ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
  if (failed && own->present && errno == ENOENT)
    failed = epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event);
  else if (failed && !own->present && errno == EEXIST)
    failed = epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd, &event);
  if (failed)
    return false;
  own->present = true;
  own->events = events;
  return true;
}

/* Nothing is wanted of a descriptor that is known: it only rests. One that was closed meanwhile
 * (libcurl tells nobody when it gives up on connecting) is gone, and its number may be another's.
 */
static bool let_rest(gitdev_loop *loop, int fd) {
  seat *own = &loop->seats[fd];
  struct epoll_event event = {.events = 0};
  event.data.u64 = (uint64_t)own->generation << 32 | (uint32_t)fd;
  own->present = epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd, &event) == 0;
  own->events = 0;
  return true;
}

static bool reconcile(gitdev_loop *loop, int fd) {
  const seat *own = &loop->seats[fd];
  uint32_t events = to_epoll(own->watch->want);
  if (own->present ? own->events == events : events == 0)
    return true;
  return events == 0 ? let_rest(loop, fd) : enlist(loop, fd);
}

/* What could not be registered stays listed, for another try in the next step. */
static int flush(gitdev_loop *loop) {
  do_chores(loop);
  size_t kept = 0;
  int error = 0;
  for (size_t i = 0; i < loop->dirty_count; i++) {
    seat *own = &loop->seats[loop->dirty[i]];
    own->dirty = own->watch && !reconcile(loop, loop->dirty[i]);
    if (own->dirty) {
      error = errno;
      loop->dirty[kept++] = loop->dirty[i];
    }
  }
  loop->dirty_count = kept;
  if (!error)
    return 0;
  errno = error;
  return GITDEV_ESYSTEM;
}

static void withdraw(gitdev_loop *loop, int fd) {
  seat *own = &loop->seats[fd];
  if (own->present && !gitdev_loop_forked(loop))
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
  own->present = false;
}

int gitdev_watch_start(gitdev_loop *loop, gitdev_watch *watch, int fd, int want, gitdev_watch_fn fn,
                       void *payload) {
  if (fd < 0) {
    errno = EBADF;
    return GITDEV_ESYSTEM;
  }
  if (!seats_for(loop, fd))
    return GITDEV_ENOMEM;
  *watch = (gitdev_watch){.fd = fd, .want = want, .fn = fn, .payload = payload};
  seat *own = &loop->seats[fd];
  own->watch = watch;
  own->generation++;
  own->present = false;
  if (enlist(loop, fd))
    return 0;
  own->watch = NULL;
  return GITDEV_ESYSTEM;
}

void gitdev_watch_want(gitdev_loop *loop, gitdev_watch *watch, int want) {
  seat *own = seat_of(loop, watch);
  if (!own || watch->want == want)
    return;
  watch->want = want;
  if (own->dirty)
    return;
  own->dirty = true;
  loop->dirty[loop->dirty_count++] = watch->fd;
}

void gitdev_unwatch(gitdev_loop *loop, gitdev_watch *watch) {
  seat *own = seat_of(loop, watch);
  if (!own)
    return;
  withdraw(loop, watch->fd);
  own->watch = NULL;
}

static void dispatch(gitdev_loop *loop, const struct epoll_event *event) {
  size_t fd = (uint32_t)event->data.u64;
  seat *own = &loop->seats[fd];
  gitdev_watch *watch = own->watch;
  if (!watch || own->generation != (uint32_t)(event->data.u64 >> 32))
    return;
  int ready = from_epoll(event->events) & (watch->want | GITDEV_HANGUP);
  /* The kernel repeats a hangup in every wait, and nobody is about to act on this one. */
  if (ready && !watch->want)
    withdraw(loop, watch->fd);
  if (ready)
    watch->fn(watch->payload, ready);
}

/* ---- timers ---- */

int gitdev_timer_set(gitdev_loop *loop, gitdev_timer *timer, double at, gitdev_timer_fn fn,
                     void *payload) {
  return gitdev_timers_set(&loop->timers, timer, at, fn, payload);
}

void gitdev_timer_clear(gitdev_loop *loop, gitdev_timer *timer) {
  gitdev_timers_clear(&loop->timers, timer);
}

/* ---- the loop ---- */

static void woken(void *payload, int ready) {
  gitdev_loop *loop = payload;
  (void)ready;
  uint64_t count;
  /* Nothing to read means that a nested step was here first. */
  ssize_t got = read(loop->wakeup.fd, &count, sizeof count);
  (void)got;
}

static int open_descriptors(gitdev_loop *loop) {
  loop->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (loop->epoll < 0)
    return GITDEV_ESYSTEM;
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0)
    return GITDEV_ESYSTEM;
  int error = gitdev_watch_start(loop, &loop->wakeup, fd, GITDEV_READABLE, woken, loop);
  loop->wakeup.fd = fd;
  return error;
}

int gitdev_loop_new(gitdev_loop **out) {
  *out = NULL;
  gitdev_loop *loop = gitdev_calloc(1, sizeof *loop);
  if (!loop)
    return GITDEV_ENOMEM;
  loop->owners = 1;
  loop->process = getpid();
  loop->epoll = loop->wakeup.fd = -1;
  int error = open_descriptors(loop);
  if (error) {
    int kept = errno;
    gitdev_loop_free(loop);
    errno = kept;
    return error;
  }
  *out = loop;
  return 0;
}

void gitdev_loop_retain(gitdev_loop *loop) {
  loop->owners++;
}

void gitdev_loop_free(gitdev_loop *loop) {
  if (!loop || --loop->owners > 0)
    return;
  if (loop->wakeup.fd >= 0)
    close(loop->wakeup.fd);
  if (loop->epoll >= 0)
    close(loop->epoll);
  gitdev_free(loop->seats);
  gitdev_free(loop->dirty);
  gitdev_timers_free(&loop->timers);
  gitdev_free(loop);
}

/* In epoll's milliseconds, rounded up: waking early would only mean to wait again. */
static int to_wait(const gitdev_loop *loop, double timeout) {
  double timer = gitdev_timers_wait(&loop->timers);
  if (timer >= 0 && (timeout < 0 || timer < timeout))
    timeout = timer;
  if (timeout < 0)
    return -1;
  double milliseconds = timeout * 1e3;
  if (!(milliseconds < INT_MAX - 1))
    return INT_MAX;
  int whole = (int)milliseconds;
  return whole < milliseconds ? whole + 1 : whole;
}

int gitdev_step(gitdev_loop *loop, double timeout) {
  if (flush(loop))
    return GITDEV_ESYSTEM;
  /* On the stack, since what is called may turn the loop. */
  struct epoll_event events[BATCH];
  int wait = to_wait(loop, timeout), count = BATCH;
  for (int round = 0; round < ROUNDS_MAX && count == BATCH; round++) {
    count = epoll_wait(loop->epoll, events, BATCH, round ? 0 : wait);
    if (count < 0)
      return errno == EINTR ? 0 : GITDEV_ESYSTEM;
    for (int i = 0; i < count; i++)
      dispatch(loop, &events[i]);
  }
  gitdev_timers_fire(&loop->timers);
  return loop->handed_out ? flush(loop) : 0;
}

/* A foreign loop waits without a gitdev_step() before it, so what was put off has to be done when
 * it asks, and after each step. */
int gitdev_fd(gitdev_loop *loop) {
  loop->handed_out = true;
  flush(loop);
  return loop->epoll;
}

double gitdev_timeout(gitdev_loop *loop) {
  return flush(loop) ? 0 : gitdev_timers_wait(&loop->timers);
}

void gitdev_wake(gitdev_loop *loop) {
  int kept = errno;
  uint64_t one = 1;
  /* It fails only when the counter is full: then the loop is awake already. */
  ssize_t put_in = write(loop->wakeup.fd, &one, sizeof one);
  (void)put_in;
  errno = kept;
}
