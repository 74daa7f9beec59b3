/* gitdev on a libuv loop: a file to copy. uv_driver_open() puts a gitdev_loop on a uv_loop_t;
 * whatever is submitted to an engine on it then moves along as the uv loop runs, beside all else
 * that is on that. Everything happens on the uv loop's thread. */
#ifndef UV_DRIVER_H
#define UV_DRIVER_H

#include <gitdev.h>
#include <stdint.h>
#include <uv.h>

typedef struct uv_driver {
  gitdev_loop *loop;
  int error;     /* not 0: what gitdev_step() returned; the uv loop was stopped for it */
  unsigned held; /* see uv_driver_hold() */
  uv_poll_t poll;
  uv_timer_t timer;
  uv_prepare_t prepare;
} uv_driver;

static inline void uv_driver_step(uv_driver *driver) {
  driver->error = gitdev_step(driver->loop, 0);
  if (driver->error)
    uv_stop(driver->poll.loop);
}

static inline void uv_driver_on_readable(uv_poll_t *poll, int status, int events) {
  (void)status, (void)events;
  uv_driver_step(poll->data);
}

static inline void uv_driver_on_time(uv_timer_t *timer) {
  uv_driver_step(timer->data);
}

/* Just before the uv loop waits: gitdev says how long it may. That is asked each time, since a call
 * that was submitted meanwhile may have changed it. */
static inline void uv_driver_before_wait(uv_prepare_t *prepare) {
  uv_driver *driver = prepare->data;
  double seconds = gitdev_timeout(driver->loop);
  if (seconds < 0) {
    uv_timer_stop(&driver->timer);
    return;
  }
  uint64_t whole = (uint64_t)(seconds * 1000);
  uint64_t milliseconds = (double)whole < seconds * 1000 ? whole + 1 : whole;
  uv_update_time(prepare->loop); /* else what was just spent would be taken off the wait */
  uv_timer_start(&driver->timer, uv_driver_on_time, milliseconds, 0);
}

/* The driver's memory is the caller's and must stay where it is until it is closed. 0, or libuv's
 * error code. */
static inline int uv_driver_open(uv_driver *driver, uv_loop_t *uv, gitdev_loop *loop) {
  *driver = (uv_driver){.loop = loop};
  int error = uv_poll_init(uv, &driver->poll, gitdev_fd(loop));
  if (error)
    return error;
  uv_timer_init(uv, &driver->timer);
  uv_prepare_init(uv, &driver->prepare);
  driver->poll.data = driver->timer.data = driver->prepare.data = driver;
  uv_unref((uv_handle_t *)&driver->poll);
  uv_unref((uv_handle_t *)&driver->timer);
  uv_unref((uv_handle_t *)&driver->prepare);
  uv_prepare_start(&driver->prepare, uv_driver_before_wait);
  return uv_poll_start(&driver->poll, UV_READABLE, uv_driver_on_readable);
}

/* By itself the driver does not keep uv_run() from returning. Hold it for each call that is under
 * way, release it when the call is done. */
static inline void uv_driver_hold(uv_driver *driver) {
  if (driver->held++ == 0)
    uv_ref((uv_handle_t *)&driver->poll);
}

static inline void uv_driver_release(uv_driver *driver) {
  if (--driver->held == 0)
    uv_unref((uv_handle_t *)&driver->poll);
}

/* Takes the loop off the uv loop again: before gitdev_loop_free(). The driver's memory is free to
 * go once uv_run() has run a last time. */
static inline void uv_driver_close(uv_driver *driver) {
  uv_close((uv_handle_t *)&driver->poll, NULL);
  uv_close((uv_handle_t *)&driver->timer, NULL);
  uv_close((uv_handle_t *)&driver->prepare, NULL);
}

#endif
