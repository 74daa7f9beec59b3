/* wslay's frames without its events. The event layer refuses the close codes 1012 to 1014, which the
 * contract uses, as a breach of the protocol; answers a malformed header with a close frame that
 * gives no code; lets a close frame overtake the messages that were queued before it; misreads the
 * UTF-8 of a close frame that came in pieces; and takes four blocks of memory for each message. The
 * frame layer does what is intricate (headers at any cut, lengths, masks); the rules of RFC 6455 5.4
 * to 5.6 and 7.4 are here. */
#include "wire/websocket.h"
#include "wire/buffer.h"
#include "wire/memory.h"
#include "wire/utf8.h"

#include <openssl/rand.h>
#include <stdint.h>
#include <string.h>
#include <wslay/wslay.h>

enum {
  CONTROL_MAX = 125,       /* bytes in a control frame */
  HEADER_MAX = 14,         /* bytes before a frame's payload */
  SMALL_HEADER_CLIENT = 6, /* the same of a control frame, with its mask */
  SMALL_HEADER_SERVER = 2,
  KEPT_MAX = 4096, /* a larger block is given back as soon as it is empty */
};

enum {
  CODE_PROTOCOL = 1002,
  CODE_NONE = 1005,
  CODE_NOT_UTF8 = 1007,
  CODE_TOO_BIG = 1009,
  CODE_OWN_TROUBLE = 1011,
};

struct gitdev_websocket {
  wslay_frame_context_ptr frames;
  gitdev_websocket_role role;
  size_t message_max;

  gitdev_buffer input; /* what was fed; wslay has taken `input_at` bytes of it */
  size_t input_at;
  bool in_frame; /* a frame's payload is coming in, and `frame_got` bytes of it have */
  uint64_t frame_got;
  uint8_t opcode; /* of the message under way or just told; 0 for none */
  bool is_told;   /* the message has been: the next pull empties it */
  gitdev_buffer message;
  size_t control_len;
  char control[CONTROL_MAX + 1];

  gitdev_websocket_event verdict; /* NEED, CLOSE or ERROR */
  int close_code;
  const char *close_reason; /* static, or in `control`, which nothing follows */

  gitdev_buffer output; /* frames, of which the first `output_at` bytes have been sent */
  size_t output_at;
  bool is_close_queued;
  size_t pong_end; /* where in `output` an unsent pong ends; 0 when there is none */
  bool has_pong;   /* another waits for that one to be sent */
  size_t pong_len;
  char pong[CONTROL_MAX];
};

static void empty(gitdev_buffer *buffer) {
  if (buffer->size > KEPT_MAX)
    gitdev_buffer_free(buffer);
  else
    gitdev_buffer_reset(buffer);
}

/* ---- what wslay calls */

static ssize_t give_bytes(uint8_t *into, size_t len, int flags, void *payload) {
  gitdev_websocket *self = payload;
  size_t left = self->input.len - self->input_at;
  (void)flags;
  if (left == 0)
    return -1;
  len = len < left ? len : left;
  memcpy(into, self->input.data + self->input_at, len);
  self->input_at += len;
  return (ssize_t)len;
}

static ssize_t take_bytes(const uint8_t *bytes, size_t len, int flags, void *payload) {
  gitdev_websocket *self = payload;
  (void)flags;
  return gitdev_buffer_append(&self->output, (const char *)bytes, len) ? (ssize_t)len : -1;
}

static int make_mask(uint8_t *mask, size_t len, void *payload) {
  (void)payload;
  return RAND_bytes(mask, (int)len) == 1 ? 0 : -1;
}

/* ---- making and freeing */

gitdev_websocket *gitdev_websocket_new(gitdev_websocket_role role, size_t message_max) {
  const struct wslay_frame_callbacks callbacks = {take_bytes, give_bytes, make_mask};
  gitdev_websocket *self = gitdev_calloc(1, sizeof *self);
  if (self == NULL)
    return NULL;
  if (wslay_frame_context_init(&self->frames, &callbacks, self) != 0) {
    gitdev_free(self);
    return NULL;
  }
  self->role = role;
  self->message_max = message_max > 0 ? message_max : GITDEV_WEBSOCKET_MESSAGE_MAX;
  self->close_reason = "";
  gitdev_buffer_init(&self->input, GITDEV_WEBSOCKET_UNREAD_MAX);
  gitdev_buffer_init(&self->message, self->message_max);
  gitdev_buffer_init(&self->output, SIZE_MAX);
  return self;
}

