#include "net/handle.h"
#include "wire/memory.h"
#include <arpa/inet.h>
#include <math.h>
#include <string.h>

enum { HEADER_BYTES_MAX = 64 << 10, LARGE_BODY = 60000, EXPECTED = 1000 };

/* A connection that has rested longer is not used again: servers and what stands before them close
 * theirs after 60 or 75 seconds, and a request that crosses with the closing is lost. */
static const long REST_MAX = 50;

/* libcurl tells what it was built to trust: a file and a directory of authorities, often both. With a
 * directory set it reads the whole file anew for every connection (20 ms), and each keeps a copy of
 * its own (1 MB); so the directory is looked at only where the file is not there. */
CURLcode gitdev_handle_trust(CURL *easy, const char *ca_file) {
  const char *file = ca_file, *directory = NULL;
  if (!ca_file)
    gitdev_authorities_of_system(&file, &directory);
  CURLcode code = curl_easy_setopt(easy, CURLOPT_CAINFO, file);
  if (!code)
    code = curl_easy_setopt(easy, CURLOPT_CAPATH, directory);
  return code;
}

/* The newest TLS that a proxy is spoken to in. Nothing else tells its connection from the origin's, for
 * which no newest is set; its trust is the system's, and libcurl's matter. */
static const long PROXY_NEWEST = CURL_SSLVERSION_MAX_TLSv1_3;

static bool is_proxys(SSL_CTX *context) {
  return SSL_CTX_get_max_proto_version(context) == TLS1_3_VERSION;
}

/* CURLOPT_SSL_CTX_FUNCTION. SSLKEYLOGFILE makes libcurl write the secrets of every connection to a
 * file: no switch of ours is to be insecure, and none that is inherited either. */
static CURLcode on_tls(CURL *easy, void *context, void *payload) {
  (void)easy;
  gitdev_handle *handle = payload;
  SSL_CTX_set_keylog_callback(context, NULL);
  handle->on_tls(handle->tls_payload, context);
  handle->at_proxy = is_proxys(context);
  if (handle->by_libcurl || handle->at_proxy)
    return CURLE_OK;
  gitdev_handle_options *options = handle->options;
  if (!gitdev_authorities_use(&options->authorities, handle->ca_file, context))
    return CURLE_SSL_CACERT_BADFILE;
  gitdev_chore_set(options->loop, &options->while_greeting, gitdev_authorities_foresee,
                   &options->authorities);
  return CURLE_OK;
}

static CURLcode set_constant_options(gitdev_handle *handle) {
  CURL *easy = handle->easy;
  CURLcode code = CURLE_OK;
#define SET(option, value)                                                                         \
  if (!code)                                                                                       \
  code = curl_easy_setopt(easy, option, value)
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_PROTOCOLS_STR, "https");
  SET(CURLOPT_PATH_AS_IS, 1L);
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  SET(CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2 | PROXY_NEWEST);
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
  SET(CURLOPT_QUICK_EXIT, 1L);
  SET(CURLOPT_MAXAGE_CONN, REST_MAX);
  SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* a proxy's, which would pass for the answer's */
  SET(CURLOPT_CONNECT_TO, handle->options->connect_to);
  SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
  SET(CURLOPT_SSL_CTX_DATA, handle);
#undef SET
  return code;
}

gitdev_handle *gitdev_handle_new(gitdev_handle_options *options, gitdev_tls_fn on_connection,
                                 void *tls_payload) {
  gitdev_handle *handle = gitdev_calloc(1, sizeof *handle);
  if (!handle)
    return NULL;
  handle->options = options;
  handle->on_tls = on_connection;
  handle->tls_payload = tls_payload;
  gitdev_buffer_init(&handle->text, HEADER_BYTES_MAX);
  handle->easy = curl_easy_init();
  if (handle->easy && set_constant_options(handle) == CURLE_OK)
    return handle;
  gitdev_handle_free(handle);
  return NULL;
}

void gitdev_handle_free(gitdev_handle *handle) {
  if (!handle)
    return;
  curl_easy_cleanup(handle->easy);
  gitdev_buffer_wipe(&handle->text);
  gitdev_free(handle->ca_file);
  gitdev_free(handle);
}

/* ---- headers ---- */

