#include "call/call.h"
#include "call/error.h"
#include "call/problem.h"
#include "call/request.h"
#include "policy/random.h"
#include "policy/retry.h"
#include "wire/json.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* READY --take--> SENT --outcome--> READY (again) or DONE.
 *   \---ask---> PROBING --outcome--> READY
 * PROBING is GET /rate_limit on behalf of everyone who shares the pace; it is no try of this call.
 */
typedef enum state { READY, PROBING, SENT, DONE } state;

struct gitdev_call {
  int owners; /* its user, and its driver while it is under way */
  gitdev_client *client;
  state state;
  bool queued;                        /* counted in the pace as waiting */
  double deadline, not_before, since; /* since: when the present wait began */
  double sent_at;
  bool repeatable;
  int retries, max_retries;
  gitdev_request request, probe;
  void *request_block, *probe_block;
  void *driver;
  gitdev_response response;
  gitdev_attempt *attempts; /* max_retries + 1 of them, the first in first_attempt */
  gitdev_attempt first_attempt;
  size_t attempt_count;
  gitdev_error_text *error; /* made with the first error: most calls have none */
  gitdev_result result;
};

static int check_limits(gitdev_call *call, const gitdev_call_options *options, double now,
                        gitdev_problem *problem) {
  double timeout = options->timeout;
  if (!isfinite(timeout) || timeout < 0)
    return gitdev_problem_set(problem, GITDEV_EINVAL,
                              "timeout: must be a positive number of seconds");
  if (options->max_retries < GITDEV_NO_RETRIES || options->max_retries > GITDEV_MAX_RETRIES_MAX)
    return gitdev_problem_set(problem, GITDEV_EINVAL, "max_retries: must be 0 to %d",
                              GITDEV_MAX_RETRIES_MAX);
  call->deadline = now + (timeout > 0 ? timeout : call->client->timeout);
  call->max_retries = options->max_retries ? options->max_retries : call->client->max_retries;
  if (call->max_retries == GITDEV_NO_RETRIES)
    call->max_retries = 0;
  return GITDEV_OK;
}

int gitdev_call_new(gitdev_call **out, gitdev_client *client, const gitdev_call_options *options,
                    double now, gitdev_problem *problem) {
  *out = NULL;
  gitdev_call *call = calloc(1, sizeof *call);
  if (!call)
    return gitdev_problem_set(problem, GITDEV_ENOMEM, "memory is out");
  call->owners = 1;
  call->client = client;
  gitdev_client_retain(client);
  gitdev_response_init(&call->response, client->body_max);
  call->attempts = &call->first_attempt;
  call->since = now;
  int rc = check_limits(call, options, now, problem);
  if (rc == GITDEV_OK)
    rc = gitdev_request_build(&call->request, &call->request_block, &call->repeatable, client,
                              options, problem);
  if (rc != GITDEV_OK) {
    gitdev_call_free(call);
    return rc;
  }
  gitdev_pace_enter(&client->pace->pace);
  call->queued = true;
  *out = call;
  return GITDEV_OK;
}

static void leave_queue(gitdev_call *call) {
  if (call->queued)
    gitdev_pace_leave(&call->client->pace->pace);
  call->queued = false;
}

/* Gives back what a call that ends early still holds of the shared pace. */
static void let_go(gitdev_call *call, double now) {
  leave_queue(call);
  if (call->state == SENT)
    gitdev_pace_lost(&call->client->pace->pace, now);
  else if (call->state == PROBING)
    gitdev_pace_unasked(&call->client->pace->pace);
}

void gitdev_call_free(gitdev_call *call) {
  if (!call || --call->owners > 0)
    return;
  let_go(call, call->sent_at);
  gitdev_response_free(&call->response);
  free(call->request_block);
  free(call->probe_block);
  free(call->error);
  if (call->attempts != &call->first_attempt)
    free(call->attempts);
  gitdev_client_free(call->client);
  free(call);
}

