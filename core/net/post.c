#include "net/post.h"
#include "net/handle.h"
#include "net/multi.h"
#include "wire/buffer.h"
#include "wire/memory.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct gitdev_poster {
  gitdev_loop *loop;
  gitdev_multi *multi;
  gitdev_timer report; /* for posts that are over before gitdev_post_start() returns */
  gitdev_post *first;  /* those under way */
};

struct gitdev_post {
  gitdev_poster *poster; /* NULL when it is over, or has no poster any more */
  gitdev_post *before, *after;
  gitdev_posted_fn fn;
  void *payload;

  CURL *easy;
  struct curl_slist *lines;
  char *body;
  int reach;
  bool plain; /* http */

  gitdev_buffer head; /* "name\0value\0…" of the answer */
  gitdev_buffer kept;
  size_t received;
  bool interim;    /* the header lines now coming are of a 1xx answer */
  bool head_whole; /* the empty line after the answer's own has come */
  bool too_large;
  bool opened;       /* an address was tried */
  char refused[128]; /* why one was not */
  char libcurl[CURL_ERROR_SIZE];
  char words[CURL_ERROR_SIZE + 64];

  gitdev_header *headers;
  gitdev_post_answer answer;
  bool over;
};

/* ---- where it goes ---- */

static void describe(const struct curl_sockaddr *address, char *out, size_t room) {
  static const char *const kinds[] = {
      [GITDEV_ADDRESS_PUBLIC] = "public, and plain http goes to this machine or network only",
      [GITDEV_ADDRESS_LOOPBACK] = "this machine",
      [GITDEV_ADDRESS_PRIVATE] = "not public",
  };
  snprintf(out, room, "the url leads to an address that is %s",
           kinds[gitdev_address_kind(&address->addr)]);
}

/* CURLOPT_OPENSOCKETFUNCTION: the name is resolved, and what it led to is what counts. */
static curl_socket_t on_open(void *payload, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  gitdev_post *post = payload;
  int kind = gitdev_address_kind(&address->addr);
  bool exposed = post->plain && kind == GITDEV_ADDRESS_PUBLIC;
  if (!(kind & post->reach) || exposed) {
    describe(address, post->refused, sizeof post->refused);
    return CURL_SOCKET_BAD;
  }
  post->opened = true;
  return gitdev_multi_open_socket(post->poster->multi, address);
}

/* ---- the answer ---- */

static bool begin_answer(gitdev_post *post, const char *line, size_t len) {
  const char *blank = memchr(line, ' ', len);
  int status = 0;
  if (blank)
    for (const char *p = blank + 1; p < line + len && isdigit((unsigned char)*p); p++)
      status = status < 1000 ? status * 10 + (*p - '0') : status;
  if (status == 101) /* nobody asked for another protocol, and nothing ends it */
    return false;
  post->interim = status >= 100 && status <= 199;
  post->answer.status = post->interim ? 0 : status;
  gitdev_buffer_reset(&post->head);
  post->answer.header_count = 0;
  return true;
}

static bool take_header(gitdev_post *post, const char *line, size_t len) {
  const char *colon = memchr(line, ':', len);
  if (!colon)
    return false;
  const char *value = colon + 1, *end = line + len;
  while (value < end && (*value == ' ' || *value == '\t'))
    value++;
  while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
    end--;
  gitdev_buffer_append(&post->head, line, (size_t)(colon - line));
  gitdev_buffer_append(&post->head, "", 1);
  gitdev_buffer_append(&post->head, value, (size_t)(end - value));
  post->too_large |= !gitdev_buffer_append(&post->head, "", 1);
  post->answer.header_count++;
  return !post->too_large;
}

static size_t on_header(char *line, size_t size, size_t count, void *payload) {
  gitdev_post *post = payload;
  size_t total = size * count, len = total;
  while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
    len--;
  if (post->head_whole) /* trailers: nobody asks for what is in them */
    return total;
  if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
    return begin_answer(post, line, len) ? total : 0;
  if (len == 0)
    post->head_whole = !post->interim;
  else if (!post->interim && (memchr(line, '\0', len) || !take_header(post, line, len)))
    return 0;
  return total;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *payload) {
  gitdev_post *post = payload;
  size_t len = size * count, room = GITDEV_POST_KEPT - post->kept.len;
  gitdev_buffer_append(&post->kept, bytes, len < room ? len : room);
  post->received += len;
  post->too_large |= post->received > GITDEV_POST_BODY_MAX;
  return post->too_large ? 0 : len;
}

/* ---- how it ended ---- */

