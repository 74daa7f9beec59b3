/* The program's own allocator: everything is taken from it, and everything comes back. A process has one, so
 * the tests of this program share it, and stand in their order. */
#include "gitdev.h"
#include "net/gzip.h"
#include "origin.h"
#include "wire/memory.h"
#include <curl/curl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What a block of ours begins with: one that was taken elsewhere has another. */
static const uint64_t MARK = 0x6769746465760001;

typedef union head {
  uint64_t mark;
  max_align_t aligned;
} head;

static atomic_long taken, given_back, strange;
static atomic_bool is_out;

static void *take(size_t size) {
  head *made = size == 0 || atomic_load(&is_out) ? NULL : malloc(sizeof(head) + size);
  if (!made)
    return NULL;
  atomic_fetch_add(&taken, 1);
  made->mark = MARK;
  return made + 1;
}

static head *head_of(void *block) {
  head *found = (head *)block - 1;
  if (found->mark != MARK)
    atomic_fetch_add(&strange, 1);
  return found;
}

static void give_back(void *block) {
  head *old = head_of(block);
  old->mark = 0;
  free(old);
  atomic_fetch_add(&given_back, 1);
}

static void *resize(void *block, size_t size) {
  bool none = size == 0 || atomic_load(&is_out);
  head *made = none ? NULL : realloc(head_of(block), sizeof(head) + size);
  return made ? made + 1 : NULL;
}

static const gitdev_allocator own = {take, resize, give_back};

static void test_needs_every_function(void **state) {
  (void)state;
  const gitdev_allocator rows[] = {
      {NULL, resize, give_back}, {take, NULL, give_back}, {take, resize, NULL}};
  assert_int_equal(gitdev_setup(NULL), GITDEV_EINVAL);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(gitdev_setup(&rows[i]), GITDEV_EINVAL);
}

/* Runs it in a child, where nothing of gitdev was used yet; returns what it says, 0 to 99. */
static int in_child(int (*play)(void)) {
  int status = 0;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0)
    _exit(play());
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

/* What was taken before comes from the C library, and goes back to it. */
static int name_it_late(void) {
  gitdev_signer *signer = gitdev_signer_new();
  int rc = gitdev_setup(&own);
  gitdev_signer_free(signer);
  return rc == GITDEV_EINVAL && atomic_load(&taken) == 0 && atomic_load(&strange) == 0 ? 0 : 1;
}

static void test_is_not_named_late(void **state) {
  (void)state;
  assert_int_equal(in_child(name_it_late), 0);
}

enum { THREADS = 4 };

static pthread_barrier_t start;
static atomic_int named;

/* Whoever is too late goes on at once. */
static void *name_it(void *payload) {
  pthread_barrier_wait(&start);
  if (gitdev_setup(&own) == GITDEV_OK)
    atomic_fetch_add(&named, 1);
  gitdev_free(gitdev_strdup("text"));
  return payload;
}

static int name_it_in_threads(void) {
  pthread_t threads[THREADS];
  pthread_barrier_init(&start, NULL, THREADS);
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, name_it, NULL))
      return 2;
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  bool all = atomic_load(&taken) == THREADS && atomic_load(&given_back) == THREADS;
  return atomic_load(&named) == 1 && all && atomic_load(&strange) == 0 ? 0 : 1;
}

static void test_is_named_by_one_thread(void **state) {
  (void)state;
  for (int round = 0; round < 20; round++)
    assert_int_equal(in_child(name_it_in_threads), 0);
}

static void test_is_named_once(void **state) {
  (void)state;
  assert_int_equal(gitdev_setup(&own), GITDEV_OK);
  assert_int_equal(gitdev_setup(&own), GITDEV_EINVAL);
  assert_int_equal(atomic_load(&taken), 0);
}

static void test_blocks(void **state) {
  (void)state;
  char *text = gitdev_strdup("text");
  assert_string_equal(text, "text");
  text = gitdev_realloc(text, 100);
  assert_string_equal(text, "text");
  gitdev_free(text);
  text = gitdev_realloc(NULL, 3);
  assert_non_null(text);
  gitdev_free(text);
  gitdev_free(NULL);
  text = gitdev_strndup("text", 2);
  assert_string_equal(text, "te");
  gitdev_free(text);
  unsigned char *zeros = gitdev_calloc(16, 3);
  for (size_t i = 0; i < 48; i++)
    assert_int_equal(zeros[i], 0);
  gitdev_free(zeros);
  text = gitdev_malloc(0);
  assert_non_null(text); /* libcurl takes NULL for the end of memory */
  text = gitdev_realloc(text, 0);
  assert_non_null(text);
  gitdev_free(text);
  volatile size_t many = SIZE_MAX / 2;
  assert_null(gitdev_calloc(many, 3));
  assert_int_equal(atomic_load(&taken), atomic_load(&given_back));
}

