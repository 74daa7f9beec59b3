#include "net/transfer.h"
#include "wire/buffer.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <math.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_LINES_MAX = 48, HEADER_BYTES_MAX = 64 << 10, LARGE_BODY = 60000 };

struct gitdev_transfer {
  CURL *easy;
  char *ca_file; /* what the handle is set to trust at present; NULL: the system's */
  bool direct;   /* the engine sends connections elsewhere itself: no proxy comes into it */
  gitdev_call *call;
  const gitdev_request *request;
  struct curl_slist lines[HEADER_LINES_MAX]; /* made in place: a request costs no allocation */
  gitdev_buffer text;                        /* what the lines point to; holds the key: wiped */
  int sends;                                 /* how often libcurl began to send this request */
  bool refused_repeat;                       /* a second sending was stopped */
  bool interim;                              /* the header lines now coming are of a 1xx answer */
  bool answered;                             /* a final status line has come */
  bool head_whole;                           /* and so has the empty line after its header lines */
  bool answer_bad;                           /* the machine refused a part of the answer */
  char problem[CURL_ERROR_SIZE];
};

/* ---- what libcurl calls ---- */

/* CURLOPT_PREREQFUNCTION: a connection is there, and the request is about to be sent on it. When a
 * reused connection dies, libcurl sends the request again by itself on a fresh one, and reports one
 * success. Whether a write is repeated is the call machine's to say: it may begin once. */
static int on_begin(void *payload, char *peer, char *local, int peer_port, int local_port) {
  (void)peer, (void)local, (void)peer_port, (void)local_port;
  gitdev_transfer *transfer = payload;
  transfer->refused_repeat = ++transfer->sends > 1 && !transfer->request->safe;
  return transfer->refused_repeat ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* "HTTP/1.1 201 Created", "HTTP/2 201". */
static bool begin_answer(gitdev_transfer *transfer, const char *line, size_t len) {
  const char *blank = memchr(line, ' ', len);
  int status = 0;
  if (blank)
    for (const char *p = blank + 1; p < line + len && isdigit((unsigned char)*p); p++)
      status = status < 1000 ? status * 10 + (*p - '0') : status;
  if (status == 101) /* nobody asked for another protocol */
    return false;
  transfer->interim = status >= 100 && status <= 199;
  transfer->answered |= !transfer->interim;
  return transfer->interim || gitdev_call_begin(transfer->call, status);
}

static bool take_header(gitdev_transfer *transfer, const char *line, size_t len) {
  const char *colon = memchr(line, ':', len);
  if (!colon)
    return false;
  const char *value = colon + 1, *end = line + len;
  while (value < end && (*value == ' ' || *value == '\t'))
    value++;
  while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
    end--;
  return gitdev_call_header(transfer->call, line, (size_t)(colon - line), value,
                            (size_t)(end - value));
}

static size_t on_header(char *line, size_t size, size_t count, void *payload) {
  gitdev_transfer *transfer = payload;
  size_t total = size * count, len = total;
  while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
    len--;
  bool fine = true;
  if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
    fine = begin_answer(transfer, line, len);
  else if (len > 0 && !transfer->interim)
    fine = take_header(transfer, line, len);
  else if (len == 0)
    transfer->head_whole = !transfer->interim;
  transfer->answer_bad |= !fine;
  return fine ? total : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *payload) {
  gitdev_transfer *transfer = payload;
  if (gitdev_call_data(transfer->call, bytes, size * count) == GITDEV_OK)
    return size * count;
  transfer->answer_bad = true;
  return 0;
}

/* SSLKEYLOGFILE makes libcurl write the secrets of every connection to a file: no switch of ours is
 * to be insecure, and none that is inherited either. */
static CURLcode on_tls(CURL *easy, void *context, void *payload) {
  (void)easy, (void)payload;
  SSL_CTX_set_keylog_callback(context, NULL);
  return CURLE_OK;
}

/* ---- setting up ---- */

static CURLcode set_constant_options(gitdev_transfer *transfer, struct curl_slist *connect_to) {
  CURL *easy = transfer->easy;
  CURLcode code = CURLE_OK;
#define SET(option, value)                                                                         \
  if (!code)                                                                                       \
  code = curl_easy_setopt(easy, option, value)
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_PROTOCOLS_STR, "https");
  SET(CURLOPT_PATH_AS_IS, 1L);
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
  SET(CURLOPT_QUICK_EXIT, 1L);
  SET(CURLOPT_ERRORBUFFER, transfer->problem);
  SET(CURLOPT_PREREQFUNCTION, on_begin);
  SET(CURLOPT_PREREQDATA, transfer);
  SET(CURLOPT_HEADERFUNCTION, on_header);
  SET(CURLOPT_HEADERDATA, transfer);
  SET(CURLOPT_WRITEFUNCTION, on_body);
  SET(CURLOPT_WRITEDATA, transfer);
  SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
  SET(CURLOPT_CONNECT_TO, connect_to);
#undef SET
  return code;
}

