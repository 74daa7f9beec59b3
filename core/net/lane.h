/* The calls of one rate limit, which is to say of one origin and key: those that wait for their turn
 * stand in line, first come, first served, and so many are under way as the origin's protocol
 * carries well. */
#ifndef GITDEV_NET_LANE_H
#define GITDEV_NET_LANE_H

#include "call/client.h"
#include "net/link.h"
#include "net/loop.h"
#include "net/opening.h"
#include "net/pool.h"

/* A few transfers at once run faster and smaller than thousands. HTTP/1.1 takes as many as there are
 * connections to a host; HTTP/2 servers take a hundred streams and more on one. */
enum { GITDEV_HTTP2_TRANSFERS_MAX = 64 };

/* What is streamed lasts, and has connections of its own: so it has places of its own, in nobody's way.
 * They leave some of a host's connections to large bodies, which use the same ones. */
enum { GITDEV_STREAMS_MAX = 12 };

typedef enum gitdev_stage {
  GITDEV_IN_LINE,
  GITDEV_ASIDE,   /* it streams, and all places for that are taken */
  GITDEV_RESTING, /* it waits for its own time to come, in nobody's way */
  GITDEV_SENDING,
  GITDEV_ENDING, /* its call is over, and that is about to be said */
  GITDEV_STAGES
} gitdev_stage;

/* A call under way. */
typedef struct gitdev_job {
  gitdev_engine *engine;
  struct gitdev_lane *lane;
  gitdev_call *call;
  gitdev_done_fn done;
  void *payload;
  gitdev_stage stage;
  gitdev_timer timer;        /* in every stage: until when it may last */
  gitdev_pool *pool;         /* while SENDING */
  gitdev_transfer *transfer; /* from it */
  gitdev_opening *opening;   /* while SENDING, instead, for a try that opens a WebSocket */
  gitdev_action action;      /* the try to be sent or under way; kind is WAIT when there is none */
  int refusals;              /* how often the server has provably not looked at it */
  bool streams;              /* its body, or the answer's */
  bool stale;                /* its last try met a connection that had been closed */
  struct gitdev_job *next, *before;
} gitdev_job;

typedef enum gitdev_lane_state {
  GITDEV_LANE_OPEN,
  GITDEV_LANE_PACED, /* the first in line has been told to wait for the rate limit */
  GITDEV_LANE_HELD   /* a scout is out, to find out what the origin speaks */
} gitdev_lane_state;

typedef struct gitdev_job_list {
  gitdev_job *first, *last;
} gitdev_job_list;

typedef struct gitdev_lane {
  const gitdev_shared_pace *pace;
  gitdev_engine *engine;
  gitdev_lane_state state;
  gitdev_timer timer; /* when the state ends by itself */
  gitdev_job_list lists[GITDEV_STAGES];
  size_t sending, streaming; /* those under way that do not stream, and that do */
  size_t width;              /* transfers at once that the origin is thought to take */
  int holds;                 /* whoever still needs it, jobs or not */
  bool running;              /* its line is being served */
  bool known, http2;         /* what the origin speaks, as far as connections have shown */
  bool http1;                /* and what it wants, though it speaks HTTP/2 */
  bool blind;                /* it is not to be found out at present: go on as for HTTP/1.1 */
  const gitdev_job *scout;   /* while HELD; NULL when it waits for a greeting alone */
  gitdev_link *link;         /* the HTTP/2 connection that was used last */
  struct gitdev_lane *next, *before;
} gitdev_lane;

/* The lanes of an engine; a zeroed one is empty. */
typedef struct gitdev_lanes {
  void *tree; /* of tsearch(3), by pace */
  gitdev_lane *first;
} gitdev_lanes;

/* The lane of a pace. NULL when there is none. */
gitdev_lane *gitdev_lane_find(gitdev_lanes *lanes, const gitdev_shared_pace *pace);
/* The same, made when there is none. NULL when memory is out. It lives as long as it has jobs or is
 * held: see gitdev_lane_let_go(). */
gitdev_lane *gitdev_lane_enter(gitdev_lanes *lanes, const gitdev_shared_pace *pace);
/* Ends a hold, or what gitdev_lane_enter() began; frees the lane with the last one. Its timer must
 * have been cleared by then if it has no jobs. */
void gitdev_lane_let_go(gitdev_lanes *lanes, gitdev_lane *lane, gitdev_loop *loop);

/* A job is in one of its lane's lists, by its stage, or in none. It enters by the back, the line also
 * before all others. */
void gitdev_lane_append(gitdev_job *job, gitdev_stage stage);
void gitdev_lane_put_first(gitdev_job *job);
void gitdev_lane_remove(gitdev_job *job);
/* Any job of the lane: it has one, unless it is about to be let go. */
gitdev_job *gitdev_lane_any(const gitdev_lane *lane);

/* Whoever is to be served next, or set aside; NULL when there is nobody, or no place. */
gitdev_job *gitdev_lane_next(const gitdev_lane *lane);
/* Whether there is a place for what streams. */
bool gitdev_lane_may_stream(const gitdev_lane *lane);
/* Takes a place, and a list, for a job that is about to be sent; or gives both up. */
void gitdev_lane_enter_sending(gitdev_job *job);
void gitdev_lane_leave_sending(gitdev_job *job);
/* Whether what is sent next should go alone, to find out what the origin speaks, or how much of it
 * a new connection takes. */
bool gitdev_lane_wants_scout(const gitdev_lane *lane);
/* A request goes out on `link`: the lane learns from it. */
void gitdev_lane_learn(gitdev_lane *lane, gitdev_link *link);
/* The origin wants no more requests in HTTP/2 (RFC 9113 7, HTTP_1_1_REQUIRED). */
void gitdev_lane_turn_to_http1(gitdev_lane *lane);
/* A request was refused, so fewer go out at once; one was answered, so one more may. */
void gitdev_lane_narrow(gitdev_lane *lane);
void gitdev_lane_widen(gitdev_lane *lane);

#endif
