#include "net/connection.h"
#include "net/loop.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Turns of a connection in one event, so that one that never runs dry does not keep the others
 * waiting; and the bytes that a peer may send ahead of its answer. */
enum { READS_MAX = 16, WRITES_MAX = 64, AHEAD_MAX = 65536 };

/* What larger requests and answers leave behind is given back, so that idle connections and a quiet
 * listener stay small. */
enum { READER_KEPT_MAX = 4096, ANSWER_KEPT_MAX = 262144 };

/* How long a peer is given to read the last answer. Closing while its bytes come in would reset the
 * connection, and a reset destroys what the peer has received and not read yet. */
static const double LINGER = 2;

typedef enum phase {
  FIRST_BYTE, /* TLS, or a client that speaks plain HTTP to it? */
  HANDSHAKE,
  OPEN,
  LAST, /* the last bytes are on their way */
  GOODBYE,
  LINGERING,
  CLOSED, /* freed before anyone returns to the loop */
} phase;

typedef enum deadline { NO_DEADLINE, GREETING, IDLE, REQUEST, WRITE, LEAVING } deadline;

struct gitdev_connection {
  gitdev_server *server;
  gitdev_connection *next, *previous;
  gitdev_stream stream;
  gitdev_watch watch;
  gitdev_timer timer;        /* for the deadline */
  gitdev_timer again;        /* the stream has more, but the others' turn comes first */
  gitdev_http1 *reader;      /* NULL until there are bytes for it */
  size_t taken;              /* bytes that it got for this request */
  gitdev_exchange *exchange; /* being collected; once held, its owner is elsewhere */
  gitdev_buffer out;         /* what the socket did not take yet, from `sent` on */
  size_t sent;
  size_t ahead; /* bytes that came in while a request was held */
  phase phase;
  deadline deadline;
  bool begun;     /* bytes of a request that is not complete are here */
  bool held;      /* a request is complete and not answered */
  bool answering; /* its answer is in `out` */
  bool reset;     /* close with a RST */
  bool unread;    /* reading stopped before the stream ran dry */
  bool continue_due;
  char peer[INET6_ADDRSTRLEN];
};

/* ---- what it waits for ---- */

static bool may_read(const gitdev_connection *connection) {
  if (connection->phase != OPEN || connection->answering)
    return false;
  return !connection->held || connection->ahead < AHEAD_MAX;
}

static int wanted(const gitdev_connection *connection) {
  int writable = connection->stream.wants_writable ? GITDEV_WRITABLE : 0;
  switch (connection->phase) {
  case LAST: return GITDEV_WRITABLE;
  case GOODBYE: return GITDEV_WRITABLE;
  case OPEN: break;
  default: return writable ? writable : GITDEV_READABLE;
  }
  if (connection->out.len)
    writable = GITDEV_WRITABLE;
  /* A reader sees by itself that the peer has gone. */
  return writable | (may_read(connection) ? GITDEV_READABLE : GITDEV_HANGUP);
}

static deadline deadline_of(const gitdev_connection *connection) {
  switch (connection->phase) {
  case FIRST_BYTE:
  case HANDSHAKE: return GREETING;
  case LAST: return WRITE;
  case OPEN: break;
  default: return LEAVING;
  }
  if (connection->answering)
    return WRITE;
  if (connection->held)
    return NO_DEADLINE;
  return connection->begun ? REQUEST : IDLE;
}

static void on_deadline(void *payload);

static int set_deadline(gitdev_connection *connection) {
  gitdev_server *server = connection->server;
  deadline due = deadline_of(connection);
  if (due == connection->deadline)
    return 0;
  connection->deadline = due;
  if (due == NO_DEADLINE) {
    gitdev_timer_clear(server->loop, &connection->timer);
    return 0;
  }
  double seconds = due == LEAVING ? LINGER
                   : due == IDLE  ? server->idle_timeout
                                  : server->request_timeout;
  return gitdev_timer_set(server->loop, &connection->timer, gitdev_now() + seconds, on_deadline,
                          connection);
}

