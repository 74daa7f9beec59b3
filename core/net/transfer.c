#include "net/transfer.h"
#include "call/call.h"
#include "call/response.h"
#include "wire/memory.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { VERSION_7_88_1 = 0x075801, VERSION_8_1_2 = 0x080102 };

/* What libcurl reads at once: the largest head that the machine takes, and what is between its lines.
 * Of an HTTP/2 answer's head it hands over so much, and the rest when more comes: with nothing more to
 * come, never (7.88.1). */
static const long READ_SIZE = GITDEV_RESPONSE_HEAD_MAX + (4 << 10);

struct gitdev_transfer {
  gitdev_handle *handle;
  gitdev_link_watch *watch;
  gitdev_call *call;
  const gitdev_request *request;
  gitdev_transfer_user user;
  bool begun; /* libcurl has had its first look at it */
  bool traced;

  /* Of the connection that it was sent on. */
  gitdev_link *link; /* NULL before, or when memory is out */
  unsigned number;   /* of the request on it */
  uint64_t written;  /* what had left on it before */
  bool reused;       /* it had answered other requests */
  bool sent;         /* libcurl has begun to send */
  bool repeats;      /* and wanted to begin again */
  bool silent;       /* without having told of an error */
  bool refused;      /* the server refused the stream: so libcurl says */
  bool too_new;      /* it wants HTTP/1.1 */
  bool postponed;    /* its connection is not ready for it yet */
  bool diverted;     /* its connection is not fit for it any more */

  /* Of the answer. */
  bool interim;      /* the header lines now coming are of a 1xx answer */
  bool heard;        /* something has come */
  bool answered;     /* a final status line has come */
  bool lined;        /* a header line has come */
  bool head_whole;   /* and so has the empty line after its header lines */
  bool declined;     /* by its status: no more of the request is wanted */
  bool settled;      /* it came whole before the request had left, and ends the try */
  bool measured;     /* it is said where its body ends */
  bool bodied;       /* a piece of its body has come */
  const char *fault; /* what of the answer was refused here, NULL nothing */
  bool source_bad;   /* the body could not be read */

  bool paused; /* a source is empty or a sink full */
  double moved;
  char problem[CURL_ERROR_SIZE];
};

/* ---- a connection is there ---- */

static void trace(gitdev_transfer *transfer, bool on) {
  if (transfer->traced != on)
    curl_easy_setopt(transfer->handle->easy, CURLOPT_VERBOSE, (long)on);
  transfer->traced = on;
}

/* When a connection dies, libcurl sends the request again by itself on another, and reports one
 * success. Whether anything is repeated is the call machine's to say: it is stopped here, and what is
 * known of the first sending is kept. */
static int stop_repeat(gitdev_transfer *transfer) {
  transfer->repeats = true;
  transfer->silent = transfer->problem[0] == '\0';
  transfer->too_new = strstr(transfer->problem, "HTTP_1_1_REQUIRED") != NULL;
  return CURL_PREREQFUNC_ABORT;
}

static void note_link(gitdev_transfer *transfer, gitdev_link *link) {
  transfer->link = gitdev_link_retain(link);
  transfer->reused = link->answered;
  transfer->written = gitdev_link_written(link);
  transfer->number = gitdev_link_enter(link);
  transfer->user.connected(transfer->user.payload, link);
}

/* Answered with an error, libcurl ends a request's body where it is. In HTTP/2 that makes it one of the
 * wrong length, whose stream the server resets, the answer with it. */
static void keep_sending(gitdev_transfer *transfer) {
  const gitdev_link *link = transfer->link;
  if (transfer->request->body_len > 0)
    curl_easy_setopt(transfer->handle->easy, CURLOPT_KEEP_SENDING_ON_ERROR,
                     (long)(link && link->http2));
}

/* CURLOPT_PREREQFUNCTION: the request is about to be sent. */
static int on_connection(void *payload, char *peer, char *local, int peer_port, int local_port) {
  (void)peer, (void)local, (void)peer_port, (void)local_port;
  gitdev_transfer *transfer = payload;
  if (transfer->sent)
    return stop_repeat(transfer);
  gitdev_link *link = gitdev_link_of(transfer->handle->easy, transfer->watch);
  transfer->postponed = link && !gitdev_link_admits(link, gitdev_now());
  transfer->diverted = link && gitdev_link_spoiled(link);
  if (transfer->diverted)
    curl_easy_setopt(transfer->handle->easy, CURLOPT_FORBID_REUSE, 1L);
  if (transfer->postponed || transfer->diverted)
    return CURL_PREREQFUNC_ABORT;
  transfer->sent = true;
  if (link)
    note_link(transfer, link);
  keep_sending(transfer);
  trace(transfer, link && link->http2 && transfer->begun);
  return CURL_PREREQFUNC_OK;
}

