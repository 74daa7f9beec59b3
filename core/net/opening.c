#include "net/opening.h"
#include "call/call.h"
#include "call/request_text.h"
#include "call/response.h"
#include "wire/handshake.h"
#include "wire/memory.h"
#include <string.h>

enum {
  HEAD_MAX = 128 << 10,
  CHUNK = 16 << 10,
  INTERIM_MAX = 64 /* answers 1xx: who sends them without end would keep the loop to itself */
};

struct gitdev_opening {
  gitdev_channel *channel; /* NULL once a socket has it */
  gitdev_call *call;
  const gitdev_request *request;
  gitdev_opening_fn fn;
  void *payload;
  char key[GITDEV_HANDSHAKE_KEY_SIZE];
  gitdev_buffer head; /* to be sent; holds the client's key: wiped */
  size_t sent;        /* of it */
  gitdev_http1 *reader;
  int interim; /* answers 1xx so far */
  gitdev_socket *socket;
  gitdev_channels *channels;
  struct gitdev_opening *next, *before; /* among the unclaimed ones, once it is kept */
  bool kept;
  double since, first_byte, total; /* gitdev_now(); seconds from it, -1 not yet */
  double dns, connect, tls;
  bool connected, over;
  gitdev_outcome_kind kind;
  const char *message;
};

/* ---- its end ---- */

/* Whoever is told of it frees it: to be told last. */
static void finish(gitdev_opening *self, gitdev_outcome_kind kind, const char *message) {
  self->over = true;
  self->kind = kind;
  self->message = message;
  self->total = gitdev_now() - self->since;
}

static void finish_broken(gitdev_opening *self) {
  finish(self, self->sent > 0 ? GITDEV_FAILED_SENT : GITDEV_FAILED_UNSENT,
         "it was closed before the WebSocket was open");
}

/* ---- the socket ---- */

static gitdev_io socket_read(void *payload, char *bytes, size_t size, size_t *len) {
  return gitdev_channel_read(payload, bytes, size, len);
}

static gitdev_io socket_write(void *payload, const char *bytes, size_t len, size_t *written) {
  return gitdev_channel_write(payload, bytes, len, written);
}

static void socket_want(void *payload, int mask) {
  gitdev_channel_want(payload, mask);
}

static void socket_close(void *payload, bool reset) {
  gitdev_channel_free(payload, reset);
}

static void on_socket_ready(void *payload, int ready) {
  const gitdev_channel *channel = payload;
  gitdev_socket_ready(channel->socket, ready);
}

/* What came behind the head is the socket's (RFC 6455 4.1). */
static void open_socket(gitdev_opening *self) {
  gitdev_channel *channel = self->channel;
  const gitdev_transport transport = {.read = socket_read,
                                      .write = socket_write,
                                      .want = socket_want,
                                      .close = socket_close,
                                      .payload = channel};
  gitdev_socket_options options = {.role = GITDEV_WEBSOCKET_CLIENT};
  options.ahead = gitdev_http1_rest(self->reader, &options.ahead_len);
  gitdev_channel_pass(channel, on_socket_ready, channel);
  self->channel = NULL;
  if (gitdev_socket_new(&self->socket, channel->of->loop, &transport, &options) != GITDEV_OK) {
    finish(self, GITDEV_FAILED_LOCAL, "memory is out");
    return;
  }
  channel->socket = self->socket;
  finish(self, GITDEV_COMPLETE, NULL);
}

/* ---- the answer ---- */

static bool hand_over_head(gitdev_opening *self, const gitdev_message *message) {
  bool fine = gitdev_call_begin(self->call, message->status);
  for (size_t i = 0; fine && i < message->field_count; i++) {
    const gitdev_field *field = &message->fields[i];
    fine = gitdev_call_header(self->call, field->name, field->name_len, field->value,
                              field->value_len);
  }
  return fine;
}

/* A 2xx opens nothing, whatever it goes on to say, and that may be without end. */
static void take_head(gitdev_opening *self) {
  const gitdev_message *message = gitdev_http1_message(self->reader);
  if (message->status < 200 && message->status != 101) {
    if (++self->interim > INTERIM_MAX)
      finish(self, GITDEV_FAILED_ANSWER, "it only ever says that it goes on (status 1xx)");
    return;
  }
  if (!hand_over_head(self, message)) {
    finish(self, GITDEV_FAILED_ANSWER, "its head is too large, or cannot be read here");
    return;
  }
  if (message->status / 100 == 2)
    finish(self, GITDEV_COMPLETE, NULL);
  const char *wrong = message->status == 101 ? gitdev_handshake_check_answer(message, self->key,
                                                                             self->request->upgrade)
                                             : NULL;
  if (wrong)
    finish(self, GITDEV_FAILED_ANSWER, wrong);
}

