/* Loads the library that it is given, makes a call, and lets it go: several times over, as a program with plug-ins
 * does. The host's name cannot be resolved in the second call, whose deadline ends while libcurl's own thread may
 * still be at it: that thread must find its code when the library is closed. */
#include <dlfcn.h>
#include <gitdev.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMES = 3 };

/* ISO C has no conversion from the pointers that dlsym() returns to functions, POSIX has this one. */
static void find(void *library, const char *name, void *function) {
  *(void **)function = dlsym(library, name);
  if (!*(void **)function) {
    fprintf(stderr, "%s\n", dlerror());
    exit(EXIT_FAILURE);
  }
}

#define FIND(name)                                                                                 \
  __typeof__(&gitdev_##name) name;                                                                 \
  find(library, "gitdev_" #name, &name)

static int call(void *library, const char *base_url, const char *ca_file, double timeout) {
  FIND(loop_new);
  FIND(loop_free);
  FIND(engine_new);
  FIND(engine_free);
  FIND(client_new);
  FIND(client_free);
  FIND(call_new);
  FIND(call_free);
  FIND(call_result);
  FIND(perform);
  FIND(now);
  const gitdev_client_options options = {.api_key = getenv("GIT_API_KEY"),
                                         .base_url = base_url,
                                         .ca_file = ca_file,
                                         .timeout = timeout,
                                         .max_retries = GITDEV_NO_RETRIES};
  const gitdev_call_options what = {.method = "GET", .path = "/organization"};
  gitdev_loop *loop = NULL;
  gitdev_engine *engine = NULL;
  gitdev_client *client = NULL;
  gitdev_call *made = NULL;
  int status = -1;
  if (loop_new(&loop) == GITDEV_OK && engine_new(&engine, loop, NULL) == GITDEV_OK &&
      client_new(&client, &options, NULL) == GITDEV_OK &&
      call_new(&made, client, &what, now(), NULL) == GITDEV_OK &&
      perform(engine, made) == GITDEV_OK)
    status = call_result(made)->status;
  call_free(made);
  client_free(client);
  engine_free(engine);
  loop_free(loop);
  return status;
}

int main(int argc, char **argv) {
  (void)argc;
  for (int i = 0; i < TIMES; i++) {
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      fprintf(stderr, "%s\n", dlerror());
      return EXIT_FAILURE;
    }
    int good = call(library, getenv("GIT_API_URL"), getenv("GIT_CA_FILE"), 0);
    int bad = call(library, "https://nobody.invalid/v2", NULL, 0.01);
    printf("%d %d %d\n", good, bad, dlclose(library));
  }
  return EXIT_SUCCESS;
}
