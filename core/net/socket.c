#include "net/socket.h"
#include "wire/buffer.h"
#include "wire/memory.h"
#include <stdio.h>
#include <string.h>

enum {
  RECORD = 16384,    /* bytes of a read: what a TLS record holds */
  INBOX_MAX = 65536, /* with so much to be read, no more is taken in */
  BATCH = 16384,     /* so much to be sent does not wait for the loop's next turn */
  READS_MAX = 16,    /* in one turn: the others' turn comes too */
  WRITES_MAX = 64,
  BROKEN_OFF = 1006,
  GOING_AWAY = 1001
};

/* How long a peer is given to answer a goodbye, or to take some of what goes before it. */
static const double FAREWELL = 2;

typedef enum phase {
  OPEN,
  CLOSING, /* our close frame is queued: the peer's is awaited, and what else comes is dropped */
  ENDING,  /* nothing more comes in; what is queued, a close frame at its end, goes out */
  CLOSED   /* transport and codec are gone */
} phase;

struct gitdev_socket {
  gitdev_loop *loop;
  gitdev_transport transport;
  gitdev_websocket *codec;
  gitdev_socket_fn fn;
  void *payload;
  gitdev_timer deadline; /* of the farewell */
  gitdev_timer turn;     /* something is to be done, or to be told, that no readiness tells of */
  gitdev_buffer inbox;   /* entries: a header, the message, a NUL; `taken` bytes are read */
  size_t taken;
  phase phase;
  int code; /* of the end; 0 before */
  char reason[GITDEV_WEBSOCKET_REASON_MAX + 1];
  bool unread;  /* reading stopped before the transport ran dry */
  bool blocked; /* the transport takes nothing until it is writable */
  bool mute;    /* the transport takes nothing any more: what is queued is dropped */
  bool owed;    /* the user is to be told when all is sent */
  bool news;    /* the user is to be told now */
};

typedef struct entry {
  size_t len;
  bool binary;
} entry;

/* ---- what it waits for ---- */

static size_t waiting(const gitdev_socket *self) {
  return self->inbox.len - self->taken;
}

static size_t unsent(const gitdev_socket *self) {
  return self->codec ? gitdev_websocket_unsent(self->codec) : 0;
}

static bool may_read(const gitdev_socket *self) {
  return self->phase == OPEN ? waiting(self) < INBOX_MAX : self->phase == CLOSING;
}

static void conclude(gitdev_socket *self, int code, const char *reason) {
  if (self->code)
    return;
  self->code = code;
  snprintf(self->reason, sizeof self->reason, "%s", reason);
  self->news = true;
}

static void shut(gitdev_socket *self, bool reset) {
  if (self->phase == CLOSED)
    return;
  self->phase = CLOSED;
  conclude(self, BROKEN_OFF, "the connection was closed");
  gitdev_timer_clear(self->loop, &self->deadline);
  gitdev_websocket_free(self->codec);
  self->codec = NULL;
  self->transport.close(self->transport.payload, reset);
}

static void break_off(gitdev_socket *self, const char *reason) {
  conclude(self, BROKEN_OFF, reason);
  shut(self, false);
}

static void on_deadline(void *payload);

static void set_deadline(gitdev_socket *self) {
  if (gitdev_timer_set(self->loop, &self->deadline, gitdev_now() + FAREWELL, on_deadline, self))
    break_off(self, "memory is out");
}

static void on_turn(void *payload);

/* Without memory for it the next readiness has to do. */
static void set_turn(gitdev_socket *self) {
  if (!self->turn.place)
    (void)gitdev_timer_set(self->loop, &self->turn, gitdev_now(), on_turn, self);
}

/* Every way in ends here. */
static void settle(gitdev_socket *self) {
  if (self->phase == ENDING && !unsent(self))
    shut(self, false);
  if (self->phase == CLOSED)
    return;
  bool to_write = unsent(self) > 0;
  if ((self->unread && may_read(self)) || (to_write && !self->blocked))
    set_turn(self);
  int mask =
      (may_read(self) ? GITDEV_READABLE : 0) | (to_write && self->blocked ? GITDEV_WRITABLE : 0);
  self->transport.want(self->transport.payload, mask);
}

/* The same for the ways in that the user comes by, who is told from the loop's turn only. */
static void settle_quietly(gitdev_socket *self) {
  settle(self);
  if (self->news && self->fn)
    set_turn(self);
}

/* The last that is done: the socket may be freed by it. */
static void tell(gitdev_socket *self) {
  if (!self->news || !self->fn)
    return;
  self->news = false;
  self->fn(self->payload, self);
}

/* ---- sending ---- */

static void fall_silent(gitdev_socket *self) {
  size_t len;
  self->mute = true;
  while (gitdev_websocket_output(self->codec, &len), len > 0)
    gitdev_websocket_sent(self->codec, len);
}

