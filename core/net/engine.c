#include "call/call.h"
#include "net/multi.h"
#include "net/transfer.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A few transfers at once run faster and smaller than thousands; the rest wait in line without a
 * handle. */
enum { TRANSFERS_MAX = 64, CONNECTIONS_PER_HOST = 16 };

typedef enum stage { IN_LINE, WAITING, SENDING, STAGES } stage;

/* A call under way. It is in exactly one of the engine's lists, by its stage. */
typedef struct job {
  gitdev_engine *engine;
  gitdev_call *call;
  gitdev_done_fn done;
  void *payload;
  stage stage;
  gitdev_timer timer;        /* in every stage: until when it may last */
  gitdev_transfer *transfer; /* while SENDING */
  struct job *next, *before;
} job;

typedef struct list {
  job *first, *last;
} list;

struct gitdev_engine {
  gitdev_loop *loop;
  gitdev_multi *multi;
  struct curl_slist *connect_to;
  list lists[STAGES];
  size_t sending;
  gitdev_transfer *idle[TRANSFERS_MAX];
  size_t idle_count;
  gitdev_timer turn; /* armed when someone in line may move */
};

/* ---- lists ---- */

static void append(job *one, stage where) {
  list *to = &one->engine->lists[where];
  one->stage = where;
  one->next = NULL;
  one->before = to->last;
  if (to->last)
    to->last->next = one;
  else
    to->first = one;
  to->last = one;
}

static void detach(job *one) {
  list *from = &one->engine->lists[one->stage];
  if (one->before)
    one->before->next = one->next;
  else
    from->first = one->next;
  if (one->next)
    one->next->before = one->before;
  else
    from->last = one->before;
}

static void move(job *one, stage where) {
  detach(one);
  append(one, where);
}

/* ---- transfers ---- */

static gitdev_transfer *take_transfer(gitdev_engine *engine) {
  if (engine->idle_count > 0)
    return engine->idle[--engine->idle_count];
  gitdev_transfer *transfer = gitdev_transfer_new(engine->connect_to);
  if (transfer &&
      gitdev_multi_prepare(engine->multi, gitdev_transfer_easy(transfer)) != GITDEV_OK) {
    gitdev_transfer_free(transfer);
    return NULL;
  }
  return transfer;
}

static void give_back(gitdev_engine *engine, gitdev_transfer *transfer) {
  if (gitdev_transfer_worn(transfer))
    gitdev_transfer_free(transfer);
  else
    engine->idle[engine->idle_count++] = transfer;
}

static void end_transfer(job *one) {
  give_back(one->engine, one->transfer);
  one->transfer = NULL;
  one->engine->sending--;
}

/* ---- the machine's wishes ---- */

static void take_turns(void *payload);

static void wake_line(gitdev_engine *engine) {
  gitdev_timer_set(engine->loop, &engine->turn, gitdev_now(), take_turns, engine);
}

static void advance(job *one);
static void on_time(void *payload);

static bool set_timer(job *one, double at) {
  return gitdev_timer_set(one->engine->loop, &one->timer, at, on_time, one) == GITDEV_OK;
}

/* Back to the line, where the call's own deadline is what ends it. */
static void line_up(job *one) {
  move(one, IN_LINE);
  set_timer(one, gitdev_call_deadline(one->call));
}

/* libcurl does not look at the clock of a transfer that waits for a connection: the try is ended
 * here. */
static void end_late_try(job *one) {
  gitdev_outcome outcome = gitdev_transfer_outcome(one->transfer, CURLE_OPERATION_TIMEDOUT);
  gitdev_multi_remove(one->engine->multi, gitdev_transfer_easy(one->transfer));
  gitdev_call_outcome(one->call, &outcome, gitdev_now());
  end_transfer(one);
}

/* The stage has lasted as long as it may. */
static void on_time(void *payload) {
  job *one = payload;
  if (one->stage == WAITING) {
    line_up(one);
    take_turns(one->engine);
    return;
  }
  if (one->stage == SENDING)
    end_late_try(one);
  advance(one);
}