static const char *word_of(const gitdev_post *post, CURLcode code) {
  long cause = 0;
  curl_easy_getinfo(post->easy, CURLINFO_OS_ERRNO, &cause);
  if (post->too_large || strstr(post->libcurl, "Too large response headers")) /* with all 1xx */
    return "too_large";
  switch (code) {
  case CURLE_OUT_OF_MEMORY: return "too_large"; /* so libcurl calls a header line that is */
  case CURLE_OK: return post->answer.status / 100 == 3 ? "redirect" : NULL;
  case CURLE_COULDNT_RESOLVE_HOST: return "dns";
  case CURLE_OPERATION_TIMEDOUT: return "timeout";
  case CURLE_COULDNT_CONNECT: return cause == ETIMEDOUT ? "timeout" : "refused";
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_ENGINE_INITFAILED:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_INVALIDCERTSTATUS: return "tls";
  default: return "reset";
  }
}

/* What to say of the word, where libcurl's own words do not tell. */
static const char *sentence_of(const gitdev_post *post, const char *word) {
  if (strcmp(word, "too_large") == 0)
    return "the answer is larger than 1 MiB, or its header than 64 KiB";
  if (strcmp(word, "redirect") == 0)
    return "the answer is a redirect, which is not followed";
  if (strcmp(word, "refused") == 0 && post->refused[0] && !post->opened)
    return post->refused;
  return post->libcurl[0] ? post->libcurl : "the connection was closed before a whole answer";
}

static CURLcode list_headers(gitdev_post *post) {
  size_t count = post->answer.header_count;
  post->headers = gitdev_calloc(count ? count : 1, sizeof *post->headers);
  if (!post->headers)
    return CURLE_OUT_OF_MEMORY;
  const char *text = post->head.data;
  for (size_t i = 0; i < count; i++) {
    post->headers[i].name = text;
    text += strlen(text) + 1;
    post->headers[i].value = text;
    text += strlen(text) + 1;
  }
  post->answer.headers = post->headers;
  return CURLE_OK;
}

static void note_end(gitdev_post *post, CURLcode code) {
  gitdev_post_answer *answer = &post->answer;
  curl_off_t microseconds = 0;
  curl_easy_getinfo(post->easy, CURLINFO_TOTAL_TIME_T, &microseconds);
  /* libcurl takes a head that ends in the middle for a whole answer. */
  if (!code && !post->head_whole)
    code = CURLE_GOT_NOTHING;
  answer->error = word_of(post, code);
  if (code || post->too_large || list_headers(post)) {
    answer->status = 0;
    answer->header_count = 0;
    gitdev_buffer_reset(&post->kept);
    answer->error = answer->error ? answer->error : "reset";
  }
  if (answer->error)
    snprintf(post->words, sizeof post->words, "%s", sentence_of(post, answer->error));
  answer->problem = post->words;
  answer->body = post->kept.data;
  answer->body_len = post->kept.len;
  answer->seconds = (double)microseconds / 1e6;
  post->over = true;
}

/* ---- libcurl's part ---- */

static void unlink_post(gitdev_post *post) {
  if (post->before)
    post->before->after = post->after;
  else
    post->poster->first = post->after;
  if (post->after)
    post->after->before = post->before;
  post->before = post->after = NULL;
}

/* Takes it from the poster. In a fork's child the handle is left alone: libcurl would speak on the
 * parent's connection. */
static void detach(gitdev_post *post) {
  if (!post->poster)
    return;
  unlink_post(post);
  if (!gitdev_loop_forked(post->poster->loop)) {
    gitdev_multi_remove(post->poster->multi, post->easy);
    curl_easy_cleanup(post->easy);
  }
  post->easy = NULL;
  post->poster = NULL;
}

static void on_finished(void *payload, CURL *easy, CURLcode code) {
  (void)payload;
  char *private = NULL;
  if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private) || !private)
    return;
  gitdev_post *post = (gitdev_post *)(void *)private;
  note_end(post, code);
  detach(post);
  post->fn(post->payload, post);
}

static void on_report(void *payload) {
  gitdev_poster *poster = payload;
  gitdev_multi_report(poster->multi);
}

static long milliseconds(double seconds) {
  return seconds < 0.001 ? 1 : seconds > 1e6 ? 1000000000L : (long)ceil(seconds * 1000);
}

