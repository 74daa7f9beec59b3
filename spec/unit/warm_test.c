/* What an engine does before its first connection, and what connections are verified by. */
#include "authority.h"
#include "net/authorities.h"
#include "origin.h"
#include <curl/curl.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What the system trusts is the test's here, while this is set. */
static const char *system_file;

curl_version_info_data *curl_version_info(CURLversion wanted) {
  static curl_version_info_data told;
  curl_version_info_data *(*ask)(CURLversion);
  void *symbol = dlsym(RTLD_NEXT, "curl_version_info");
  memcpy(&ask, &symbol, sizeof ask);
  curl_version_info_data *real = ask(wanted);
  if (!system_file)
    return real;
  told = *real;
  told.cainfo = system_file;
  return &told;
}

static bool answer(void *payload, gitdev_exchange *exchange, int number) {
  (void)payload, (void)number;
  origin_answer(exchange, 200, "", "{}");
  return true;
}

static void engine_is_warm_before_its_first_call(void **state) {
  (void)state;
  gitdev_loop *loop;
  gitdev_engine *engine;
  gitdev_call *call;
  origin *server = origin_start(answer, NULL);
  gitdev_client *client = origin_client(server, GITDEV_NO_RETRIES);
  const gitdev_call_options get = {.method = "GET", .path = "/x"};
  assert_int_equal(gitdev_loop_new(&loop), GITDEV_OK);
  assert_int_equal(gitdev_engine_new(&engine, loop, NULL), GITDEV_OK);
  for (int i = 0; i < 2; i++)
    assert_int_equal(gitdev_warm(engine, origin_ca_file(server), NULL), GITDEV_OK);
  assert_int_equal(origin_requests(server), 0);
  assert_int_equal(gitdev_call_new(&call, client, &get, gitdev_now(), NULL), GITDEV_OK);
  assert_int_equal(gitdev_perform(engine, call), GITDEV_OK);
  assert_int_equal(gitdev_call_result(call)->status, 200);
  gitdev_call_free(call);
  gitdev_client_free(client);
  gitdev_engine_free(engine);
  gitdev_loop_free(loop);
  origin_stop(server);
}

/* A call's status, on a connection of its own; 0: none was made. */
static int status_of(gitdev_engine *engine, const origin *server) {
  const gitdev_client_options options = {
      .api_key = ORIGIN_KEY, .base_url = origin_url(server), .max_retries = GITDEV_NO_RETRIES};
  const gitdev_call_options get = {.method = "GET", .path = "/x"};
  gitdev_client *client;
  gitdev_call *call;
  assert_int_equal(gitdev_client_new(&client, &options, NULL), GITDEV_OK);
  assert_int_equal(gitdev_call_new(&call, client, &get, gitdev_now(), NULL), GITDEV_OK);
  assert_int_equal(gitdev_perform(engine, call), GITDEV_OK);
  int status = gitdev_call_result(call)->status;
  gitdev_call_free(call);
  gitdev_client_free(client);
  return status;
}

static void copy(const char *from, const char *to) {
  char bytes[4096];
  FILE *in = fopen(from, "r"), *out = fopen(to, "w");
  assert_non_null(in);
  assert_non_null(out);
  size_t len = fread(bytes, 1, sizeof bytes, in);
  assert_int_equal(fwrite(bytes, 1, len, out), len);
  fclose(in);
  assert_int_equal(fclose(out), 0);
}

/* libcurl keeps a store of authorities of its own for a day. */
static void system_may_come_to_trust_others(void **state) {
  (void)state;
  char path[] = "/tmp/gitdev-system-XXXXXX";
  gitdev_loop *loop;
  gitdev_engine *engine;
  origin *servers[] = {origin_start(answer, NULL), origin_start(answer, NULL)};
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  system_file = path;
  copy(origin_ca_file(servers[0]), path);
  assert_int_equal(gitdev_loop_new(&loop), GITDEV_OK);
  assert_int_equal(gitdev_engine_new(&engine, loop, NULL), GITDEV_OK);
  assert_int_equal(status_of(engine, servers[0]), 200);
  assert_int_equal(status_of(engine, servers[1]), 0);
  assert_int_equal(unlink(path), 0);
  copy(origin_ca_file(servers[1]), path);
  assert_int_equal(status_of(engine, servers[1]), 200);
  system_file = NULL;
  gitdev_engine_free(engine);
  gitdev_loop_free(loop);
  for (int i = 0; i < 2; i++)
    origin_stop(servers[i]);
  unlink(path);
}