static void on_again(void *payload);

static int set_again(gitdev_connection *connection) {
  if (!connection->unread || !may_read(connection))
    return 0;
  return gitdev_timer_set(connection->server->loop, &connection->again, gitdev_now(), on_again,
                          connection);
}

static void destroy(gitdev_connection *connection) {
  gitdev_server *server = connection->server;
  gitdev_timer_clear(server->loop, &connection->timer);
  gitdev_timer_clear(server->loop, &connection->again);
  gitdev_unwatch(server->loop, &connection->watch);
  gitdev_stream_close(&connection->stream, connection->reset);
  gitdev_http1_free(connection->reader);
  gitdev_buffer_free(&connection->out);
  if (connection->held && connection->exchange)
    connection->exchange->connection = NULL;
  else
    gitdev_exchange_destroy(connection->exchange);
  if (connection->next)
    connection->next->previous = connection->previous;
  *(connection->previous ? &connection->previous->next : &server->first) = connection->next;
  server->connection_count--;
  free(connection);
}

/* Every way in ends here: the loop learns what the connection waits for now. The connection may be
 * gone afterwards. */
static void settle(gitdev_connection *connection) {
  if (connection->phase == CLOSED || set_deadline(connection) || set_again(connection)) {
    destroy(connection);
    return;
  }
  gitdev_watch_want(connection->server->loop, &connection->watch, wanted(connection));
}

/* ---- sending ---- */

/* Returns how much of it the socket took. */
static size_t push(gitdev_connection *connection, const char *bytes, size_t len) {
  size_t done = 0;
  for (int i = 0; i < WRITES_MAX && done < len; i++) {
    size_t written;
    gitdev_io io = gitdev_stream_write(&connection->stream, bytes + done, len - done, &written);
    if (io == GITDEV_IO_AGAIN)
      break;
    if (io != GITDEV_IO_DONE) {
      connection->phase = CLOSED;
      break;
    }
    done += written;
  }
  /* Any progress grants the peer the whole time anew. */
  if (done && connection->deadline == WRITE)
    connection->deadline = NO_DEADLINE;
  return done;
}

static void send_bytes(gitdev_connection *connection, const char *bytes, size_t len) {
  size_t done = connection->out.len ? 0 : push(connection, bytes, len);
  if (connection->phase == CLOSED || done == len)
    return;
  if (!gitdev_buffer_append(&connection->out, bytes + done, len - done))
    connection->phase = CLOSED;
}

static void flush(gitdev_connection *connection) {
  gitdev_buffer *out = &connection->out;
  connection->sent += push(connection, out->data + connection->sent, out->len - connection->sent);
  if (connection->sent < out->len)
    return;
  gitdev_buffer_free(out);
  connection->sent = 0;
}

/* Brings a connection that is to be closed as far as it goes now. */
static void wind_up(gitdev_connection *connection) {
  if (connection->phase == LAST) {
    flush(connection);
    if (connection->phase == LAST && !connection->out.len)
      connection->phase = connection->reset ? CLOSED : GOODBYE;
  }
  if (connection->phase == GOODBYE) {
    gitdev_io io = gitdev_stream_goodbye(&connection->stream);
    if (io != GITDEV_IO_AGAIN)
      connection->phase = io == GITDEV_IO_DONE ? LINGERING : CLOSED;
  }
  for (int i = 0; i < READS_MAX && connection->phase == LINGERING; i++) {
    char *scratch = connection->server->scratch;
    gitdev_io io = gitdev_stream_discard(&connection->stream, scratch, GITDEV_SCRATCH_SIZE);
    if (io == GITDEV_IO_AGAIN)
      return;
    if (io != GITDEV_IO_DONE)
      connection->phase = CLOSED;
  }
}

static void end_with(gitdev_connection *connection, const char *bytes, size_t len) {
  connection->phase = LAST;
  send_bytes(connection, bytes, len);
  wind_up(connection);
}

