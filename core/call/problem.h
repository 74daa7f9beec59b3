/* Fills a gitdev_problem, the words that go with a return code. */
#ifndef GITDEV_CALL_PROBLEM_H
#define GITDEV_CALL_PROBLEM_H

#include "gitdev.h"

/* Writes the words, cut to fit, and returns `code`, so that a check can end in one line. `problem`
 * may be NULL. */
int gitdev_problem_set(gitdev_problem *problem, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
