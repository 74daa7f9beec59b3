#include "policy/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Retries taken at `now` until the budget says no. */
static int drain(gitdev_budget *budget, double now) {
  int taken = 0;
  while (gitdev_budget_take(budget, now))
    taken++;
  return taken;
}

static void holds_twenty(void **state) {
  (void)state;
  gitdev_budget budget;
  gitdev_budget_init(&budget, 100);
  assert_float_equal(gitdev_budget_left(&budget, 100), 20, 1e-9);
  assert_int_equal(drain(&budget, 100), 20);
  assert_float_equal(gitdev_budget_left(&budget, 100), 0, 1e-9);
}

static void a_refused_take_costs_nothing(void **state) {
  (void)state;
  gitdev_budget budget;
  gitdev_budget_init(&budget, 0);
  (void)drain(&budget, 0);
  for (int i = 0; i < 100; i++)
    assert_false(gitdev_budget_take(&budget, 30));
  assert_true(gitdev_budget_take(&budget, 60));
}

static void refills(void **state) {
  (void)state;
  static const struct {
    int successes;
    double seconds;
    int retries;
  } cases[] = {
      {0, 0, 0},   {9, 0, 0},   {10, 0, 1},   {25, 0, 2},     {0, 59, 0},
      {0, 60, 1},  {0, 150, 2}, {5, 30, 1},   {1000, 0, 20},  {0, 1e9, 20},
      {10, 60, 2}, {4, 30, 0},  {10, -60, 1}, {1000, 60, 20},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_budget budget;
    gitdev_budget_init(&budget, 1000);
    (void)drain(&budget, 1000);
    for (int n = 0; n < cases[i].successes; n++)
      gitdev_budget_success(&budget, 1000);
    int retries = drain(&budget, 1000 + cases[i].seconds);
    if (retries != cases[i].retries)
      fail_msg("%d successes and %g s: %d retries", cases[i].successes, cases[i].seconds, retries);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(holds_twenty),
      cmocka_unit_test(a_refused_take_costs_nothing),
      cmocka_unit_test(refills),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
