#include "net/job.h"
#include "call/call.h"
#include "wire/memory.h"
#include <math.h>

enum { REFUSALS_MAX = 8 }; /* in one try */

static const double LEEWAY = 0.02; /* libcurl's own clock is to be first, its words say more */
static const double SCOUT_MAX = 1; /* seconds that a lane is held up by its scout */

static void on_time(void *payload);
static void end_scouting(gitdev_job *job);

/* ---- transfers ---- */

static bool take_opening(gitdev_job *job) {
  gitdev_engine *engine = job->engine;
  return gitdev_channels_open(&engine->channels, engine->loop) == GITDEV_OK &&
         gitdev_opening_new(&job->opening, &engine->channels, job->call, &engine->handle_options) ==
             GITDEV_OK;
}

static bool take_transfer(gitdev_job *job) {
  gitdev_engine *engine = job->engine;
  if (job->action.request->upgrade)
    return take_opening(job);
  bool http1 = gitdev_handle_wants_http1(job->action.request);
  job->pool = &engine->pools[http1 ? GITDEV_POOL_HTTP1 : GITDEV_POOL_ANY];
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
  job->lane->sending--;
  gitdev_lane_remove(job);
}

/* ---- time ---- */

bool gitdev_job_set_timer(gitdev_job *job, double at) {
  return gitdev_timer_set(job->engine->loop, &job->timer, at, on_time, job) == GITDEV_OK;
}

static void on_lane_time(void *payload) {
  gitdev_lane *lane = payload;
  lane->blind |= lane->state == GITDEV_LANE_HELD && gitdev_lane_wants_scout(lane);
  lane->state = GITDEV_LANE_OPEN;
  gitdev_lane_run(lane);
}

static bool set_lane_timer(gitdev_lane *lane, double at) {
  return gitdev_timer_set(lane->engine->loop, &lane->timer, at, on_lane_time, lane) == GITDEV_OK;
}

/* From where the line cannot be served at once: within libcurl, or for somebody else's lane. */
void gitdev_lane_open_soon(gitdev_lane *lane) {
  lane->state = GITDEV_LANE_OPEN;
  if (!lane->running)
    set_lane_timer(lane, gitdev_now());
}

/* Without a timer, what is under way in the lane is what opens it again. */
static void hold(gitdev_lane *lane) {
  lane->state = GITDEV_LANE_HELD;
  set_lane_timer(lane, gitdev_now() + SCOUT_MAX);
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

void gitdev_job_on_link(void *payload) {
  gitdev_engine *engine = payload;
  for (gitdev_lane *lane = engine->lanes.first; lane; lane = lane->next)
    if (lane->state == GITDEV_LANE_HELD && (!lane->scout || !gitdev_lane_wants_scout(lane)))
      gitdev_lane_open_soon(lane);
}

/* ---- the machine's wishes ---- */

void gitdev_job_end(gitdev_job *job) {
  gitdev_engine *engine = job->engine;
  gitdev_lane *lane = job->lane;
  gitdev_done_fn done = job->done;
  gitdev_call *call = job->call;
  void *payload = job->payload;
  gitdev_timer_clear(engine->loop, &job->timer);
  gitdev_call_set_driver(call, NULL);
  gitdev_free(job);
  gitdev_lane_let_go(&engine->lanes, lane, engine->loop);
  if (done)
    done(call, payload);
  gitdev_call_free(call);
}

/* The try ends without having been sent. */
static void give_up(gitdev_job *job, gitdev_outcome_kind kind, const char *why) {
  const gitdev_outcome outcome = {.kind = kind,
                                  .unsent = true,
                                  .message = why,
                                  .dns = -1,
                                  .connect = -1,
                                  .tls = -1,
                                  .first_byte = -1,
                                  .total = -1};
  gitdev_call_outcome(job->call, &outcome, gitdev_now());
  job->action.kind = GITDEV_WAIT;
}

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
  gitdev_job_conclude(payload, CURLE_OK);
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
  const gitdev_travel travel = {
      .seconds = job->action.until - now, .share = shared, .fresh = job->stale && !shared};
  CURL *easy = gitdev_transfer_easy(job->transfer);
  return curl_easy_setopt(easy, CURLOPT_PRIVATE, job) == CURLE_OK &&
         gitdev_transfer_begin(job->transfer, job->call, job->action.request, &travel, on_connected,
                               job) == GITDEV_OK &&
         gitdev_job_set_timer(job, due(job, now)) &&
         gitdev_multi_add(job->pool->multi, easy) == GITDEV_OK;
}

/* False when the try failed before it began; the machine has been told. On true the job may be
 * over, and gone. */
static bool start(gitdev_job *job) {
  gitdev_lane *lane = job->lane;
  bool scout = gitdev_lane_wants_scout(lane) && !gitdev_handle_wants_http1(job->action.request);
  if (!take_transfer(job)) {
    give_up(job, GITDEV_FAILED_LOCAL, "libcurl could not make a handle");
    return false;
  }
  gitdev_lane_remove(job);
  gitdev_lane_append(job, GITDEV_SENDING);
  lane->sending++;
  if (scout) {
    lane->state = GITDEV_LANE_HELD;
    lane->scout = job;
  }
  if (!begin_transfer(job)) {
    end_scouting(job);
    end_transfer(job);
    gitdev_lane_put_first(job);
    gitdev_job_set_timer(job, gitdev_call_deadline(job->call));
    give_up(job, GITDEV_FAILED_LOCAL, "libcurl refused the request");
    return false;
  }
  if (job->transfer)
    gitdev_transfer_begun(job->transfer);
  if (lane->state == GITDEV_LANE_HELD)
    hold(lane);
  gitdev_multi_report(job->transfer ? job->pool->multi : job->engine->channels.multi);
  return true;
}

