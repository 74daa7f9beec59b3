/* Deploys the branch main of my-app and prints the answer. GIT_API_KEY, GIT_API_URL and GIT_CA_FILE
 * say as whom and where. */
#include <gitdev.h>
#include <stdio.h>
#include <stdlib.h>

static const char BODY[] = "{\"project\":\"my-app\",\"branch\":\"main\"}";

int main(void) {
  const gitdev_client_options options = {.api_key = getenv("GIT_API_KEY"),
                                         .base_url = getenv("GIT_API_URL"),
                                         .ca_file = getenv("GIT_CA_FILE")};
  const gitdev_call_options deploy = {
      .method = "POST", .path = "/deployments", .body = BODY, .body_len = sizeof BODY - 1};
  gitdev_loop *loop = NULL;
  gitdev_engine *engine = NULL;
  gitdev_client *client = NULL;
  gitdev_call *call = NULL;
  gitdev_problem problem = {"the call could not be made"};
  bool fine = gitdev_loop_new(&loop) == GITDEV_OK &&
              gitdev_engine_new(&engine, loop, NULL) == GITDEV_OK &&
              gitdev_client_new(&client, &options, &problem) == GITDEV_OK &&
              gitdev_call_new(&call, client, &deploy, gitdev_now(), &problem) == GITDEV_OK &&
              gitdev_perform(engine, call) == GITDEV_OK;
  if (fine) {
    const gitdev_result *result = gitdev_call_result(call);
    fine = !result->type;
    fprintf(fine ? stdout : stderr, "%d %s\n", result->status,
            fine ? result->body : result->message);
  } else {
    fprintf(stderr, "%s\n", problem.text);
  }
  gitdev_call_free(call);
  gitdev_client_free(client);
  gitdev_engine_free(engine);
  gitdev_loop_free(loop);
  return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