static void take_piece(gitdev_opening *self) {
  size_t len;
  const char *bytes = gitdev_http1_piece(self->reader, &len);
  if (gitdev_call_data(self->call, bytes, len) != GITDEV_OK)
    finish(self, GITDEV_FAILED_ANSWER, "its body is too large");
}

static void take_end(gitdev_opening *self) {
  int status = gitdev_http1_message(self->reader)->status;
  if (status == 101)
    open_socket(self);
  else if (status >= 200)
    finish(self, GITDEV_COMPLETE, NULL);
}

/* Whether there is more to be pulled. */
static bool take(gitdev_opening *self, gitdev_http1_event event) {
  switch (event) {
  case GITDEV_HTTP1_NEED: return false;
  case GITDEV_HTTP1_HEAD: take_head(self); break;
  case GITDEV_HTTP1_DATA: take_piece(self); break;
  case GITDEV_HTTP1_END: take_end(self); break;
  case GITDEV_HTTP1_ERROR:
    finish(self, GITDEV_FAILED_ANSWER, gitdev_http1_problem(self->reader));
    break;
  }
  return !self->over;
}

static void take_all(gitdev_opening *self) {
  while (take(self, gitdev_http1_pull(self->reader))) {
  }
}

static void take_bytes(gitdev_opening *self, const char *bytes, size_t len) {
  if (self->first_byte < 0)
    self->first_byte = gitdev_now() - self->since;
  gitdev_http1_feed(self->reader, bytes, len); /* pulling tells what was wrong */
  take_all(self);
}

/* An answer may end with the connection; one that is cut off is none. */
static void take_eof(gitdev_opening *self) {
  gitdev_http1_eof(self->reader);
  take_all(self);
  if (!self->over || self->kind == GITDEV_FAILED_ANSWER)
    finish_broken(self);
}

static void receive(gitdev_opening *self) {
  char bytes[CHUNK];
  size_t len;
  while (!self->over) {
    switch (gitdev_channel_read(self->channel, bytes, sizeof bytes, &len)) {
    case GITDEV_IO_DONE: take_bytes(self, bytes, len); break;
    case GITDEV_IO_AGAIN: gitdev_channel_want(self->channel, GITDEV_READABLE); return;
    case GITDEV_IO_ENDED: take_eof(self); break;
    case GITDEV_IO_BROKEN: finish_broken(self); break;
    }
  }
}

/* ---- the request ---- */

/* Sends what is left of it. False when it could not all be sent yet, or never will. */
static bool transmit(gitdev_opening *self) {
  while (self->sent < self->head.len) {
    size_t written;
    switch (gitdev_channel_write(self->channel, self->head.data + self->sent,
                                 self->head.len - self->sent, &written)) {
    case GITDEV_IO_DONE: self->sent += written; break;
    case GITDEV_IO_AGAIN: gitdev_channel_want(self->channel, GITDEV_WRITABLE); return false;
    case GITDEV_IO_ENDED:
    case GITDEV_IO_BROKEN: finish_broken(self); return false;
    }
  }
  return true;
}

/* The first turn sends and, as every other, reads: what is there already is told of by nobody. */
static void go_on(gitdev_opening *self) {
  if (!self->over && transmit(self))
    receive(self);
  if (self->over)
    self->fn(self->payload);
}

static void on_ready(void *payload, int ready) {
  (void)ready;
  go_on(payload);
}

static double seconds_of(const gitdev_opening *self, CURLINFO info) {
  curl_off_t microseconds = 0;
  bool told = curl_easy_getinfo(self->channel->handle->easy, info, &microseconds) == CURLE_OK;
  return told && microseconds > 0 ? (double)microseconds / 1e6 : -1;
}

static void note_times(gitdev_opening *self) {
  self->dns = seconds_of(self, CURLINFO_NAMELOOKUP_TIME_T);
  self->connect = seconds_of(self, CURLINFO_CONNECT_TIME_T);
  self->tls = seconds_of(self, CURLINFO_APPCONNECT_TIME_T);
}

