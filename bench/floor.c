/* floor: plain libcurl making the same call again and again on one connection, as fast as it goes.
 *
 *   floor CA_FILE URL CALLS WARM_UP BODY [HEADER…]
 *
 * Makes WARM_UP calls, then CALLS that are measured, and prints one line of JSON. Seconds are those
 * of the measured calls; peak_kb is the process's at the end, half_kb the one halfway. */
#include "request.h"
#include "usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CA_FILE = 1, URL, CALLS, WARM_UP, BODY, HEADERS };

static bool repeat(request *self, char **argv, long calls) {
  size_t body_len = strlen(argv[BODY]);
  for (long i = 0; i < calls; i++) {
    long status = request_send(self, argv[URL], argv[BODY], body_len);
    if (status != 201) {
      fprintf(stderr, "floor: call %ld ended with status %ld, 201 is due: %s\n", i + 1, status,
              self->problem);
      return false;
    }
  }
  return true;
}

static bool measure(request *self, char **argv, long calls) {
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
  if (argc < HEADERS) {
    fputs("usage: floor CA_FILE URL CALLS WARM_UP BODY [HEADER...]\n", stderr);
    return 2;
  }
  request self;
  bool ok = request_open(&self, argv[CA_FILE], (const char *const *)argv + HEADERS,
                         (size_t)(argc - HEADERS));
  if (!ok)
    fputs("floor: libcurl could not be set up\n", stderr);
  ok = ok && repeat(&self, argv, strtol(argv[WARM_UP], NULL, 10)) &&
       measure(&self, argv, strtol(argv[CALLS], NULL, 10));
  request_close(&self);
  return ok ? 0 : 1;
}