/* Appends "Name: value"; offsets first, since the text may move while it grows. */
static size_t add_line(gitdev_buffer *text, const char *name, const char *value) {
  size_t at = text->len;
  gitdev_buffer_puts(text, name);
  gitdev_buffer_append(text, ": ", 2);
  gitdev_buffer_append(text, value, strlen(value) + 1);
  return at;
}

/* libcurl adds an Expect to large bodies (above 1 MB, earlier 1 KB), and a form's Content-Type to a POST that names none: an
 * empty value drops them. */
static size_t add_removal(gitdev_buffer *text, const char *line) {
  size_t at = text->len;
  gitdev_buffer_append(text, line, strlen(line) + 1);
  return at;
}

static int set_headers(gitdev_handle *handle, const gitdev_request *request) {
  gitdev_buffer *text = &handle->text;
  size_t at[GITDEV_HANDLE_LINES_MAX], count = 0;
  gitdev_buffer_reset(text);
  if (request->header_count > GITDEV_HANDLE_LINES_MAX - 2)
    return GITDEV_EINVAL;
  for (size_t i = 0; i < request->header_count; i++)
    at[count++] = add_line(text, request->headers[i].name, request->headers[i].value);
  if (request->source || request->body_len > EXPECTED)
    at[count++] = add_removal(text, "Expect:");
  if (!request->body && !request->source)
    at[count++] = add_removal(text, "Content-Type:");
  if (text->failed)
    return GITDEV_ENOMEM;
  for (size_t i = 0; i < count; i++) {
    handle->lines[i].data = text->data + at[i];
    handle->lines[i].next = i + 1 < count ? &handle->lines[i + 1] : NULL;
  }
  return GITDEV_OK;
}

/* ---- method and body ---- */

/* A body in memory is handed over whole: its head and, if it is small, itself leave in one record. */
static CURLcode set_post(CURL *easy, const gitdev_request *request) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_POST, 1L);
  if (!code)
    code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
  if (!code)
    code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
  return code;
}

/* One of unknown size (-1) goes in chunks. */
static CURLcode set_upload(CURL *easy, const gitdev_source *source) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  if (!code)
    code = curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)source->size);
  return code;
}

static CURLcode set_method(gitdev_handle *handle, const gitdev_request *request) {
  CURL *easy = handle->easy;
  const char *method = request->method, *implied = "GET";
  CURLcode code = handle->uploads ? curl_easy_setopt(easy, CURLOPT_UPLOAD, 0L) : CURLE_OK;
  handle->uploads = request->source != NULL;
  if (code)
    return code;
  if (request->source) {
    implied = "PUT";
    code = set_upload(easy, request->source);
  } else if (request->body || strcmp(method, "POST") == 0) {
    implied = "POST";
    code = set_post(easy, request);
  } else if (strcmp(method, "HEAD") == 0) {
    implied = "HEAD";
    code = curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else {
    code = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  }
  return code ? code
              : curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
                                 strcmp(method, implied) == 0 ? NULL : method);
}

/* ---- the way there ---- */

/* A host of this machine, in any spelling of its address: no proxy reaches it. */
static bool is_loopback(const char *host) {
  struct in_addr four;
  struct in6_addr six;
  char address[INET6_ADDRSTRLEN];
  size_t len = strlen(host);
  if (host[0] != '[' || len - 2 >= sizeof address)
    return strcmp(host, "localhost") == 0 ||
           (inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
  memcpy(address, host + 1, len - 2);
  address[len - 2] = '\0';
  return inet_pton(AF_INET6, address, &six) == 1 &&
         (IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127));
}

static long milliseconds(double seconds) {
  return seconds < 0.001 ? 1 : seconds > 1e6 ? 1000000000L : (long)ceil(seconds * 1000);
}

static bool same_text(const char *a, const char *b) {
  return a == b || (a && b && strcmp(a, b) == 0);
}

/* libcurl uses a connection again, and resumes its TLS session, only for who trusts the same: what it is
 * told is the difference. As a directory the name is looked at by nobody: the store that libcurl makes of
 * it is not the one that on_tls() has connections verified by. */
static CURLcode set_own_trust(CURL *easy, const char *ca_file) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
  return code ? code : curl_easy_setopt(easy, CURLOPT_CAPATH, ca_file);
}

