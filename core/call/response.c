#include "call/response.h"
#include "policy/retry.h"
#include "wire/date.h"
#include "wire/json.h"
#include "wire/memory.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

void gitdev_response_init(gitdev_response *response, size_t body_max) {
  memset(response, 0, sizeof *response);
  gitdev_buffer_init(&response->head, GITDEV_RESPONSE_HEAD_MAX);
  gitdev_buffer_init(&response->body, body_max);
  gitdev_response_begin(response, 0);
}

void gitdev_response_free(gitdev_response *response) {
  gitdev_buffer_free(&response->head);
  gitdev_buffer_free(&response->body);
  gitdev_free(response->headers);
  response->headers = NULL;
}

void gitdev_response_begin(gitdev_response *response, int status) {
  gitdev_buffer_reset(&response->head);
  gitdev_buffer_reset(&response->body);
  gitdev_free(response->headers);
  response->headers = NULL;
  response->header_count = 0;
  response->status = status;
  response->request_id[0] = '\0';
  response->date = -1;
  response->remaining = response->reset = -1;
  response->retry_after = 0;
  response->content_length = -1;
  response->should_retry = -1;
  response->fault = NULL;
}

/* A whole number of at most 15 digits, which a double holds exactly; -1 for anything else. */
static double parse_count(const char *text, size_t len) {
  if (len == 0 || len > 15)
    return -1;
  double value = 0;
  for (size_t i = 0; i < len; i++) {
    if (!isdigit((unsigned char)text[i]))
      return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

/* One number, though it may come several times or as a list (RFC 9112 6.3): of two that differ,
 * everyone on the way may have taken another. */
static void note_length(gitdev_response *response, const char *value, size_t len) {
  const char *end = value + len;
  for (const char *comma; value <= end; value = comma + 1) {
    comma = memchr(value, ',', (size_t)(end - value));
    comma = comma ? comma : end;
    while (value < comma && (*value == ' ' || *value == '\t'))
      value++;
    double length = parse_count(value, (size_t)(comma - value));
    if (length < 0 || (response->content_length >= 0 && response->content_length != length))
      response->fault = "its Content-Length is no number, or two of them differ";
    response->content_length = length;
  }
}

/* How much room the body will need; a claim that is not believed beyond a bound. */
static size_t expected_length(const gitdev_response *response) {
  enum { BELIEVED_MAX = 1 << 20 };
  double length = response->content_length;
  return length > 0 && length <= BELIEVED_MAX ? (size_t)length : 0;
}

/* An id goes into messages and logs: only visible ASCII of a bounded length does. */
static void keep_request_id(gitdev_response *response, const char *value, size_t len) {
  if (len >= GITDEV_REQUEST_ID_SIZE)
    return;
  for (size_t i = 0; i < len; i++)
    if (value[i] <= ' ' || value[i] > '~')
      return;
  memcpy(response->request_id, value, len);
  response->request_id[len] = '\0';
}

static int parse_flag(const char *value) {
  return strcmp(value, "true") == 0 ? 1 : strcmp(value, "false") == 0 ? 0 : -1;
}

static void note_own(gitdev_response *response, const char *name, const char *value, size_t len) {
  if (strcmp(name, "x-request-id") == 0)
    keep_request_id(response, value, len);
  else if (strcmp(name, "x-ratelimit-remaining") == 0)
    response->remaining = parse_count(value, len);
  else if (strcmp(name, "x-ratelimit-reset") == 0)
    response->reset = parse_count(value, len);
  else if (strcmp(name, "x-should-retry") == 0)
    response->should_retry = parse_flag(value);
}

/* Reads the headers that the machine judges by, told apart by their first character first; `name`
 * and `value` are in head, NUL-terminated. */
static void note(gitdev_response *response, const char *name, const char *value, size_t len) {
  switch (name[0]) {
  case 'c':
    if (strcmp(name, "content-length") == 0)
      note_length(response, value, len);
    break;
  case 'd':
    if (strcmp(name, "date") == 0)
      response->date = gitdev_date_parse(value, len);
    break;
  case 'r':
    if (strcmp(name, "retry-after") == 0)
      response->retry_after = (size_t)(value - response->head.data) + 1;
    break;
  case 'x': note_own(response, name, value, len); break;
  default: break;
  }
}

static bool is_control(char c) {
  return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

/* Whether one of 8 bytes may be a control byte: each term sets the high bit of one that is below a
 * blank, or equal to DEL. It may be wrong about a byte beyond ASCII, but only to suspect it. */
static bool may_hold_control(const char *bytes) {
  const uint64_t ones = 0x0101010101010101U;
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  uint64_t del = word ^ (ones * 0x7f);
  uint64_t found = ((word - ones * ' ') & ~word) | ((del - ones) & ~del);
  return (found & (ones * 0x80)) != 0;
}

static bool is_value(const char *value, size_t len) {
  size_t i = 0;
  while (len - i >= 8 && !may_hold_control(value + i))
    i += 8;
  for (; i < len; i++)
    if (is_control(value[i]))
      return false;
  return true;
}

/* Copies a name in lower case. False when a byte of it cannot be in one. */
static bool copy_name(char *out, const char *name, size_t len) {
  bool fine = len > 0;
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)name[i];
    fine = fine && c > ' ' && c != 0x7f;
    out[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  }
  return fine;
}

/* Appends "name\0value\0", the name in lower case. Returns where it begins, NULL when it does not
 * fit or the name is none. */
static char *append_header(gitdev_buffer *head, const char *name, size_t name_len,
                           const char *value, size_t value_len) {
  enum { USUAL_HEAD = 768 };
  size_t total = name_len + value_len + 2;
  if (!gitdev_buffer_reserve(head, head->size == 0 && total < USUAL_HEAD ? USUAL_HEAD : total))
    return NULL;
  char *at = head->data + head->len;
  if (!copy_name(at, name, name_len))
    return NULL;
  at[name_len] = '\0';
  memcpy(at + name_len + 1, value, value_len);
  at[total - 1] = at[total] = '\0';
  head->len += total;
  return at;
}

/* Nothing but the plain body was asked for: what is encoded cannot be read here. */
static bool is_encoded(const char *name, size_t name_len, const char *value, size_t value_len) {
  return name_len == 16 && value_len > 0 && strncasecmp(name, "content-encoding", 16) == 0 &&
         !(value_len == 8 && strncasecmp(value, "identity", 8) == 0);
}

bool gitdev_response_header(gitdev_response *response, const char *name, size_t name_len,
                            const char *value, size_t value_len) {
  const char *kept = NULL;
  if (!is_value(value, value_len))
    response->fault = "a header has control characters in it";
  else if (response->header_count == GITDEV_RESPONSE_FIELDS_MAX)
    response->fault = "it has too many headers";
  else if (is_encoded(name, name_len, value, value_len))
    response->fault = "its body is encoded (Content-Encoding), which was not asked for";
  else if (!(kept = append_header(&response->head, name, name_len, value, value_len)))
    response->fault = "its head is too large, or a header's name is none";
  if (!kept)
    return false;
  gitdev_free(response->headers); /* they may have moved */
  response->headers = NULL;
  response->header_count++;
  note(response, kept, kept + name_len + 1, value_len);
  return !response->fault;
}

bool gitdev_response_data(gitdev_response *response, const char *bytes, size_t len) {
  size_t expected = response->body.size == 0 ? expected_length(response) : 0;
  if (expected > len)
    gitdev_buffer_reserve(&response->body, expected);
  if (gitdev_buffer_append(&response->body, bytes, len))
    return true;
  response->fault = "its body is too large";
  return false;
}

bool gitdev_response_is_whole(const gitdev_response *response) {
  const gitdev_buffer *body = &response->body;
  gitdev_json root;
  if (response->content_length >= 0)
    return (double)body->len == response->content_length;
  return gitdev_json_check(&root, body->data, body->len, GITDEV_JSON_DEPTH_MAX, NULL) &&
         (root.kind == GITDEV_JSON_OBJECT || root.kind == GITDEV_JSON_ARRAY);
}

const gitdev_header *gitdev_response_headers(gitdev_response *response) {
  if (response->headers || response->header_count == 0)
    return response->headers;
  gitdev_header *headers = gitdev_malloc(response->header_count * sizeof *headers);
  if (!headers)
    return NULL;
  const char *at = response->head.data;
  for (size_t i = 0; i < response->header_count; i++) {
    headers[i].name = at;
    at += strlen(at) + 1;
    headers[i].value = at;
    at += strlen(at) + 1;
  }
  return response->headers = headers;
}

const char *gitdev_response_find(gitdev_response *response, const char *name) {
  const gitdev_header *headers = gitdev_response_headers(response);
  for (size_t i = 0; headers && i < response->header_count; i++)
    if (strcmp(headers[i].name, name) == 0)
      return headers[i].value;
  return NULL;
}

double gitdev_response_retry_after(const gitdev_response *response) {
  if (!response->retry_after)
    return -1;
  const char *value = response->head.data + response->retry_after - 1;
  return gitdev_retry_after(value, strlen(value), response->date);
}

double gitdev_response_reset_in(const gitdev_response *response) {
  if (response->reset < 0 || response->date < 0)
    return -1;
  double in = response->reset - (double)response->date;
  return in > 0 ? in : 0;
}
