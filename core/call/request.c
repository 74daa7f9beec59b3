#include "call/request.h"
#include "call/download.h"
#include "call/problem.h"
#include "policy/random.h"
#include "wire/memory.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Set by the SDK, or meaningful to one connection only: a caller who sends them would contradict
 * the call machine. */
static const char *const OWN_HEADERS[] = {
    "authorization",  "host",   "user-agent",        "accept", "content-type", "content-length",
    "connection",     "expect", "transfer-encoding", "te",     "trailer",      "upgrade",
    "idempotency-key"};

static bool is_token_char(unsigned char c) { /* RFC 9110 5.6.2 */
  return isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(const char *text) {
  if (!*text)
    return false;
  for (; *text; text++)
    if (!is_token_char((unsigned char)*text))
      return false;
  return true;
}

static bool is_visible(const char *text) {
  for (; *text; text++)
    if (*text <= ' ' || *text > '~')
      return false;
  return true;
}

static int check_header(const gitdev_header *header, gitdev_problem *problem) {
  if (!header->name || !is_token(header->name))
    return gitdev_problem_set(problem, GITDEV_EINVAL, "headers: \"%.40s\" is no header name",
                              header->name ? header->name : "");
  for (size_t i = 0; i < sizeof OWN_HEADERS / sizeof *OWN_HEADERS; i++)
    if (strcasecmp(header->name, OWN_HEADERS[i]) == 0 ||
        strncasecmp(header->name, "sec-websocket-", 14) == 0)
      return gitdev_problem_set(problem, GITDEV_EINVAL, "headers: %s is set by the SDK itself",
                                header->name);
  if (!header->value)
    return gitdev_problem_set(problem, GITDEV_EINVAL, "headers: %s has no value", header->name);
  for (const char *p = header->value; *p; p++)
    if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
      return gitdev_problem_set(problem, GITDEV_EINVAL,
                                "headers: the value of %s holds a control byte (CR or LF?)",
                                header->name);
  return GITDEV_OK;
}

/* Dot segments are folded by URL readers on the way, into another path than the one asked for
 * (contract 1.2). */
static bool has_dot_segment(const char *path) {
  const char *end = path + strcspn(path, "?");
  while (path < end) {
    const char *segment = path + 1;
    size_t len = strcspn(segment, "/?");
    if ((len == 1 && segment[0] == '.') || (len == 2 && segment[0] == '.' && segment[1] == '.'))
      return true;
    path = segment + len;
  }
  return false;
}

/* Methods are told apart by case (RFC 9110 9.1), and the API's are in capitals. */
static bool is_method(const char *method) {
  enum { METHOD_MAX = 16 };
  size_t len = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  return len > 0 && len <= METHOD_MAX && !method[len];
}

static bool is_safe(const char *method) {
  return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* An entity tag (RFC 9110 8.8.3), weak or strong, that can be sent. */
static bool is_etag(const char *etag) {
  const char *text = etag + (strncmp(etag, "W/", 2) == 0 ? 2 : 0);
  size_t len = strlen(text);
  if (len < 2 || strlen(etag) >= GITDEV_ETAG_SIZE || text[0] != '"' || text[len - 1] != '"')
    return false;
  for (size_t i = 1; i < len - 1; i++)
    if ((unsigned char)text[i] <= ' ' || text[i] == '"' || text[i] == 0x7f)
      return false;
  return true;
}

static int check_sink(const gitdev_call_options *options, gitdev_problem *problem) {
  const gitdev_sink *sink = options->sink;
  if (!sink)
    return GITDEV_OK;
  if (!sink->write || strcmp(options->method, "GET") != 0)
    return gitdev_problem_set(problem, GITDEV_EINVAL,
                              "sink: must have a write function, and goes with GET alone");
  if (sink->etag && !is_etag(sink->etag))
    return gitdev_problem_set(problem, GITDEV_EINVAL,
                              "sink: etag must be an entity tag in its quotes, as it was answered");
  for (size_t i = 0; i < options->header_count; i++)
    if (strcasecmp(options->headers[i].name, "range") == 0 ||
        strcasecmp(options->headers[i].name, "if-range") == 0)
      return gitdev_problem_set(problem, GITDEV_EINVAL,
                                "headers: %s is set by the SDK itself: give the sink an offset",
                                options->headers[i].name);
  return GITDEV_OK;
}

static int check_body(const gitdev_call_options *options, gitdev_problem *problem) {
  const gitdev_source *source = options->source;
  if (!options->body && options->body_len > 0)
    return gitdev_problem_set(problem, GITDEV_EINVAL, "body: is NULL, and body_len is not 0");
  if (source && (!source->read || options->body || source->size < -1))
    return gitdev_problem_set(
        problem, GITDEV_EINVAL,
        "source: must have a read function and a size, and no body beside it");
  const gitdev_header type = {"Content-Kind", options->content_type};
  if (options->content_type && check_header(&type, NULL) != GITDEV_OK)
    return gitdev_problem_set(problem, GITDEV_EINVAL, "content_type: holds a control byte");
  return GITDEV_OK;
}

static int check_upgrade(const gitdev_call_options *options, gitdev_problem *problem) {
  enum { PROTOCOL_MAX = 64 };
  const char *protocol = options->upgrade;
  if (!protocol)
    return GITDEV_OK;
  if (!is_token(protocol) || strlen(protocol) > PROTOCOL_MAX)
    return gitdev_problem_set(problem, GITDEV_EINVAL,
                              "upgrade: must be the name of a subprotocol, such as git.logs.v1");
  if (strcmp(options->method, "GET") != 0 || options->body || options->source || options->sink)
    return gitdev_problem_set(problem, GITDEV_EINVAL,
                              "upgrade: goes with GET alone, without a body or a sink");
  return GITDEV_OK;
}

static int check_headers(const gitdev_call_options *options, gitdev_problem *problem) {
  size_t total = 0;
  if (options->header_count > GITDEV_HEADERS_MAX)
    return gitdev_problem_set(problem, GITDEV_EINVAL, "headers: more than %d", GITDEV_HEADERS_MAX);
  if (!options->headers && options->header_count > 0)
    return gitdev_problem_set(problem, GITDEV_EINVAL,
                              "headers: is NULL, and header_count is not 0");
  for (size_t i = 0; i < options->header_count; i++) {
    if (check_header(&options->headers[i], problem) != GITDEV_OK)
      return GITDEV_EINVAL;
    total += strlen(options->headers[i].name) + strlen(options->headers[i].value);
  }
  if (total > GITDEV_HEADER_BYTES_MAX)
    return gitdev_problem_set(problem, GITDEV_EINVAL, "headers: are longer than %d bytes together",
                              GITDEV_HEADER_BYTES_MAX);
  return GITDEV_OK;
}

static int check_options(const gitdev_call_options *options, gitdev_problem *problem) {
  const char *method = options->method, *path = options->path, *key = options->idempotency_key;
  if (!method || !is_method(method))
    return gitdev_problem_set(problem, GITDEV_EINVAL,
                              "method: must be an HTTP method in capitals, such as GET");
  if (!path || path[0] != '/' || !is_visible(path) || strchr(path, '#'))
    return gitdev_problem_set(problem, GITDEV_EINVAL,
                              "path: must begin with / and be percent-encoded, without a fragment");
  if (strlen(path) > GITDEV_PATH_MAX)
    return gitdev_problem_set(problem, GITDEV_EINVAL, "path: is longer than %d bytes",
                              GITDEV_PATH_MAX);
  if (has_dot_segment(path))
    return gitdev_problem_set(problem, GITDEV_EINVAL, "path: holds a . or .. segment");
  if (key && (!*key || strlen(key) > GITDEV_IDEMPOTENCY_KEY_MAX || !is_visible(key)))
    return gitdev_problem_set(problem, GITDEV_EINVAL,
                              "idempotency_key: must be 1 to %d visible ASCII characters",
                              GITDEV_IDEMPOTENCY_KEY_MAX);
  if (check_headers(options, problem) != GITDEV_OK ||
      check_upgrade(options, problem) != GITDEV_OK || check_sink(options, problem) != GITDEV_OK)
    return GITDEV_EINVAL;
  return check_body(options, problem);
}

/* Copies into the block, at a moving end. */
typedef struct writer {
  char *at;
} writer;

static const char *put(writer *w, const char *text, size_t len) {
  char *start = w->at;
  memcpy(start, text, len);
  start[len] = '\0';
  w->at += len + 1;
  return start;
}

static size_t block_size(const gitdev_client *client, const gitdev_call_options *options,
                         const char *key, size_t header_room) {
  size_t size = header_room * sizeof(gitdev_header) + strlen(options->method) + 1;
  size += strlen(client->origin) + strlen(client->base.path) + strlen(options->path) + 1;
  size += key ? strlen(key) + 1 : 0;
  size += options->content_type ? strlen(options->content_type) + 1 : 0;
  size += options->body ? options->body_len + 1 : 0;
  size += options->upgrade ? strlen(options->upgrade) + 1 : 0;
  for (size_t i = 0; i < options->header_count; i++)
    size += strlen(options->headers[i].name) + strlen(options->headers[i].value) + 2;
  return size;
}

static void fill_headers(gitdev_request *out, gitdev_header *headers, writer *w,
                         const gitdev_client *client, const gitdev_call_options *options,
                         const char *key) {
  memcpy(headers, client->fixed, sizeof client->fixed);
  size_t count = GITDEV_FIXED_HEADERS;
  if (options->sink)
    headers[GITDEV_ACCEPT].value = "*/*";
  const char *type = options->content_type;
  if (options->body || options->source)
    headers[count++] =
        (gitdev_header){"Content-Type", type ? put(w, type, strlen(type)) : "application/json"};
  if (key)
    headers[count++] = (gitdev_header){"Idempotency-Key", put(w, key, strlen(key))};
  for (size_t i = 0; i < options->header_count; i++) {
    const gitdev_header *from = &options->headers[i];
    headers[count].name = put(w, from->name, strlen(from->name));
    headers[count++].value = put(w, from->value, strlen(from->value));
  }
  out->headers = headers;
  out->header_count = count;
}

static void fill_url(gitdev_request *out, writer *w, const gitdev_client *client,
                     const char *path) {
  size_t origin_len = strlen(client->origin), base_len = strlen(client->base.path);
  char *url = w->at;
  memcpy(url, client->origin, origin_len);
  memcpy(url + origin_len, client->base.path, base_len);
  w->at += origin_len + base_len;
  put(w, path, strlen(path));
  out->url = url;
  out->target = url + origin_len;
  out->host = client->base.host;
  out->port = client->base.port;
}

/* The user's, or one of our own where the request changes anything, else NULL. False when the system
 * has no randomness. */
static bool choose_key(const char **key, char uuid[GITDEV_UUID_SIZE], gitdev_client *client,
                       const gitdev_call_options *options) {
  *key = options->idempotency_key;
  if (*key || is_safe(options->method))
    return true;
  *key = uuid;
  return gitdev_random_uuid(&client->random, uuid);
}

static void fill(gitdev_request *out, gitdev_header *headers, writer *w, gitdev_client *client,
                 const gitdev_call_options *options, const char *key) {
  *out = (gitdev_request){.ca_file = client->ca_file,
                          .connect_timeout = client->connect_timeout,
                          .body_max = client->body_max,
                          .streamed = options->sink != NULL,
                          .safe = is_safe(options->method)};
  out->method = put(w, options->method, strlen(options->method));
  fill_url(out, w, client, options->path);
  fill_headers(out, headers, w, client, options, key);
  if (options->body) {
    out->body = put(w, options->body, options->body_len);
    out->body_len = options->body_len;
  }
  if (options->upgrade)
    out->upgrade = put(w, options->upgrade, strlen(options->upgrade));
}

int gitdev_request_build(gitdev_request *out, void **block, bool *repeatable, gitdev_client *client,
                         const gitdev_call_options *options, gitdev_problem *problem) {
  const char *key;
  char uuid[GITDEV_UUID_SIZE];
  *block = NULL;
  if (check_options(options, problem) != GITDEV_OK)
    return GITDEV_EINVAL;
  if (!choose_key(&key, uuid, client, options))
    return gitdev_problem_set(problem, GITDEV_ESYSTEM, "the system has no randomness");
  size_t header_room = GITDEV_FIXED_HEADERS + 2 + options->header_count + GITDEV_RANGE_HEADERS;
  gitdev_header *headers = gitdev_malloc(block_size(client, options, key, header_room));
  if (!headers)
    return gitdev_problem_set(problem, GITDEV_ENOMEM, "memory is out");
  writer w = {(char *)(headers + header_room)};
  fill(out, headers, &w, client, options, key);
  *repeatable = key || out->safe;
  *block = headers;
  return GITDEV_OK;
}