void gitdev_websocket_free(gitdev_websocket *self) {
  if (self == NULL)
    return;
  wslay_frame_context_free(self->frames);
  gitdev_buffer_free(&self->input);
  gitdev_buffer_free(&self->message);
  gitdev_buffer_free(&self->output);
  gitdev_free(self);
}

/* ---- sending */

/* Makes room for `len` bytes at the end of the output. What was sent leaves when it is half of all,
 * so that each byte is moved once on the average, however slowly the peer takes them. */
static bool make_room(gitdev_websocket *self, size_t len) {
  gitdev_buffer *output = &self->output;
  if (self->output_at > output->len / 2) {
    gitdev_buffer_consume(output, self->output_at);
    self->pong_end -= self->pong_end > 0 ? self->output_at : 0;
    self->output_at = 0;
  }
  if (gitdev_buffer_reserve(output, len))
    return true;
  output->failed = false;
  return false;
}

static bool queue_frame(gitdev_websocket *self, uint8_t opcode, const char *bytes, size_t len) {
  if (self->is_close_queued || !make_room(self, len + HEADER_MAX))
    return false;
  size_t start = self->output.len;
  struct wslay_frame_iocb frame = {.fin = 1,
                                   .opcode = opcode,
                                   .payload_length = len,
                                   .mask = self->role == GITDEV_WEBSOCKET_CLIENT,
                                   .data = (const uint8_t *)bytes,
                                   .data_length = len};
  /* With the room made, only a mask can fail, before anything is written. */
  if (wslay_frame_send(self->frames, &frame) == (ssize_t)len)
    return true;
  self->output.len = start;
  return false;
}

bool gitdev_websocket_send(gitdev_websocket *self, const char *text, size_t len) {
  return queue_frame(self, WSLAY_TEXT_FRAME, text, len);
}

bool gitdev_websocket_send_binary(gitdev_websocket *self, const char *bytes, size_t len) {
  return queue_frame(self, WSLAY_BINARY_FRAME, bytes, len);
}

bool gitdev_websocket_send_raw(gitdev_websocket *self, const char *bytes, size_t len) {
  return make_room(self, len) && gitdev_buffer_append(&self->output, bytes, len);
}

bool gitdev_websocket_ping(gitdev_websocket *self) {
  return queue_frame(self, WSLAY_PING, "", 0);
}

