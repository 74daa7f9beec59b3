/* Calls whose bodies are streamed, and what a call tells of itself: the machine driven by hand. */
#include "call/call.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char KEY[] = "gsk_test_0123456789abcdefghijklmnopqrstuv";

static gitdev_client *new_client(unsigned long long seed) {
  gitdev_client *client;
  const gitdev_client_options options = {
      .api_key = KEY, .base_url = "https://api.test/v2", .max_retries = 2, .seed = seed};
  assert_int_equal(gitdev_client_new(&client, &options, NULL), GITDEV_OK);
  return client;
}

static const char *header_of(const gitdev_request *request, const char *name) {
  for (size_t i = 0; i < request->header_count; i++)
    if (strcmp(request->headers[i].name, name) == 0)
      return request->headers[i].value;
  return NULL;
}

/* ---- a place that bodies go to ---- */

typedef struct place {
  char bytes[64];
  size_t len, room; /* room: how much it takes before it says "not now" */
  int rewound;
  bool broken, one_way;
} place;

static int place_write(void *payload, const char *bytes, size_t len) {
  place *self = payload;
  if (self->broken)
    return GITDEV_ESYSTEM;
  if (self->len + len > self->room)
    return GITDEV_AGAIN;
  memcpy(self->bytes + self->len, bytes, len);
  self->len += len;
  return GITDEV_OK;
}

static bool place_rewind(void *payload) {
  place *self = payload;
  self->rewound++;
  self->len = 0;
  return !self->one_way;
}

static gitdev_call *new_download(gitdev_client *client, place *to, unsigned long long offset,
                                 const char *etag) {
  gitdev_call *call;
  const gitdev_sink sink = {place_write, place_rewind, to, offset, etag};
  const gitdev_call_options options = {
      .method = "GET", .path = "/artifacts/art_1/download", .sink = &sink};
  to->room = to->room ? to->room : sizeof to->bytes;
  assert_int_equal(gitdev_call_new(&call, client, &options, 0, NULL), GITDEV_OK);
  return call;
}

static const gitdev_request *expect_send(gitdev_call *call, double now) {
  gitdev_action action = gitdev_call_next(call, now);
  assert_int_equal(action.kind, GITDEV_SEND);
  return action.request;
}

/* Waits out a backoff, if there is one. */
static const gitdev_request *expect_retry(gitdev_call *call, double *now) {
  gitdev_action action = gitdev_call_next(call, *now);
  if (action.kind == GITDEV_WAIT) {
    *now = action.until;
    action = gitdev_call_next(call, *now);
  }
  assert_int_equal(action.kind, GITDEV_SEND);
  return action.request;
}

static void header(gitdev_call *call, const char *name, const char *value) {
  assert_true(gitdev_call_header(call, name, strlen(name), value, strlen(value)));
}

static int data(gitdev_call *call, const char *text) {
  return gitdev_call_data(call, text, strlen(text));
}

static void end(gitdev_call *call, gitdev_outcome_kind kind, bool stale, double now) {
  const gitdev_outcome outcome = {.kind = kind,
                                  .stale = stale,
                                  .message = "the words",
                                  .dns = -1,
                                  .connect = -1,
                                  .tls = -1,
                                  .first_byte = -1,
                                  .total = 0.1};
  gitdev_call_outcome(call, &outcome, now);
}

static void free_both(gitdev_call *call, gitdev_client *client) {
  gitdev_call_free(call);
  gitdev_client_free(client);
}

static void test_download_is_taken_up_where_it_stopped(void **state) {
  (void)state;
  place to = {0};
  double now = 0;
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_download(client, &to, 0, NULL);
  const gitdev_request *request = expect_send(call, now);
  assert_true(request->streamed);
  assert_null(header_of(request, "Range"));
  assert_string_equal(header_of(request, "Accept"), "*/*");
  gitdev_call_begin(call, 200);
  header(call, "ETag", "\"abc\"");
  assert_int_equal(data(call, "hello"), GITDEV_OK);
  end(call, GITDEV_FAILED_SENT, false, 1);
  now = 1;
  request = expect_retry(call, &now);
  assert_string_equal(header_of(request, "Range"), "bytes=5-");
  assert_string_equal(header_of(request, "If-Range"), "\"abc\"");
  gitdev_call_begin(call, 206);
  header(call, "ETag", "\"abc\"");
  header(call, "Content-Range", "bytes 5-10/11");
  assert_int_equal(data(call, " world"), GITDEV_OK);
  end(call, GITDEV_COMPLETE, false, now);
  const gitdev_result *result = gitdev_call_result(call);
  assert_null(result->type);
  assert_int_equal(result->attempt_count, 2);
  assert_int_equal(result->body_len, 0);
  assert_memory_equal(to.bytes, "hello world", 11);
  assert_int_equal(gitdev_call_received(call), 11);
  assert_int_equal(to.rewound, 0);
  free_both(call, client);
}