/* Writes an answer into the server's memory for answers. False when memory is out. */
static bool compose(gitdev_server *server, const gitdev_answer *answer) {
  gitdev_buffer_reset(&server->answer);
  gitdev_answer_write(&server->answer, answer);
  return !server->answer.failed;
}

static void tidy(gitdev_server *server) {
  if (server->answer.size > ANSWER_KEPT_MAX)
    gitdev_buffer_free(&server->answer);
}

/* ---- reading ---- */

/* Answers what cannot be read, and closes. */
static void refuse(gitdev_connection *connection, int status, const char *problem) {
  gitdev_server *server = connection->server;
  gitdev_buffer fields, body;
  gitdev_buffer_init(&fields, SIZE_MAX);
  gitdev_buffer_init(&body, SIZE_MAX);
  if (server->refuse)
    status = server->refuse(server->refuse_payload, status, problem, &fields, &body);
  gitdev_answer answer = {.status = status,
                          .fields = fields.data,
                          .fields_len = fields.len,
                          .body = body.data,
                          .body_len = body.len,
                          .last = true};
  if (!fields.failed && !body.failed && compose(server, &answer))
    end_with(connection, server->answer.data, server->answer.len);
  else
    connection->phase = CLOSED;
  tidy(server);
  gitdev_buffer_free(&fields);
  gitdev_buffer_free(&body);
}

static void on_head(gitdev_connection *connection) {
  const gitdev_message *message = gitdev_http1_message(connection->reader);
  connection->exchange =
      gitdev_exchange_new(message, connection->peer, connection->server->limits.body_max);
  if (!connection->exchange)
    connection->phase = CLOSED;
  connection->continue_due = message->expect_continue && message->minor_version > 0;
}

static void on_piece(gitdev_connection *connection) {
  size_t len;
  const char *piece = gitdev_http1_piece(connection->reader, &len);
  connection->continue_due = false;
  if (!connection->exchange || !gitdev_buffer_append(&connection->exchange->body, piece, len))
    connection->phase = CLOSED;
}

static void on_end(gitdev_connection *connection) {
  if (!connection->exchange) {
    connection->phase = CLOSED;
    return;
  }
  connection->begun = connection->continue_due = false;
  connection->ahead = 0;
  connection->held = true;
  connection->exchange->connection = connection;
  gitdev_exchange_push(&connection->server->queue, connection->exchange);
}

/* The reader wants more. Only now is it sure that it does not refuse the head. */
static void on_need(gitdev_connection *connection) {
  static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
  if (!connection->continue_due)
    return;
  connection->continue_due = false;
  send_bytes(connection, go_on, sizeof go_on - 1);
}

static void parse(gitdev_connection *connection) {
  gitdev_http1 *reader = connection->reader;
  while (connection->phase == OPEN && !connection->held) {
    switch (gitdev_http1_pull(reader)) {
    case GITDEV_HTTP1_NEED: on_need(connection); return;
    case GITDEV_HTTP1_HEAD: on_head(connection); break;
    case GITDEV_HTTP1_DATA: on_piece(connection); break;
    case GITDEV_HTTP1_END: on_end(connection); break;
    case GITDEV_HTTP1_ERROR:
      refuse(connection, gitdev_http1_error_status(reader), gitdev_http1_problem(reader));
      break;
    }
  }
}

static void take(gitdev_connection *connection, const char *bytes, size_t len) {
  if (!connection->reader)
    connection->reader = gitdev_http1_new(GITDEV_HTTP1_REQUEST, &connection->server->limits);
  if (!connection->reader || !gitdev_http1_feed(connection->reader, bytes, len)) {
    connection->phase = CLOSED;
    return;
  }
  connection->taken += len;
  if (connection->held) {
    connection->ahead += len;
    return;
  }
  connection->begun = true;
  parse(connection);
}

