#include "call/log.h"
#include "call/state.h"
#include "policy/key.h"
#include "wire/utf8.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { LINE_MAX_LEN = 64 << 10 };

/* ---- lines ---- */

static const char BLANKS[] = " \t\n\v\f\r";

/* " name=value", the value in quotes where it would not read as one word. Nothing without a value.
 */
static void put(gitdev_buffer *out, const char *name, const char *value) {
  if (!value)
    return;
  bool plain = value[0] && !strpbrk(value, BLANKS) && !strpbrk(value, "\"\\=");
  gitdev_buffer_printf(out, plain ? " %s=" : " %s=\"", name);
  for (const char *p = value; *p; p++) {
    if (*p == '"' || *p == '\\')
      gitdev_buffer_append(out, "\\", 1);
    gitdev_buffer_append(out, p, 1);
  }
  if (!plain)
    gitdev_buffer_append(out, "\"", 1);
}

static void put_number(gitdev_buffer *out, const char *name, double value) {
  gitdev_buffer_printf(out, " %s=%.14g", name, value);
}

/* Nothing for a time that did not come. */
static void put_seconds(gitdev_buffer *out, const char *name, double seconds) {
  if (seconds >= 0)
    gitdev_buffer_printf(out, " %s=%.3f", name, seconds);
}

static void put_status(gitdev_buffer *out, int status) {
  if (status)
    put_number(out, "status", status);
}

static const char *or_null(const char *text) {
  return text && text[0] ? text : NULL;
}

/* Whether a terminal would obey a character of several bytes, or take it for the end of a line: the
 * controls above ASCII, Unicode's line ends and its turns of direction. */
static bool is_control(const char *text, size_t len) {
  const unsigned char *c = (const unsigned char *)text;
  if (len == 2)
    return c[0] == 0xc2 && c[1] < 0xa0;
  if (len != 3 || c[0] != 0xe2)
    return false;
  bool mark = c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae);
  return (c[1] == 0x80 && mark) || (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
}

static void append_hex(gitdev_buffer *out, const char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++)
    gitdev_buffer_printf(out, "\\x%02x", (unsigned char)bytes[i]);
}

/* Shows what must not be obeyed. Of a text that is no UTF-8 all that is not ASCII. */
static void append_escaped(gitdev_buffer *out, const gitdev_buffer *text) {
  bool valid = gitdev_utf8_span(text->data, text->len) == text->len;
  for (size_t i = 0, step; i < text->len; i += step) {
    const char *at = text->data + i;
    unsigned char first = (unsigned char)*at;
    step = valid && first >= 0x80 ? gitdev_utf8_character(at, text->len - i) : 1;
    bool shown = first < 0x20 || first == 0x7f || (first >= 0x80 && !valid) || is_control(at, step);
    if (shown)
      append_hex(out, at, step);
    else
      gitdev_buffer_append(out, at, step);
  }
}

static void write_line(const gitdev_log *log, gitdev_log_level level, const gitdev_buffer *text) {
  gitdev_buffer line;
  gitdev_buffer_init(&line, LINE_MAX_LEN);
  append_escaped(&line, text);
  if (line.len > 0) {
    line.data[gitdev_redact(line.data, line.len)] = '\0';
    log->fn(log->payload, level, line.data);
  }
  gitdev_buffer_wipe(&line);
}

/* A moment of the clock that calls are made by, as the wall's time. */
static void put_time(gitdev_buffer *out, double at) {
  struct timespec wall;
  struct tm parts;
  clock_gettime(CLOCK_REALTIME, &wall);
  double seconds = (double)wall.tv_sec + (double)wall.tv_nsec * 1e-9 - (gitdev_now() - at);
  int64_t ms = (int64_t)floor(seconds * 1000 + 0.5);
  time_t whole = (time_t)(ms / 1000);
  char text[32] = "";
  if (gmtime_r(&whole, &parts))
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  gitdev_buffer_printf(out, "gitdev %s.%03dZ", text, (int)(ms % 1000));
}

/* ---- what is told of a call ---- */

/* "#1 send GET /projects" */
static void put_call(gitdev_buffer *out, const gitdev_call *call, const char *word) {
  const char *target = call->request.target;
  size_t base = strlen(call->client->base.path);
  if (strncmp(target, call->client->base.path, base) == 0)
    target += base;
  gitdev_buffer_printf(out, " #%llu %s %s %s", call->log_number, word, call->request.method,
                       target);
}

static const char *header_of(const gitdev_request *request, const char *name) {
  for (size_t i = 0; i < request->header_count; i++)
    if (strcasecmp(request->headers[i].name, name) == 0)
      return request->headers[i].value;
  return NULL;
}

static void put_request(gitdev_buffer *out, const gitdev_call *call, const gitdev_event *event) {
  put_call(out, call, "send");
  put_number(out, "try", event->number);
  put(out, "idempotency_key", header_of(event->request, "Idempotency-Key"));
  put(out, "traceparent", header_of(event->request, "traceparent"));
}