/* Returns whether it makes sense to write on. */
static bool write_some(gitdev_socket *self) {
  size_t len, written;
  const char *bytes = gitdev_websocket_output(self->codec, &len);
  if (len == 0)
    return false;
  gitdev_io io = self->transport.write(self->transport.payload, bytes, len, &written);
  self->blocked = io == GITDEV_IO_AGAIN;
  if (io == GITDEV_IO_AGAIN)
    return false;
  if (io != GITDEV_IO_DONE) {
    /* What the peer sent before it went can still be read. */
    fall_silent(self);
    return false;
  }
  gitdev_websocket_sent(self->codec, written);
  return true;
}

static void write_out(gitdev_socket *self) {
  if (self->phase == CLOSED || self->blocked)
    return;
  if (self->mute)
    fall_silent(self);
  bool progress = false;
  for (int i = 0; i < WRITES_MAX && write_some(self); i++)
    progress = true;
  /* Who takes some of it is given the whole time anew. */
  if (progress && self->deadline.place)
    set_deadline(self);
  if (self->owed && !unsent(self)) {
    self->owed = false;
    self->news = true;
  }
}

/* ---- reading ---- */

static bool keep(gitdev_socket *self, bool binary) {
  entry head = {.binary = binary};
  const char *message = gitdev_websocket_message(self->codec, &head.len);
  if (!gitdev_buffer_reserve(&self->inbox, sizeof head + head.len + 1))
    return false;
  gitdev_buffer_append(&self->inbox, (const char *)&head, sizeof head);
  gitdev_buffer_append(&self->inbox, message, head.len + 1);
  self->news = true;
  return true;
}

/* The peer has said its last, or broken the protocol; our own last word is queued. */
static void end(gitdev_socket *self) {
  conclude(self, gitdev_websocket_close_code(self->codec),
           gitdev_websocket_close_reason(self->codec));
  self->phase = ENDING;
  set_deadline(self);
}

static void take(gitdev_socket *self, const char *bytes, size_t len) {
  bool kept = gitdev_websocket_feed(self->codec, bytes, len);
  while (kept) {
    gitdev_websocket_event event = gitdev_websocket_pull(self->codec);
    if (event == GITDEV_WEBSOCKET_NEED)
      return;
    if (event == GITDEV_WEBSOCKET_CLOSE || event == GITDEV_WEBSOCKET_ERROR) {
      end(self);
      return;
    }
    if (self->phase == OPEN)
      kept = keep(self, event == GITDEV_WEBSOCKET_BINARY);
  }
  break_off(self, "memory is out");
}

/* Forgets the messages that have been read. */
static void tidy(gitdev_socket *self) {
  if (waiting(self))
    gitdev_buffer_consume(&self->inbox, self->taken);
  else
    gitdev_buffer_free(&self->inbox);
  self->taken = 0;
}

static void read_in(gitdev_socket *self) {
  char bytes[RECORD];
  if (may_read(self))
    tidy(self);
  for (int i = 0; i < READS_MAX && may_read(self); i++) {
    size_t len;
    gitdev_io io = self->transport.read(self->transport.payload, bytes, sizeof bytes, &len);
    self->unread = io == GITDEV_IO_DONE;
    if (io == GITDEV_IO_DONE)
      take(self, bytes, len);
    else if (io == GITDEV_IO_ENDED)
      break_off(self, "the peer closed the connection without a close frame");
    else if (io == GITDEV_IO_BROKEN || self->mute)
      break_off(self, "the connection was lost");
    else
      return;
  }
}

/* ---- the ways in: from the loop ---- */

static void go_on(gitdev_socket *self) {
  write_out(self);
  read_in(self);
  write_out(self);
  settle(self);
  tell(self);
}

void gitdev_socket_ready(gitdev_socket *self, int ready) {
  if (ready & (GITDEV_WRITABLE | GITDEV_HANGUP))
    self->blocked = false;
  /* Where nothing may be read now, it is tried later. */
  self->unread = self->unread || ready & (GITDEV_READABLE | GITDEV_HANGUP);
  go_on(self);
}

static void on_turn(void *payload) {
  go_on(payload);
}

static void on_deadline(void *payload) {
  gitdev_socket *self = payload;
  conclude(self, BROKEN_OFF, "the close frame was not answered in time");
  shut(self, unsent(self) > 0);
  tell(self);
}

/* ---- the ways in: from the user ---- */