/* Settling the connection sees to what is left unread. */
static void read_some(gitdev_connection *connection) {
  char *scratch = connection->server->scratch;
  for (int i = 0; i < READS_MAX && may_read(connection); i++) {
    size_t len;
    gitdev_io io = gitdev_stream_read(&connection->stream, scratch, GITDEV_SCRATCH_SIZE, &len);
    connection->unread = io == GITDEV_IO_DONE;
    if (io == GITDEV_IO_AGAIN)
      return;
    if (io == GITDEV_IO_DONE)
      take(connection, scratch, len);
    else
      connection->phase = CLOSED;
  }
}

static bool is_idle(const gitdev_connection *connection) {
  return connection->phase == OPEN && !connection->begun && !connection->held &&
         !connection->answering;
}

static void leave(gitdev_connection *connection) {
  connection->phase = GOODBYE;
  wind_up(connection);
}

/* The answer is out: what the peer sent ahead of it has its turn. */
static void go_on(gitdev_connection *connection) {
  size_t left;
  gitdev_http1_rest(connection->reader, &left);
  connection->begun = left > 0;
  connection->ahead = 0;
  if (left) {
    parse(connection);
  } else if (connection->taken > READER_KEPT_MAX) {
    gitdev_http1_free(connection->reader);
    connection->reader = NULL;
  }
  connection->taken = left;
  if (connection->server->draining && is_idle(connection))
    leave(connection);
}

/* ---- the ways in ---- */

static void greet(gitdev_connection *connection) {
  gitdev_io io;
  int first = gitdev_stream_peek(&connection->stream, &io);
  if (io == GITDEV_IO_AGAIN)
    return;
  if (io != GITDEV_IO_DONE)
    connection->phase = CLOSED;
  else if (first >= 'A' && first <= 'Z') /* a method; TLS begins with 22 */
    refuse(connection, 403, "plain HTTP is not served");
  else if (gitdev_stream_start_tls(&connection->stream, connection->server->tls))
    connection->phase = CLOSED;
  else
    connection->phase = HANDSHAKE;
}

static void shake_hands(gitdev_connection *connection) {
  gitdev_io io = gitdev_stream_handshake(&connection->stream);
  if (io == GITDEV_IO_DONE)
    connection->phase = OPEN;
  else if (io != GITDEV_IO_AGAIN)
    leave(connection); /* so that the peer can read the alert */
}

static void write_on(gitdev_connection *connection) {
  flush(connection);
  if (connection->phase != OPEN || connection->out.len || !connection->answering)
    return;
  connection->answering = false;
  go_on(connection);
}

static void on_ready(void *payload, int ready) {
  gitdev_connection *connection = payload;
  if (ready != GITDEV_WRITABLE)
    gitdev_stream_ready(&connection->stream);
  if (connection->phase == FIRST_BYTE)
    greet(connection);
  if (connection->phase == HANDSHAKE)
    shake_hands(connection);
  if (connection->phase == OPEN && connection->out.len)
    write_on(connection);
  if (may_read(connection))
    read_some(connection);
  else if (connection->phase == OPEN && ready & GITDEV_HANGUP)
    connection->phase = CLOSED;
  wind_up(connection);
  settle(connection);
}

static void on_again(void *payload) {
  gitdev_connection *connection = payload;
  read_some(connection);
  settle(connection);
}

static void on_deadline(void *payload) {
  gitdev_connection *connection = payload;
  deadline missed = connection->deadline;
  connection->deadline = NO_DEADLINE;
  if (missed == IDLE)
    leave(connection);
  else if (missed == REQUEST)
    refuse(connection, 408, "the request did not arrive in time");
  else
    connection->phase = CLOSED;
  connection->reset = connection->reset || missed == WRITE;
  settle(connection);
}