/* ---- how a call ends ---- */

static const char *or_null(const char *text) {
  return text[0] ? text : NULL;
}

/* NULL when memory is out: then the error's type alone is kept. */
static gitdev_error_text *error_text(gitdev_call *call) {
  if (!call->error)
    call->error = calloc(1, sizeof *call->error);
  return call->error;
}

static void finish(gitdev_call *call, const char *type, bool retryable) {
  gitdev_response *response = &call->response;
  leave_queue(call);
  call->state = DONE;
  call->result = (gitdev_result){
      .status = response->status,
      .type = type,
      .code = type && call->error ? or_null(call->error->code) : NULL,
      .message = type ? (call->error ? call->error->message : "memory is out") : NULL,
      .param = type && call->error ? or_null(call->error->param) : NULL,
      .request_id = or_null(response->request_id),
      .retryable = retryable,
      .body = response->body.data,
      .body_len = response->body.len,
      .attempts = call->attempts,
      .attempt_count = call->attempt_count,
  };
}

static void finish_late(gitdev_call *call, const char *where) {
  const char *type = gitdev_error_set(error_text(call), "timeout_error", "deadline",
                                      "the call's timeout ends before %s", where);
  finish(call, type, true);
}

/* Not a timeout: the server has said no, to everyone on this key. */
static void finish_paused(gitdev_call *call, double left) {
  const char *type = gitdev_error_set(error_text(call), "rate_limit_error", "rate_limited",
                                      "the rate limit is used up: the server asked for a pause of "
                                      "%.0f more seconds, and the call's timeout ends before",
                                      ceil(left));
  finish(call, type, true);
}

void gitdev_call_cancel(gitdev_call *call, double now) {
  if (call->state == DONE)
    return;
  let_go(call, now);
  gitdev_response_begin(&call->response, 0);
  finish(call,
         gitdev_error_set(error_text(call), "canceled_error", "canceled", "the call was canceled"),
         false);
}

const gitdev_result *gitdev_call_result(const gitdev_call *call) {
  return call->state == DONE ? &call->result : NULL;
}

const gitdev_header *gitdev_call_headers(gitdev_call *call, size_t *count) {
  const gitdev_header *headers = gitdev_response_headers(&call->response);
  *count = headers ? call->response.header_count : 0;
  return headers;
}

double gitdev_call_deadline(const gitdev_call *call) {
  return call->deadline;
}

const gitdev_client *gitdev_call_client(const gitdev_call *call) {
  return call->client;
}

void gitdev_call_retain(gitdev_call *call) {
  call->owners++;
}

void gitdev_call_set_driver(gitdev_call *call, void *driver) {
  call->driver = driver;
}

void gitdev_call_trim(gitdev_call *call) {
  if (call->state != DONE)
    return;
  gitdev_buffer_free(&call->response.body);
  free(call->request_block);
  call->request_block = NULL;
  call->result.body = call->response.body.data;
  call->result.body_len = 0;
}

void *gitdev_call_driver(const gitdev_call *call) {
  return call->driver;
}

/* ---- what is next ---- */

static gitdev_action wait_until(double until, double deadline) {
  return (gitdev_action){.kind = GITDEV_WAIT, .until = fmin(until, deadline)};
}

static gitdev_action send_until(const gitdev_request *request, double until) {
  return (gitdev_action){.kind = GITDEV_SEND, .until = until, .request = request};
}

static const gitdev_action done = {.kind = GITDEV_DONE};

static void begin_attempt(gitdev_call *call, double now) {
  gitdev_attempt *attempt = &call->attempts[call->attempt_count++];
  *attempt = (gitdev_attempt){.verdict = "error",
                              .reason = "under way",
                              .wait = now - call->since,
                              .dns = -1,
                              .connect = -1,
                              .tls = -1,
                              .first_byte = -1,
                              .total = -1};
}

