#include "net/attempt.h"
#include "call/call.h"
#include <math.h>

enum { REFUSALS_MAX = 8 }; /* in one try */

static const double LEEWAY = 0.02; /* libcurl's own clock is to be first, its words say more */
static const double SCOUT_MAX = 1; /* seconds that a lane is held up by its scout */

/* ---- what it is made with ---- */

static bool take_opening(gitdev_job *job) {
  gitdev_engine *engine = job->engine;
  return gitdev_channels_open(&engine->channels, engine->loop) == GITDEV_OK &&
         gitdev_opening_new(&job->opening, &engine->channels, job->call, &engine->handle_options) ==
             GITDEV_OK;
}

static bool goes_by_http1(const gitdev_job *job) {
  return job->lane->http1 || gitdev_handle_wants_http1(job->action.request);
}

static bool take_transfer(gitdev_job *job) {
  gitdev_engine *engine = job->engine;
  if (job->action.request->upgrade)
    return take_opening(job);
  job->pool = &engine->pools[goes_by_http1(job) ? GITDEV_POOL_HTTP1 : GITDEV_POOL_ANY];
  if (gitdev_pool_open(job->pool, &engine->pool_options) == GITDEV_OK)
    job->transfer = gitdev_pool_take(job->pool, &engine->pool_options);
  return job->transfer != NULL;
}

/* The job is nowhere then. */
static void end_transfer(gitdev_job *job) {
  if (job->transfer) {
    gitdev_transfer_end(job->transfer);
    gitdev_pool_give_back(job->pool, job->transfer);
  }
  gitdev_opening_free(job->opening);
  job->transfer = NULL;
  job->opening = NULL;
  gitdev_lane_leave_sending(job);
}

/* ---- the scout ---- */

/* Without a timer, what is under way in the lane is what opens it again. */
static void hold(gitdev_lane *lane) {
  lane->state = GITDEV_LANE_HELD;
  gitdev_lane_set_timer(lane, gitdev_now() + SCOUT_MAX);
}

/* What the scout did not find out, the next may; but where it came to no connection, the lane goes on
 * blind. */
static void end_scouting(gitdev_job *job) {
  gitdev_lane *lane = job->lane;
  if (lane->scout != job)
    return;
  lane->scout = NULL;
  lane->blind |= !gitdev_transfer_sent(job->transfer);
  if (lane->state == GITDEV_LANE_HELD)
    lane->state = GITDEV_LANE_OPEN;
}

/* ---- what connections tell ---- */

static void on_connected(void *payload, gitdev_link *link) {
  gitdev_job *job = payload;
  gitdev_lane *lane = job->lane;
  if (gitdev_handle_wants_http1(job->action.request))
    return;
  gitdev_burst_add(&job->engine->burst, job->engine->loop, link);
  gitdev_lane_learn(lane, link);
  if (lane->state == GITDEV_LANE_HELD && !gitdev_lane_wants_scout(lane))
    gitdev_lane_open_soon(lane);
}

/* Who waited for what the head has told need not wait for the body. */
static void on_headed(void *payload) {
  const gitdev_job *job = payload;
  if (job->lane->state == GITDEV_LANE_PACED)
    gitdev_lane_open_soon(job->lane);
}

void gitdev_attempt_on_link(void *payload) {
  gitdev_engine *engine = payload;
  for (gitdev_lane *lane = engine->lanes.first; lane; lane = lane->next)
    if (lane->state == GITDEV_LANE_HELD && (!lane->scout || !gitdev_lane_wants_scout(lane)))
      gitdev_lane_open_soon(lane);
}

/* ---- how it begins ---- */

/* When the try under way is to be looked at: it is over at its end, or when nothing has moved for
 * so long. (libcurl's own measure for that, LOW_SPEED_TIME, ends an upload that is held back.) */
static double due(const gitdev_job *job, double now) {
  const gitdev_action *action = &job->action;
  double end = action->until + LEEWAY;
  if (action->idle <= 0)
    return end;
  return fmin(end, gitdev_transfer_moved(job->transfer, now) + action->idle);
}

static void on_opened(void *payload) {
  gitdev_attempt_conclude(payload, CURLE_OK);
}

static bool begin_opening(gitdev_job *job, double now) {
  const gitdev_travel travel = {.seconds = job->action.until - now, .fresh = true};
  return gitdev_job_set_timer(job, due(job, now)) &&
         gitdev_opening_begin(job->opening, job->action.request, &travel, on_opened, job) ==
             GITDEV_OK;
}

static bool begin_transfer(gitdev_job *job) {
  gitdev_lane *lane = job->lane;
  double now = gitdev_now();
  if (job->opening)
    return begin_opening(job, now);
  bool shared = lane->known && lane->http2 && !lane->blind;
  const gitdev_travel travel = {.seconds = job->action.until - now,
                                .share = shared,
                                .fresh = job->stale && !shared,
                                .http1 = lane->http1};
  const gitdev_transfer_user user = {on_connected, on_headed, job};
  CURL *easy = gitdev_transfer_easy(job->transfer);
  return curl_easy_setopt(easy, CURLOPT_PRIVATE, job) == CURLE_OK &&
         gitdev_transfer_begin(job->transfer, job->call, job->action.request, &travel, &user) ==
             GITDEV_OK &&
         gitdev_job_set_timer(job, due(job, now)) &&
         gitdev_multi_add(job->pool->multi, easy) == GITDEV_OK;
}