static CURLcode set_way(gitdev_post *post, const gitdev_post_options *options) {
  CURL *easy = post->easy;
  CURLcode code = CURLE_OK;
#define SET(option, value)                                                                         \
  if (!code)                                                                                       \
  code = curl_easy_setopt(easy, option, value)
  SET(CURLOPT_URL, options->url);
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_PATH_AS_IS, 1L);
  SET(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  SET(CURLOPT_PROXY, "");
  SET(CURLOPT_FRESH_CONNECT, 1L);
  SET(CURLOPT_FORBID_REUSE, 1L);
  SET(CURLOPT_QUICK_EXIT, 1L);
  SET(CURLOPT_TIMEOUT_MS, milliseconds(options->timeout));
#undef SET
  return code ? code : gitdev_handle_trust(easy, options->ca_file);
}

static CURLcode set_content(gitdev_post *post, const gitdev_post_options *options) {
  CURL *easy = post->easy;
  CURLcode code = CURLE_OK;
#define SET(option, value)                                                                         \
  if (!code)                                                                                       \
  code = curl_easy_setopt(easy, option, value)
  SET(CURLOPT_POST, 1L);
  SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)options->body_len);
  SET(CURLOPT_POSTFIELDS, post->body);
  SET(CURLOPT_HTTPHEADER, post->lines);
  SET(CURLOPT_HEADERFUNCTION, on_header);
  SET(CURLOPT_HEADERDATA, post);
  SET(CURLOPT_WRITEFUNCTION, on_body);
  SET(CURLOPT_WRITEDATA, post);
  SET(CURLOPT_ERRORBUFFER, post->libcurl);
  SET(CURLOPT_PRIVATE, post);
  SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
  SET(CURLOPT_OPENSOCKETDATA, post);
#undef SET
  return code;
}

/* ---- checking what is to be sent ---- */

static int refuse(gitdev_problem *problem, const char *text) {
  if (problem)
    snprintf(problem->text, sizeof problem->text, "%s", text);
  return GITDEV_EINVAL;
}

static bool has_part(CURLU *url, CURLUPart part) {
  char *text = NULL;
  bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
  curl_free(text);
  return has;
}

static const char *fault_of_url(CURLU *url, const char *text, bool *plain) {
  char *scheme = NULL;
  if (curl_url_set(url, CURLUPART_URL, text, 0) ||
      curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) || !has_part(url, CURLUPART_HOST)) {
    curl_free(scheme);
    return "the url must be one such as https://example.com/hooks";
  }
  *plain = strcmp(scheme, "http") == 0;
  bool known = *plain || strcmp(scheme, "https") == 0;
  curl_free(scheme);
  if (!known)
    return "the url must begin with https:// or http://";
  if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
    return "the url must not hold credentials";
  return NULL;
}

static int check_url(gitdev_post *post, const char *text, gitdev_problem *problem) {
  CURLU *url = curl_url();
  if (!url)
    return GITDEV_ENOMEM;
  const char *fault = fault_of_url(url, text, &post->plain);
  curl_url_cleanup(url);
  return fault ? refuse(problem, fault) : GITDEV_OK;
}

static bool is_token(const char *name) {
  static const char others[] = "!#$%&'*+-.^_`|~";
  for (const char *p = name; *p; p++)
    if (!isalnum((unsigned char)*p) && !strchr(others, *p))
      return false;
  return *name != '\0';
}

/* What says where a message ends is the transport's to send. */
static bool is_framing(const char *name) {
  return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0 ||
         strcasecmp(name, "Connection") == 0 || strcasecmp(name, "Host") == 0;
}

static const char *fault_of_header(const gitdev_header *header) {
  if (!is_token(header->name))
    return "a header's name holds a character that none may hold";
  if (is_framing(header->name))
    return "Host, Connection, Content-Length and Transfer-Encoding are not the caller's to set";
  if (strpbrk(header->value, "\r\n"))
    return "a header's value must not hold a line break";
  return NULL;
}

static bool add_line(gitdev_post *post, const char *line) {
  struct curl_slist *longer = curl_slist_append(post->lines, line);
  if (longer)
    post->lines = longer;
  return longer != NULL;
}

/* "Name: value"; "Name;" is libcurl's way to write one without a value. */
static bool add_header(gitdev_post *post, const gitdev_header *header) {
  gitdev_buffer line;
  gitdev_buffer_init(&line, GITDEV_POST_HEAD_MAX);
  gitdev_buffer_puts(&line, header->name);
  gitdev_buffer_puts(&line, header->value[0] ? ": " : ";");
  bool fine = gitdev_buffer_puts(&line, header->value) && add_line(post, line.data);
  gitdev_buffer_free(&line);
  return fine;
}