static void warm_says_what_cannot_be_read(void **state) {
  (void)state;
  static const char *const files[] = {"/nowhere/ca.pem", "/dev/null", "/"};
  gitdev_loop *loop;
  gitdev_engine *engine;
  assert_int_equal(gitdev_loop_new(&loop), GITDEV_OK);
  assert_int_equal(gitdev_engine_new(&engine, loop, NULL), GITDEV_OK);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    gitdev_problem problem = {""};
    assert_int_equal(gitdev_warm(engine, files[i], NULL), GITDEV_EINVAL);
    assert_int_equal(gitdev_warm(engine, files[i], &problem), GITDEV_EINVAL);
    assert_non_null(strstr(problem.text, files[i]));
  }
  gitdev_engine_free(engine);
  gitdev_loop_free(loop);
}

static void child_has_nothing_to_warm(void **state) {
  (void)state;
  gitdev_loop *loop;
  gitdev_engine *engine;
  assert_int_equal(gitdev_loop_new(&loop), GITDEV_OK);
  assert_int_equal(gitdev_engine_new(&engine, loop, NULL), GITDEV_OK);
  pid_t child = fork();
  if (child == 0)
    _exit(gitdev_warm(engine, NULL, NULL) == GITDEV_ECLOSED ? 0 : 1);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  gitdev_engine_free(engine);
  gitdev_loop_free(loop);
}

/* ---- the authorities themselves ---- */

enum { MADE = 3 };

typedef struct made {
  gitdev_certificate certificate;
  char path[AUTHORITY_PATH_SIZE];
} made;

static void make(made *one) {
  static const char *const names[] = {"localhost"};
  assert_int_equal(gitdev_certificate_make(&one->certificate, names, 1, 1), GITDEV_OK);
  authority_write(one->path, &one->certificate);
}

static void discard(made *one) {
  gitdev_certificate_free(&one->certificate);
  unlink(one->path);
}

static bool verifies(SSL_CTX *context, const made *one) {
  X509_STORE_CTX *verifying = X509_STORE_CTX_new();
  X509_STORE *store = NULL;
  assert_non_null(verifying);
  assert_int_equal(SSL_CTX_get0_verify_cert_store(context, &store), 1);
  assert_int_equal(X509_STORE_CTX_init(verifying, store, one->certificate.certificate, NULL), 1);
  bool good = X509_verify_cert(verifying) == 1;
  X509_STORE_CTX_free(verifying);
  return good;
}

static void authorities_keep_files_apart(void **state) {
  (void)state;
  made all[MADE];
  gitdev_authorities authorities = {0};
  for (size_t i = 0; i < MADE; i++)
    make(&all[i]);
  for (size_t i = 0; i < MADE * 2; i++) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_non_null(context);
    assert_true(gitdev_authorities_use(&authorities, all[i % MADE].path, context));
    for (size_t j = 0; j < MADE; j++)
      for (int again = 0; again < 2; again++)
        assert_int_equal(verifies(context, &all[j]), j == i % MADE);
    SSL_CTX_free(context);
  }
  gitdev_authorities_free(&authorities);
  for (size_t i = 0; i < MADE; i++)
    discard(&all[i]);
}

/* More files than are kept; and contexts outlive the authorities that they were given. */
static void authorities_forget_the_oldest(void **state) {
  (void)state;
  enum { FILES = GITDEV_AUTHORITIES_MAX + 2 };
  made one;
  char names[FILES][AUTHORITY_PATH_SIZE + 8];
  gitdev_authorities authorities = {0};
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  assert_non_null(context);
  make(&one);
  for (int i = 0; i < FILES; i++) {
    snprintf(names[i], sizeof names[i], "%s-%d", one.path, i);
    assert_int_equal(link(one.path, names[i]), 0);
    assert_true(gitdev_authorities_use(&authorities, names[i], context));
    unlink(names[i]);
  }
  assert_false(gitdev_authorities_read(&authorities, names[0]));
  assert_true(gitdev_authorities_read(&authorities, names[FILES - 1]));
  gitdev_authorities_free(&authorities);
  assert_true(verifies(context, &one));
  SSL_CTX_free(context);
  discard(&one);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(engine_is_warm_before_its_first_call),
      cmocka_unit_test(system_may_come_to_trust_others),
      cmocka_unit_test(warm_says_what_cannot_be_read),
      cmocka_unit_test(child_has_nothing_to_warm),
      cmocka_unit_test(authorities_keep_files_apart),
      cmocka_unit_test(authorities_forget_the_oldest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
