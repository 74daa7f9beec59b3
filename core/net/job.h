/* A call's way through the engine. It stands in its lane's line; when it is first, the machine is
 * asked. Told to wait for the rate limit, the whole line waits; told to wait for its own time, it
 * rests apart, and then is first again; told to send, it becomes an attempt (attempt.h). */
#ifndef GITDEV_NET_JOB_H
#define GITDEV_NET_JOB_H

#include "net/burst.h"
#include "net/lane.h"

/* libcurl (7.88.1) confuses a connection that was made for HTTP/1.1 with one that speaks HTTP/2 when
 * it keeps both to one host: those who insist on HTTP/1.1 are kept apart. */
enum { GITDEV_POOL_ANY, GITDEV_POOL_HTTP1, GITDEV_POOLS };

struct gitdev_engine {
  gitdev_loop *loop;
  gitdev_handle_options handle_options; /* of all its connections */
  bool rehearsed;                       /* see warm.c */
  gitdev_link_watch watch;
  gitdev_pool_options pool_options;
  gitdev_pool pools[GITDEV_POOLS]; /* the second is opened when it is needed */
  gitdev_channels channels;        /* so are these: of the WebSockets, opening and open */
  gitdev_lanes lanes;
  gitdev_burst burst;
};

/* Serves a lane's line as far as there is room. Jobs, and the lane with them, may be gone then. */
void gitdev_lane_run(gitdev_lane *lane);
/* The same from where it cannot be done at once: within libcurl, or in the middle of another job. */
void gitdev_lane_open_soon(gitdev_lane *lane);
/* Sets when the lane's state ends by itself. False when memory is out. */
bool gitdev_lane_set_timer(gitdev_lane *lane, double at);

/* Ends the calls of a client as disowned, and says so for each. */
void gitdev_lane_disown(gitdev_lane *lane, const gitdev_client *client);

/* Sets until when the present stage may last. False when memory is out. */
bool gitdev_job_set_timer(gitdev_job *job, double at);

/* Frees a job that is in none of its lane's lists, and says that its call is done. */
void gitdev_job_end(gitdev_job *job);
/* Takes it from wherever it is, ends its call as canceled, frees it, and tells nobody. */
void gitdev_job_abandon(gitdev_job *job);

#endif