gitdev_transfer *gitdev_transfer_new(struct curl_slist *connect_to) {
  gitdev_transfer *transfer = calloc(1, sizeof *transfer);
  if (!transfer)
    return NULL;
  gitdev_buffer_init(&transfer->text, HEADER_BYTES_MAX);
  transfer->direct = connect_to != NULL;
  transfer->easy = curl_easy_init();
  if (transfer->easy && set_constant_options(transfer, connect_to) == CURLE_OK)
    return transfer;
  gitdev_transfer_free(transfer);
  return NULL;
}

void gitdev_transfer_free(gitdev_transfer *transfer) {
  if (!transfer)
    return;
  curl_easy_cleanup(transfer->easy);
  gitdev_buffer_wipe(&transfer->text);
  free(transfer->ca_file);
  free(transfer);
}

CURL *gitdev_transfer_easy(gitdev_transfer *transfer) {
  return transfer->easy;
}

/* Appends "Name: value"; offsets first, since the text may move while it grows. */
static size_t add_line(gitdev_buffer *text, const char *name, const char *value) {
  size_t at = text->len;
  gitdev_buffer_puts(text, name);
  gitdev_buffer_append(text, ": ", 2);
  gitdev_buffer_append(text, value, strlen(value) + 1);
  return at;
}

/* libcurl adds an Expect to large bodies, and a form's Content-Type to a POST that names none: an
 * empty value drops them. */
static size_t add_removal(gitdev_buffer *text, const char *line) {
  size_t at = text->len;
  gitdev_buffer_append(text, line, strlen(line) + 1);
  return at;
}

static int set_headers(gitdev_transfer *transfer) {
  const gitdev_request *request = transfer->request;
  gitdev_buffer *text = &transfer->text;
  size_t at[HEADER_LINES_MAX], count = 0;
  gitdev_buffer_reset(text);
  if (request->header_count > HEADER_LINES_MAX - 2)
    return GITDEV_EINVAL;
  for (size_t i = 0; i < request->header_count; i++)
    at[count++] = add_line(text, request->headers[i].name, request->headers[i].value);
  at[count++] = add_removal(text, "Expect:");
  if (!request->body)
    at[count++] = add_removal(text, "Content-Type:");
  if (text->failed)
    return GITDEV_ENOMEM;
  for (size_t i = 0; i < count; i++) {
    transfer->lines[i].data = text->data + at[i];
    transfer->lines[i].next = i + 1 < count ? &transfer->lines[i + 1] : NULL;
  }
  return GITDEV_OK;
}

static CURLcode set_method(CURL *easy, const gitdev_request *request) {
  const char *method = request->method;
  bool post = request->body || strcmp(method, "POST") == 0;
  const char *custom = NULL;
  CURLcode code;
  if (strcmp(method, "HEAD") == 0) {
    code = curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (post) {
    code = curl_easy_setopt(easy, CURLOPT_POST, 1L);
    custom = strcmp(method, "POST") == 0 ? NULL : method;
  } else {
    code = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    custom = strcmp(method, "GET") == 0 ? NULL : method;
  }
  if (!code)
    code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
  if (!code && post)
    code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
  if (!code)
    code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, custom);
  return code;
}

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

/* With a CA file of the caller's, the system's directory of certificates is not looked at either.
 * libcurl tells what it was built to trust, so that a handle can go back to it. */
static CURLcode set_trust(gitdev_transfer *transfer) {
  const char *wanted = transfer->request->ca_file;
  if (same_text(wanted, transfer->ca_file))
    return CURLE_OK;
  const curl_version_info_data *built = curl_version_info(CURLVERSION_NOW);
  char *kept = wanted ? strdup(wanted) : NULL;
  if (wanted && !kept)
    return CURLE_OUT_OF_MEMORY;
  free(transfer->ca_file);
  transfer->ca_file = kept;
  CURLcode code = curl_easy_setopt(transfer->easy, CURLOPT_CAINFO, wanted ? wanted : built->cainfo);
  if (!code)
    code = curl_easy_setopt(transfer->easy, CURLOPT_CAPATH, wanted ? NULL : built->capath);
  return code;
}