static int set_lines(gitdev_post *post, const gitdev_post_options *options,
                     gitdev_problem *problem) {
  bool has_type = false;
  if (options->header_count > GITDEV_POST_HEADERS_MAX)
    return refuse(problem, "a request has at most 64 headers");
  for (size_t i = 0; i < options->header_count; i++) {
    const char *fault = fault_of_header(&options->headers[i]);
    if (fault)
      return refuse(problem, fault);
    has_type |= strcasecmp(options->headers[i].name, "Content-Type") == 0;
    if (!add_header(post, &options->headers[i]))
      return GITDEV_ENOMEM;
  }
  /* What libcurl would add of its own. */
  if (!add_line(post, "Accept:") || !add_line(post, "Expect:"))
    return GITDEV_ENOMEM;
  return has_type || add_line(post, "Content-Type:") ? GITDEV_OK : GITDEV_ENOMEM;
}

/* ---- life ---- */

int gitdev_poster_new(gitdev_poster **out, gitdev_loop *loop) {
  *out = NULL;
  gitdev_poster *poster = gitdev_calloc(1, sizeof *poster);
  if (!poster)
    return GITDEV_ENOMEM;
  poster->loop = loop;
  int rc = gitdev_multi_new(&poster->multi, loop, on_finished, poster);
  if (rc != GITDEV_OK) {
    gitdev_free(poster);
    return rc;
  }
  gitdev_loop_retain(loop);
  *out = poster;
  return GITDEV_OK;
}

void gitdev_poster_free(gitdev_poster *poster) {
  if (!poster)
    return;
  bool forked = gitdev_loop_forked(poster->loop);
  while (poster->first)
    detach(poster->first);
  gitdev_timer_clear(poster->loop, &poster->report);
  if (forked)
    gitdev_multi_forsake(poster->multi);
  else
    gitdev_multi_free(poster->multi);
  gitdev_loop_free(poster->loop);
  gitdev_free(poster);
}

void gitdev_post_free(gitdev_post *post) {
  if (!post)
    return;
  detach(post);
  curl_easy_cleanup(post->easy); /* of one that was never sent */
  curl_slist_free_all(post->lines);
  gitdev_buffer_free(&post->head);
  gitdev_buffer_free(&post->kept);
  gitdev_free(post->headers);
  gitdev_free(post->body);
  gitdev_free(post);
}

static int prepare(gitdev_post *post, gitdev_poster *poster, const gitdev_post_options *options,
                   gitdev_problem *problem) {
  int rc = check_url(post, options->url, problem);
  if (rc == GITDEV_OK)
    rc = set_lines(post, options, problem);
  if (rc != GITDEV_OK)
    return rc;
  post->body = gitdev_malloc(options->body_len + 1);
  post->easy = curl_easy_init();
  if (!post->body || !post->easy)
    return GITDEV_ENOMEM;
  memcpy(post->body, options->body ? options->body : "", options->body_len);
  post->body[options->body_len] = '\0';
  if (gitdev_multi_prepare(poster->multi, post->easy) != GITDEV_OK || set_way(post, options) ||
      set_content(post, options))
    return GITDEV_ECURL;
  return GITDEV_OK;
}

static void link_post(gitdev_post *post, gitdev_poster *poster) {
  post->poster = poster;
  post->after = poster->first;
  if (post->after)
    post->after->before = post;
  poster->first = post;
}

/* It may be over at once: the loop says so in its next turn. */
static int send_off(gitdev_post *post, gitdev_poster *poster) {
  link_post(post, poster);
  if (gitdev_timer_set(poster->loop, &poster->report, gitdev_now(), on_report, poster) != GITDEV_OK)
    return GITDEV_ENOMEM;
  return gitdev_multi_add(poster->multi, post->easy);
}

int gitdev_post_start(gitdev_post **out, gitdev_poster *poster, const gitdev_post_options *options,
                      gitdev_posted_fn fn, void *payload, gitdev_problem *problem) {
  *out = NULL;
  if (gitdev_loop_forked(poster->loop))
    return GITDEV_ECLOSED;
  gitdev_post *post = gitdev_calloc(1, sizeof *post);
  if (!post)
    return GITDEV_ENOMEM;
  gitdev_buffer_init(&post->head, GITDEV_POST_HEAD_MAX);
  gitdev_buffer_init(&post->kept, GITDEV_POST_KEPT);
  post->fn = fn;
  post->payload = payload;
  post->reach = options->reach ? options->reach : GITDEV_ADDRESS_PUBLIC;
  int rc = prepare(post, poster, options, problem);
  if (rc == GITDEV_OK)
    rc = send_off(post, poster);
  if (rc == GITDEV_OK)
    *out = post;
  else
    gitdev_post_free(post);
  return rc;
}

const gitdev_post_answer *gitdev_post_answer_of(const gitdev_post *post) {
  return post->over ? &post->answer : NULL;
}