bool gitdev_websocket_is_code(int code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

/* Queues a close frame, unless one was; without a code when that is CODE_NONE. */
static bool queue_close(gitdev_websocket *self, int code, const char *reason, size_t len) {
  char payload[CONTROL_MAX];
  len = gitdev_utf8_span(reason,
                         len < GITDEV_WEBSOCKET_REASON_MAX ? len : GITDEV_WEBSOCKET_REASON_MAX);
  payload[0] = (char)(code >> 8);
  payload[1] = (char)(code & 0xff);
  memcpy(payload + 2, reason, len);
  if (!queue_frame(self, WSLAY_CONNECTION_CLOSE, payload, code == CODE_NONE ? 0 : len + 2))
    return false;
  self->is_close_queued = true;
  self->has_pong = false;
  return true;
}

bool gitdev_websocket_close(gitdev_websocket *self, int code, const char *reason) {
  reason = reason != NULL ? reason : "";
  return gitdev_websocket_is_code(code) && queue_close(self, code, reason, strlen(reason));
}

static bool queue_pong(gitdev_websocket *self, const char *bytes, size_t len) {
  if (!queue_frame(self, WSLAY_PONG, bytes, len))
    return false;
  self->pong_end = self->output.len;
  return true;
}

const char *gitdev_websocket_output(gitdev_websocket *self, size_t *len) {
  *len = self->output.len - self->output_at;
  return self->output.data + self->output_at;
}

void gitdev_websocket_sent(gitdev_websocket *self, size_t len) {
  self->output_at += len;
  bool is_pong_sent = self->pong_end > 0 && self->output_at >= self->pong_end;
  if (is_pong_sent)
    self->pong_end = 0;
  if (self->output_at == self->output.len) {
    empty(&self->output);
    self->output_at = 0;
  }
  if (!is_pong_sent || !self->has_pong)
    return;
  self->has_pong = false; /* where memory is out it is not tried again: pongs are owed to nobody */
  (void)queue_pong(self, self->pong, self->pong_len);
}

size_t gitdev_websocket_unsent(const gitdev_websocket *self) {
  size_t header = self->role == GITDEV_WEBSOCKET_CLIENT ? SMALL_HEADER_CLIENT : SMALL_HEADER_SERVER;
  return self->output.len - self->output_at + (self->has_pong ? header + self->pong_len : 0);
}

/* ---- receiving */

/* Nothing that follows is read. */
static gitdev_websocket_event end(gitdev_websocket *self, gitdev_websocket_event verdict, int code,
                                  const char *reason) {
  self->verdict = verdict;
  self->close_code = code;
  self->close_reason = reason;
  self->input_at = 0;
  gitdev_buffer_free(&self->input);
  gitdev_buffer_free(&self->message);
  return verdict;
}

static gitdev_websocket_event fail(gitdev_websocket *self, int code, const char *problem) {
  (void)queue_close(self, code, problem, strlen(problem));
  return end(self, GITDEV_WEBSOCKET_ERROR, code, problem);
}

/* Checks what a frame's header says in the light of the frames before it. */
static gitdev_websocket_event begin_frame(gitdev_websocket *self,
                                          const struct wslay_frame_iocb *frame) {
  bool must_mask = self->role == GITDEV_WEBSOCKET_SERVER;
  if (frame->rsv != 0)
    return fail(self, CODE_PROTOCOL, "a frame has a reserved bit set");
  if ((frame->mask != 0) != must_mask)
    return fail(self, CODE_PROTOCOL,
                must_mask ? "a client's frame is not masked" : "a server's frame is masked");
  self->in_frame = true;
  self->frame_got = 0;
  self->control_len = 0;
  switch (frame->opcode) {
  case WSLAY_CONNECTION_CLOSE:
  case WSLAY_PING:
  case WSLAY_PONG: return GITDEV_WEBSOCKET_NEED;
  case WSLAY_CONTINUATION_FRAME:
    if (self->opcode == 0)
      return fail(self, CODE_PROTOCOL, "a continuation frame continues no message");
    break;
  case WSLAY_TEXT_FRAME:
  case WSLAY_BINARY_FRAME:
    if (self->opcode != 0)
      return fail(self, CODE_PROTOCOL, "a message begins before the one before it has ended");
    self->opcode = frame->opcode;
    break;
  default: return fail(self, CODE_PROTOCOL, "a frame has a reserved opcode");
  }
  if (frame->payload_length > self->message_max - self->message.len)
    return fail(self, CODE_TOO_BIG, "a message is too large");
  return GITDEV_WEBSOCKET_NEED;
}

static gitdev_websocket_event end_message(gitdev_websocket *self) {
  const gitdev_buffer *message = &self->message;
  self->is_told = true;
  if (self->opcode == WSLAY_BINARY_FRAME)
    return GITDEV_WEBSOCKET_BINARY;
  if (gitdev_utf8_span(message->data, message->len) < message->len)
    return fail(self, CODE_NOT_UTF8, "a text message is not UTF-8");
  return GITDEV_WEBSOCKET_TEXT;
}

static gitdev_websocket_event take_close(gitdev_websocket *self) {
  const unsigned char *payload = (const unsigned char *)self->control;
  char *reason = self->control + 2;
  int code = CODE_NONE;
  if (self->control_len == 0) {
    reason[0] = '\0';
    (void)queue_close(self, code, "", 0);
    return end(self, GITDEV_WEBSOCKET_CLOSE, code, reason);
  }
  code = self->control_len == 1 ? 0 : payload[0] << 8 | payload[1];
  if (!gitdev_websocket_is_code(code))
    return fail(self, CODE_PROTOCOL, "a close frame has a code that is not valid");
  size_t len = self->control_len - 2;
  if (gitdev_utf8_span(reason, len) < len)
    return fail(self, CODE_NOT_UTF8, "the reason in a close frame is not UTF-8");
  reason[len] = '\0';
  (void)queue_close(self, code, "", 0);
  return end(self, GITDEV_WEBSOCKET_CLOSE, code, reason);
}

static gitdev_websocket_event take_ping(gitdev_websocket *self) {
  if (self->is_close_queued)
    return GITDEV_WEBSOCKET_NEED;
  if (self->pong_end == 0)
    return queue_pong(self, self->control, self->control_len)
               ? GITDEV_WEBSOCKET_NEED
               : fail(self, CODE_OWN_TROUBLE, "memory or randomness is out");
  memcpy(self->pong, self->control, self->control_len);
  self->pong_len = self->control_len;
  self->has_pong = true;
  return GITDEV_WEBSOCKET_NEED;
}

static gitdev_websocket_event end_frame(gitdev_websocket *self,
                                        const struct wslay_frame_iocb *frame) {
  self->in_frame = false;
  switch (frame->opcode) {
  case WSLAY_CONNECTION_CLOSE: return take_close(self);
  case WSLAY_PING: return take_ping(self);
  case WSLAY_PONG: return GITDEV_WEBSOCKET_NEED;
  default: return frame->fin ? end_message(self) : GITDEV_WEBSOCKET_NEED;
  }
}

/* Takes what wslay has read of a frame. It tells of one only when all of its header is there and, if
 * it has a payload, some of that. */
static gitdev_websocket_event take_piece(gitdev_websocket *self,
                                         const struct wslay_frame_iocb *frame) {
  if (!self->in_frame && begin_frame(self, frame) != GITDEV_WEBSOCKET_NEED)
    return GITDEV_WEBSOCKET_ERROR;
  if (wslay_is_ctrl_frame(frame->opcode)) { /* never more than CONTROL_MAX: wslay sees to it */
    memcpy(self->control + self->control_len, frame->data, frame->data_length);
    self->control_len += frame->data_length;
  } else if (!gitdev_buffer_append(&self->message, (const char *)frame->data, frame->data_length)) {
    return fail(self, CODE_OWN_TROUBLE, "memory is out");
  }
  self->frame_got += frame->data_length;
  return self->frame_got < frame->payload_length ? GITDEV_WEBSOCKET_NEED : end_frame(self, frame);
}

bool gitdev_websocket_feed(gitdev_websocket *self, const char *bytes, size_t len) {
  if (self->verdict != GITDEV_WEBSOCKET_NEED)
    return true;
  if (self->input_at > 0) {
    gitdev_buffer_consume(&self->input, self->input_at);
    self->input_at = 0;
  }
  if (gitdev_buffer_append(&self->input, bytes, len))
    return true;
  self->input.failed = false;
  return false;
}

gitdev_websocket_event gitdev_websocket_pull(gitdev_websocket *self) {
  if (self->verdict != GITDEV_WEBSOCKET_NEED)
    return self->verdict;
  if (self->is_told) {
    self->is_told = false;
    self->opcode = 0;
    empty(&self->message);
  }
  for (;;) {
    struct wslay_frame_iocb frame;
    ssize_t got = wslay_frame_recv(self->frames, &frame);
    gitdev_websocket_event event;
    if (got >= 0)
      event = take_piece(self, &frame);
    else if (got != WSLAY_ERR_WANT_READ)
      return fail(self, CODE_PROTOCOL, "a frame has a length or a FIN bit that is not allowed");
    else if (self->input_at < self->input.len)
      continue;
    else
      break;
    if (event != GITDEV_WEBSOCKET_NEED)
      return event;
  }
  empty(&self->input);
  self->input_at = 0;
  return GITDEV_WEBSOCKET_NEED;
}

const char *gitdev_websocket_message(const gitdev_websocket *self, size_t *len) {
  *len = self->is_told ? self->message.len : 0;
  return self->is_told ? self->message.data : "";
}

int gitdev_websocket_close_code(const gitdev_websocket *self) {
  return self->close_code;
}

const char *gitdev_websocket_close_reason(const gitdev_websocket *self) {
  return self->close_reason;
}