static void wait_until(gitdev_job *job, const gitdev_action *action) {
  bool armed;
  if (action->early) {
    armed = set_lane_timer(job->lane, action->until);
    job->lane->state = armed ? GITDEV_LANE_PACED : GITDEV_LANE_OPEN;
  } else {
    gitdev_lane_remove(job);
    gitdev_lane_append(job, GITDEV_RESTING);
    armed = gitdev_job_set_timer(job, action->until);
  }
  if (!armed)
    gitdev_call_cancel(job->call, gitdev_now());
}

/* Does what the machine says until there is something to wait for, or the call is over. */
static void serve(gitdev_job *job) {
  for (;;) {
    if (job->action.kind != GITDEV_SEND)
      job->action = gitdev_call_next(job->call, gitdev_now());
    switch (job->action.kind) {
    case GITDEV_SEND:
      if (start(job))
        return;
      break;
    case GITDEV_WAIT:
      wait_until(job, &job->action);
      if (!gitdev_call_result(job->call))
        return;
      break;
    case GITDEV_DONE:
      gitdev_lane_remove(job);
      gitdev_job_end(job);
      return;
    }
  }
}

/* Serves the line as far as there is room. Whoever comes to it meanwhile is served by the first. */
void gitdev_lane_run(gitdev_lane *lane) {
  gitdev_engine *engine = lane->engine;
  if (lane->running)
    return;
  lane->running = true;
  lane->holds++;
  while (gitdev_lane_ready(lane))
    serve(lane->lists[GITDEV_IN_LINE].first);
  lane->running = false;
  gitdev_lane_let_go(&engine->lanes, lane, engine->loop);
}

/* ---- how a try ends ---- */

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

void gitdev_job_conclude(gitdev_job *job, CURLcode code) {
  gitdev_engine *engine = job->engine;
  gitdev_lane *lane = job->lane;
  gitdev_outcome outcome = outcome_of(job, code);
  lane->holds++;
  stop_transfer(job);
  if (job->transfer && gitdev_transfer_postponed(job->transfer)) {
    send_again(job);
    hold(lane);
  } else if (may_send_again(job, &outcome)) {
    if (job->transfer)
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

void gitdev_job_on_finished(void *payload, CURL *easy, CURLcode code) {
  (void)payload;
  char *private = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
  gitdev_job_conclude((gitdev_job *)(void *)private, code);
}

/* libcurl does not look at the clock of a transfer that waits for a connection: the try is ended
 * here. */
static void on_sending_time(gitdev_job *job) {
  double now = gitdev_now(), at = due(job, now);
  if (now < at && gitdev_job_set_timer(job, at))
    return;
  gitdev_job_conclude(job, CURLE_OPERATION_TIMEDOUT);
}

/* The stage has lasted as long as it may. */
static void on_time(void *payload) {
  gitdev_job *job = payload;
  switch (job->stage) {
  case GITDEV_SENDING: on_sending_time(job); return;
  case GITDEV_RESTING:
    gitdev_lane_remove(job);
    gitdev_lane_put_first(job);
    gitdev_job_set_timer(job, gitdev_call_deadline(job->call));
    gitdev_lane_run(job->lane);
    return;
  case GITDEV_IN_LINE: break;
  case GITDEV_ENDING:
  case GITDEV_STAGES: return;
  }
  if (job->action.kind == GITDEV_SEND)
    give_up(job, GITDEV_TIMED_OUT, "it was refused until the time was over");
  serve(job);
}

/* Takes a job's hold off the loop and libcurl; it is nowhere then. */
static void stop(gitdev_job *job) {
  if (!job->transfer && !job->opening) {
    gitdev_lane_remove(job);
    return;
  }
  stop_transfer(job);
  end_transfer(job);
}

void gitdev_job_abandon(gitdev_job *job) {
  stop(job);
  gitdev_call_cancel(job->call, gitdev_now());
  job->done = NULL;
  gitdev_job_end(job);
}

static void disown_all(gitdev_lane *lane, gitdev_stage stage, const gitdev_client *client) {
  for (gitdev_job *job = lane->lists[stage].first, *next; job; job = next) {
    next = job->next;
    if (gitdev_call_client(job->call) != client)
      continue;
    stop(job);
    gitdev_call_disown(job->call, gitdev_now());
    gitdev_lane_append(job, GITDEV_ENDING);
  }
}

/* First all are ended, then it is said: whoever hears it may change the lists. */
void gitdev_lane_disown(gitdev_lane *lane, const gitdev_client *client) {
  gitdev_engine *engine = lane->engine;
  lane->holds++;
  for (gitdev_stage stage = GITDEV_IN_LINE; stage < GITDEV_ENDING; stage++)
    disown_all(lane, stage, client);
  for (gitdev_job *job; (job = lane->lists[GITDEV_ENDING].first);) {
    gitdev_lane_remove(job);
    gitdev_job_end(job);
  }
  if (lane->state != GITDEV_LANE_HELD)
    gitdev_lane_open_soon(lane);
  gitdev_lane_let_go(&engine->lanes, lane, engine->loop);
}
