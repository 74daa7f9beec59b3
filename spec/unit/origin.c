#include "origin.h"
#include "authority.h"
#include "net/certificate.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { HELD_MAX = 256 };

struct origin {
  gitdev_loop *loop;
  gitdev_listener *listener;
  origin_fn fn;
  void *payload;
  pthread_t thread;
  atomic_bool stopping;
  atomic_int requests;
  gitdev_exchange *held[HELD_MAX];
  size_t held_count;
  char url[64], ca_file[AUTHORITY_PATH_SIZE];
};

static void serve(origin *self) {
  gitdev_exchange *exchange;
  while ((exchange = gitdev_listener_next(self->listener))) {
    int number = atomic_fetch_add(&self->requests, 1) + 1;
    if (self->fn(self->payload, exchange, number) || self->held_count == HELD_MAX)
      gitdev_exchange_free(exchange);
    else
      self->held[self->held_count++] = exchange;
  }
}

static void *run(void *payload) {
  origin *self = payload;
  while (!atomic_load(&self->stopping)) {
    if (gitdev_step(self->loop, -1) != GITDEV_OK)
      abort(); /* an assertion of cmocka's belongs to its own thread */
    serve(self);
  }
  return NULL;
}

origin *origin_start(origin_fn fn, void *payload) {
  static const char *const names[] = {"127.0.0.1"};
  origin *self = calloc(1, sizeof *self);
  assert_non_null(self);
  self->fn = fn;
  self->payload = payload;
  gitdev_certificate certificate;
  assert_int_equal(gitdev_certificate_make(&certificate, names, 1, 1), GITDEV_OK);
  authority_write(self->ca_file, &certificate);
  assert_int_equal(gitdev_loop_new(&self->loop), GITDEV_OK);
  const gitdev_listener_options options = {.certificate = &certificate};
  assert_int_equal(gitdev_listener_new(&self->listener, self->loop, &options), GITDEV_OK);
  gitdev_certificate_free(&certificate);
  snprintf(self->url, sizeof self->url, "https://127.0.0.1:%d/v2",
           gitdev_listener_port(self->listener));
  assert_int_equal(pthread_create(&self->thread, NULL, run, self), 0);
  return self;
}

void origin_stop(origin *stopped) {
  if (!stopped)
    return;
  atomic_store(&stopped->stopping, true);
  gitdev_wake(stopped->loop);
  pthread_join(stopped->thread, NULL);
  while (stopped->held_count > 0)
    gitdev_exchange_free(stopped->held[--stopped->held_count]);
  gitdev_listener_free(stopped->listener);
  gitdev_loop_free(stopped->loop);
  unlink(stopped->ca_file);
  free(stopped);
}

const char *origin_url(const origin *of) {
  return of->url;
}

const char *origin_ca_file(const origin *of) {
  return of->ca_file;
}

int origin_requests(const origin *of) {
  return atomic_load(&of->requests);
}

gitdev_client *origin_client(const origin *of, int max_retries) {
  gitdev_client *client;
  const gitdev_client_options options = {.api_key = ORIGIN_KEY,
                                         .base_url = of->url,
                                         .ca_file = of->ca_file,
                                         .max_retries = max_retries};
  assert_int_equal(gitdev_client_new(&client, &options, NULL), GITDEV_OK);
  return client;
}

void origin_answer(gitdev_exchange *exchange, int status, const char *lines, const char *body) {
  char fields[512];
  int len = snprintf(fields, sizeof fields,
                     "Content-Type: application/json\r\nX-RateLimit-Remaining: 1000\r\n%s", lines);
  if (len < 0 || (size_t)len >= sizeof fields)
    abort();
  gitdev_exchange_answer(exchange, status, fields, (size_t)len, body, strlen(body));
}

bool origin_is(const gitdev_exchange *exchange, const char *path) {
  const gitdev_message *message = gitdev_exchange_message(exchange);
  size_t len = strlen(path);
  return message->target_len >= len &&
         memcmp(message->target + message->target_len - len, path, len) == 0;
}