static CURLcode set_request(gitdev_transfer *transfer, double seconds) {
  CURL *easy = transfer->easy;
  const gitdev_request *request = transfer->request;
  /* libcurl's HTTP/2 spins until the time is over when a body above its send window is answered
   * before it was taken. */
  bool large = request->body_len > LARGE_BODY;
  long version = large ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS;
  const char *no_proxy = transfer->direct || is_loopback(request->host) ? "*" : NULL;
  CURLcode code = set_method(easy, request);
#define SET(option, value)                                                                         \
  if (!code)                                                                                       \
  code = curl_easy_setopt(easy, option, value)
  SET(CURLOPT_URL, request->url);
  SET(CURLOPT_HTTPHEADER, transfer->lines);
  SET(CURLOPT_TIMEOUT_MS, milliseconds(seconds));
  SET(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request->connect_timeout));
  SET(CURLOPT_NOPROXY, no_proxy);
  SET(CURLOPT_HTTP_VERSION, version);
#undef SET
  return code ? code : set_trust(transfer);
}

int gitdev_transfer_begin(gitdev_transfer *transfer, gitdev_call *call,
                          const gitdev_request *request, double seconds) {
  transfer->call = call;
  transfer->request = request;
  transfer->sends = 0;
  transfer->refused_repeat = false;
  transfer->interim = transfer->answered = transfer->head_whole = transfer->answer_bad = false;
  transfer->problem[0] = '\0';
  if (set_headers(transfer) != GITDEV_OK || set_request(transfer, seconds) != CURLE_OK)
    return GITDEV_ENOMEM;
  return GITDEV_OK;
}

/* ---- how it went ---- */

bool gitdev_transfer_worn(const gitdev_transfer *transfer) {
  return transfer->sends > 1;
}

static double seconds_of(CURL *easy, CURLINFO info) {
  curl_off_t microseconds = 0;
  if (curl_easy_getinfo(easy, info, &microseconds) != CURLE_OK || microseconds <= 0)
    return -1;
  return (double)microseconds / 1e6;
}

/* libcurl has one code for a connection that broke and for some answers that are malformed or too
 * large; its words tell them apart. */
static bool is_malformed(const gitdev_transfer *transfer, CURLcode code) {
  if (transfer->answer_bad)
    return true;
  if (code == CURLE_OUT_OF_MEMORY) /* a header line above its cap */
    return transfer->answered;
  return code == CURLE_RECV_ERROR && (strstr(transfer->problem, "in chunked-encoding") ||
                                      strstr(transfer->problem, "Too large response headers"));
}

/* libcurl takes a head that ends with the connection, in the middle of a line even, for a whole
 * answer. */
static gitdev_outcome_kind classify(const gitdev_transfer *transfer, CURLcode code) {
  if (is_malformed(transfer, code))
    return GITDEV_FAILED_ANSWER;
  switch (code) {
  case CURLE_OK: return transfer->head_whole ? GITDEV_COMPLETE : GITDEV_FAILED_SENT;
  case CURLE_OPERATION_TIMEDOUT: return GITDEV_TIMED_OUT;
  case CURLE_PEER_FAILED_VERIFICATION: return GITDEV_FAILED_TRUST;
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_FAILED_INIT:
  case CURLE_OUT_OF_MEMORY:
  case CURLE_URL_MALFORMAT: return GITDEV_FAILED_LOCAL;
  case CURLE_UNSUPPORTED_PROTOCOL: /* what came is no HTTP */
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_BAD_CONTENT_ENCODING: return GITDEV_FAILED_ANSWER;
  default: return transfer->sends > 0 ? GITDEV_FAILED_SENT : GITDEV_FAILED_UNSENT;
  }
}

static const char *words_for(const gitdev_transfer *transfer, CURLcode code) {
  if (transfer->refused_repeat)
    return "it was closed while the request was under way";
  if (code == CURLE_OK)
    return "it was closed in the middle of the answer's head";
  return transfer->problem[0] ? transfer->problem : curl_easy_strerror(code);
}

gitdev_outcome gitdev_transfer_outcome(gitdev_transfer *transfer, CURLcode code) {
  CURL *easy = transfer->easy;
  return (gitdev_outcome){
      .kind = classify(transfer, code),
      .unsent = transfer->sends == 0,
      .message = words_for(transfer, code),
      .dns = seconds_of(easy, CURLINFO_NAMELOOKUP_TIME_T),
      .connect = seconds_of(easy, CURLINFO_CONNECT_TIME_T),
      .tls = seconds_of(easy, CURLINFO_APPCONNECT_TIME_T),
      .first_byte = seconds_of(easy, CURLINFO_STARTTRANSFER_TIME_T),
      .total = seconds_of(easy, CURLINFO_TOTAL_TIME_T),
  };
}