static void on_connected(void *payload, CURLcode code) {
  gitdev_opening *self = payload;
  gitdev_channel *channel = self->channel;
  note_times(self);
  if (code) {
    finish(self, gitdev_handle_verdict(channel->handle, code, GITDEV_FAILED_UNSENT),
           gitdev_handle_words(code, channel->problem));
  } else if (gitdev_channel_watch(channel, 0, on_ready, self) != GITDEV_OK) {
    finish(self, GITDEV_FAILED_LOCAL, "the connection cannot be watched");
  } else {
    self->connected = true;
  }
  go_on(self);
}

static int write_head(gitdev_opening *self) {
  if (!gitdev_handshake_key(self->key))
    return GITDEV_ESYSTEM;
  return gitdev_request_head(&self->head, self->request, self->key, NULL);
}

/* ---- its life ---- */

int gitdev_opening_new(gitdev_opening **out, gitdev_channels *channels, gitdev_call *call,
                       gitdev_handle_options *options) {
  *out = NULL;
  gitdev_opening *self = gitdev_calloc(1, sizeof *self);
  if (!self)
    return GITDEV_ENOMEM;
  *self = (gitdev_opening){.call = call,
                           .channels = channels,
                           .first_byte = -1,
                           .total = -1,
                           .dns = -1,
                           .connect = -1,
                           .tls = -1};
  gitdev_buffer_init(&self->head, HEAD_MAX);
  int rc = gitdev_channel_new(&self->channel, channels, gitdev_call_client(call), options);
  if (rc != GITDEV_OK) {
    gitdev_free(self);
    return rc;
  }
  *out = self;
  return GITDEV_OK;
}

static void unlink_kept(gitdev_opening *self) {
  if (self->before)
    self->before->next = self->next;
  else
    self->channels->unclaimed = self->next;
  if (self->next)
    self->next->before = self->before;
}

void gitdev_opening_free(gitdev_opening *self) {
  if (!self)
    return;
  if (self->kept)
    unlink_kept(self);
  gitdev_channel_free(self->channel, false);
  gitdev_socket_free(self->socket);
  gitdev_http1_free(self->reader);
  gitdev_buffer_wipe(&self->head);
  gitdev_free(self);
}

int gitdev_opening_begin(gitdev_opening *self, const gitdev_request *request,
                         const gitdev_travel *travel, gitdev_opening_fn fn, void *payload) {
  const gitdev_http1_limits limits = {.head_max = GITDEV_RESPONSE_HEAD_MAX,
                                      .field_max = GITDEV_RESPONSE_FIELDS_MAX,
                                      .body_max = request->body_max};
  self->request = request;
  self->fn = fn;
  self->payload = payload;
  self->since = gitdev_now();
  self->reader = gitdev_http1_new(GITDEV_HTTP1_RESPONSE, &limits);
  int rc = self->reader ? write_head(self) : GITDEV_ENOMEM;
  return rc == GITDEV_OK
             ? gitdev_channel_connect(self->channel, request, travel, on_connected, self)
             : rc;
}

bool gitdev_opening_connected(const gitdev_opening *self) {
  return self->connected;
}

gitdev_outcome gitdev_opening_outcome(const gitdev_opening *self, bool late) {
  return (gitdev_outcome){
      .kind = late ? GITDEV_TIMED_OUT : self->kind,
      .unsent = self->sent == 0,
      .message = late ? "the WebSocket was not open by then" : self->message,
      .dns = self->dns,
      .connect = self->connect,
      .tls = self->tls,
      .first_byte = self->first_byte,
      .total = late ? gitdev_now() - self->since : self->total,
  };
}

/* ---- what it has opened ---- */

static void release(void *self) {
  gitdev_opening_free(self);
}

void gitdev_opening_keep(gitdev_opening *self) {
  gitdev_opening **first = &self->channels->unclaimed;
  self->kept = true;
  self->next = *first;
  if (self->next)
    self->next->before = self;
  *first = self;
  gitdev_call_keep(self->call, (gitdev_opened){self, release});
}

void gitdev_opening_drop(gitdev_call *call) {
  gitdev_opening_free(gitdev_call_take(call));
}

void gitdev_opening_drop_all(gitdev_channels *channels) {
  while (channels->unclaimed)
    gitdev_opening_drop(channels->unclaimed->call);
}

gitdev_socket *gitdev_call_socket(gitdev_call *call) {
  gitdev_opening *opening = gitdev_call_take(call);
  if (!opening)
    return NULL;
  gitdev_socket *socket = opening->socket;
  opening->socket = NULL;
  gitdev_opening_free(opening);
  return socket;
}