const char *gitdev_attempt_start(gitdev_job *job) {
  gitdev_lane *lane = job->lane;
  bool scout = gitdev_lane_wants_scout(lane) && !goes_by_http1(job);
  if (!take_transfer(job))
    return "libcurl could not make a handle";
  gitdev_lane_enter_sending(job);
  if (scout) {
    lane->state = GITDEV_LANE_HELD;
    lane->scout = job;
  }
  if (!begin_transfer(job)) {
    end_scouting(job);
    end_transfer(job);
    gitdev_lane_put_first(job);
    gitdev_job_set_timer(job, gitdev_call_deadline(job->call));
    return "libcurl refused the request";
  }
  if (job->transfer)
    gitdev_transfer_begun(job->transfer);
  if (lane->state == GITDEV_LANE_HELD)
    hold(lane);
  gitdev_multi_report(job->transfer ? job->pool->multi : job->engine->channels.multi);
  return NULL;
}

/* ---- how it ends ---- */

/* The same try once more; the machine need not know. */
static void send_again(gitdev_job *job) {
  end_transfer(job);
  gitdev_lane_put_first(job);
  gitdev_job_set_timer(job, job->action.until + LEEWAY);
}

/* What the try has opened is for whoever asks the call for it. */
static void hand_over_socket(gitdev_job *job) {
  const gitdev_result *result = gitdev_call_result(job->call);
  if (!result || result->type)
    return;
  gitdev_opening_keep(job->opening);
  job->opening = NULL;
}

/* What it was told may have ended the call; what it has learned, the wait of the others. */
static void tell_machine(gitdev_job *job, const gitdev_outcome *outcome) {
  gitdev_call_outcome(job->call, outcome, gitdev_now());
  job->stale = outcome->stale;
  job->refusals = 0;
  job->action.kind = GITDEV_WAIT;
  if (job->opening)
    hand_over_socket(job);
  end_transfer(job);
  if (job->lane->state == GITDEV_LANE_PACED)
    job->lane->state = GITDEV_LANE_OPEN;
  if (gitdev_call_result(job->call)) {
    gitdev_job_end(job);
    return;
  }
  gitdev_lane_put_first(job);
  gitdev_job_set_timer(job, gitdev_call_deadline(job->call));
}

/* A request that the server has provably not looked at is sent again at once, and counts for nothing
 * (RFC 9113 8.7). Its body must be there still. */
static bool may_send_again(gitdev_job *job, const gitdev_outcome *outcome) {
  bool begun =
      job->transfer ? gitdev_transfer_sent(job->transfer) : gitdev_opening_connected(job->opening);
  return outcome->kind == GITDEV_FAILED_UNSENT && begun && !job->action.request->source &&
         job->refusals++ < REFUSALS_MAX;
}

static gitdev_outcome outcome_of(const gitdev_job *job, CURLcode code) {
  if (job->opening)
    return gitdev_opening_outcome(job->opening, code == CURLE_OPERATION_TIMEDOUT);
  return gitdev_transfer_outcome(job->transfer, code);
}

/* Nothing of libcurl's is to hold a transfer that is about to be given back. */
static void stop_transfer(gitdev_job *job) {
  if (!job->transfer)
    return;
  gitdev_multi_remove(job->pool->multi, gitdev_transfer_easy(job->transfer));
  end_scouting(job);
}

void gitdev_attempt_conclude(gitdev_job *job, CURLcode code) {
  gitdev_engine *engine = job->engine;
  gitdev_lane *lane = job->lane;
  gitdev_outcome outcome = outcome_of(job, code);
  lane->holds++;
  stop_transfer(job);
  if (job->transfer && gitdev_transfer_postponed(job->transfer)) {
    send_again(job);
    hold(lane);
  } else if (job->transfer && gitdev_transfer_diverted(job->transfer)) {
    send_again(job);
  } else if (may_send_again(job, &outcome)) {
    if (job->transfer && gitdev_transfer_wants_http1(job->transfer))
      gitdev_lane_turn_to_http1(lane);
    else if (job->transfer)
      gitdev_lane_narrow(lane);
    send_again(job);
  } else {
    if (outcome.kind == GITDEV_COMPLETE)
      gitdev_lane_widen(lane);
    tell_machine(job, &outcome);
  }
  gitdev_lane_run(lane);
  gitdev_lane_let_go(&engine->lanes, lane, engine->loop);
}

void gitdev_attempt_on_finished(void *payload, CURL *easy, CURLcode code) {
  (void)payload;
  char *private = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
  gitdev_attempt_conclude((gitdev_job *)(void *)private, code);
}

/* libcurl does not look at the clock of a transfer that waits for a connection: the try is ended
 * here. */
void gitdev_attempt_look(gitdev_job *job) {
  double now = gitdev_now(), at = due(job, now);
  if (now < at && gitdev_job_set_timer(job, at))
    return;
  gitdev_attempt_conclude(job, CURLE_OPERATION_TIMEDOUT);
}

void gitdev_attempt_stop(gitdev_job *job) {
  stop_transfer(job);
  end_transfer(job);
}