static void end_job(job *one) {
  gitdev_done_fn done = one->done;
  gitdev_call *call = one->call;
  void *payload = one->payload;
  gitdev_timer_clear(one->engine->loop, &one->timer);
  detach(one);
  gitdev_call_set_driver(call, NULL);
  free(one);
  if (done)
    done(call, payload);
  gitdev_call_free(call);
}

static void fail_locally(job *one, const char *problem) {
  const gitdev_outcome outcome = {.kind = GITDEV_FAILED_LOCAL, .unsent = true, .message = problem, .dns = -1, .connect = -1, .tls = -1, .first_byte = -1, .total = -1};
  gitdev_call_outcome(one->call, &outcome, gitdev_now());
}

/* False when the try failed before it began; the machine has been told. On true the job may be
 * over, and gone. */
static bool start_transfer(job *one, const gitdev_action *action, double now) {
  static const double LEEWAY = 0.02; /* libcurl's own clock is to be first, its words say more */
  gitdev_engine *engine = one->engine;
  gitdev_transfer *transfer = take_transfer(engine);
  if (!transfer) {
    fail_locally(one, "libcurl could not make a handle");
    return false;
  }
  CURL *easy = gitdev_transfer_easy(transfer);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, one);
  one->transfer = transfer;
  engine->sending++;
  move(one, SENDING);
  if (set_timer(one, action->until + LEEWAY) &&
      gitdev_transfer_begin(transfer, one->call, action->request, action->until - now) ==
          GITDEV_OK &&
      gitdev_multi_add(engine->multi, easy) == GITDEV_OK)
    return true;
  end_transfer(one);
  line_up(one);
  fail_locally(one, "libcurl refused the request");
  return false;
}

static void wait_for(job *one, double until) {
  if (one->stage != WAITING)
    move(one, WAITING);
  if (!set_timer(one, until))
    gitdev_call_cancel(one->call, gitdev_now());
}

/* Does what the machine says until there is something to wait for, or the call is over. */
static void advance(job *one) {
  for (;;) {
    double now = gitdev_now();
    gitdev_action action = gitdev_call_next(one->call, now);
    switch (action.kind) {
    case GITDEV_SEND:
      if (start_transfer(one, &action, now))
        return;
      break;
    case GITDEV_WAIT:
      wait_for(one, action.until);
      if (!gitdev_call_result(one->call))
        return;
      break;
    case GITDEV_DONE: end_job(one); return;
    }
  }
}

/* Lets those in line go on, in order, as far as there is room. */
static void take_turns(void *payload) {
  gitdev_engine *engine = payload;
  gitdev_timer_clear(engine->loop, &engine->turn);
  while (engine->lists[IN_LINE].first && engine->sending < TRANSFERS_MAX)
    advance(engine->lists[IN_LINE].first);
}

/* An answer may have changed the pace that the others of its client wait for. */
static void ask_again(gitdev_engine *engine, const gitdev_client *client) {
  bool any = false;
  for (job *one = engine->lists[WAITING].first, *next; one; one = next) {
    next = one->next;
    if (gitdev_call_client(one->call)->pace != client->pace)
      continue;
    line_up(one);
    any = true;
  }
  if (any || engine->lists[IN_LINE].first)
    wake_line(engine);
}

static void on_finished(void *payload, CURL *easy, CURLcode code) {
  gitdev_engine *engine = payload;
  char *private = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
  job *one = (job *)(void *)private;
  gitdev_outcome outcome = gitdev_transfer_outcome(one->transfer, code);
  gitdev_multi_remove(engine->multi, easy);
  gitdev_call_outcome(one->call, &outcome, gitdev_now());
  end_transfer(one);
  ask_again(engine, gitdev_call_client(one->call));
  advance(one);
}