/* Progress makes the retries count anew: as long as it moves it goes on, within the budget. */
static void test_progress_is_no_repeated_failure(void **state) {
  (void)state;
  place to = {0};
  double now = 0;
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_download(client, &to, 0, NULL);
  expect_send(call, now);
  gitdev_call_begin(call, 200);
  header(call, "ETag", "\"abc\"");
  for (int i = 0; i < 8; i++) {
    char range[40];
    assert_int_equal(data(call, "x"), GITDEV_OK);
    end(call, GITDEV_FAILED_SENT, false, now);
    assert_null(gitdev_call_result(call));
    assert_non_null(expect_retry(call, &now));
    snprintf(range, sizeof range, "bytes %d-99/100", i + 1);
    gitdev_call_begin(call, 206);
    header(call, "ETag", "\"abc\"");
    header(call, "Content-Range", range);
  }
  end(call, GITDEV_FAILED_SENT, false, now); /* now it stands still: one of two retries is left */
  assert_null(gitdev_call_result(call));
  expect_retry(call, &now);
  end(call, GITDEV_FAILED_SENT, false, now);
  assert_string_equal(gitdev_call_result(call)->type, "connection_error");
  assert_int_equal(gitdev_call_result(call)->attempt_count, 10);
  free_both(call, client);
}

typedef struct resumed_case {
  const char *name;
  const char *first_etag; /* of the try that was cut off, NULL none */
  int status;             /* of the second */
  const char *content_range;
  bool one_way;
  const char *wanted; /* what the place holds in the end; NULL: the call fails */
  const char *code;
} resumed_case;

static void run_resumed(const resumed_case *one) {
  place to = {.one_way = one->one_way};
  double now = 1;
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_download(client, &to, 0, NULL);
  expect_send(call, 0);
  gitdev_call_begin(call, 200);
  if (one->first_etag)
    header(call, "ETag", one->first_etag);
  assert_int_equal(data(call, "old"), GITDEV_OK);
  end(call, GITDEV_FAILED_SENT, false, now);
  if (!gitdev_call_result(call)) {
    expect_retry(call, &now);
    gitdev_call_begin(call, one->status);
    if (one->content_range)
      header(call, "Content-Range", one->content_range);
    int rc = data(call, "new");
    end(call, rc == GITDEV_OK ? GITDEV_COMPLETE : GITDEV_FAILED_ANSWER, false, now);
  }
  const gitdev_result *result = gitdev_call_result(call);
  if (one->wanted) {
    assert_null(result->type);
    to.bytes[to.len] = '\0';
    assert_string_equal(to.bytes, one->wanted);
  } else {
    assert_non_null(result->type);
    assert_string_equal(result->code, one->code);
  }
  free_both(call, client);
}

