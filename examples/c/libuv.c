/* Three calls at once in a program whose loop is libuv's, while a timer of the program's own goes
 * on ticking. GIT_API_KEY, GIT_API_URL and GIT_CA_FILE say as whom and where. */
#include "uv_driver.h"
#include <stdio.h>
#include <stdlib.h>

static const char BODY[] = "{\"project\":\"my-app\",\"branch\":\"main\"}";

static const gitdev_call_options CALLS[] = {
    {.method = "POST", .path = "/deployments", .body = BODY, .body_len = sizeof BODY - 1},
    {.method = "GET", .path = "/projects/my-app"},
    {.method = "GET", .path = "/organization"},
};

enum { CALL_COUNT = sizeof CALLS / sizeof *CALLS, TICK_MS = 1 };

typedef struct program {
  uv_loop_t uv;
  uv_timer_t ticker;
  uv_driver driver;
  gitdev_loop *loop;
  gitdev_engine *engine;
  gitdev_client *client;
  int left, failed;
  unsigned ticks;
} program;

static void on_tick(uv_timer_t *ticker) {
  program *self = ticker->data;
  self->ticks++;
}

static void on_done(gitdev_call *call, void *payload) {
  program *self = payload;
  const gitdev_result *result = gitdev_call_result(call);
  if (result->type) {
    fprintf(stderr, "%s: %s\n", result->type, result->message);
    self->failed++;
  } else {
    printf("%d %.40s...\n", result->status, result->body);
  }
  uv_driver_release(&self->driver);
  if (--self->left == 0)
    uv_timer_stop(&self->ticker); /* nothing is left to do: uv_run() returns */
}

static int start(program *self, const gitdev_call_options *options, gitdev_problem *problem) {
  gitdev_call *call;
  int error = gitdev_call_new(&call, self->client, options, gitdev_now(), problem);
  if (error)
    return error;
  self->left++;
  uv_driver_hold(&self->driver);
  error = gitdev_submit(self->engine, call, on_done, self);
  gitdev_call_free(call); /* the engine keeps it until it is done */
  return error;
}

/* Until nothing is left to do. */
static int run(program *self, gitdev_problem *problem) {
  int error = 0;
  for (size_t i = 0; i < CALL_COUNT && !error; i++)
    error = start(self, &CALLS[i], problem);
  if (!error)
    uv_run(&self->uv, UV_RUN_DEFAULT);
  printf("%u ticks meanwhile\n", self->ticks);
  return error ? error : self->driver.error;
}

/* The libuv side of the program: what is opened here is closed here. */
static int run_on_uv(program *self, gitdev_problem *problem) {
  int error = uv_loop_init(&self->uv);
  if (error)
    return error;
  uv_timer_init(&self->uv, &self->ticker);
  self->ticker.data = self;
  uv_timer_start(&self->ticker, on_tick, TICK_MS, TICK_MS);
  error = uv_driver_open(&self->driver, &self->uv, self->loop);
  if (!error) {
    error = run(self, problem);
    uv_driver_close(&self->driver);
  }
  uv_close((uv_handle_t *)&self->ticker, NULL);
  uv_run(&self->uv, UV_RUN_DEFAULT); /* closing takes a last turn */
  uv_loop_close(&self->uv);
  return error;
}

static int open_all(program *self, gitdev_problem *problem) {
  const gitdev_client_options options = {.api_key = getenv("GIT_API_KEY"),
                                         .base_url = getenv("GIT_API_URL"),
                                         .ca_file = getenv("GIT_CA_FILE")};
  int error = gitdev_client_new(&self->client, &options, problem);
  if (!error)
    error = gitdev_loop_new(&self->loop);
  if (!error)
    error = gitdev_engine_new(&self->engine, self->loop, NULL);
  return error;
}

int main(void) {
  program self = {0};
  gitdev_problem problem = {"the program could not be set up"};
  int error = open_all(&self, &problem);
  if (!error)
    error = run_on_uv(&self, &problem);
  if (error)
    fprintf(stderr, "%s\n", problem.text);
  gitdev_engine_free(self.engine);
  gitdev_client_free(self.client);
  gitdev_loop_free(self.loop);
  return error || self.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