/* A first header line that begins with a blank goes on with one that is not there. libcurl before
 * 8.1.2 takes the last one of the handle's former answer for it, whose memory is free (curl issue
 * 11101): without a name, the line is refused instead. */
static void disarm(const gitdev_transfer *transfer, char *line, size_t len) {
  bool folded = len > 0 && (line[0] == ' ' || line[0] == '\t');
  if (folded && !transfer->lined && curl_version_info(CURLVERSION_NOW)->version_num < VERSION_8_1_2)
    line[0] = ':';
}

/* CURLOPT_DEBUGFUNCTION. That a stream was refused, and which are when a server goes, libcurl tells
 * in words only. It tells whoever reads the connection at the moment, so all who are on it listen.
 * A header line is shown here before anything is made of it. */
static int on_words(CURL *easy, curl_infotype type, char *text, size_t len, void *payload) {
  (void)easy;
  static const char LAST[] = "last_stream=";
  gitdev_transfer *transfer = payload;
  if (type == CURLINFO_HEADER_IN)
    disarm(transfer, text, len);
  if (type != CURLINFO_TEXT || !transfer->link)
    return 0;
  if (memmem(text, len, "REFUSED_STREAM", 14))
    transfer->refused = true;
  const char *last =
      memmem(text, len, "GOAWAY", 6) ? memmem(text, len, LAST, sizeof LAST - 1) : NULL;
  if (last) {
    unsigned number = 0;
    for (const char *p = last + sizeof LAST - 1; p < text + len && isdigit((unsigned char)*p); p++)
      number = number * 10 + (unsigned)(*p - '0');
    gitdev_link_leave(transfer->link, number);
  }
  return 0;
}

/* ---- the answer ---- */

/* Whether what is shown of an answer in HTTP/1.1 is to be looked at: its first header line (disarm()).
 * In HTTP/2 no name begins with a blank. */
static void look_at_lines(gitdev_transfer *transfer, bool on) {
  if (!transfer->link || !transfer->link->http2)
    trace(transfer, on);
}

/* "HTTP/1.1 201 Created", "HTTP/2 201". NULL, or what is wrong with it. */
static const char *begin_answer(gitdev_transfer *transfer, const char *line, size_t len) {
  const char *blank = memchr(line, ' ', len);
  int status = 0;
  if (blank)
    for (const char *p = blank + 1; p < line + len && isdigit((unsigned char)*p); p++)
      status = status < 1000 ? status * 10 + (*p - '0') : status;
  if (status == 101)
    return "it changes to another protocol, which nobody asked for";
  transfer->interim = status >= 100 && status <= 199;
  transfer->answered |= !transfer->interim;
  transfer->declined = status >= 300;
  look_at_lines(transfer, !transfer->lined);
  bool fine = transfer->interim || gitdev_call_begin(transfer->call, status);
  return fine ? NULL : "its status is none";
}

static bool is_name(const char *line, size_t len, const char *name) {
  return len == strlen(name) && strncasecmp(line, name, len) == 0;
}

/* libcurl sees to it that so much comes. Another Transfer-Encoding ends with the connection. */
static bool tells_end(const char *line, size_t name_len, size_t len) {
  return is_name(line, name_len, "content-length") ||
         (is_name(line, name_len, "transfer-encoding") && memmem(line, len, "chunked", 7));
}

static const char *take_header(gitdev_transfer *transfer, const char *line, size_t len) {
  const char *colon = memchr(line, ':', len);
  if (!colon)
    return "a line of its head is no header";
  transfer->measured |= tells_end(line, (size_t)(colon - line), len);
  const char *value = colon + 1, *end = line + len;
  while (value < end && (*value == ' ' || *value == '\t'))
    value++;
  while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
    end--;
  bool fine = gitdev_call_header(transfer->call, line, (size_t)(colon - line), value,
                                 (size_t)(end - value));
  return fine ? NULL : "its head cannot be taken";
}