/* ---- the public face ---- */

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
  int rc = gitdev_multi_new(&engine->multi, loop, on_finished, engine);
  if (rc == GITDEV_OK && options && options->connect_to) {
    engine->connect_to = curl_slist_append(NULL, options->connect_to);
    rc = engine->connect_to ? GITDEV_OK : GITDEV_ENOMEM;
  }
  if (rc == GITDEV_OK &&
      curl_multi_setopt(gitdev_multi_handle(engine->multi), CURLMOPT_MAX_HOST_CONNECTIONS,
                        (long)CONNECTIONS_PER_HOST))
    rc = GITDEV_ECURL;
  if (rc != GITDEV_OK) {
    gitdev_engine_free(engine);
    return rc;
  }
  *out = engine;
  return GITDEV_OK;
}

/* Takes a job's hold off the loop and libcurl. */
static void stop(job *one) {
  gitdev_engine *engine = one->engine;
  gitdev_timer_clear(engine->loop, &one->timer);
  if (!one->transfer)
    return;
  gitdev_multi_remove(engine->multi, gitdev_transfer_easy(one->transfer));
  end_transfer(one);
}

static void abandon(job *one) {
  stop(one);
  gitdev_call_cancel(one->call, gitdev_now());
  one->done = NULL;
  end_job(one);
}

/* In a fork's child the connections are the parent's: libcurl would end them in its name. What
 * libcurl holds is left to the child's end; only the descriptors are closed, so that the parent's
 * peers see its own closing. */
static void free_in_child(gitdev_engine *engine) {
  gitdev_multi_forsake(engine->multi);
  for (size_t i = 0; i < STAGES; i++)
    while (engine->lists[i].first) {
      job *one = engine->lists[i].first;
      gitdev_timer_clear(engine->loop, &one->timer);
      one->done = NULL;
      gitdev_call_cancel(one->call, gitdev_now());
      end_job(one);
    }
  gitdev_timer_clear(engine->loop, &engine->turn);
  free(engine);
}

void gitdev_engine_free(gitdev_engine *engine) {
  if (!engine)
    return;
  if (gitdev_loop_forked(engine->loop)) {
    free_in_child(engine);
    return;
  }
  for (size_t i = 0; i < STAGES; i++)
    while (engine->lists[i].first)
      abandon(engine->lists[i].first);
  gitdev_timer_clear(engine->loop, &engine->turn);
  while (engine->idle_count > 0)
    gitdev_transfer_free(engine->idle[--engine->idle_count]);
  gitdev_multi_free(engine->multi);
  curl_slist_free_all(engine->connect_to);
  free(engine);
}

int gitdev_submit(gitdev_engine *engine, gitdev_call *call, gitdev_done_fn done, void *payload) {
  if (gitdev_call_driver(call) || gitdev_call_result(call))
    return GITDEV_EINVAL;
  job *one = calloc(1, sizeof *one);
  if (!one)
    return GITDEV_ENOMEM;
  *one = (job){.engine = engine, .call = call, .done = done, .payload = payload};
  gitdev_call_retain(call);
  gitdev_call_set_driver(call, one);
  append(one, IN_LINE);
  set_timer(one, gitdev_call_deadline(call));
  take_turns(engine);
  return GITDEV_OK;
}

void gitdev_cancel(gitdev_engine *engine, gitdev_call *call) {
  job *one = gitdev_call_driver(call);
  if (one && one->engine == engine)
    abandon(one);
  else
    gitdev_call_cancel(call, gitdev_now());
  wake_line(engine);
}

int gitdev_perform(gitdev_engine *engine, gitdev_call *call) {
  int rc = gitdev_submit(engine, call, NULL, NULL);
  while (rc == GITDEV_OK && !gitdev_call_result(call))
    rc = gitdev_step(engine->loop, -1);
  return rc;
}

void gitdev_resume(gitdev_engine *engine, gitdev_call *call) {
  (void)engine, (void)call;
}
