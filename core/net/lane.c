#include "net/lane.h"
#include "wire/memory.h"
#include <search.h>
#include <stdint.h>

/* ---- lanes ---- */

static int compare(const void *a, const void *b) {
  uintptr_t one = (uintptr_t)((const gitdev_lane *)a)->pace;
  uintptr_t other = (uintptr_t)((const gitdev_lane *)b)->pace;
  return (one > other) - (one < other);
}

gitdev_lane *gitdev_lane_find(gitdev_lanes *lanes, const gitdev_shared_pace *pace) {
  const gitdev_lane wanted = {.pace = pace};
  gitdev_lane **found = tfind(&wanted, &lanes->tree, compare);
  return found ? *found : NULL;
}

static gitdev_lane *make(gitdev_lanes *lanes, const gitdev_shared_pace *pace) {
  gitdev_lane *lane = gitdev_calloc(1, sizeof *lane);
  if (!lane)
    return NULL;
  lane->pace = pace;
  lane->width = GITDEV_HTTP2_TRANSFERS_MAX;
  if (!tsearch(lane, &lanes->tree, compare)) {
    gitdev_free(lane);
    return NULL;
  }
  lane->next = lanes->first;
  if (lane->next)
    lane->next->before = lane;
  lanes->first = lane;
  return lane;
}

gitdev_lane *gitdev_lane_enter(gitdev_lanes *lanes, const gitdev_shared_pace *pace) {
  gitdev_lane *lane = gitdev_lane_find(lanes, pace);
  if (!lane)
    lane = make(lanes, pace);
  if (lane)
    lane->holds++;
  return lane;
}

void gitdev_lane_let_go(gitdev_lanes *lanes, gitdev_lane *lane, gitdev_loop *loop) {
  if (--lane->holds > 0)
    return;
  gitdev_timer_clear(loop, &lane->timer);
  tdelete(lane, &lanes->tree, compare);
  if (lane->before)
    lane->before->next = lane->next;
  else
    lanes->first = lane->next;
  if (lane->next)
    lane->next->before = lane->before;
  gitdev_link_release(lane->link);
  gitdev_free(lane);
}

/* ---- lists ---- */

static gitdev_job_list *list_of(const gitdev_job *job) {
  return &job->lane->lists[job->stage];
}

void gitdev_lane_append(gitdev_job *job, gitdev_stage stage) {
  job->stage = stage;
  gitdev_job_list *to = list_of(job);
  job->next = NULL;
  job->before = to->last;
  if (to->last)
    to->last->next = job;
  else
    to->first = job;
  to->last = job;
}

void gitdev_lane_put_first(gitdev_job *job) {
  job->stage = GITDEV_IN_LINE;
  gitdev_job_list *to = list_of(job);
  job->before = NULL;
  job->next = to->first;
  if (to->first)
    to->first->before = job;
  else
    to->last = job;
  to->first = job;
}

void gitdev_lane_remove(gitdev_job *job) {
  gitdev_job_list *from = list_of(job);
  if (job->before)
    job->before->next = job->next;
  else
    from->first = job->next;
  if (job->next)
    job->next->before = job->before;
  else
    from->last = job->before;
}

gitdev_job *gitdev_lane_any(const gitdev_lane *lane) {
  for (size_t i = 0; i < GITDEV_STAGES; i++)
    if (lane->lists[i].first)
      return lane->lists[i].first;
  return NULL;
}

/* ---- how many at once ---- */

static size_t sending_max(const gitdev_lane *lane) {
  bool many = lane->known && lane->http2 && !lane->blind;
  size_t max = many ? GITDEV_HTTP2_TRANSFERS_MAX : GITDEV_HOST_CONNECTIONS_MAX;
  return lane->width < max ? lane->width : max;
}

void gitdev_lane_narrow(gitdev_lane *lane) {
  lane->width = lane->sending > 1 ? lane->sending / 2 : 1;
}

void gitdev_lane_widen(gitdev_lane *lane) {
  if (lane->width < GITDEV_HTTP2_TRANSFERS_MAX)
    lane->width++;
}

bool gitdev_lane_may_stream(const gitdev_lane *lane) {
  return lane->streaming < GITDEV_STREAMS_MAX;
}

gitdev_job *gitdev_lane_next(const gitdev_lane *lane) {
  gitdev_job *first = lane->lists[GITDEV_IN_LINE].first, *aside = lane->lists[GITDEV_ASIDE].first;
  if (lane->state != GITDEV_LANE_OPEN)
    return NULL;
  if (aside && gitdev_lane_may_stream(lane))
    return aside;
  return first && (first->streams || lane->sending < sending_max(lane)) ? first : NULL;
}

static size_t *places_of(const gitdev_job *job) {
  return job->streams ? &job->lane->streaming : &job->lane->sending;
}

void gitdev_lane_enter_sending(gitdev_job *job) {
  gitdev_lane_remove(job);
  gitdev_lane_append(job, GITDEV_SENDING);
  ++*places_of(job);
}

void gitdev_lane_leave_sending(gitdev_job *job) {
  gitdev_lane_remove(job);
  --*places_of(job);
}

bool gitdev_lane_wants_scout(const gitdev_lane *lane) {
  if (lane->blind)
    return false;
  return !lane->known || (lane->http2 && !gitdev_link_usable(lane->link));
}

void gitdev_lane_learn(gitdev_lane *lane, gitdev_link *link) {
  lane->known = true;
  lane->blind = false;
  lane->http2 = link->http2 && !lane->http1;
  if (!link->http2 || lane->link == link || (lane->link && gitdev_link_usable(lane->link)))
    return;
  gitdev_link_release(lane->link);
  lane->link = gitdev_link_retain(link);
}

void gitdev_lane_turn_to_http1(gitdev_lane *lane) {
  lane->http1 = lane->known = true;
  lane->http2 = lane->blind = false;
}
