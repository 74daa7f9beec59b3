/* Asks who it is, and signs a webhook and verifies it: with nothing but an installed gitdev. */
#include <gitdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int ask(gitdev_engine *engine, gitdev_client *client) {
  const gitdev_call_options options = {.method = "GET", .path = "/organization"};
  gitdev_call *call = NULL;
  int status = 0;
  if (gitdev_call_new(&call, client, &options, gitdev_now(), NULL) == GITDEV_OK &&
      gitdev_perform(engine, call) == GITDEV_OK)
    status = gitdev_call_result(call)->status;
  gitdev_call_free(call);
  return status;
}

static const char *verify(void) {
  static const char body[] = "{\"id\":\"evt_1\"}";
  const gitdev_secret secret = {"whsec_secret", 12};
  gitdev_signer *signer = gitdev_signer_new();
  char header[GITDEV_SIGNATURE_SIZE] = "";
  const gitdev_signable what = {.timestamp = time(NULL), .body = body, .body_len = sizeof body - 1};
  if (!signer)
    return "no signer";
  if (!gitdev_sign(signer, secret, &what, header)) {
    gitdev_signer_free(signer);
    return "unsigned";
  }
  const gitdev_signature_check check = {.body = body,
                                        .body_len = sizeof body - 1,
                                        .headers = {.signature = {header, strlen(header)}},
                                        .secrets = &secret,
                                        .secret_count = 1,
                                        .now = time(NULL),
                                        .tolerance = GITDEV_TOLERANCE};
  gitdev_signature_status status = gitdev_verify(signer, &check);
  gitdev_signer_free(signer);
  return gitdev_signature_reason(status);
}

int main(void) {
  const gitdev_client_options options = {.api_key = getenv("GIT_API_KEY"),
                                         .base_url = getenv("GIT_API_URL"),
                                         .ca_file = getenv("GIT_CA_FILE")};
  gitdev_problem problem = {""};
  gitdev_loop *loop = NULL;
  gitdev_engine *engine = NULL;
  gitdev_client *client = NULL;
  if (gitdev_loop_new(&loop) == GITDEV_OK && gitdev_engine_new(&engine, loop, NULL) == GITDEV_OK &&
      gitdev_client_new(&client, &options, &problem) == GITDEV_OK)
    printf("%s %d %s\n", gitdev_version(), ask(engine, client), verify());
  fputs(problem.text, stderr);
  gitdev_client_free(client);
  gitdev_engine_free(engine);
  gitdev_loop_free(loop);
  return problem.text[0] ? EXIT_FAILURE : EXIT_SUCCESS;
}
