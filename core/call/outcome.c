/* How a try ended, and what follows from it: success, another try, or an error. */
#include "call/call.h"
#include "call/problem.h"
#include "call/request.h"
#include "call/state.h"
#include "policy/retry.h"
#include "wire/json.h"
#include <math.h>
#include <string.h>

static gitdev_reach reach_of(const gitdev_outcome *outcome) {
  switch (outcome->kind) {
  case GITDEV_COMPLETE: return GITDEV_ANSWERED;
  case GITDEV_FAILED_UNSENT: return GITDEV_NEVER_SENT;
  case GITDEV_FAILED_SENT: return GITDEV_SENT_UNKNOWN;
  case GITDEV_TIMED_OUT: return outcome->unsent ? GITDEV_NEVER_SENT : GITDEV_SENT_UNKNOWN;
  case GITDEV_FAILED_TRUST:
  case GITDEV_FAILED_PROXY_TRUST:
  case GITDEV_FAILED_ANSWER:
  case GITDEV_FAILED_LOCAL: break;
  }
  return GITDEV_HOPELESS;
}

static gitdev_retry_facts facts_of(const gitdev_call *call, const gitdev_outcome *outcome,
                                   double now) {
  const gitdev_response *response = &call->response;
  bool answered = outcome->kind == GITDEV_COMPLETE;
  return (gitdev_retry_facts){
      .reach = reach_of(outcome),
      .status = answered ? response->status : 0,
      .key_in_use =
          answered && call->error && strcmp(call->error->code, "idempotency_key_in_use") == 0,
      .should_retry = answered ? response->should_retry : -1,
      .retry_after = answered ? gitdev_response_retry_after(response) : -1,
      .reset_in = answered ? gitdev_response_reset_in(response) : -1,
      .stale = outcome->stale && !call->forgiven,
      .repeatable = call->repeatable,
      .retries = call->retries,
      .max_retries = call->max_retries,
      .time_left = call->deadline - now,
  };
}

/* A pause is believed for as long as a call would wait for it, lest one absurd Retry-After shut the
 * key out for good. A 429 of the bucket pauses everyone; one with tokens left refuses something
 * else (a stream, a check made too often). */
static void tell_pace(gitdev_call *call, const gitdev_retry_facts *facts, double now) {
  static const double REFUSED_PAUSE = 1;
  if (call->heeded)
    return;
  gitdev_pace *pace = &call->client->pace->pace;
  const gitdev_response *response = &call->response;
  if (facts->reach != GITDEV_ANSWERED) {
    gitdev_pace_lost(pace, now);
  } else if (facts->status == 429 && response->remaining <= 0) {
    double pause = facts->retry_after >= 0 ? facts->retry_after : facts->reset_in;
    gitdev_pace_refused(pace, now,
                        pause >= 0 ? fmin(pause, GITDEV_RETRY_AFTER_MAX) : REFUSED_PAUSE);
  } else {
    gitdev_pace_answer answer = {.sent_at = call->sent_at,
                                 .remaining = response->remaining,
                                 .reset_in = facts->reset_in,
                                 .ended = call->ended_before};
    gitdev_pace_answered(pace, now, &answer);
  }
}

bool gitdev_call_heed_head(gitdev_call *call, double now) {
  static const gitdev_outcome answered = {.kind = GITDEV_COMPLETE};
  if (call->state != GITDEV_CALL_SENT || !call->download || call->heeded)
    return false;
  const gitdev_retry_facts facts = facts_of(call, &answered, now);
  tell_pace(call, &facts, now);
  return call->heeded = true;
}

static void try_again(gitdev_call *call, double now, double delay) {
  call->state = GITDEV_CALL_READY;
  call->since = now;
  call->not_before = now + delay;
}

static bool is_success(const gitdev_call *call) {
  int status = call->response.status;
  return call->request.upgrade ? status == 101 : gitdev_is_success(status);
}

/* Whether what answered the opening of a WebSocket neither opens one nor says no: something on the
 * way that knows none. */