static void put_response(gitdev_buffer *out, const gitdev_call *call, const gitdev_event *event) {
  const gitdev_attempt *attempt = event->attempt;
  put_call(out, call, "answer");
  put_number(out, "try", event->number);
  put_status(out, attempt->status);
  put_seconds(out, "seconds", attempt->total);
  put(out, "verdict", attempt->verdict);
  put(out, "reason", strcmp(attempt->reason, "done") == 0 ? NULL : attempt->reason);
  put(out, "request", or_null(attempt->request_id));
  put_seconds(out, "dns", attempt->dns);
  put_seconds(out, "connect", attempt->connect);
  put_seconds(out, "tls", attempt->tls);
  put_seconds(out, "first_byte", attempt->first_byte);
}

static void put_retry(gitdev_buffer *out, const gitdev_call *call, const gitdev_event *event) {
  const gitdev_attempt *attempt = event->attempt;
  put_call(out, call, "retry");
  put_number(out, "after", event->number);
  put_seconds(out, "wait", event->wait);
  put(out, "reason", attempt->reason);
  put_status(out, attempt->status);
  put(out, "request", or_null(attempt->request_id));
}

static void put_wait(gitdev_buffer *out, const gitdev_call *call, const gitdev_event *event) {
  put_call(out, call, "wait");
  put_seconds(out, "wait", event->wait);
  put(out, "reason", "rate limit");
}

void gitdev_log_begin(gitdev_call *call, double now) {
  gitdev_log *log = &call->client->log;
  if (!log->level)
    return;
  call->log_number = ++log->calls;
  call->began = now;
}

void gitdev_log_event(gitdev_call *call, const gitdev_event *event) {
  static const struct {
    gitdev_log_level level;
    void (*put)(gitdev_buffer *, const gitdev_call *, const gitdev_event *);
  } rows[] = {
      [GITDEV_EVENT_REQUEST] = {GITDEV_LOG_DEBUG, put_request},
      [GITDEV_EVENT_RESPONSE] = {GITDEV_LOG_DEBUG, put_response},
      [GITDEV_EVENT_RETRY] = {GITDEV_LOG_INFO, put_retry},
      [GITDEV_EVENT_WAIT] = {GITDEV_LOG_INFO, put_wait},
  };
  const gitdev_log *log = &call->client->log;
  gitdev_log_level level = rows[event->kind].level;
  if (log->level < level)
    return;
  gitdev_buffer text;
  gitdev_buffer_init(&text, LINE_MAX_LEN);
  put_time(&text, event->at);
  rows[event->kind].put(&text, call, event);
  write_line(log, level, &text);
  gitdev_buffer_wipe(&text);
}

static void write_error(const gitdev_call *call, double now) {
  const gitdev_result *result = &call->result;
  gitdev_buffer text;
  gitdev_buffer_init(&text, LINE_MAX_LEN);
  put_time(&text, now);
  gitdev_buffer_puts(&text, " error");
  put(&text, "type", result->type);
  put(&text, "code", result->code);
  put_status(&text, result->status);
  put(&text, "param", result->param);
  put(&text, "request", result->request_id);
  put(&text, "message", result->message);
  write_line(&call->client->log, GITDEV_LOG_INFO, &text);
  gitdev_buffer_wipe(&text);
}

void gitdev_log_end(const gitdev_call *call, double now) {
  const gitdev_log *log = &call->client->log;
  const gitdev_result *result = &call->result;
  if (!log->level)
    return;
  bool canceled = result->type && strcmp(result->type, "canceled_error") == 0;
  const gitdev_attempt *last =
      call->ledger.count ? &call->ledger.attempts[call->ledger.count - 1] : NULL;
  gitdev_buffer text;
  gitdev_buffer_init(&text, LINE_MAX_LEN);
  put_time(&text, now);
  put_call(&text, call, canceled ? "canceled" : result->type ? "failed" : "done");
  put_status(&text, last ? last->status : 0);
  put_seconds(&text, "seconds", now - call->began);
  put_number(&text, "tries", call->ledger.tries);
  put(&text, "request", last ? or_null(last->request_id) : NULL);
  write_line(log, GITDEV_LOG_INFO, &text);
  gitdev_buffer_wipe(&text);
  if (result->type && !canceled)
    write_error(call, now);
}

void gitdev_log_client(const gitdev_client *client) {
  if (client->log.level < GITDEV_LOG_DEBUG)
    return;
  gitdev_buffer text, url;
  gitdev_buffer_init(&text, LINE_MAX_LEN);
  gitdev_buffer_init(&url, LINE_MAX_LEN);
  gitdev_buffer_printf(&url, "%s%s", client->origin, client->base.path);
  put_time(&text, gitdev_now());
  gitdev_buffer_puts(&text, " client");
  put(&text, "key", client->key_hint);
  put(&text, "base_url", url.data);
  put(&text, "ca_file", client->ca_file);
  put_number(&text, "timeout", client->timeout);
  put_number(&text, "try_timeout", client->try_timeout);
  put_number(&text, "connect_timeout", client->connect_timeout);
  put_number(&text, "max_retries", client->max_retries);
  write_line(&client->log, GITDEV_LOG_DEBUG, &text);
  gitdev_buffer_free(&url);
  gitdev_buffer_wipe(&text);
}