/* An answer in HTTP/2 may come before the server has read a body, and then it may never read it: the
 * body would wait for room in the windows, and libcurl with it. One that declines is the end. */
static bool settles(gitdev_transfer *transfer) {
  curl_off_t sent = 0;
  const gitdev_link *link = transfer->link;
  if (!transfer->declined || !link || !link->http2 || transfer->request->body_len == 0)
    return false;
  curl_easy_getinfo(transfer->handle->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
  transfer->settled =
      (uint64_t)sent < transfer->request->body_len && gitdev_call_is_answered(transfer->call);
  return transfer->settled;
}

static void end_head(gitdev_transfer *transfer) {
  transfer->head_whole = !transfer->interim;
  if (transfer->head_whole && transfer->request->streamed &&
      gitdev_call_heed_head(transfer->call, gitdev_now()))
    transfer->user.headed(transfer->user.payload);
}

static size_t on_header(char *line, size_t size, size_t count, void *payload) {
  gitdev_transfer *transfer = payload;
  size_t total = size * count, len = total;
  const char *fault = NULL;
  while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
    len--;
  if (transfer->head_whole) /* trailers: nothing in them is asked for */
    return total;
  transfer->heard = true;
  if (transfer->link)
    transfer->link->answered = true;
  if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
    fault = begin_answer(transfer, line, len);
  } else if (len == 0) {
    end_head(transfer);
  } else {
    transfer->lined = true;
    look_at_lines(transfer, false);
    fault = transfer->interim ? NULL : take_header(transfer, line, len);
  }
  transfer->fault = fault ? fault : transfer->fault;
  return fault || (transfer->head_whole && settles(transfer)) ? 0 : total;
}

/* ---- bodies ---- */

static void note_move(gitdev_transfer *transfer, bool held_back) {
  transfer->paused = held_back;
  transfer->moved = gitdev_now();
}

static size_t on_body(char *bytes, size_t size, size_t count, void *payload) {
  gitdev_transfer *transfer = payload;
  int rc = gitdev_call_data(transfer->call, bytes, size * count);
  transfer->bodied = true;
  if (transfer->request->streamed)
    note_move(transfer, rc == GITDEV_AGAIN);
  if (rc == GITDEV_AGAIN)
    return CURL_WRITEFUNC_PAUSE;
  if (rc != GITDEV_OK)
    transfer->fault = "its body cannot be taken";
  return rc == GITDEV_OK && !settles(transfer) ? size * count : 0;
}

