/* The making of a call, its end, and what can be asked of it. */
#include "call/call.h"
#include "call/log.h"
#include "call/problem.h"
#include "call/request.h"
#include "call/state.h"
#include "wire/memory.h"
#include <math.h>
#include <string.h>

static int check_limits(gitdev_call *call, const gitdev_call_options *options, double now,
                        gitdev_problem *problem) {
  double timeout = options->timeout;
  if (!isfinite(timeout) || timeout < 0)
    return gitdev_problem_set(problem, GITDEV_EINVAL,
                              "timeout: must be a positive number of seconds");
  if (options->max_retries < GITDEV_NO_RETRIES || options->max_retries > GITDEV_MAX_RETRIES_MAX)
    return gitdev_problem_set(problem, GITDEV_EINVAL, "max_retries: must be 0 to %d",
                              GITDEV_MAX_RETRIES_MAX);
  call->deadline = now + (timeout > 0 ? timeout : call->client->timeout);
  call->max_retries = options->max_retries ? options->max_retries : call->client->max_retries;
  if (call->max_retries == GITDEV_NO_RETRIES)
    call->max_retries = 0;
  return GITDEV_OK;
}

bool gitdev_call_prepare_streams(gitdev_call *call) {
  gitdev_request *request = &call->request;
  request->header_count = call->header_count;
  if (call->upload && !gitdev_upload_rewind(call->upload))
    return false;
  if (!call->download)
    return true;
  /* The request's block has room behind its headers, and they are its owner's to write. */
  gitdev_header *headers = call->request_block;
  int added = gitdev_download_begin(call->download, headers + call->header_count);
  request->header_count += added > 0 ? (size_t)added : 0;
  return added >= 0;
}

static int make_request(gitdev_call *call, const gitdev_call_options *options,
                        gitdev_problem *problem) {
  int rc = gitdev_request_build(&call->request, &call->request_block, &call->repeatable,
                                call->client, options, problem);
  if (rc != GITDEV_OK)
    return rc;
  call->header_count = call->request.header_count;
  if (options->source)
    call->upload = gitdev_malloc(sizeof *call->upload);
  if (options->sink)
    call->download = gitdev_malloc(sizeof *call->download);
  if ((options->source && !call->upload) || (options->sink && !call->download))
    return gitdev_problem_set(problem, GITDEV_ENOMEM, "memory is out");
  if (call->upload) {
    gitdev_upload_init(call->upload, options->source);
    call->request.source = &call->upload->counted;
  }
  if (call->download)
    gitdev_download_init(call->download, options->sink);
  gitdev_call_prepare_streams(call); /* nothing has moved yet: it cannot fail */
  return GITDEV_OK;
}

int gitdev_call_new(gitdev_call **out, gitdev_client *client, const gitdev_call_options *options,
                    double now, gitdev_problem *problem) {
  *out = NULL;
  /* Not calloc(): glibc's passes its thread's cache by. */
  gitdev_call *call = gitdev_malloc(sizeof *call);
  if (!call)
    return gitdev_problem_set(problem, GITDEV_ENOMEM, "memory is out");
  *call = (gitdev_call){.owners = 1, .client = client};
  gitdev_client_retain(client);
  gitdev_response_init(&call->response, client->body_max);
  gitdev_ledger_init(&call->ledger);
  call->since = now;
  call->on_event = options->on_event;
  call->event_payload = options->event_payload;
  int rc = check_limits(call, options, now, problem);
  if (rc == GITDEV_OK)
    rc = make_request(call, options, problem);
  if (rc != GITDEV_OK) {
    gitdev_call_free(call);
    return rc;
  }
  gitdev_pace_enter(&client->pace->pace);
  call->queued = true;
  gitdev_log_begin(call, now);
  *out = call;
  return GITDEV_OK;
}

static void leave_queue(gitdev_call *call) {
  if (call->queued)
    gitdev_pace_leave(&call->client->pace->pace);
  call->queued = false;
}

void gitdev_call_step_aside(gitdev_call *call) {
  leave_queue(call);
}

/* Gives back what a call that ends early still holds of the shared pace. */
static void let_go(gitdev_call *call, double now) {
  leave_queue(call);
  if (call->state == GITDEV_CALL_SENT && !call->heeded)
    gitdev_pace_lost(&call->client->pace->pace, now);
  else if (call->state == GITDEV_CALL_PROBING)
    gitdev_pace_unasked(&call->client->pace->pace);
}

void gitdev_call_free(gitdev_call *call) {
  if (!call || --call->owners > 0)
    return;
  let_go(call, call->sent_at);
  gitdev_response_free(&call->response);
  gitdev_free(call->request_block);
  gitdev_free(call->probe_block);
  gitdev_free(call->upload);
  gitdev_free(call->download);
  gitdev_free(call->error);
  if (call->opened.thing)
    call->opened.release(call->opened.thing);
  gitdev_ledger_free(&call->ledger);
  gitdev_client_free(call->client);
  gitdev_free(call);
}

void gitdev_call_tell(gitdev_call *call, const gitdev_event *event) {
  if (call->log_number)
    gitdev_log_event(call, event);
  if (call->on_event)
    call->on_event(call->event_payload, event);
}

/* ---- how a call ends ---- */

static const char *or_null(const char *text) {
  return text[0] ? text : NULL;
}

