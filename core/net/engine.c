#include "call/call.h"
#include "net/job.h"
#include <pthread.h>
#include <stdlib.h>

static void initialise_curl(void) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* libcurl's own guard for its one-time initialisation is newer than some builds of it; this one
 * costs nothing. */
static void initialise_curl_once(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, initialise_curl);
}

int gitdev_engine_new(gitdev_engine **out, gitdev_loop *loop,
                      const gitdev_engine_options *options) {
  *out = NULL;
  initialise_curl_once();
  gitdev_engine *engine = calloc(1, sizeof *engine);
  if (!engine)
    return GITDEV_ENOMEM;
  engine->loop = loop;
  engine->watch = (gitdev_link_watch){gitdev_job_on_link, engine};
  int rc = GITDEV_OK;
  if (options && options->connect_to) {
    engine->connect_to = curl_slist_append(NULL, options->connect_to);
    rc = engine->connect_to ? GITDEV_OK : GITDEV_ENOMEM;
  }
  engine->pool_options = (gitdev_pool_options){loop, engine->connect_to, &engine->watch,
                                               gitdev_job_on_finished, engine};
  if (rc == GITDEV_OK)
    rc = gitdev_pool_open(&engine->pools[GITDEV_POOL_ANY], &engine->pool_options);
  if (rc != GITDEV_OK) {
    gitdev_engine_free(engine);
    return rc;
  }
  *out = engine;
  return GITDEV_OK;
}

/* In a fork's child the connections are the parent's: libcurl would end them in its name. What
 * libcurl holds is left to the child's end; only the descriptors are closed, so that the parent's
 * peers see its own closing. */
static void free_in_child(gitdev_engine *engine) {
  gitdev_chore_clear(engine->loop, &engine->burst.chore);
  for (size_t i = 0; i < GITDEV_POOLS; i++)
    gitdev_pool_forsake(&engine->pools[i]);
  while (engine->lanes.first) {
    gitdev_job *job = gitdev_lane_any(engine->lanes.first);
    gitdev_lane_remove(job);
    job->done = NULL;
    gitdev_call_cancel(job->call, gitdev_now());
    gitdev_job_end(job);
  }
  free(engine);
}

void gitdev_engine_free(gitdev_engine *engine) {
  if (!engine)
    return;
  if (gitdev_loop_forked(engine->loop)) {
    free_in_child(engine);
    return;
  }
  while (engine->lanes.first)
    gitdev_job_abandon(gitdev_lane_any(engine->lanes.first));
  gitdev_burst_end(&engine->burst, engine->loop);
  for (size_t i = 0; i < GITDEV_POOLS; i++)
    gitdev_pool_close(&engine->pools[i]);
  curl_slist_free_all(engine->connect_to);
  free(engine);
}

int gitdev_submit(gitdev_engine *engine, gitdev_call *call, gitdev_done_fn done, void *payload) {
  if (gitdev_call_driver(call) || gitdev_call_result(call))
    return GITDEV_EINVAL;
  if (gitdev_loop_forked(engine->loop))
    return GITDEV_ECLOSED;
  gitdev_job *job = malloc(sizeof *job);
  gitdev_lane *lane =
      job ? gitdev_lane_enter(&engine->lanes, gitdev_call_client(call)->pace) : NULL;
  if (!lane) {
    free(job);
    return GITDEV_ENOMEM;
  }
  lane->engine = engine;
  *job =
      (gitdev_job){.engine = engine, .lane = lane, .call = call, .done = done, .payload = payload};
  gitdev_call_retain(call);
  gitdev_call_set_driver(call, job);
  gitdev_lane_append(job, GITDEV_IN_LINE);
  gitdev_job_set_timer(job, gitdev_call_deadline(call));
  gitdev_lane_run(lane);
  return GITDEV_OK;
}

/* What it leaves behind, a place or a share of the limit, is for those in line. */
void gitdev_cancel(gitdev_engine *engine, gitdev_call *call) {
  gitdev_job *job = gitdev_call_driver(call);
  const gitdev_shared_pace *pace = gitdev_call_client(call)->pace;
  if (job && job->engine != engine)
    return; /* another engine's */
  if (job)
    gitdev_job_abandon(job);
  else
    gitdev_call_cancel(call, gitdev_now());
  gitdev_lane *lane = gitdev_lane_find(&engine->lanes, pace);
  if (lane && lane->state != GITDEV_LANE_HELD)
    gitdev_lane_open_soon(lane);
}

void gitdev_cancel_all(gitdev_engine *engine, const gitdev_client *client) {
  gitdev_lane *lane = gitdev_lane_find(&engine->lanes, client->pace);
  if (lane)
    gitdev_lane_disown(lane, client);
}

void gitdev_resume(gitdev_engine *engine, gitdev_call *call) {
  gitdev_job *job = gitdev_call_driver(call);
  if (!job || job->engine != engine || !job->transfer || !gitdev_transfer_paused(job->transfer))
    return;
  gitdev_transfer_resumed(job->transfer, gitdev_now());
  CURLcode code = gitdev_multi_resume(job->pool->multi, gitdev_transfer_easy(job->transfer));
  if (code)
    gitdev_job_conclude(job, code);
}

int gitdev_perform(gitdev_engine *engine, gitdev_call *call) {
  int rc = gitdev_submit(engine, call, NULL, NULL);
  while (rc == GITDEV_OK && !gitdev_call_result(call))
    rc = gitdev_step(engine->loop, -1);
  return rc;
}
