#include "policy/budget.h"

void gitdev_budget_init(gitdev_budget *budget, double now) {
  *budget = (gitdev_budget){.left = GITDEV_BUDGET_CAPACITY, .at = now};
}

double gitdev_budget_left(const gitdev_budget *budget, double now) {
  double passed = now > budget->at ? now - budget->at : 0;
  double left = budget->left + passed * GITDEV_BUDGET_PER_SECOND;
  return left < GITDEV_BUDGET_CAPACITY ? left : GITDEV_BUDGET_CAPACITY;
}

static void settle(gitdev_budget *budget, double now) {
  budget->left = gitdev_budget_left(budget, now);
  budget->at = now > budget->at ? now : budget->at;
}

/* Ten times 0.1 is a little less than 1 in binary; ten successes still pay for a retry. */
bool gitdev_budget_has(const gitdev_budget *budget, double now) {
  return gitdev_budget_left(budget, now) >= 1 - 1e-9;
}

bool gitdev_budget_take(gitdev_budget *budget, double now) {
  settle(budget, now);
  if (!gitdev_budget_has(budget, now))
    return false;
  budget->left = budget->left > 1 ? budget->left - 1 : 0;
  return true;
}

void gitdev_budget_success(gitdev_budget *budget, double now) {
  settle(budget, now);
  double left = budget->left + GITDEV_BUDGET_PER_SUCCESS;
  budget->left = left < GITDEV_BUDGET_CAPACITY ? left : GITDEV_BUDGET_CAPACITY;
}