static gitdev_action begin_try(gitdev_call *call, double now) {
  call->queued = false;
  call->state = SENT;
  call->sent_at = now;
  gitdev_response_begin(&call->response, 0);
  begin_attempt(call, now);
  return send_until(&call->request, fmin(now + call->client->try_timeout, call->deadline));
}

/* The limits are wanted by all who share the pace; this call goes and asks for them. */
static gitdev_action begin_probe(gitdev_call *call, double now) {
  const gitdev_call_options options = {.method = "GET", .path = "/rate_limit"};
  bool repeatable;
  free(call->probe_block);
  if (gitdev_request_build(&call->probe, &call->probe_block, &repeatable, call->client, &options,
                           NULL) != GITDEV_OK) {
    gitdev_pace_denied(&call->client->pace->pace);
    return wait_until(now, call->deadline);
  }
  call->state = PROBING;
  call->sent_at = now;
  gitdev_response_begin(&call->response, 0);
  return send_until(&call->probe, fmin(now + call->client->try_timeout, call->deadline));
}

static gitdev_action next_when_ready(gitdev_call *call, double now) {
  if (now >= call->deadline) {
    finish_late(call, "its turn to be sent came");
    return done;
  }
  if (now < call->not_before)
    return wait_until(call->not_before, call->deadline);
  gitdev_pace *pace = &call->client->pace->pace;
  double until = now;
  switch (gitdev_pace_take(pace, now, &until)) {
  case GITDEV_PACE_GO: return begin_try(call, now);
  case GITDEV_PACE_ASK: return begin_probe(call, now);
  case GITDEV_PACE_WAIT: break;
  }
  /* Nothing that another call's answer could tell makes a known pause shorter. */
  if (pace->paused_until >= call->deadline) {
    finish_paused(call, pace->paused_until - now);
    return done;
  }
  return wait_until(until, call->deadline);
}

gitdev_action gitdev_call_next(gitdev_call *call, double now) {
  switch (call->state) {
  case READY: return next_when_ready(call, now);
  case PROBING: return send_until(&call->probe, call->deadline);
  case SENT: return send_until(&call->request, call->deadline);
  case DONE: break;
  }
  return done;
}

/* ---- the answer, as it comes ---- */

bool gitdev_call_begin(gitdev_call *call, int status) {
  gitdev_response_begin(&call->response, status);
  return status >= 100 && status <= 999;
}

bool gitdev_call_header(gitdev_call *call, const char *name, size_t name_len, const char *value,
                        size_t value_len) {
  return gitdev_response_header(&call->response, name, name_len, value, value_len);
}

bool gitdev_call_data(gitdev_call *call, const char *bytes, size_t len) {
  return gitdev_response_data(&call->response, bytes, len);
}

/* ---- how a try ended ---- */

