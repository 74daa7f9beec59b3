/* Whatever the server answers and in whatever order, a wait is finite and ahead, the mirror keeps
 * below the capacity less what is in flight, and a caller that waits as it is told gets its turn.
 * The input is a script of events. */
#include "fuzz.h"
#include "policy/pace.h"

#include <math.h>

typedef struct script {
  gitdev_pace pace;
  double now;
  bool asking;
} script;

static gitdev_pace_turn take(script *s, double *until) {
  gitdev_pace_turn turn = gitdev_pace_take(&s->pace, s->now, until);
  REQUIRE(turn != GITDEV_PACE_WAIT || (isfinite(*until) && *until > s->now));
  s->asking = s->asking || turn == GITDEV_PACE_ASK;
  return turn;
}

static void end_one(script *s, unsigned how, double amount) {
  if (s->pace.in_flight == 0)
    return;
  gitdev_pace_answer answer = {.sent_at = s->now - amount / 16,
                               .remaining = how == 3 ? -1 : amount,
                               .reset_in = how == 2 ? amount / 4 : -1,
                               .ended = s->pace.ended - how % 8};
  if (how == 0)
    gitdev_pace_lost(&s->pace, s->now);
  else if (how == 1)
    gitdev_pace_refused(&s->pace, s->now, amount / 16);
  else
    gitdev_pace_answered(&s->pace, s->now, &answer);
}

static void answer_question(script *s, unsigned how, double amount) {
  if (!s->asking)
    return;
  s->asking = false;
  if (how == 0)
    gitdev_pace_unasked(&s->pace);
  else if (how == 1)
    gitdev_pace_denied(&s->pace);
  else
    gitdev_pace_learn(&s->pace, s->now, amount, amount / 3, amount / 5);
}

static void play(script *s, unsigned event, double amount) {
  double until;
  switch (event % 4) {
  case 0: s->now += amount / 32; break;
  case 1:
    if (s->pace.waiting == 0)
      gitdev_pace_enter(&s->pace);
    (void)take(s, &until);
    break;
  case 2: end_one(s, event / 4 % 5, amount); break;
  default:
    if (event & 64)
      gitdev_pace_enter(&s->pace);
    else
      answer_question(s, event / 4 % 4, amount);
    break;
  }
}

/* All calls end and nothing is asked: the next caller must come through. */
static void require_turn(script *s) {
  while (s->pace.in_flight > 0)
    gitdev_pace_lost(&s->pace, s->now);
  for (int looks = 0;; looks++) {
    double until;
    REQUIRE(looks < 100);
    if (s->pace.waiting == 0)
      gitdev_pace_enter(&s->pace);
    switch (take(s, &until)) {
    case GITDEV_PACE_GO: return;
    case GITDEV_PACE_ASK: answer_question(s, looks % 3 == 0 ? 2 : 1, 60); break;
    default: s->now = until; break;
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  script s = {.now = 1000};
  gitdev_pace_init(&s.pace, s.now);
  for (size_t i = 0; i + 1 < size; i += 2) {
    play(&s, data[i], data[i + 1]);
    double tokens = gitdev_pace_tokens(&s.pace, s.now);
    REQUIRE(s.pace.in_flight >= 0 && s.pace.waiting >= 0 && isfinite(s.pace.tokens));
    REQUIRE(tokens >= 0 || !s.pace.answered);
    REQUIRE(s.pace.share > 0 && s.pace.share <= 1);
    if (s.pace.limits == GITDEV_LIMITS_KNOWN && tokens > 0)
      REQUIRE(tokens <= fmax(s.pace.capacity, s.pace.seen) - s.pace.in_flight + 1e-6);
  }
  require_turn(&s);
  return 0;
}
