/* floor_multi: plain libcurl keeping many calls under way on one HTTP/2 connection, as fast as it
 * goes.
 *
 *   floor_multi CA_FILE URL CALLS WARM_UP AT_ONCE BODY [HEADER…]
 *
 * Prints what floor prints. */
#include "requests.h"
#include "usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CA_FILE = 1, URL, CALLS, WARM_UP, AT_ONCE, BODY, HEADERS };
enum { AT_ONCE_MAX = 1000 };

/* Waits for one answer; its request's place in self->all, or -1. */
static long take_answer(requests *self) {
  long status = 0;
  request *one = requests_next(self, &status);
  if (one && status == 201)
    return one - self->all;
  fprintf(stderr, "floor_multi: a call ended with status %ld, 201 is due: %s\n", status,
          one ? one->problem : "");
  return -1;
}

static bool repeat(requests *self, char **argv, long calls) {
  const char *url = argv[URL], *body = argv[BODY];
  size_t body_len = strlen(body);
  long started = 0;
  for (; started < calls && started < (long)self->count; started++)
    if (!requests_start(self, (size_t)started, url, body, body_len))
      return false;
  for (long answered = 0; answered < calls; answered++) {
    long place = take_answer(self);
    if (place < 0)
      return false;
    if (started < calls && !requests_start(self, (size_t)place, url, body, body_len))
      return false;
    started++;
  }
  return true;
}

static bool measure(requests *self, char **argv, long calls) {
  double wall = usage_now(), cpu = usage_cpu();
  if (!repeat(self, argv, calls / 2))
    return false;
  long half_kb = usage_peak_kb();
  if (!repeat(self, argv, calls - calls / 2))
    return false;
  printf("{\"calls\":%ld,\"wall\":%.6f,\"cpu\":%.6f,\"half_kb\":%ld,\"peak_kb\":%ld}\n", calls,
         usage_now() - wall, usage_cpu() - cpu, half_kb, usage_peak_kb());
  return true;
}

int main(int argc, char **argv) {
  long at_once = argc < HEADERS ? 0 : strtol(argv[AT_ONCE], NULL, 10);
  if (at_once < 1 || at_once > AT_ONCE_MAX) {
    fputs("usage: floor_multi CA_FILE URL CALLS WARM_UP AT_ONCE BODY [HEADER...]\n", stderr);
    return 2;
  }
  requests self;
  bool ok = requests_open(&self, (size_t)at_once, argv[CA_FILE],
                          (const char *const *)argv + HEADERS, (size_t)(argc - HEADERS));
  if (!ok)
    fputs("floor_multi: libcurl could not be set up\n", stderr);
  ok = ok && repeat(&self, argv, strtol(argv[WARM_UP], NULL, 10)) &&
       measure(&self, argv, strtol(argv[CALLS], NULL, 10));
  requests_close(&self);
  return ok ? 0 : 1;
}