static bool serve(void *payload, gitdev_exchange *exchange, int number) {
  (void)payload;
  if (number % 3 == 0)
    origin_answer(exchange, 503, "Retry-After: 0\r\n", "{}");
  else
    origin_answer(exchange, 200, "", "{\"a\":1}");
  return true;
}

static void make_calls(const origin *server) {
  gitdev_loop *loop;
  gitdev_engine *engine;
  gitdev_client *client = origin_client(server, 2);
  assert_int_equal(gitdev_loop_new(&loop), GITDEV_OK);
  assert_int_equal(gitdev_engine_new(&engine, loop, NULL), GITDEV_OK);
  for (int i = 0; i < 8; i++) {
    gitdev_call *call;
    const gitdev_call_options options = {
        .method = "POST", .path = "/a", .body = "{}", .body_len = 2};
    assert_int_equal(gitdev_call_new(&call, client, &options, gitdev_now(), NULL), GITDEV_OK);
    assert_int_equal(gitdev_perform(engine, call), GITDEV_OK);
    assert_int_equal(gitdev_call_result(call)->status, 200);
    gitdev_call_free(call);
  }
  gitdev_client_free(client);
  gitdev_engine_free(engine);
  gitdev_loop_free(loop);
}

/* Blocks that are there after calls to a server, when both sides have gone. */
static long kept_after_calls(void) {
  origin *server = origin_start(serve, NULL);
  make_calls(server);
  origin_stop(server);
  return atomic_load(&taken) - atomic_load(&given_back);
}

/* libcurl's blocks are among them; some of those it keeps until the process ends. */
static void test_calls(void **state) {
  (void)state;
  long kept = kept_after_calls(), before = atomic_load(&taken);
  assert_int_equal(kept_after_calls(), kept);
  assert_true(atomic_load(&taken) > before + 200);
  assert_int_equal(atomic_load(&strange), 0);
  before = atomic_load(&taken);
  char *escaped = curl_easy_escape(NULL, "a b", 0);
  assert_true(atomic_load(&taken) > before);
  curl_free(escaped);
}

static void test_gzip(void **state) {
  (void)state;
  gitdev_buffer out;
  gitdev_buffer_init(&out, 1 << 16);
  long before = atomic_load(&taken);
  assert_int_equal(gitdev_gzip(&out, "text text text", 14), GITDEV_OK);
  assert_true(atomic_load(&taken) > before + 1);
  gitdev_buffer_free(&out);
}

/* With no memory at all everything that makes something says so. */
static void test_memory_is_out(void **state) {
  (void)state;
  gitdev_loop *loop;
  gitdev_client *client, *made;
  gitdev_call *call;
  gitdev_problem problem;
  const gitdev_client_options options = {.api_key = ORIGIN_KEY};
  const gitdev_call_options what = {.method = "GET", .path = "/a"};
  assert_int_equal(gitdev_client_new(&made, &options, &problem), GITDEV_OK);
  atomic_store(&is_out, true);
  int loop_made = gitdev_loop_new(&loop);
  int client_made = gitdev_client_new(&client, &options, &problem);
  int call_made = gitdev_call_new(&call, made, &what, 0, &problem);
  gitdev_signer *signer = gitdev_signer_new();
  atomic_store(&is_out, false);
  assert_int_equal(loop_made, GITDEV_ENOMEM);
  assert_int_equal(client_made, GITDEV_ENOMEM);
  assert_int_equal(call_made, GITDEV_ENOMEM);
  assert_string_equal(problem.text, "memory is out");
  assert_null(signer);
  gitdev_client_free(made);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_needs_every_function),
      cmocka_unit_test(test_is_not_named_late),
      cmocka_unit_test(test_is_named_by_one_thread),
      cmocka_unit_test(test_is_named_once),
      cmocka_unit_test(test_blocks),
      cmocka_unit_test(test_calls),
      cmocka_unit_test(test_gzip),
      cmocka_unit_test(test_memory_is_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