int gitdev_socket_new(gitdev_socket **out, gitdev_loop *loop, const gitdev_transport *transport,
                      const gitdev_socket_options *options) {
  *out = NULL;
  gitdev_socket *self = gitdev_calloc(1, sizeof *self);
  gitdev_websocket *codec = gitdev_websocket_new(options->role, options->message_max);
  if (!self || !codec || !gitdev_websocket_send_raw(codec, options->first, options->first_len) ||
      gitdev_timer_set(loop, &self->turn, gitdev_now(), on_turn, self)) {
    gitdev_websocket_free(codec);
    gitdev_free(self);
    transport->close(transport->payload, false);
    return GITDEV_ENOMEM;
  }
  self->loop = loop;
  gitdev_loop_retain(loop);
  self->transport = *transport;
  self->codec = codec;
  self->unread = true;
  gitdev_buffer_init(&self->inbox, SIZE_MAX);
  if (options->ahead_len)
    take(self, options->ahead, options->ahead_len);
  if (self->phase == CLOSED) { /* memory is out, and the transport gone */
    gitdev_socket_free(self);
    return GITDEV_ENOMEM;
  }
  *out = self;
  return GITDEV_OK;
}

void gitdev_socket_free(gitdev_socket *self) {
  if (!self)
    return;
  gitdev_socket_leave(self, "the socket was freed");
  gitdev_timer_clear(self->loop, &self->turn);
  gitdev_loop_free(self->loop);
  gitdev_buffer_free(&self->inbox);
  gitdev_free(self);
}

void gitdev_socket_on_news(gitdev_socket *self, gitdev_socket_fn fn, void *payload) {
  self->fn = fn;
  self->payload = payload;
  if (self->news)
    set_turn(self);
}

int gitdev_socket_read(gitdev_socket *self, const char **message, size_t *len, bool *binary) {
  entry head;
  if (!waiting(self)) {
    tidy(self);
    if (!self->code && gitdev_loop_forked(self->loop))
      shut(self, false);
    return self->code ? GITDEV_ECLOSED : GITDEV_AGAIN;
  }
  memcpy(&head, self->inbox.data + self->taken, sizeof head);
  *message = self->inbox.data + self->taken + sizeof head;
  *len = head.len;
  if (binary)
    *binary = head.binary;
  self->taken += sizeof head + head.len + 1;
  if (!waiting(self) && self->phase != CLOSED)
    settle(self); /* there is room again */
  return GITDEV_OK;
}

static bool can_send(const gitdev_socket *self) {
  return self->phase == OPEN && !gitdev_loop_forked(self->loop);
}

static int queued(gitdev_socket *self, bool is_queued) {
  if (!is_queued)
    return GITDEV_ENOMEM;
  self->owed = true;
  if (unsent(self) >= BATCH)
    write_out(self);
  settle_quietly(self);
  return GITDEV_OK;
}

int gitdev_socket_send(gitdev_socket *self, const char *text, size_t len) {
  if (!can_send(self))
    return GITDEV_ECLOSED;
  return queued(self, gitdev_websocket_send(self->codec, text, len));
}

int gitdev_socket_send_binary(gitdev_socket *self, const char *bytes, size_t len) {
  if (!can_send(self))
    return GITDEV_ECLOSED;
  return queued(self, gitdev_websocket_send_binary(self->codec, bytes, len));
}

int gitdev_socket_send_raw(gitdev_socket *self, const char *bytes, size_t len) {
  if (!can_send(self))
    return GITDEV_ECLOSED;
  return queued(self, gitdev_websocket_send_raw(self->codec, bytes, len));
}

int gitdev_socket_ping(gitdev_socket *self) {
  if (!can_send(self))
    return GITDEV_ECLOSED;
  return queued(self, gitdev_websocket_ping(self->codec));
}

size_t gitdev_socket_unsent(const gitdev_socket *self) {
  return unsent(self);
}

int gitdev_socket_close(gitdev_socket *self, int code, const char *reason) {
  if (!gitdev_websocket_is_code(code))
    return GITDEV_EINVAL;
  if (!can_send(self))
    return GITDEV_ECLOSED;
  if (!gitdev_websocket_close(self->codec, code, reason))
    return GITDEV_ENOMEM;
  self->phase = CLOSING;
  set_deadline(self);
  write_out(self);
  settle_quietly(self);
  return GITDEV_OK;
}

void gitdev_socket_leave(gitdev_socket *self, const char *reason) {
  if (self->phase == CLOSED)
    return;
  conclude(self, BROKEN_OFF, reason);
  if (!gitdev_loop_forked(self->loop)) {
    (void)gitdev_websocket_close(self->codec, GOING_AWAY, NULL);
    write_out(self);
  }
  shut(self, false);
  settle_quietly(self);
}

void gitdev_socket_abort(gitdev_socket *self) {
  shut(self, true);
  settle_quietly(self);
}

int gitdev_socket_close_code(const gitdev_socket *self) {
  return self->code;
}

const char *gitdev_socket_close_reason(const gitdev_socket *self) {
  return self->reason;
}

bool gitdev_socket_done(const gitdev_socket *self) {
  return self->code && !waiting(self);
}