gitdev_error_text *gitdev_call_error(gitdev_call *call) {
  if (!call->error)
    call->error = gitdev_calloc(1, sizeof *call->error);
  return call->error;
}

void gitdev_call_finish(gitdev_call *call, const char *type, bool retryable, double now) {
  gitdev_response *response = &call->response;
  leave_queue(call);
  call->state = GITDEV_CALL_DONE;
  call->result = (gitdev_result){
      .status = response->status,
      .type = type,
      .code = type && call->error ? or_null(call->error->code) : NULL,
      .message = type ? (call->error ? call->error->message : "memory is out") : NULL,
      .param = type && call->error ? or_null(call->error->param) : NULL,
      .request_id = or_null(response->request_id),
      .retryable = retryable,
      .body = response->body.data,
      .body_len = response->body.len,
      .attempts = call->ledger.attempts,
      .attempt_count = call->ledger.count,
  };
  if (call->log_number)
    gitdev_log_end(call, now);
}

static void break_off(gitdev_call *call, double now, const char *code, const char *message) {
  if (call->state == GITDEV_CALL_DONE)
    return;
  let_go(call, now);
  gitdev_response_begin(&call->response, 0);
  gitdev_call_finish(
      call, gitdev_error_set(gitdev_call_error(call), "canceled_error", code, "%s", message), false,
      now);
}

void gitdev_call_cancel(gitdev_call *call, double now) {
  break_off(call, now, "canceled", "the call was canceled");
}

void gitdev_call_disown(gitdev_call *call, double now) {
  break_off(call, now, "client_closed", "the client was closed while the call was under way");
}

const gitdev_result *gitdev_call_result(const gitdev_call *call) {
  return call->state == GITDEV_CALL_DONE ? &call->result : NULL;
}

const gitdev_header *gitdev_call_headers(gitdev_call *call, size_t *count) {
  const gitdev_header *headers = gitdev_response_headers(&call->response);
  *count = headers ? call->response.header_count : 0;
  return headers;
}

double gitdev_call_deadline(const gitdev_call *call) {
  return call->deadline;
}

gitdev_client *gitdev_call_client(const gitdev_call *call) {
  return call->client;
}

long long gitdev_call_sent(const gitdev_call *call) {
  return call->upload ? call->upload->at : 0;
}

unsigned long long gitdev_call_received(const gitdev_call *call) {
  return call->download ? call->download->at : 0;
}

bool gitdev_call_streams(const gitdev_call *call) {
  return call->upload || call->download;
}

const gitdev_request *gitdev_call_request(const gitdev_call *call) {
  switch (call->state) {
  case GITDEV_CALL_SENT: return &call->request;
  case GITDEV_CALL_PROBING: return &call->probe;
  case GITDEV_CALL_READY:
  case GITDEV_CALL_DONE: break;
  }
  return NULL;
}

bool gitdev_call_is_answered(const gitdev_call *call) {
  return gitdev_response_is_whole(&call->response);
}

const gitdev_source *gitdev_call_source(const gitdev_call *call) {
  return call->state == GITDEV_CALL_SENT ? call->request.source : NULL;
}

void gitdev_call_retain(gitdev_call *call) {
  call->owners++;
}

static long read_nothing(void *payload, char *out, size_t room) {
  (void)payload, (void)out, (void)room;
  return GITDEV_ECLOSED;
}

static int write_nothing(void *payload, const char *bytes, size_t len) {
  (void)payload, (void)bytes, (void)len;
  return GITDEV_ECLOSED;
}

void gitdev_call_mute(gitdev_call *call) {
  call->on_event = NULL;
  call->log_number = 0;
  if (call->upload)
    call->upload->given = (gitdev_source){.read = read_nothing, .size = -1};
  if (call->download)
    call->download->sink = (gitdev_sink){.write = write_nothing};
}

void gitdev_call_set_driver(gitdev_call *call, void *driver) {
  call->driver = driver;
}

void gitdev_call_keep(gitdev_call *call, gitdev_opened opened) {
  call->opened = opened;
}

void *gitdev_call_take(gitdev_call *call) {
  void *thing = call->opened.thing;
  call->opened.thing = NULL;
  return thing;
}

void gitdev_call_trim(gitdev_call *call) {
  if (call->state != GITDEV_CALL_DONE)
    return;
  gitdev_buffer_free(&call->response.body);
  gitdev_free(call->request_block);
  call->request_block = NULL;
  call->result.body = call->response.body.data;
  call->result.body_len = 0;
}

void *gitdev_call_driver(const gitdev_call *call) {
  return call->driver;
}

/* ---- the answer, as it comes ---- */

bool gitdev_call_begin(gitdev_call *call, int status) {
  gitdev_response_begin(&call->response, status);
  return status >= 100 && status <= 999;
}

bool gitdev_call_header(gitdev_call *call, const char *name, size_t name_len, const char *value,
                        size_t value_len) {
  return gitdev_response_header(&call->response, name, name_len, value, value_len);
}

int gitdev_call_data(gitdev_call *call, const char *bytes, size_t len) {
  gitdev_download *download = call->state == GITDEV_CALL_SENT ? call->download : NULL;
  if (download && gitdev_download_accept(download, &call->response) != GITDEV_OK)
    return GITDEV_EINVAL;
  if (download && download->taken)
    return gitdev_download_write(download, bytes, len);
  return gitdev_response_data(&call->response, bytes, len) ? GITDEV_OK : GITDEV_EINVAL;
}