/* What cannot be read is left to libcurl, whose words for it are those that the call ends with. */
static CURLcode set_trust(gitdev_handle *handle, const char *wanted) {
  if (handle->trusts && same_text(wanted, handle->ca_file))
    return CURLE_OK;
  char *kept = wanted ? gitdev_strdup(wanted) : NULL;
  if (wanted && !kept)
    return CURLE_OUT_OF_MEMORY;
  gitdev_free(handle->ca_file);
  handle->ca_file = kept;
  handle->by_libcurl = !gitdev_authorities_read(&handle->options->authorities, wanted);
  handle->trusts = !handle->by_libcurl;
  return handle->by_libcurl ? gitdev_handle_trust(handle->easy, wanted)
                            : set_own_trust(handle->easy, wanted);
}

/* libcurl's HTTP/2 spins until the time is over when a body above its send window is answered before
 * it was taken, and as long as a stream is paused; a connection of their own suits such anyway. */
bool gitdev_handle_wants_http1(const gitdev_request *request) {
  return request->body_len > LARGE_BODY || request->source || request->streamed || request->upgrade;
}

static CURLcode set_travel(gitdev_handle *handle, const gitdev_request *request,
                           const gitdev_travel *travel) {
  CURL *easy = handle->easy;
  long version = travel->http1 || gitdev_handle_wants_http1(request) ? CURL_HTTP_VERSION_1_1
                                                                     : CURL_HTTP_VERSION_2TLS;
  const char *no_proxy = handle->options->connect_to || is_loopback(request->host) ? "*" : NULL;
  CURLcode code = CURLE_OK;
#define SET(option, value)                                                                         \
  if (!code)                                                                                       \
  code = curl_easy_setopt(easy, option, value)
  SET(CURLOPT_URL, request->url);
  SET(CURLOPT_TIMEOUT_MS, milliseconds(travel->seconds));
  SET(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request->connect_timeout));
  SET(CURLOPT_NOPROXY, no_proxy);
  SET(CURLOPT_HTTP_VERSION, version);
  SET(CURLOPT_PIPEWAIT, (long)travel->share);
  SET(CURLOPT_FRESH_CONNECT, (long)travel->fresh);
#undef SET
  return code;
}

int gitdev_handle_set(gitdev_handle *handle, const gitdev_request *request,
                      const gitdev_travel *travel) {
  if (set_headers(handle, request) != GITDEV_OK || set_method(handle, request) != CURLE_OK ||
      curl_easy_setopt(handle->easy, CURLOPT_HTTPHEADER, handle->lines) != CURLE_OK ||
      set_travel(handle, request, travel) != CURLE_OK ||
      set_trust(handle, request->ca_file) != CURLE_OK)
    return GITDEV_ENOMEM;
  return GITDEV_OK;
}

int gitdev_handle_set_connect(gitdev_handle *handle, const gitdev_request *request,
                              const gitdev_travel *travel) {
  if (set_travel(handle, request, travel) != CURLE_OK ||
      set_trust(handle, request->ca_file) != CURLE_OK ||
      curl_easy_setopt(handle->easy, CURLOPT_CONNECT_ONLY, 1L) != CURLE_OK)
    return GITDEV_ENOMEM;
  return GITDEV_OK;
}

const char *gitdev_handle_words(CURLcode code, const char *problem) {
  static const char QUOTES[] = "Unsupported proxy";
  if (strncmp(problem, QUOTES, sizeof QUOTES - 1) == 0)
    return "the environment's proxy (https_proxy, all_proxy) is no URL that can be used";
  return problem[0] ? problem : curl_easy_strerror(code);
}

gitdev_outcome_kind gitdev_handle_verdict(const gitdev_handle *handle, CURLcode code,
                                          gitdev_outcome_kind otherwise) {
  switch (code) {
  case CURLE_OPERATION_TIMEDOUT: return GITDEV_TIMED_OUT;
  case CURLE_PEER_FAILED_VERIFICATION:
    return handle->at_proxy ? GITDEV_FAILED_PROXY_TRUST : GITDEV_FAILED_TRUST;
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_FAILED_INIT:
  case CURLE_OUT_OF_MEMORY:
  case CURLE_URL_MALFORMAT: return GITDEV_FAILED_LOCAL;
  case CURLE_UNSUPPORTED_PROTOCOL: /* what came is no HTTP */
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_BAD_CONTENT_ENCODING: return GITDEV_FAILED_ANSWER;
  default: return otherwise;
  }
}