static void test_resuming(void **state) {
  (void)state;
  static const resumed_case cases[] = {
      {"continued", "\"a\"", 206, "bytes 3-5/6", false, "oldnew", NULL},
      {"changed: the server begins anew", "\"a\"", 200, NULL, false, "new", NULL},
      {"changed, and there is no way back", "\"a\"", 200, NULL, true, NULL, "stream_refused"},
      {"without a validator it begins anew", NULL, 200, NULL, false, "new", NULL},
      {"without a validator and no way back", NULL, 200, NULL, true, NULL, "connection_lost"},
      {"a weak validator vouches for nothing", "W/\"a\"", 200, NULL, false, "new", NULL},
      {"another range", "\"a\"", 206, "bytes 2-5/6", false, NULL, "malformed_response"},
      {"no range told", "\"a\"", 206, NULL, false, NULL, "malformed_response"},
      {"a range of another unit", "\"a\"", 206, "lines 3-5/6", false, NULL, "malformed_response"},
      {"a range that is none", "\"a\"", 206, "bytes */6", false, NULL, "malformed_response"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    print_message("  %s\n", cases[i].name);
    run_resumed(&cases[i]);
  }
}

/* A part that nobody asked for, and parts of something else. */
static void test_parts_that_are_not_the_rest(void **state) {
  (void)state;
  static const struct {
    unsigned long long offset;
    const char *etag, *range;
  } cases[] = {
      {0, NULL, "bytes 0-99/1000"}, {3, "\"b\"", "bytes 3-9/10"},
      {3, "\"a\"", "bytes 3-2/10"}, {3, "\"a\"", "bytes 3-9/9"},
      {3, "\"a\"", "bytes 3-9"},    {3, "\"a\"", "bytes 3-99999999999999999999/*"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    place to = {.len = (size_t)cases[i].offset};
    gitdev_client *client = new_client(0);
    gitdev_call *call = new_download(client, &to, cases[i].offset, "\"a\"");
    expect_send(call, 0);
    gitdev_call_begin(call, 206);
    if (cases[i].etag)
      header(call, "ETag", cases[i].etag);
    header(call, "Content-Range", cases[i].range);
    assert_int_equal(data(call, "x"), GITDEV_EINVAL);
    end(call, GITDEV_FAILED_ANSWER, false, 1);
    assert_string_equal(gitdev_call_result(call)->code, "malformed_response");
    free_both(call, client);
  }
}

/* A server may send less of the rest than was asked for (RFC 9110 15.3.7). */
static void test_a_part_of_the_rest_is_not_the_whole(void **state) {
  (void)state;
  place to = {.bytes = "abc", .len = 3};
  double now = 1;
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_download(client, &to, 3, "\"a\"");
  expect_send(call, 0);
  gitdev_call_begin(call, 206);
  header(call, "Content-Range", "bytes 3-4/8");
  assert_int_equal(data(call, "de"), GITDEV_OK);
  end(call, GITDEV_COMPLETE, false, now);
  assert_null(gitdev_call_result(call));
  assert_string_equal(header_of(expect_retry(call, &now), "Range"), "bytes=5-");
  gitdev_call_begin(call, 206);
  header(call, "Content-Range", "bytes 5-7/8");
  assert_int_equal(data(call, "fgh"), GITDEV_OK);
  end(call, GITDEV_COMPLETE, false, now);
  assert_null(gitdev_call_result(call)->type);
  assert_memory_equal(to.bytes, "abcdefgh", 8);
  free_both(call, client);
}

/* Beginning from zero again and again is no progress. */
static void test_the_same_bytes_again_are_no_progress(void **state) {
  (void)state;
  place to = {0};
  double now = 0;
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_download(client, &to, 0, NULL);
  int tries = 0;
  while (!gitdev_call_result(call)) {
    expect_retry(call, &now);
    tries++;
    gitdev_call_begin(call, 200);
    assert_int_equal(data(call, "abc"), GITDEV_OK);
    end(call, GITDEV_FAILED_SENT, false, now);
  }
  assert_int_equal(tries, 3); /* the first one did bring something, and is a retry's beginning */
  free_both(call, client);
}

static void test_headers_may_be_asked_for_at_any_time(void **state) {
  (void)state;
  place to = {0};
  size_t count;
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_download(client, &to, 0, NULL);
  expect_send(call, 0);
  gitdev_call_begin(call, 200);
  header(call, "X-First", "1");
  assert_non_null(gitdev_call_headers(call, &count));
  for (int i = 0; i < 100; i++)
    header(call, "X-More", "a value that makes the text grow, and move");
  const gitdev_header *headers = gitdev_call_headers(call, &count);
  assert_int_equal(count, 101);
  assert_string_equal(headers[0].name, "x-first");
  assert_string_equal(headers[100].value, "a value that makes the text grow, and move");
  free_both(call, client);
}

static void test_what_is_there_is_not_fetched_again(void **state) {
  (void)state;
  place to = {.bytes = "old", .len = 3};
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_download(client, &to, 3, "\"a\"");
  const gitdev_request *request = expect_send(call, 0);
  assert_string_equal(header_of(request, "Range"), "bytes=3-");
  assert_string_equal(header_of(request, "If-Range"), "\"a\"");
  gitdev_call_begin(call, 200); /* it is another one by now, and empty */
  end(call, GITDEV_COMPLETE, false, 1);
  assert_null(gitdev_call_result(call)->type);
  assert_int_equal(to.rewound, 1);
  assert_int_equal(to.len, 0);
  free_both(call, client);
}

static void test_an_error_does_not_reach_the_sink(void **state) {
  (void)state;
  place to = {0};
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_download(client, &to, 0, NULL);
  expect_send(call, 0);
  gitdev_call_begin(call, 410);
  assert_int_equal(data(call, "{\"error\":{\"type\":\"invalid_request_error\",\"code\":"
                              "\"artifact_expired\",\"message\":\"It is gone.\"}}"),
                   GITDEV_OK);
  end(call, GITDEV_COMPLETE, false, 1);
  assert_string_equal(gitdev_call_result(call)->code, "artifact_expired");
  assert_int_equal(to.len, 0);
  free_both(call, client);
}

static void test_a_full_sink_holds_the_sender_back(void **state) {
  (void)state;
  place to = {.room = 4};
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_download(client, &to, 0, NULL);
  expect_send(call, 0);
  gitdev_call_begin(call, 200);
  assert_int_equal(data(call, "abc"), GITDEV_OK);
  assert_int_equal(data(call, "def"), GITDEV_AGAIN);
  assert_int_equal(gitdev_call_received(call), 3);
  to.room = 64;
  assert_int_equal(data(call, "def"), GITDEV_OK);
  to.broken = true;
  assert_int_equal(data(call, "ghi"), GITDEV_EINVAL);
  end(call, GITDEV_FAILED_ANSWER, false, 1);
  assert_string_equal(gitdev_call_result(call)->type, "canceled_error");
  assert_string_equal(gitdev_call_result(call)->code, "stream_refused");
  free_both(call, client);
}

/* What a download's head says of the rate limit is for all who wait: its body may last. */
static void test_a_head_is_heeded_before_its_body(void **state) {
  (void)state;
  enum { MANY = 9 };
  place to = {0};
  gitdev_client *client = new_client(0);
  gitdev_call *calls[MANY];
  for (int i = 0; i < MANY; i++) {
    calls[i] = new_download(client, &to, 0, NULL);
    gitdev_action action = gitdev_call_next(calls[i], 0);
    assert_int_equal(action.kind, i < MANY - 1 ? GITDEV_SEND : GITDEV_WAIT);
  }
  for (int i = 0; i < MANY - 1; i++) {
    assert_false(i > 0 && gitdev_call_heed_head(calls[i - 1], 0.2));
    gitdev_call_begin(calls[i], 200);
    header(calls[i], "X-RateLimit-Remaining", "90");
    assert_true(gitdev_call_heed_head(calls[i], 0.1));
  }
  assert_int_equal(client->pace->pace.in_flight, 0);
  assert_int_equal(gitdev_call_next(calls[MANY - 1], 0.1).kind, GITDEV_SEND);
  assert_int_equal(client->pace->pace.in_flight, 1);
  /* However they end then: it is counted once. */
  end(calls[0], GITDEV_COMPLETE, false, 1);
  end(calls[1], GITDEV_FAILED_SENT, false, 1);
  gitdev_call_cancel(calls[2], 1);
  assert_int_equal(client->pace->pace.in_flight, 1);
  /* A further try is another. */
  double now = 1;
  expect_retry(calls[1], &now);
  assert_int_equal(client->pace->pace.in_flight, 2);
  for (int i = 0; i < MANY; i++)
    gitdev_call_free(calls[i]);
  assert_int_equal(client->pace->pace.in_flight, 0);
  gitdev_client_free(client);
}

static void test_a_call_that_steps_aside_wants_no_token(void **state) {
  (void)state;
  place to = {0};
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_download(client, &to, 0, NULL);
  assert_int_equal(client->pace->pace.waiting, 1);
  gitdev_call_step_aside(call);
  gitdev_call_step_aside(call);
  assert_int_equal(client->pace->pace.waiting, 0);
  expect_send(call, 1);
  assert_int_equal(client->pace->pace.waiting, 0);
  assert_int_equal(client->pace->pace.in_flight, 1);
  free_both(call, client);
}

static void test_streams_have_an_idle_time(void **state) {
  (void)state;
  place to = {0};
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_download(client, &to, 0, NULL);
  gitdev_action action = gitdev_call_next(call, 0);
  assert_float_equal(action.idle, 30, 0);
  assert_float_equal(action.until, 120, 0);
  free_both(call, client);
}

/* ---- uploads ---- */

typedef struct supply {
  const char *text;
  size_t at;
  int rewound;
} supply;

static long supply_read(void *payload, char *out, size_t room) {
  supply *self = payload;
  size_t left = strlen(self->text) - self->at;
  size_t len = left < room ? left : room;
  memcpy(out, self->text + self->at, len);
  self->at += len;
  return (long)len;
}

static bool supply_rewind(void *payload) {
  supply *self = payload;
  self->rewound++;
  self->at = 0;
  return true;
}

static gitdev_call *new_upload(gitdev_client *client, supply *from, bool rewindable, long size) {
  gitdev_call *call;
  const gitdev_source source = {supply_read, rewindable ? supply_rewind : NULL, from, size};
  const gitdev_call_options options = {
      .method = "PUT", .path = "/x", .source = &source, .content_type = "text/plain"};
  assert_int_equal(gitdev_call_new(&call, client, &options, 0, NULL), GITDEV_OK);
  return call;
}

static long read_some(const gitdev_request *request, size_t room) {
  char bytes[64];
  assert_true(room <= sizeof bytes);
  return request->source->read(request->source->payload, bytes, room);
}

static void test_upload_is_rewound_for_another_try(void **state) {
  (void)state;
  supply from = {"hello world", 0, 0};
  double now = 1;
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_upload(client, &from, true, 11);
  const gitdev_request *request = expect_send(call, 0);
  assert_string_equal(header_of(request, "Content-Type"), "text/plain");
  assert_int_equal(request->source->size, 11);
  assert_int_equal(read_some(request, 5), 5);
  assert_int_equal(gitdev_call_sent(call), 5);
  end(call, GITDEV_FAILED_SENT, false, now);
  request = expect_retry(call, &now);
  assert_int_equal(from.rewound, 1);
  assert_int_equal(read_some(request, 64), 11);
  assert_int_equal(read_some(request, 64), 0);
  gitdev_call_begin(call, 204);
  end(call, GITDEV_COMPLETE, false, now);
  assert_null(gitdev_call_result(call)->type);
  free_both(call, client);
}

static void test_upload_without_a_way_back(void **state) {
  (void)state;
  supply from = {"hello world", 0, 0};
  double now = 1;
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_upload(client, &from, false, -1);
  end(call, GITDEV_FAILED_UNSENT, false, now); /* nothing is under way: nothing happens */
  const gitdev_request *request = expect_send(call, 0);
  end(call, GITDEV_FAILED_UNSENT, false, now); /* nothing was read: it can go again */
  request = expect_retry(call, &now);
  assert_int_equal(read_some(request, 5), 5);
  end(call, GITDEV_FAILED_SENT, false, now);
  const gitdev_result *result = gitdev_call_result(call);
  assert_string_equal(result->type, "connection_error");
  assert_string_equal(result->attempts[1].reason, "the body cannot be streamed again");
  free_both(call, client);
}

static void test_upload_keeps_to_its_size(void **state) {
  (void)state;
  supply longer = {"hello world", 0, 0}, shorter = {"hel", 0, 0};
  gitdev_client *client = new_client(0);
  gitdev_call *call = new_upload(client, &longer, true, 5);
  const gitdev_request *request = expect_send(call, 0);
  assert_int_equal(read_some(request, 64), 5);
  assert_int_equal(read_some(request, 64), 0);
  gitdev_call_free(call);
  call = new_upload(client, &shorter, true, 5);
  request = expect_send(call, 0);
  assert_int_equal(read_some(request, 64), 3);
  assert_int_equal(read_some(request, 64), GITDEV_EINVAL);
  end(call, GITDEV_FAILED_LOCAL, false, 1);
  assert_string_equal(gitdev_call_result(call)->code, "stream_refused");
  free_both(call, client);
}

static void test_refused_options(void **state) {
  (void)state;
  place to = {0};
  supply from = {"x", 0, 0};
  const gitdev_sink sink = {place_write, NULL, &to, 0, NULL}, no_sink = {0};
  const gitdev_source source = {supply_read, NULL, &from, 1}, no_source = {0};
  const gitdev_header range = {"Range", "bytes=0-1"};
  const gitdev_call_options cases[] = {
      {.method = "POST", .path = "/x", .sink = &sink},
      {.method = "GET", .path = "/x", .sink = &no_sink},
      {.method = "PUT", .path = "/x", .source = &no_source},
      {.method = "PUT", .path = "/x", .source = &source, .body = "{}", .body_len = 2},
      {.method = "PUT", .path = "/x", .source = &source, .content_type = "a\r\nb: c"},
      {.method = "GET", .path = "/x", .sink = &sink, .headers = &range, .header_count = 1},
  };
  gitdev_client *client = new_client(0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_call *call;
    gitdev_problem problem = {""};
    assert_int_equal(gitdev_call_new(&call, client, &cases[i], 0, &problem), GITDEV_EINVAL);
    assert_true(problem.text[0]);
  }
  gitdev_client_free(client);
}

/* It becomes a header, and decides what is joined to what. */
static void test_a_sinks_etag_is_one(void **state) {
  (void)state;
  static const struct {
    const char *etag;
    int rc;
  } cases[] = {
      {NULL, GITDEV_OK},
      {"\"\"", GITDEV_OK},
      {"\"v1 \xc3\xa9\"", GITDEV_EINVAL},
      {"\"v1-\xc3\xa9\"", GITDEV_OK},
      {"W/\"v1\"", GITDEV_OK},
      {"", GITDEV_EINVAL},
      {"v1", GITDEV_EINVAL},
      {"\"", GITDEV_EINVAL},
      {"\"a\"b\"", GITDEV_EINVAL},
      {"\"a\r\nX-Evil: 1\"", GITDEV_EINVAL},
  };
  place to = {0};
  gitdev_client *client = new_client(0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const gitdev_sink sink = {place_write, NULL, &to, 3, cases[i].etag};
    const gitdev_call_options options = {.method = "GET", .path = "/x", .sink = &sink};
    gitdev_call *call;
    gitdev_problem problem = {""};
    assert_int_equal(gitdev_call_new(&call, client, &options, 0, &problem), cases[i].rc);
    assert_true((strstr(problem.text, "etag") != NULL) == (cases[i].rc != GITDEV_OK));
    gitdev_call_free(call);
  }
  gitdev_client_free(client);
}

/* ---- stale connections ---- */

static void test_a_stale_connection_is_nobodys_failure(void **state) {
  (void)state;
  gitdev_client *client = new_client(0);
  gitdev_call *call;
  const gitdev_call_options options = {.method = "POST",
                                       .path = "/deployments",
                                       .body = "{}",
                                       .body_len = 2,
                                       .max_retries = GITDEV_NO_RETRIES};
  assert_int_equal(gitdev_call_new(&call, client, &options, 0, NULL), GITDEV_OK);
  char key[64];
  snprintf(key, sizeof key, "%s", header_of(expect_send(call, 0), "Idempotency-Key"));
  end(call, GITDEV_FAILED_SENT, true, 1);
  assert_null(gitdev_call_result(call));
  assert_string_equal(header_of(expect_send(call, 1), "Idempotency-Key"), key); /* at once */
  gitdev_rate_limit limit;
  gitdev_client_rate_limit(client, 1, &limit);
  assert_float_equal(limit.retry_budget, 20, 0);
  end(call, GITDEV_FAILED_SENT, true, 2); /* a second time it counts */
  const gitdev_result *result = gitdev_call_result(call);
  assert_string_equal(result->type, "connection_error");
  assert_string_equal(result->attempts[0].verdict, "retry");
  assert_string_equal(result->attempts[0].reason, "stale connection");
  assert_string_equal(result->attempts[1].reason, "retries used up");
  free_both(call, client);
}

/* ---- events ---- */

typedef struct diary {
  char text[512];
} diary;

static void note(void *payload, const gitdev_event *event) {
  static const char *const names[] = {"request", "response", "retry", "wait"};
  diary *self = payload;
  size_t len = strlen(self->text);
  snprintf(self->text + len, sizeof self->text - len, "%s %d %s%s%.1f\n", names[event->kind],
           event->number, event->attempt ? event->attempt->reason : "-",
           event->request && event->request->method ? " at " : " ? ", event->at);
}

static void test_events_tell_the_life_of_a_call(void **state) {
  (void)state;
  diary told = {""};
  double now = 0;
  gitdev_client *client = new_client(1);
  gitdev_call *call;
  const gitdev_call_options options = {
      .method = "GET", .path = "/x", .on_event = note, .event_payload = &told};
  assert_int_equal(gitdev_call_new(&call, client, &options, 0, NULL), GITDEV_OK);
  expect_send(call, now);
  gitdev_call_begin(call, 503);
  header(call, "Retry-After", "2");
  end(call, GITDEV_COMPLETE, false, 1);
  now = 1;
  expect_retry(call, &now);
  assert_float_equal(now, 3, 1e-9);
  gitdev_call_begin(call, 429);
  header(call, "Retry-After", "4");
  end(call, GITDEV_COMPLETE, false, 4);
  gitdev_call *other; /* waits for the limit that the first one ran into */
  assert_int_equal(gitdev_call_new(&other, client, &options, 4, NULL), GITDEV_OK);
  gitdev_action action = gitdev_call_next(other, 4);
  assert_int_equal(action.kind, GITDEV_WAIT);
  assert_true(action.early);
  gitdev_call_next(other, 5); /* asked again, it is not told again */
  action = gitdev_call_next(call, 4);
  assert_int_equal(action.kind, GITDEV_WAIT);
  assert_false(action.early); /* its own wait is no matter of the others */
  assert_string_equal(told.text, "request 1 - at 0.0\n"
                                 "response 1 server error at 1.0\n"
                                 "retry 1 server error at 1.0\n"
                                 "request 2 - at 3.0\n"
                                 "response 2 rate limited at 4.0\n"
                                 "retry 2 rate limited at 4.0\n"
                                 "wait 1 - at 4.0\n");
  gitdev_call_free(other);
  free_both(call, client);
}

/* ---- seeds ---- */

static void key_of_seed(unsigned long long seed, char out[64]) {
  gitdev_client *client = new_client(seed);
  gitdev_call *call;
  const gitdev_call_options options = {.method = "POST", .path = "/x"};
  assert_int_equal(gitdev_call_new(&call, client, &options, 0, NULL), GITDEV_OK);
  snprintf(out, 64, "%s", header_of(expect_send(call, 0), "Idempotency-Key"));
  free_both(call, client);
}

static void test_a_seed_repeats(void **state) {
  (void)state;
  char first[64], second[64];
  key_of_seed(7, first);
  key_of_seed(7, second);
  assert_string_equal(first, second);
  assert_int_equal(first[14], '4'); /* still a UUIDv4 */
  key_of_seed(8, second);
  assert_string_not_equal(first, second);
  key_of_seed(0, first);
  key_of_seed(0, second);
  assert_string_not_equal(first, second);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_download_is_taken_up_where_it_stopped),
      cmocka_unit_test(test_progress_is_no_repeated_failure),
      cmocka_unit_test(test_resuming),
      cmocka_unit_test(test_parts_that_are_not_the_rest),
      cmocka_unit_test(test_a_part_of_the_rest_is_not_the_whole),
      cmocka_unit_test(test_the_same_bytes_again_are_no_progress),
      cmocka_unit_test(test_headers_may_be_asked_for_at_any_time),
      cmocka_unit_test(test_what_is_there_is_not_fetched_again),
      cmocka_unit_test(test_an_error_does_not_reach_the_sink),
      cmocka_unit_test(test_a_full_sink_holds_the_sender_back),
      cmocka_unit_test(test_a_head_is_heeded_before_its_body),
      cmocka_unit_test(test_a_call_that_steps_aside_wants_no_token),
      cmocka_unit_test(test_streams_have_an_idle_time),
      cmocka_unit_test(test_upload_is_rewound_for_another_try),
      cmocka_unit_test(test_upload_without_a_way_back),
      cmocka_unit_test(test_upload_keeps_to_its_size),
      cmocka_unit_test(test_refused_options),
      cmocka_unit_test(test_a_sinks_etag_is_one),
      cmocka_unit_test(test_a_stale_connection_is_nobodys_failure),
      cmocka_unit_test(test_events_tell_the_life_of_a_call),
      cmocka_unit_test(test_a_seed_repeats),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