static size_t on_source(char *out, size_t size, size_t count, void *payload) {
  gitdev_transfer *transfer = payload;
  const gitdev_source *source = transfer->request->source;
  long got = source->read(source->payload, out, size * count);
  note_move(transfer, got == GITDEV_AGAIN);
  if (got == GITDEV_AGAIN)
    return CURL_READFUNC_PAUSE;
  transfer->source_bad = got < 0;
  return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

/* CURLOPT_SEEKFUNCTION: to begin a body again is to repeat the request. */
static int on_seek(void *payload, curl_off_t offset, int origin) {
  (void)payload, (void)offset, (void)origin;
  return CURL_SEEKFUNC_FAIL;
}

/* ---- its life ---- */

static CURLcode set_callbacks(gitdev_transfer *transfer) {
  CURL *easy = transfer->handle->easy;
  CURLcode code = CURLE_OK;
#define SET(option, value)                                                                         \
  if (!code)                                                                                       \
  code = curl_easy_setopt(easy, option, value)
  SET(CURLOPT_BUFFERSIZE, READ_SIZE);
  SET(CURLOPT_ERRORBUFFER, transfer->problem);
  SET(CURLOPT_PREREQFUNCTION, on_connection);
  SET(CURLOPT_PREREQDATA, transfer);
  SET(CURLOPT_DEBUGFUNCTION, on_words);
  SET(CURLOPT_DEBUGDATA, transfer);
  SET(CURLOPT_HEADERFUNCTION, on_header);
  SET(CURLOPT_HEADERDATA, transfer);
  SET(CURLOPT_WRITEFUNCTION, on_body);
  SET(CURLOPT_WRITEDATA, transfer);
  SET(CURLOPT_READFUNCTION, on_source);
  SET(CURLOPT_READDATA, transfer);
  SET(CURLOPT_SEEKFUNCTION, on_seek);
#undef SET
  return code;
}

gitdev_transfer *gitdev_transfer_new(gitdev_handle_options *options, gitdev_link_watch *watch) {
  gitdev_transfer *transfer = gitdev_calloc(1, sizeof *transfer);
  if (!transfer)
    return NULL;
  transfer->watch = watch;
  transfer->handle = gitdev_handle_new(options, gitdev_link_prepare, watch);
  if (transfer->handle && set_callbacks(transfer) == CURLE_OK)
    return transfer;
  gitdev_transfer_free(transfer);
  return NULL;
}

void gitdev_transfer_free(gitdev_transfer *transfer) {
  if (!transfer)
    return;
  gitdev_handle_free(transfer->handle);
  gitdev_link_release(transfer->link);
  gitdev_free(transfer);
}

CURL *gitdev_transfer_easy(gitdev_transfer *transfer) {
  return transfer->handle->easy;
}

int gitdev_transfer_begin(gitdev_transfer *transfer, gitdev_call *call,
                          const gitdev_request *request, const gitdev_travel *travel,
                          const gitdev_transfer_user *user) {
  *transfer = (gitdev_transfer){.handle = transfer->handle,
                                .watch = transfer->watch,
                                .call = call,
                                .request = request,
                                .user = *user,
                                .moved = gitdev_now()};
  return gitdev_handle_set(transfer->handle, request, travel);
}

/* libcurl's words are listened to once the request has left: what it says of the sending costs more
 * and tells nothing. */
void gitdev_transfer_begun(gitdev_transfer *transfer) {
  transfer->begun = true;
  if (transfer->link)
    trace(transfer, transfer->link->http2);
}

/* A request that libcurl did not come to send has taken no stream's number. */
void gitdev_transfer_end(gitdev_transfer *transfer) {
  long sent = 0;
  trace(transfer, false);
  if (transfer->diverted)
    curl_easy_setopt(transfer->handle->easy, CURLOPT_FORBID_REUSE, 0L);
  if (!transfer->link)
    return;
  curl_easy_getinfo(transfer->handle->easy, CURLINFO_REQUEST_SIZE, &sent);
  transfer->link->miscounted |= sent == 0;
  gitdev_link_release(transfer->link);
  transfer->link = NULL;
}

bool gitdev_transfer_worn(const gitdev_transfer *transfer) {
  return transfer->repeats;
}

double gitdev_transfer_moved(const gitdev_transfer *transfer, double now) {
  bool waits = transfer->paused || !transfer->sent; /* for us, or for a connection */
  return waits ? now : transfer->moved;
}

bool gitdev_transfer_paused(const gitdev_transfer *transfer) {
  return transfer->paused;
}

void gitdev_transfer_resumed(gitdev_transfer *transfer, double now) {
  transfer->paused = false;
  transfer->moved = now;
}

/* ---- how it went ---- */

bool gitdev_transfer_sent(const gitdev_transfer *transfer) {
  return transfer->sent;
}

bool gitdev_transfer_postponed(const gitdev_transfer *transfer) {
  return transfer->postponed;
}

bool gitdev_transfer_diverted(const gitdev_transfer *transfer) {
  return transfer->diverted;
}

/* What libcurl (this version) repeats on HTTP/2 without having had an error to tell of is a stream
 * that the server refused (RFC 9113 8.7); or the server goes, and then its last stream tells. */
static bool refused_in_silence(const gitdev_transfer *transfer) {
  return transfer->silent && transfer->link->http2 && !transfer->link->leaving &&
         curl_version_info(CURLVERSION_NOW)->version_num == VERSION_7_88_1;
}

bool gitdev_transfer_wants_http1(const gitdev_transfer *transfer) {
  return transfer->too_new && !transfer->heard;
}

static bool is_turned_away(const gitdev_transfer *transfer) {
  const gitdev_link *link = transfer->link;
  return link && !transfer->heard &&
         (transfer->refused || gitdev_transfer_wants_http1(transfer) ||
          gitdev_link_refused(link, transfer->number) || refused_in_silence(transfer));
}

static bool is_unsent(const gitdev_transfer *transfer) {
  const gitdev_link *link = transfer->link;
  if (!transfer->sent)
    return true;
  return link && !transfer->heard &&
         (gitdev_link_written(link) == transfer->written || is_turned_away(transfer));
}

/* Of a connection that was made for a repeat that did not take place, nothing is told. */
static double seconds_of(const gitdev_transfer *transfer, CURLINFO info) {
  curl_off_t microseconds = 0;
  if (transfer->repeats ||
      curl_easy_getinfo(transfer->handle->easy, info, &microseconds) != CURLE_OK ||
      microseconds <= 0)
    return -1;
  return (double)microseconds / 1e6;
}

/* libcurl has one code for a connection that broke and for some answers that are malformed or too
 * large; its words tell them apart. */
static bool is_malformed(const gitdev_transfer *transfer, CURLcode code) {
  if (transfer->fault)
    return true;
  if (code == CURLE_OUT_OF_MEMORY) /* a header line above its cap */
    return transfer->answered;
  if (code == CURLE_BAD_FUNCTION_ARGUMENT) /* a header, or a trailer, that is none */
    return transfer->heard;
  return code == CURLE_RECV_ERROR && (strstr(transfer->problem, "in chunked-encoding") ||
                                      strstr(transfer->problem, "Too large response headers"));
}

/* An answer in HTTP/1 that does not say where it ends does so with its connection, and is whole only if
 * TLS says that this is its end (RFC 9112 9.8): anyone on the way can close a connection. */
static bool is_cut_off(const gitdev_transfer *transfer) {
  const gitdev_link *link = transfer->link;
  return transfer->bodied && !transfer->measured && link && !link->http2 && !link->ended &&
         (transfer->request->streamed || !gitdev_call_is_answered(transfer->call));
}

/* A stream that the server has reset without an error (RFC 9113 8.1): it has answered, and wants no
 * more of the request. libcurl (7.88.1) has words for every other code. */
static bool is_answered(const gitdev_transfer *transfer, CURLcode code) {
  return transfer->settled || (code == CURLE_HTTP2_STREAM && transfer->problem[0] == '\0' &&
                               transfer->head_whole && gitdev_call_is_answered(transfer->call));
}

/* libcurl takes a head that ends with the connection, in the middle of a line even, for a whole
 * answer. */
static gitdev_outcome_kind classify(const gitdev_transfer *transfer, CURLcode code) {
  if (transfer->source_bad)
    return GITDEV_FAILED_LOCAL;
  if (is_malformed(transfer, code))
    return GITDEV_FAILED_ANSWER;
  if (is_answered(transfer, code))
    return GITDEV_COMPLETE;
  if (code == CURLE_OK)
    return transfer->head_whole && !is_cut_off(transfer) ? GITDEV_COMPLETE : GITDEV_FAILED_SENT;
  return gitdev_handle_verdict(transfer->handle, code,
                               is_unsent(transfer) ? GITDEV_FAILED_UNSENT : GITDEV_FAILED_SENT);
}

static const char *words_for(const gitdev_transfer *transfer, CURLcode code) {
  if (transfer->source_bad)
    return "the request's body could not be read";
  if (transfer->fault)
    return transfer->fault;
  if (code != CURLE_OPERATION_TIMEDOUT && is_turned_away(transfer))
    return "it turns each request away (HTTP/2's REFUSED_STREAM or GOAWAY)";
  if (transfer->repeats)
    return "it was closed while the request was under way";
  if (code == CURLE_OK)
    return transfer->head_whole ? "it was closed before TLS said that the answer is at its end"
                                : "it was closed in the middle of the answer's head";
  if (code == CURLE_OUT_OF_MEMORY && transfer->answered)
    return "a line of its head is too large";
  return gitdev_handle_words(code, transfer->problem);
}

gitdev_outcome gitdev_transfer_outcome(gitdev_transfer *transfer, CURLcode code) {
  gitdev_outcome_kind kind = classify(transfer, code);
  if (code == CURLE_OK && transfer->link)
    gitdev_link_learn_fd(transfer->link, transfer->handle->easy);
  return (gitdev_outcome){
      .kind = kind,
      .unsent = is_unsent(transfer),
      .stale = kind == GITDEV_FAILED_SENT && transfer->reused && !transfer->heard,
      .message = words_for(transfer, code),
      .dns = seconds_of(transfer, CURLINFO_NAMELOOKUP_TIME_T),
      .connect = seconds_of(transfer, CURLINFO_CONNECT_TIME_T),
      .tls = seconds_of(transfer, CURLINFO_APPCONNECT_TIME_T),
      .first_byte = seconds_of(transfer, CURLINFO_STARTTRANSFER_TIME_T),
      .total = seconds_of(transfer, CURLINFO_TOTAL_TIME_T),
  };
}