static bool is_no_upgrade(const gitdev_call *call, const gitdev_outcome *outcome) {
  int status = call->response.status;
  if (!call->request.upgrade)
    return false;
  return outcome->kind == GITDEV_COMPLETE ? gitdev_is_success(status)
                                          : outcome->kind == GITDEV_FAILED_ANSWER && status == 101;
}

static const char *not_upgraded(gitdev_call *call, const gitdev_outcome *outcome) {
  bool refused = outcome->kind == GITDEV_COMPLETE;
  return gitdev_error_set(
      gitdev_call_error(call), "response_error", "not_upgraded",
      "the answer of %s opens no WebSocket (status %d%s%s): something on the way "
      "there may not let WebSockets pass",
      call->client->origin, call->response.status, refused ? "" : ", ",
      refused || !outcome->message ? "" : outcome->message);
}

/* The type of the try's error, NULL for a success. */
static const char *judge_answer(gitdev_call *call, const gitdev_outcome *outcome, double now) {
  if (call->error)
    call->error->code[0] = '\0';
  if (outcome->kind == GITDEV_TIMED_OUT && now >= call->deadline)
    return gitdev_error_set(gitdev_call_error(call), "timeout_error", "deadline",
                            "the call's timeout ended before %s answered", call->client->origin);
  if ((call->upload && call->upload->failed) || (call->download && call->download->refused))
    return gitdev_error_set(gitdev_call_error(call), "canceled_error", "stream_refused", "%s",
                            call->upload && call->upload->failed
                                ? "the body could not be read, or is not as long as announced"
                                : "the answer's body was refused by what it goes to");
  if (is_no_upgrade(call, outcome))
    return not_upgraded(call, outcome);
  if (outcome->kind != GITDEV_COMPLETE)
    return gitdev_error_from_outcome(gitdev_call_error(call), outcome, call->client->origin);
  if (is_success(call))
    return NULL;
  return gitdev_error_from_response(gitdev_call_error(call), &call->response);
}

/* For the ledger: what the try ran into, when it is to be repeated. */
static const char *cause_of(const gitdev_outcome *outcome, const gitdev_retry_facts *facts) {
  if (outcome->kind == GITDEV_TIMED_OUT)
    return "timed out";
  if (facts->stale)
    return "stale connection";
  if (facts->reach != GITDEV_ANSWERED)
    return facts->reach == GITDEV_NEVER_SENT ? "not connected" : "connection lost";
  if (facts->status == 429)
    return "rate limited";
  return facts->key_in_use ? "idempotency key in use" : "server error";
}

/* Pays for a retry: nothing is promised that the budget, memory or the streams cannot keep. Returns
 * NULL, or why there is none. */
static const char *refuse_retry(gitdev_call *call, const gitdev_retry_verdict *verdict,
                                double now) {
  gitdev_budget *budget = &call->client->budget->budget;
  if (!gitdev_ledger_reserve(&call->ledger))
    return "memory is out";
  if (!verdict->free && !gitdev_budget_has(budget, now))
    return "retry budget empty";
  if (!gitdev_call_prepare_streams(call))
    return "the body cannot be streamed again";
  if (!verdict->free && !gitdev_budget_take(budget, now))
    return "retry budget empty";
  return NULL;
}

static void note_end(gitdev_call *call, const gitdev_outcome *outcome, const char *verdict,
                     const char *reason, double now) {
  const gitdev_attempt *attempt =
      gitdev_ledger_end(&call->ledger, &call->response, outcome, verdict, reason);
  gitdev_call_tell(call, &(gitdev_event){.kind = GITDEV_EVENT_RESPONSE,
                                         .at = now,
                                         .number = call->ledger.tries,
                                         .request = &call->request,
                                         .attempt = attempt});
}

static void succeed(gitdev_call *call, const gitdev_outcome *outcome, double now) {
  gitdev_budget_success(&call->client->budget->budget, now);
  note_end(call, outcome, "ok", "done", now);
  gitdev_call_finish(call, NULL, false, now);
}

