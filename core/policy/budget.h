/* The retry budget of an origin (contract 1.12): capacity 20; a retry takes 1, a success gives back
 * 0.1, a minute gives back 1. It ends a storm: when empty, a failure is raised at once. Pure. */
#ifndef GITDEV_POLICY_BUDGET_H
#define GITDEV_POLICY_BUDGET_H

#include <stdbool.h>

#define GITDEV_BUDGET_CAPACITY    20.0
#define GITDEV_BUDGET_PER_SUCCESS 0.1
#define GITDEV_BUDGET_PER_SECOND  (1.0 / 60.0)

typedef struct gitdev_budget {
  double left; /* retries in hand at time `at` */
  double at;   /* seconds, of the clock that the caller passes in */
} gitdev_budget;

void gitdev_budget_init(gitdev_budget *budget, double now);

/* Whether there is one retry in hand. */
bool gitdev_budget_has(const gitdev_budget *budget, double now);

/* Takes one retry out. False, and nothing taken, when less than one is left. */
bool gitdev_budget_take(gitdev_budget *budget, double now);

void gitdev_budget_success(gitdev_budget *budget, double now);

/* What is left at `now`. */
double gitdev_budget_left(const gitdev_budget *budget, double now);

#endif
