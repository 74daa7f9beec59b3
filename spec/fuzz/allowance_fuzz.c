/* Whatever a store grants, and whenever it falls silent, a wait is finite and ahead, nothing is sent
 * that was not granted while the store is there, and a caller gets its turn in the end. The input is
 * a script of events. */
#include "fuzz.h"
#include "policy/pace.h"

#include <math.h>

typedef struct script {
  gitdev_pace pace;
  double now;
  int granted; /* since the store was last away */
} script;

static gitdev_pace_turn take(script *s) {
  double until;
  bool alone = s->now < s->pace.allowance.alone_until;
  gitdev_pace_turn turn = gitdev_pace_take(&s->pace, s->now, &until);
  REQUIRE(turn != GITDEV_PACE_WAIT || (isfinite(until) && until > s->now));
  if (turn == GITDEV_PACE_GO && s->pace.allowance.store == GITDEV_STORE_THERE && !alone)
    REQUIRE(s->granted-- > 0);
  if (turn == GITDEV_PACE_ASK)
    gitdev_pace_learn(&s->pace, s->now, 60, 10, 5);
  return turn;
}

static void visit(script *s, double a, double b) {
  static const double ODD[] = {0, -1, NAN, INFINITY, 1e300, 0.01, 2, 100};
  gitdev_report report;
  double again;
  bool due = gitdev_pace_report(&s->pace, s->now, &report, &again);
  REQUIRE(due || again > s->now);
  REQUIRE(!due || (report.wanted >= 0 && report.wanted <= GITDEV_GRANTED_MAX &&
                   report.returned >= 0 && report.flying >= 0 && report.answered >= 0));
  const gitdev_grant grant = {.granted = (int)a % 20 - 2,
                              .wait = ODD[(int)b % 8],
                              .paused_for = ODD[(int)a / 8 % 8] > 3 ? 0 : ODD[(int)a / 8 % 8],
                              .alone = (int)b > 250 ? ODD[(int)a % 8] : 0,
                              .per_minute = ODD[(int)(a + b) % 8],
                              .burst = ODD[(int)b / 8 % 8],
                              .ask = (int)a % 3 == 0};
  gitdev_pace_grant(&s->pace, s->now, &grant);
  s->granted += grant.granted > 0 ? grant.granted : 0;
}

static void play(script *s, unsigned event, double amount) {
  const gitdev_pace_answer answer = {
      .sent_at = s->now - 1, .remaining = amount - 5, .reset_in = amount / 8};
  switch (event % 8) {
  case 0: s->now += amount / 64; break;
  case 1: gitdev_pace_enter(&s->pace); break;
  case 2: gitdev_pace_leave(&s->pace); break;
  case 3:
    if (s->pace.waiting > 0)
      (void)take(s);
    break;
  case 4: visit(s, amount, (double)event); break;
  case 5: gitdev_pace_away(&s->pace, s->now + amount / 16); break;
  default:
    if (s->pace.in_flight == 0)
      break;
    if (event & 64)
      gitdev_pace_refused(&s->pace, s->now, amount / 16);
    else
      gitdev_pace_answered(&s->pace, s->now, &answer);
  }
}

/* Nobody visits any more. */
static void require_turn(script *s) {
  while (s->pace.in_flight > 0)
    gitdev_pace_lost(&s->pace, s->now);
  for (int looks = 0;; looks++) {
    double until;
    REQUIRE(looks < 1000);
    if (s->pace.waiting == 0)
      gitdev_pace_enter(&s->pace);
    switch (gitdev_pace_take(&s->pace, s->now, &until)) {
    case GITDEV_PACE_GO: return;
    case GITDEV_PACE_ASK: gitdev_pace_denied(&s->pace); break;
    default: s->now = until; break;
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  script s = {.now = 1000};
  gitdev_pace_init(&s.pace, s.now);
  gitdev_pace_share(&s.pace, false);
  for (size_t i = 0; i + 1 < size; i += 2) {
    play(&s, data[i], data[i + 1]);
    REQUIRE(s.pace.in_flight >= 0 && s.pace.waiting >= 0 && isfinite(s.pace.tokens));
    REQUIRE(s.pace.allowance.granted >= 0 && s.pace.allowance.returned >= 0);
  }
  require_turn(&s);
  return 0;
}
