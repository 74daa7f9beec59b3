#include "net/job.h"
#include "call/call.h"
#include "net/attempt.h"
#include "wire/memory.h"

static void on_time(void *payload);

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

bool gitdev_lane_set_timer(gitdev_lane *lane, double at) {
  return gitdev_timer_set(lane->engine->loop, &lane->timer, at, on_lane_time, lane) == GITDEV_OK;
}

void gitdev_lane_open_soon(gitdev_lane *lane) {
  lane->state = GITDEV_LANE_OPEN;
  if (!lane->running)
    gitdev_lane_set_timer(lane, gitdev_now());
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

static void wait_until(gitdev_job *job, const gitdev_action *action) {
  bool armed;
  if (action->early) {
    armed = gitdev_lane_set_timer(job->lane, action->until);
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
  const char *problem;
  for (;;) {
    if (job->action.kind != GITDEV_SEND)
      job->action = gitdev_call_next(job->call, gitdev_now());
    switch (job->action.kind) {
    case GITDEV_SEND:
      problem = gitdev_attempt_start(job);
      if (!problem)
        return;
      give_up(job, GITDEV_FAILED_LOCAL, problem);
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

static void set_aside(gitdev_job *job) {
  gitdev_call_step_aside(job->call);
  gitdev_lane_remove(job);
  gitdev_lane_append(job, GITDEV_ASIDE);
}

/* Whoever comes to it meanwhile is served by the first. */
void gitdev_lane_run(gitdev_lane *lane) {
  gitdev_engine *engine = lane->engine;
  if (lane->running)
    return;
  lane->running = true;
  lane->holds++;
  for (gitdev_job *job; (job = gitdev_lane_next(lane));)
    if (job->streams && !gitdev_lane_may_stream(lane))
      set_aside(job);
    else
      serve(job);
  lane->running = false;
  gitdev_lane_let_go(&engine->lanes, lane, engine->loop);
}

/* The stage has lasted as long as it may. */
static void on_time(void *payload) {
  gitdev_job *job = payload;
  switch (job->stage) {
  case GITDEV_SENDING: gitdev_attempt_look(job); return;
  case GITDEV_RESTING:
    gitdev_lane_remove(job);
    gitdev_lane_put_first(job);
    gitdev_job_set_timer(job, gitdev_call_deadline(job->call));
    gitdev_lane_run(job->lane);
    return;
  case GITDEV_IN_LINE:
  case GITDEV_ASIDE: break;
  case GITDEV_ENDING:
  case GITDEV_STAGES: return;
  }
  if (job->action.kind == GITDEV_SEND)
    give_up(job, GITDEV_TIMED_OUT, "it was refused until the time was over");
  serve(job);
}

/* Takes a job's hold off the loop and libcurl; it is nowhere then. */
static void stop(gitdev_job *job) {
  if (job->stage == GITDEV_SENDING)
    gitdev_attempt_stop(job);
  else
    gitdev_lane_remove(job);
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