static gitdev_reach reach_of(const gitdev_outcome *outcome) {
  switch (outcome->kind) {
  case GITDEV_COMPLETE: return GITDEV_ANSWERED;
  case GITDEV_FAILED_UNSENT: return GITDEV_NEVER_SENT;
  case GITDEV_FAILED_SENT: return GITDEV_SENT_UNKNOWN;
  case GITDEV_TIMED_OUT: return outcome->unsent ? GITDEV_NEVER_SENT : GITDEV_SENT_UNKNOWN;
  case GITDEV_FAILED_TRUST:
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
  gitdev_pace *pace = &call->client->pace->pace;
  const gitdev_response *response = &call->response;
  if (facts->reach != GITDEV_ANSWERED) {
    gitdev_pace_lost(pace, now);
  } else if (facts->status == 429 && response->remaining <= 0) {
    double pause = facts->retry_after >= 0 ? facts->retry_after : facts->reset_in;
    gitdev_pace_refused(pace, now,
                        pause >= 0 ? fmin(pause, GITDEV_RETRY_AFTER_MAX) : REFUSED_PAUSE);
  } else {
    gitdev_pace_answer answer = {
        .sent_at = call->sent_at, .remaining = response->remaining, .reset_in = facts->reset_in};
    gitdev_pace_answered(pace, now, &answer);
  }
}

/* Room for one more attempt is made before the retry that needs it is promised. */
static bool make_room(gitdev_call *call) {
  if (call->attempts != &call->first_attempt)
    return true;
  gitdev_attempt *attempts = calloc((size_t)call->max_retries + 1, sizeof *attempts);
  if (!attempts)
    return false;
  attempts[0] = call->first_attempt;
  call->attempts = attempts;
  return true;
}

static void try_again(gitdev_call *call, double now, double delay) {
  call->retries++;
  call->state = READY;
  call->since = now;
  call->not_before = now + delay;
  gitdev_pace_enter(&call->client->pace->pace);
  call->queued = true;
}

static void note_attempt(gitdev_call *call, const gitdev_outcome *outcome, const char *verdict,
                         const char *reason) {
  gitdev_attempt *attempt = &call->attempts[call->attempt_count - 1];
  attempt->verdict = verdict;
  attempt->reason = reason;
  attempt->status = call->response.status;
  memcpy(attempt->request_id, call->response.request_id, sizeof attempt->request_id);
  attempt->dns = outcome->dns;
  attempt->connect = outcome->connect;
  attempt->tls = outcome->tls;
  attempt->first_byte = outcome->first_byte;
  attempt->total = outcome->total;
}

/* The type of the try's error, NULL for a success. */
static const char *judge_answer(gitdev_call *call, const gitdev_outcome *outcome, double now) {
  if (call->error)
    call->error->code[0] = '\0';
  if (outcome->kind == GITDEV_TIMED_OUT && now >= call->deadline)
    return gitdev_error_set(error_text(call), "timeout_error", "deadline",
                            "the call's timeout ended before %s answered", call->client->origin);
  if (outcome->kind != GITDEV_COMPLETE)
    return gitdev_error_from_outcome(error_text(call), outcome, call->client->origin);
  if (gitdev_is_success(call->response.status))
    return NULL;
  return gitdev_error_from_response(error_text(call), &call->response);
}

/* For the ledger: what the try ran into, when it is to be repeated. */
static const char *cause_of(const gitdev_outcome *outcome, const gitdev_retry_facts *facts) {
  if (outcome->kind == GITDEV_TIMED_OUT)
    return "timed out";
  if (facts->reach != GITDEV_ANSWERED)
    return facts->reach == GITDEV_NEVER_SENT ? "not connected" : "connection lost";
  if (facts->status == 429)
    return "rate limited";
  return facts->key_in_use ? "idempotency key in use" : "server error";
}

static void end_try(gitdev_call *call, const gitdev_outcome *outcome, double now) {
  const char *type = judge_answer(call, outcome, now);
  gitdev_retry_facts facts = facts_of(call, outcome, now);
  tell_pace(call, &facts, now);
  if (!type) {
    gitdev_budget_success(&call->client->budget->budget, now);
    note_attempt(call, outcome, "ok", "done");
    finish(call, NULL, false);
    return;
  }
  bool retryable = gitdev_retryable(&facts);
  facts.random = gitdev_random_unit();
  gitdev_retry_verdict verdict = gitdev_retry_judge(&facts);
  const char *reason = gitdev_retry_reason_text(verdict.reason);
  bool again = verdict.reason == GITDEV_RETRY_AGAIN && make_room(call);
  if (again && !gitdev_budget_take(&call->client->budget->budget, now)) {
    reason = "retry budget empty";
    again = false;
  }
  note_attempt(call, outcome, again ? "retry" : "error",
               again ? cause_of(outcome, &facts) : reason);
  if (again)
    try_again(call, now, verdict.delay);
  else
    finish(call, type, retryable);
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
  call->state = READY;
}

void gitdev_call_outcome(gitdev_call *call, const gitdev_outcome *outcome, double now) {
  if (call->state == PROBING)
    end_probe(call, outcome, now);
  else if (call->state == SENT)
    end_try(call, outcome, now);
}
