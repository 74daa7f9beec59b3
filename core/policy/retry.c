#include "policy/retry.h"
#include "wire/date.h"

static bool is_success(const gitdev_retry_facts *facts) {
  return facts->reach == GITDEV_ANSWERED && facts->status < 400;
}

static bool may_pass(const gitdev_retry_facts *facts) {
  switch (facts->status) {
  case 429:
  case 500:
  case 502:
  case 503:
  case 504: return true;
  case 409: return facts->key_in_use;
  default: return false;
  }
}

bool gitdev_retryable(const gitdev_retry_facts *facts) {
  if (is_success(facts) || facts->reach == GITDEV_HOPELESS)
    return false;
  if (facts->reach != GITDEV_ANSWERED)
    return true;
  return facts->should_retry >= 0 ? facts->should_retry > 0 : may_pass(facts);
}

/* Whether sending the same again could do its work twice. */
static bool is_safe_to_repeat(const gitdev_retry_facts *facts) {
  switch (facts->reach) {
  case GITDEV_NEVER_SENT: return true;
  case GITDEV_ANSWERED: return facts->repeatable || facts->status == 429 || facts->should_retry > 0;
  default: return facts->repeatable;
  }
}

/* What the server asks to wait, 0 when it does not say. */
static double asked_wait(const gitdev_retry_facts *facts) {
  if (facts->reach != GITDEV_ANSWERED)
    return 0;
  if (facts->retry_after >= 0)
    return facts->retry_after;
  return facts->status == 429 && facts->reset_in > 0 ? facts->reset_in : 0;
}

/* Uniform in the upper half, so that calls that failed together do not come back together. */
static double backoff(const gitdev_retry_facts *facts) {
  double delay = GITDEV_RETRY_BASE;
  for (int i = 0; i < facts->retries && delay < GITDEV_RETRY_CAP; i++)
    delay *= 2;
  delay = delay < GITDEV_RETRY_CAP ? delay : GITDEV_RETRY_CAP;
  return delay / 2 + facts->random * delay / 2;
}

static gitdev_retry_reason judge(const gitdev_retry_facts *facts, double delay) {
  if (!gitdev_retryable(facts)) {
    bool is_error = facts->reach == GITDEV_ANSWERED && !is_success(facts);
    return is_error && facts->should_retry == 0 ? GITDEV_RETRY_TOLD_NOT : GITDEV_RETRY_DONE;
  }
  if (!is_safe_to_repeat(facts))
    return GITDEV_RETRY_UNREPEATABLE;
  if (facts->retries >= facts->max_retries)
    return GITDEV_RETRY_EXHAUSTED;
  if (asked_wait(facts) > GITDEV_RETRY_AFTER_MAX)
    return GITDEV_RETRY_TOO_LONG;
  return delay < facts->time_left ? GITDEV_RETRY_AGAIN : GITDEV_RETRY_NO_TIME;
}

static bool is_stale(const gitdev_retry_facts *facts) {
  return facts->stale && facts->reach == GITDEV_SENT_UNKNOWN && facts->repeatable &&
         facts->time_left > 0;
}

gitdev_retry_verdict gitdev_retry_judge(const gitdev_retry_facts *facts) {
  if (is_stale(facts))
    return (gitdev_retry_verdict){.reason = GITDEV_RETRY_AGAIN, .free = true};
  double delay = backoff(facts);
  double asked = asked_wait(facts);
  delay = delay > asked ? delay : asked;
  gitdev_retry_reason reason = judge(facts, delay);
  return (gitdev_retry_verdict){.reason = reason,
                                .delay = reason == GITDEV_RETRY_AGAIN ? delay : 0};
}

const char *gitdev_retry_reason_text(gitdev_retry_reason reason) {
  switch (reason) {
  case GITDEV_RETRY_AGAIN: return "retry";
  case GITDEV_RETRY_DONE: return "done";
  case GITDEV_RETRY_UNREPEATABLE: return "not repeatable";
  case GITDEV_RETRY_TOLD_NOT: return "told not to";
  case GITDEV_RETRY_EXHAUSTED: return "retries used up";
  case GITDEV_RETRY_TOO_LONG: return "Retry-After too long";
  case GITDEV_RETRY_NO_TIME: return "no time left";
  }
  return "unknown";
}

static double read_seconds(const char *value, size_t len) {
  int64_t seconds = 0;
  for (size_t i = 0; i < len; i++) {
    if (value[i] < '0' || value[i] > '9')
      return -1;
    seconds = seconds * 10 + (value[i] - '0');
    seconds = seconds < INT32_MAX ? seconds : INT32_MAX;
  }
  return len > 0 ? (double)seconds : -1;
}

double gitdev_retry_after(const char *value, size_t len, int64_t date) {
  double seconds = read_seconds(value, len);
  if (seconds >= 0 || date < 0)
    return seconds;
  int64_t until = gitdev_date_parse(value, len);
  if (until < 0)
    return -1;
  int64_t wait = until > date ? until - date : 0;
  return (double)(wait < INT32_MAX ? wait : INT32_MAX);
}
