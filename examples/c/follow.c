/* Follows the log of a deployment: prints each message of the stream, a JSON object, on a line of
 * its own until the log ends. GIT_API_KEY, GIT_API_URL and GIT_CA_FILE say as whom and where. */
#include <gitdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SILENCE_MAX = 38 /* seconds: two and a half heartbeats */, DONE = 1000 /* a close code */ };

/* A stream that is silent asks whether anybody is there: {"type":"ping","id":"7",…}. (Within a string
 * of JSON the quotes would be escaped, so a log line is never taken for one. Who has a JSON reader uses
 * that.) */
static int answer_ping(gitdev_socket *socket, const char *message) {
  char pong[128];
  const char *id = strstr(message, "\"id\":\"");
  if (!strstr(message, "\"type\":\"ping\"") || !id)
    return GITDEV_OK;
  id += strlen("\"id\":\"");
  int len = snprintf(pong, sizeof pong, "{\"type\":\"pong\",\"id\":\"%.*s\"}",
                     (int)strcspn(id, "\""), id);
  return len < (int)sizeof pong ? gitdev_socket_send(socket, pong, (size_t)len) : GITDEV_OK;
}

/* Waits for the next message. GITDEV_ECLOSED when none will come, or none has come for too long. */
static int wait_for_message(gitdev_loop *loop, gitdev_socket *socket, const char **message) {
  size_t len;
  double patience = gitdev_now() + SILENCE_MAX;
  int rc = gitdev_socket_read(socket, message, &len, NULL);
  while (rc == GITDEV_AGAIN && gitdev_now() < patience) {
    rc = gitdev_step(loop, patience - gitdev_now());
    if (rc == GITDEV_OK)
      rc = gitdev_socket_read(socket, message, &len, NULL);
  }
  return rc == GITDEV_AGAIN ? GITDEV_ECLOSED : rc;
}

/* Whether the log came to its end. */
static bool follow(gitdev_loop *loop, gitdev_socket *socket) {
  const char *message;
  int rc;
  while ((rc = wait_for_message(loop, socket, &message)) == GITDEV_OK) {
    puts(message);
    fflush(stdout);
    rc = answer_ping(socket, message);
    if (rc == GITDEV_ENOMEM)
      break;
  }
  int code = gitdev_socket_close_code(socket);
  if (code != DONE)
    fprintf(stderr, "%s (%d) %s\n", gitdev_strerror(rc), code, gitdev_socket_close_reason(socket));
  return code == DONE;
}

/* Opens the stream and follows it. */
static bool open_and_follow(gitdev_loop *loop, gitdev_engine *engine, gitdev_call *call) {
  if (gitdev_perform(engine, call) != GITDEV_OK)
    return false;
  gitdev_socket *socket = gitdev_call_socket(call);
  if (!socket)
    fprintf(stderr, "%s\n", gitdev_call_result(call)->message);
  bool fine = socket && follow(loop, socket);
  gitdev_socket_free(socket);
  return fine;
}

static int run(const gitdev_call_options *stream) {
  const gitdev_client_options options = {.api_key = getenv("GIT_API_KEY"),
                                         .base_url = getenv("GIT_API_URL"),
                                         .ca_file = getenv("GIT_CA_FILE")};
  gitdev_loop *loop = NULL;
  gitdev_engine *engine = NULL;
  gitdev_client *client = NULL;
  gitdev_call *call = NULL;
  gitdev_problem problem = {"the call could not be made"};
  bool made = gitdev_loop_new(&loop) == GITDEV_OK &&
              gitdev_engine_new(&engine, loop, NULL) == GITDEV_OK &&
              gitdev_client_new(&client, &options, &problem) == GITDEV_OK &&
              gitdev_call_new(&call, client, stream, gitdev_now(), &problem) == GITDEV_OK;
  if (!made)
    fprintf(stderr, "%s\n", problem.text);
  bool fine = made && open_and_follow(loop, engine, call);
  gitdev_call_free(call);
  gitdev_client_free(client);
  gitdev_engine_free(engine);
  gitdev_loop_free(loop);
  return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
  char path[256];
  const gitdev_call_options stream = {.method = "GET", .path = path, .upgrade = "git.logs.v1"};
  int len = argc == 2 ? snprintf(path, sizeof path, "/deployments/%s/logs/stream", argv[1]) : -1;
  if (len < 0 || len >= (int)sizeof path) {
    fprintf(stderr, "usage: %s DEPLOYMENT\n", argv[0]);
    return EXIT_FAILURE;
  }
  return run(&stream);
}