static void repeat(gitdev_call *call, const gitdev_outcome *outcome,
                   const gitdev_retry_verdict *verdict, const char *cause, double now) {
  note_end(call, outcome, "retry", cause, now);
  gitdev_call_tell(call,
                   &(gitdev_event){.kind = GITDEV_EVENT_RETRY,
                                   .at = now,
                                   .wait = verdict->delay,
                                   .number = call->ledger.tries,
                                   .request = &call->request,
                                   .attempt = &call->ledger.attempts[call->ledger.count - 1]});
  if (verdict->free)
    call->forgiven = true;
  else
    call->retries++;
  try_again(call, now, verdict->delay);
}

static void end_try(gitdev_call *call, const gitdev_outcome *outcome, double now) {
  const char *type = judge_answer(call, outcome, now);
  /* What moves on is no failure that repeats: its retries are counted from where it came to. */
  if (call->download && gitdev_download_progressed(call->download))
    call->retries = 0;
  gitdev_retry_facts facts = facts_of(call, outcome, now);
  tell_pace(call, &facts, now);
  if (!type) {
    succeed(call, outcome, now);
    return;
  }
  bool retryable = gitdev_retryable(&facts);
  facts.random = gitdev_random_unit(&call->client->random);
  gitdev_retry_verdict verdict = gitdev_retry_judge(&facts);
  const char *refusal = verdict.reason == GITDEV_RETRY_AGAIN
                            ? refuse_retry(call, &verdict, now)
                            : gitdev_retry_reason_text(verdict.reason);
  if (!refusal) {
    repeat(call, outcome, &verdict, cause_of(outcome, &facts), now);
    return;
  }
  note_end(call, outcome, "error", refusal, now);
  gitdev_call_finish(call, type, retryable, now);
}

/* The probe's answer goes to the pace; whatever went wrong with it, the call itself goes on. */
static void end_probe(gitdev_call *call, const gitdev_outcome *outcome, double now) {
  gitdev_pace *pace = &call->client->pace->pace;
  const gitdev_buffer *body = &call->response.body;
  gitdev_json root, value;
  double numbers[3];
  static const char *const names[] = {"per_minute", "burst", "remaining"};
  bool known = outcome->kind == GITDEV_COMPLETE && call->response.status == 200 &&
               gitdev_json_check(&root, body->data, body->len, GITDEV_JSON_DEPTH_MAX, NULL);
  for (size_t i = 0; known && i < 3; i++)
    known = gitdev_json_member(&root, names[i], strlen(names[i]), &value) &&
            gitdev_json_number(&value, &numbers[i]) && numbers[i] >= 0;
  if (known && numbers[0] > 0 && numbers[1] >= 1)
    gitdev_pace_learn(pace, now, numbers[0], numbers[1], numbers[2]);
  else
    gitdev_pace_denied(pace);
  gitdev_response_begin(&call->response, 0);
  call->state = GITDEV_CALL_READY;
}

/* An answer without a body has not been looked at yet, and one to a Range may hold less than was
 * asked for. What was refused here, and why, is known better here than where it came from. */
static gitdev_outcome look_at_end(gitdev_call *call, const gitdev_outcome *told) {
  gitdev_outcome outcome = *told;
  if (outcome.kind == GITDEV_FAILED_ANSWER && call->response.fault)
    outcome.message = call->response.fault;
  if (outcome.kind != GITDEV_COMPLETE || !call->download)
    return outcome;
  if (gitdev_download_accept(call->download, &call->response) != GITDEV_OK) {
    outcome.kind = GITDEV_FAILED_ANSWER;
  } else if (!gitdev_download_whole(call->download)) {
    outcome.kind = GITDEV_FAILED_SENT;
    outcome.message = "it holds less than was asked for";
  }
  return outcome;
}

void gitdev_call_outcome(gitdev_call *call, const gitdev_outcome *outcome, double now) {
  if (call->state == GITDEV_CALL_PROBING) {
    end_probe(call, outcome, now);
  } else if (call->state == GITDEV_CALL_SENT) {
    const gitdev_outcome seen = look_at_end(call, outcome);
    end_try(call, &seen, now);
  }
}
