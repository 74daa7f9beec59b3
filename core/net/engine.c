#include "net/engine.h"
#include "call/call.h"
#include "net/attempt.h"
#include "wire/memory.h"

int gitdev_engine_new(gitdev_engine **out, gitdev_loop *loop,
                      const gitdev_engine_options *options) {
  *out = NULL;
  gitdev_engine *engine = gitdev_calloc(1, sizeof *engine);
  if (!engine)
    return GITDEV_ENOMEM;
  engine->loop = loop;
  gitdev_loop_retain(loop);
  engine->watch = (gitdev_link_watch){gitdev_attempt_on_link, engine};
  engine->handle_options.loop = loop;
  int rc = GITDEV_OK;
  if (options && options->connect_to) {
    engine->handle_options.connect_to = curl_slist_append(NULL, options->connect_to);
    rc = engine->handle_options.connect_to ? GITDEV_OK : GITDEV_ENOMEM;
  }
  engine->pool_options = (gitdev_pool_options){loop, &engine->handle_options, &engine->watch,
                                               gitdev_attempt_on_finished, engine};
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
 * peers see its own closing. The calls are the parent's too: nothing is told of them here. */
static void free_in_child(gitdev_engine *engine) {
  gitdev_chore_clear(engine->loop, &engine->burst.chore);
  gitdev_chore_clear(engine->loop, &engine->handle_options.while_greeting);
  for (size_t i = 0; i < GITDEV_POOLS; i++)
    gitdev_pool_forsake(&engine->pools[i]);
  gitdev_opening_drop_all(&engine->channels);
  gitdev_channels_forsake(&engine->channels);
  while (engine->lanes.first) {
    gitdev_job *job = gitdev_lane_any(engine->lanes.first);
    gitdev_lane_remove(job);
    gitdev_opening_free(job->opening);
    job->done = NULL;
    gitdev_call_mute(job->call);
    gitdev_call_cancel(job->call, gitdev_now());
    gitdev_job_end(job);
  }
  gitdev_loop_free(engine->loop);
  gitdev_free(engine);
}

static gitdev_socket *first_socket(const gitdev_engine *engine, const gitdev_client *client) {
  for (gitdev_channel *channel = engine->channels.first; channel; channel = channel->next)
    if (channel->socket && (!client || channel->client == client))
      return channel->socket;
  return NULL;
}

/* Ends the sockets of a client, or of all of them; who owns them is told in the loop's next turn. */
static void leave_sockets(gitdev_engine *engine, const gitdev_client *client) {
  gitdev_socket *socket;
  while ((socket = first_socket(engine, client)))
    gitdev_socket_leave(socket, client ? "the client was closed" : "the engine was closed");
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
  gitdev_opening_drop_all(&engine->channels);
  leave_sockets(engine, NULL);
  gitdev_channels_close(&engine->channels);
  gitdev_burst_end(&engine->burst, engine->loop);
  for (size_t i = 0; i < GITDEV_POOLS; i++)
    gitdev_pool_close(&engine->pools[i]);
  curl_slist_free_all(engine->handle_options.connect_to);
  gitdev_chore_clear(engine->loop, &engine->handle_options.while_greeting);
  gitdev_authorities_free(&engine->handle_options.authorities);
  gitdev_loop_free(engine->loop);
  gitdev_free(engine);
}

int gitdev_submit(gitdev_engine *engine, gitdev_call *call, gitdev_done_fn done, void *payload) {
  if (gitdev_call_driver(call) || gitdev_call_result(call))
    return GITDEV_EINVAL;
  if (gitdev_loop_forked(engine->loop))
    return GITDEV_ECLOSED;
  gitdev_job *job = gitdev_malloc(sizeof *job);
  gitdev_lane *lane =
      job ? gitdev_lane_enter(&engine->lanes, gitdev_call_client(call)->pace) : NULL;
  if (!lane) {
    gitdev_free(job);
    return GITDEV_ENOMEM;
  }
  lane->engine = engine;
  *job = (gitdev_job){.engine = engine,
                      .lane = lane,
                      .call = call,
                      .done = done,
                      .payload = payload,
                      .streams = gitdev_call_streams(call)};
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
  if (job) {
    gitdev_job_abandon(job);
  } else {
    gitdev_call_cancel(call, gitdev_now());
    gitdev_opening_drop(call);
  }
  gitdev_lane *lane = gitdev_lane_find(&engine->lanes, pace);
  if (lane && lane->state != GITDEV_LANE_HELD)
    gitdev_lane_open_soon(lane);
}

void gitdev_cancel_all(gitdev_engine *engine, const gitdev_client *client) {
  gitdev_lane *lane = gitdev_lane_find(&engine->lanes, client->pace);
  if (lane)
    gitdev_lane_disown(lane, client);
  leave_sockets(engine, client);
}

void gitdev_engine_poke(gitdev_engine *engine, const gitdev_shared_pace *pace) {
  gitdev_lane *lane = gitdev_lane_find(&engine->lanes, pace);
  if (lane && lane->state == GITDEV_LANE_PACED && !gitdev_loop_forked(engine->loop))
    gitdev_lane_open_soon(lane);
}

void gitdev_poke(gitdev_engine *engine, const gitdev_client *client) {
  gitdev_engine_poke(engine, client->pace);
}

void gitdev_resume(gitdev_engine *engine, gitdev_call *call) {
  gitdev_job *job = gitdev_call_driver(call);
  if (!job || job->engine != engine || !job->transfer || !gitdev_transfer_paused(job->transfer))
    return;
  gitdev_transfer_resumed(job->transfer, gitdev_now());
  CURLcode code = gitdev_multi_resume(job->pool->multi, gitdev_transfer_easy(job->transfer));
  if (code)
    gitdev_attempt_conclude(job, code);
}

int gitdev_perform(gitdev_engine *engine, gitdev_call *call) {
  if (gitdev_call_refuse_unvisited(call, gitdev_now()))
    return GITDEV_OK;
  int rc = gitdev_submit(engine, call, NULL, NULL);
  while (rc == GITDEV_OK && !gitdev_call_result(call))
    rc = gitdev_step(engine->loop, -1);
  return rc;
}
