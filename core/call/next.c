/* What is next in a call: wait, send, or done. */
#include "call/error.h"
#include "call/request.h"
#include "call/state.h"
#include "wire/memory.h"
#include <math.h>

static void finish_late(gitdev_call *call, double now) {
  const char *type = gitdev_error_set(gitdev_call_error(call), "timeout_error", "deadline",
                                      "the call's timeout ends before its turn to be sent came");
  gitdev_call_finish(call, type, true, now);
}

/* Not a timeout: the server has said no, to everyone on this key. */
static void finish_paused(gitdev_call *call, double now) {
  double left = call->client->pace->pace.paused_until - now;
  const char *type = gitdev_error_set(gitdev_call_error(call), "rate_limit_error", "rate_limited",
                                      "the rate limit is used up: the server asked for a pause of "
                                      "%.0f more seconds, and the call's timeout ends before",
                                      ceil(left));
  gitdev_call_finish(call, type, true, now);
}

/* Nor is this: nobody can tell whether the others leave anything. */
static void finish_shut(gitdev_call *call, double now) {
  const char *type = gitdev_error_set(
      gitdev_call_error(call), "timeout_error", "store_away",
      "the store that the rate limit is shared through is away, and nothing is to be sent "
      "meanwhile: the call's timeout ends before it is back");
  gitdev_call_finish(call, type, true, now);
}

bool gitdev_call_refuse_unvisited(gitdev_call *call, double now) {
  if (!call->client->pace->limit_name[0] || call->driver || call->state == GITDEV_CALL_DONE)
    return false;
  const char *type = gitdev_error_set(
      gitdev_call_error(call), "config_error", "store_not_visited",
      "the client's rate limit is shared through a store, which gitdev_perform() does not visit: "
      "use gitdev_submit() and gitdev_step(), with gitdev_client_report() after each step");
  gitdev_call_finish(call, type, false, now);
  return true;
}

static const gitdev_action done = {.kind = GITDEV_DONE};

static gitdev_action wait_until(double until, double deadline) {
  return (gitdev_action){.kind = GITDEV_WAIT, .until = fmin(until, deadline)};
}

/* The rate limit lets it wait. */
static gitdev_action hold_back(gitdev_call *call, double until, double now) {
  bool looking = gitdev_pace_looking(&call->client->pace->pace, now);
  if (!call->held && !looking)
    gitdev_call_tell(call, &(gitdev_event){.kind = GITDEV_EVENT_WAIT,
                                           .at = now,
                                           .wait = until - now,
                                           .number = call->ledger.tries + 1,
                                           .request = &call->request});
  call->held |= !looking;
  gitdev_action action = wait_until(until, call->deadline);
  action.early = true;
  return action;
}

static gitdev_action send(const gitdev_request *request, double until) {
  return (gitdev_action){.kind = GITDEV_SEND, .until = until, .request = request};
}

/* What is streamed takes as long as it takes: it is over when nothing moves any more (contract
 * 1.12). */
static gitdev_action send_request(const gitdev_call *call, double now) {
  double limit = call->client->try_timeout;
  if (!call->upload && !call->download)
    return send(&call->request, fmin(now + limit, call->deadline));
  gitdev_action action = send(&call->request, call->deadline);
  action.idle = limit;
  return action;
}

static gitdev_action begin_try(gitdev_call *call, double now) {
  call->queued = call->held = call->heeded = false;
  call->state = GITDEV_CALL_SENT;
  call->sent_at = now;
  call->ended_before = call->client->pace->pace.ended;
  gitdev_response_begin(&call->response, 0);
  gitdev_ledger_begin(&call->ledger, now - call->since);
  gitdev_call_tell(call, &(gitdev_event){.kind = GITDEV_EVENT_REQUEST,
                                         .at = now,
                                         .number = call->ledger.tries,
                                         .request = &call->request});
  return send_request(call, now);
}

/* The limits are wanted by all who share the pace; this call goes and asks for them. */
static gitdev_action begin_probe(gitdev_call *call, double now) {
  const gitdev_call_options options = {.method = "GET", .path = "/rate_limit"};
  bool repeatable;
  gitdev_free(call->probe_block);
  if (gitdev_request_build(&call->probe, &call->probe_block, &repeatable, call->client, &options,
                           NULL) != GITDEV_OK) {
    gitdev_pace_denied(&call->client->pace->pace);
    return hold_back(call, now, now);
  }
  call->state = GITDEV_CALL_PROBING;
  call->sent_at = now;
  gitdev_response_begin(&call->response, 0);
  return send(&call->probe, fmin(now + call->client->try_timeout, call->deadline));
}

static gitdev_action next_when_ready(gitdev_call *call, double now) {
  gitdev_pace *pace = &call->client->pace->pace;
  if (now >= call->deadline) {
    if (pace->paused_until > now)
      finish_paused(call, now);
    else if (gitdev_pace_shut(pace))
      finish_shut(call, now);
    else
      finish_late(call, now);
    return done;
  }
  if (now < call->not_before)
    return wait_until(call->not_before, call->deadline);
  gitdev_shared_pace_notice_fork(call->client->pace);
  if (!call->queued)
    gitdev_pace_enter(pace);
  call->queued = true;
  double until = now;
  switch (gitdev_pace_take(pace, now, &until)) {
  case GITDEV_PACE_GO: return begin_try(call, now);
  case GITDEV_PACE_ASK: return begin_probe(call, now);
  case GITDEV_PACE_WAIT: break;
  }
  /* Nothing that another call's answer could tell makes a known pause shorter. */
  if (pace->paused_until >= call->deadline) {
    finish_paused(call, now);
    return done;
  }
  return hold_back(call, until, now);
}

gitdev_action gitdev_call_next(gitdev_call *call, double now) {
  switch (call->state) {
  case GITDEV_CALL_READY: return next_when_ready(call, now);
  case GITDEV_CALL_PROBING: return send(&call->probe, call->deadline);
  case GITDEV_CALL_SENT: return send(&call->request, call->deadline);
  case GITDEV_CALL_DONE: break;
  }
  return done;
}
