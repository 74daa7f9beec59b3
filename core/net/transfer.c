#include "net/transfer.h"
#include "wire/memory.h"
#include <ctype.h>
#include <string.h>

enum { VERSION_7_88_1 = 0x075801 };

struct gitdev_transfer {
  gitdev_handle *handle;
  gitdev_link_watch *watch;
  gitdev_call *call;
  const gitdev_request *request;
  gitdev_connected_fn connected;
  void *payload;
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
  bool postponed;

  /* Of the answer. */
  bool interim;    /* the header lines now coming are of a 1xx answer */
  bool heard;      /* something has come */
  bool answered;   /* a final status line has come */
  bool head_whole; /* and so has the empty line after its header lines */
  bool answer_bad; /* the machine refused a part of the answer */
  bool source_bad; /* the body could not be read */

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
  return CURL_PREREQFUNC_ABORT;
}

static void note_link(gitdev_transfer *transfer, gitdev_link *link) {
  transfer->link = gitdev_link_retain(link);
  transfer->reused = link->answered;
  transfer->written = gitdev_link_written(link);
  transfer->number = gitdev_link_enter(link);
  transfer->connected(transfer->payload, link);
}

/* CURLOPT_PREREQFUNCTION: the request is about to be sent. */
static int on_connection(void *payload, char *peer, char *local, int peer_port, int local_port) {
  (void)peer, (void)local, (void)peer_port, (void)local_port;
  gitdev_transfer *transfer = payload;
  if (transfer->sent)
    return stop_repeat(transfer);
  gitdev_link *link = gitdev_link_of(transfer->handle->easy, transfer->watch);
  transfer->postponed = link && !gitdev_link_admits(link, gitdev_now());
  if (transfer->postponed)
    return CURL_PREREQFUNC_ABORT;
  transfer->sent = true;
  if (link)
    note_link(transfer, link);
  trace(transfer, link && link->http2 && transfer->begun);
  return CURL_PREREQFUNC_OK;
}

/* CURLOPT_DEBUGFUNCTION. That a stream was refused, and which are when a server goes, libcurl tells
 * in words only. It tells whoever reads the connection at the moment, so all who are on it listen. */
static int on_words(CURL *easy, curl_infotype type, char *text, size_t len, void *payload) {
  (void)easy;
  static const char LAST[] = "last_stream=";
  gitdev_transfer *transfer = payload;
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
  if (transfer->head_whole) /* trailers: nothing in them is asked for */
    return total;
  transfer->heard = true;
  if (transfer->link)
    transfer->link->answered = true;
  if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
    fine = begin_answer(transfer, line, len);
  else if (len > 0 && !transfer->interim)
    fine = take_header(transfer, line, len);
  else if (len == 0)
    transfer->head_whole = !transfer->interim;
  transfer->answer_bad |= !fine;
  return fine ? total : 0;
}

/* ---- bodies ---- */

static void note_move(gitdev_transfer *transfer, bool held_back) {
  transfer->paused = held_back;
  transfer->moved = gitdev_now();
}

static size_t on_body(char *bytes, size_t size, size_t count, void *payload) {
  gitdev_transfer *transfer = payload;
  int rc = gitdev_call_data(transfer->call, bytes, size * count);
  if (transfer->request->streamed)
    note_move(transfer, rc == GITDEV_AGAIN);
  if (rc == GITDEV_AGAIN)
    return CURL_WRITEFUNC_PAUSE;
  transfer->answer_bad |= rc != GITDEV_OK;
  return rc == GITDEV_OK ? size * count : 0;
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
                          gitdev_connected_fn connected, void *payload) {
  *transfer = (gitdev_transfer){.handle = transfer->handle,
                                .watch = transfer->watch,
                                .call = call,
                                .request = request,
                                .connected = connected,
                                .payload = payload,
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

/* What libcurl (this version) repeats on HTTP/2 without having had an error to tell of is a stream
 * that the server refused (RFC 9113 8.7); or the server goes, and then its last stream tells. */
static bool refused_in_silence(const gitdev_transfer *transfer) {
  return transfer->silent && transfer->link->http2 && !transfer->link->leaving &&
         curl_version_info(CURLVERSION_NOW)->version_num == VERSION_7_88_1;
}

static bool is_unsent(const gitdev_transfer *transfer) {
  const gitdev_link *link = transfer->link;
  if (!transfer->sent)
    return true;
  if (!link || transfer->heard)
    return false;
  return gitdev_link_written(link) == transfer->written || transfer->refused ||
         gitdev_link_refused(link, transfer->number) || refused_in_silence(transfer);
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
  if (transfer->source_bad)
    return GITDEV_FAILED_LOCAL;
  if (is_malformed(transfer, code))
    return GITDEV_FAILED_ANSWER;
  if (code == CURLE_OK)
    return transfer->head_whole ? GITDEV_COMPLETE : GITDEV_FAILED_SENT;
  return gitdev_handle_verdict(code,
                               is_unsent(transfer) ? GITDEV_FAILED_UNSENT : GITDEV_FAILED_SENT);
}

static const char *words_for(const gitdev_transfer *transfer, CURLcode code) {
  if (transfer->source_bad)
    return "the request's body could not be read";
  if (transfer->repeats)
    return "it was closed while the request was under way";
  if (code == CURLE_OK)
    return "it was closed in the middle of the answer's head";
  return transfer->problem[0] ? transfer->problem : curl_easy_strerror(code);
}

gitdev_outcome gitdev_transfer_outcome(gitdev_transfer *transfer, CURLcode code) {
  gitdev_outcome_kind kind = classify(transfer, code);
  if (code == CURLE_OK && transfer->link && transfer->link->http2)
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
