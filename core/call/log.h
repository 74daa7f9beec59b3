/* The log of a client's calls: a line for each moment, of the form that lua/gitdev/log.lua gives
 * them. No secret gets into it, wherever it may stand, and no text from outside can end a line or
 * move a terminal's cursor. */
#ifndef GITDEV_CALL_LOG_H
#define GITDEV_CALL_LOG_H

#include "gitdev.h"

/* A client's, part of it. Zeroed: there is no log. */
typedef struct gitdev_log {
  gitdev_log_level level;
  gitdev_log_fn fn;
  void *payload;
  unsigned long long calls; /* so many have got a number */
} gitdev_log;

/* What the client goes by. */
void gitdev_log_client(const gitdev_client *client);

/* A call begins: gives it its number. */
void gitdev_log_begin(gitdev_call *call, double now);
void gitdev_log_event(gitdev_call *call, const gitdev_event *event);
/* It is done: its result is there. */
void gitdev_log_end(const gitdev_call *call, double now);

#endif