void gitdev_connection_open(gitdev_server *server, int fd, const char *peer) {
  gitdev_connection *made = calloc(1, sizeof *made);
  gitdev_stream stream;
  gitdev_stream_open(&stream, fd);
  if (!made ||
      gitdev_watch_start(server->loop, &made->watch, fd, GITDEV_READABLE, on_ready, made)) {
    gitdev_stream_close(&stream, false);
    free(made);
    return;
  }
  made->server = server;
  made->stream = stream;
  made->phase = server->tls ? FIRST_BYTE : OPEN;
  snprintf(made->peer, sizeof made->peer, "%s", peer);
  gitdev_buffer_init(&made->out, SIZE_MAX);
  made->next = server->first;
  if (made->next)
    made->next->previous = made;
  server->first = made;
  server->connection_count++;
  settle(made);
}

/* Sends what its user wants to be sent for the request that it holds. */
static int deliver(gitdev_connection *connection, const char *bytes, size_t len, bool last) {
  connection->exchange = NULL;
  connection->held = false;
  if (last)
    connection->phase = LAST;
  send_bytes(connection, bytes, len);
  bool gone = connection->phase == CLOSED;
  connection->answering = !last && connection->out.len;
  if (last)
    wind_up(connection);
  else if (!gone && !connection->answering)
    go_on(connection);
  settle(connection);
  return gone ? GITDEV_ECLOSED : 0;
}

int gitdev_connection_answer(gitdev_connection *connection, gitdev_answer *answer) {
  gitdev_server *server = connection->server;
  answer->last = answer->last || server->draining;
  if (!compose(server, answer)) {
    tidy(server);
    gitdev_connection_raw(connection, NULL, 0, true);
    return GITDEV_ENOMEM;
  }
  int error = deliver(connection, server->answer.data, server->answer.len, answer->last);
  tidy(server);
  return error;
}

int gitdev_connection_raw(gitdev_connection *connection, const char *bytes, size_t len,
                          bool reset) {
  connection->reset = reset;
  return deliver(connection, bytes, len, true);
}

/* Since when nothing has happened on it that matters: no request, or not even a handshake. */
static double rests_since(const gitdev_connection *connection) {
  const gitdev_server *server = connection->server;
  switch (connection->deadline) {
  case GREETING: return connection->timer.at - server->request_timeout;
  case IDLE: return connection->timer.at - server->idle_timeout;
  default: return INFINITY;
  }
}

static gitdev_connection *longest_at_rest(const gitdev_server *server) {
  gitdev_connection *oldest = NULL;
  double since = INFINITY;
  for (gitdev_connection *one = server->first; one; one = one->next) {
    if (rests_since(one) < since) {
      oldest = one;
      since = rests_since(one);
    }
  }
  return oldest;
}

bool gitdev_connection_make_room(gitdev_server *server) {
  size_t count = server->connection_count;
  gitdev_connection *oldest;
  while (server->connection_count == count && (oldest = longest_at_rest(server)) != NULL) {
    bool open = oldest->phase == OPEN;
    if (open) {
      /* A request may have come in that this step has not come to yet. */
      gitdev_stream_ready(&oldest->stream);
      read_some(oldest);
    }
    if (open && !is_idle(oldest)) {
      settle(oldest);
      continue;
    }
    if (open)
      (void)gitdev_stream_goodbye(&oldest->stream);
    destroy(oldest);
  }
  return server->connection_count < count;
}

void gitdev_connection_drain_all(gitdev_server *server) {
  for (gitdev_connection *next, *connection = server->first; connection; connection = next) {
    next = connection->next;
    if (connection->phase == FIRST_BYTE || connection->phase == HANDSHAKE)
      connection->phase = CLOSED;
    /* A request may have come in that no step has seen yet. */
    gitdev_stream_ready(&connection->stream);
    if (is_idle(connection))
      read_some(connection);
    if (is_idle(connection))
      leave(connection);
    settle(connection);
  }
}

void gitdev_connection_close_all(gitdev_server *server) {
  bool forked = gitdev_loop_forked(server->loop);
  while (server->first) {
    gitdev_connection *connection = server->first;
    if (!forked && connection->phase == OPEN)
      (void)gitdev_stream_goodbye(&connection->stream);
    destroy(connection);
  }
}
