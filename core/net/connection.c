#include "net/connection_state.h"
#include "wire/memory.h"
#include <stdio.h>
#include <string.h>

/* Turns of a connection in one event, so that one that never runs dry does not keep the others
 * waiting; and the bytes that a peer may send ahead of its answer. */
enum { READS_MAX = 16, WRITES_MAX = 64, AHEAD_MAX = 65536 };

/* What a larger answer leaves behind is given back, so that a quiet listener stays small. */
enum { ANSWER_KEPT_MAX = 262144 };

/* How long a peer is given to read the last answer. Closing while its bytes come in would reset the
 * connection, and a reset destroys what the peer has received and not read yet. */
static const double LINGER = 2;

/* ---- what it waits for ---- */

static bool may_read(const gitdev_connection *connection) {
  if (connection->phase != OPEN || connection->answering || connection->ended)
    return false;
  return !connection->held || connection->intake.ahead < AHEAD_MAX;
}

static int wanted(const gitdev_connection *connection) {
  int writable = connection->stream.wants_writable ? GITDEV_WRITABLE : 0;
  switch (connection->phase) {
  case LAST: return GITDEV_WRITABLE;
  case GOODBYE: return GITDEV_WRITABLE;
  case UPGRADED: return writable | connection->socket_wants;
  case OPEN: break;
  default: return writable ? writable : GITDEV_READABLE;
  }
  if (connection->out.len)
    writable = GITDEV_WRITABLE;
  return writable | (may_read(connection) ? GITDEV_READABLE : 0);
}

static deadline deadline_of(const gitdev_connection *connection) {
  switch (connection->phase) {
  case FIRST_BYTE:
  case HANDSHAKE: return GREETING;
  case LAST: return WRITE;
  case UPGRADED: return NO_DEADLINE;
  case OPEN: break;
  default: return LEAVING;
  }
  if (connection->answering)
    return WRITE;
  if (connection->held)
    return NO_DEADLINE;
  return connection->intake.begun ? REQUEST : IDLE;
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

void gitdev_connection_destroy(gitdev_connection *connection) {
  gitdev_server *server = connection->server;
  gitdev_timer_clear(server->loop, &connection->timer);
  gitdev_timer_clear(server->loop, &connection->again);
  gitdev_unwatch(server->loop, &connection->watch);
  gitdev_stream_close(&connection->stream, connection->reset);
  gitdev_intake_free(&connection->intake);
  gitdev_buffer_free(&connection->out);
  if (connection->held)
    connection->held->connection = NULL;
  if (connection->next)
    connection->next->previous = connection->previous;
  *(connection->previous ? &connection->previous->next : &server->first) = connection->next;
  server->connection_count--;
  gitdev_free(connection);
}

void gitdev_connection_settle(gitdev_connection *connection) {
  if (connection->phase == CLOSED || set_deadline(connection) || set_again(connection)) {
    gitdev_connection_destroy(connection);
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

void gitdev_connection_wind_up(gitdev_connection *connection) {
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
  gitdev_connection_wind_up(connection);
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

static void on_whole(gitdev_connection *connection) {
  connection->held = gitdev_intake_hand_over(&connection->intake);
  connection->held->connection = connection;
  gitdev_exchange_push(&connection->server->queue, connection->held);
}

static void parse(gitdev_connection *connection) {
  static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
  const gitdev_http1_limits *limits = &connection->server->limits;
  gitdev_intake *intake = &connection->intake;
  while (connection->phase == OPEN && !connection->held) {
    switch (gitdev_intake_pull(intake, limits, connection->peer)) {
    case GITDEV_INTAKE_NEED: return;
    case GITDEV_INTAKE_CONTINUE: send_bytes(connection, go_on, sizeof go_on - 1); break;
    case GITDEV_INTAKE_WHOLE: on_whole(connection); break;
    case GITDEV_INTAKE_FAILED: connection->phase = CLOSED; break;
    case GITDEV_INTAKE_MALFORMED:
      refuse(connection, gitdev_http1_error_status(intake->reader),
             gitdev_http1_problem(intake->reader));
      break;
    }
  }
}

static void take(gitdev_connection *connection, const char *bytes, size_t len) {
  if (!gitdev_intake_feed(&connection->intake, &connection->server->limits, bytes, len))
    connection->phase = CLOSED;
  else if (!connection->held)
    parse(connection);
}

void gitdev_connection_leave(gitdev_connection *connection) {
  connection->phase = GOODBYE;
  gitdev_connection_wind_up(connection);
}

/* The peer may only have nothing more to say, and wait for the answers. */
static void on_end(gitdev_connection *connection) {
  connection->ended = true;
  if (connection->phase == OPEN && !connection->held)
    gitdev_connection_leave(connection);
}

void gitdev_connection_read_some(gitdev_connection *connection) {
  char *scratch = connection->server->scratch;
  for (int i = 0; i < READS_MAX && may_read(connection); i++) {
    size_t len;
    gitdev_io io = gitdev_stream_read(&connection->stream, scratch, GITDEV_SCRATCH_SIZE, &len);
    connection->unread = io == GITDEV_IO_DONE;
    if (io == GITDEV_IO_AGAIN)
      return;
    if (io == GITDEV_IO_DONE)
      take(connection, scratch, len);
    else if (io == GITDEV_IO_ENDED)
      on_end(connection);
    else
      connection->phase = CLOSED;
  }
}

bool gitdev_connection_has_ended(const gitdev_connection *connection) {
  return connection->ended;
}

bool gitdev_connection_is_idle(const gitdev_connection *connection) {
  return connection->phase == OPEN && !connection->intake.begun && !connection->held &&
         !connection->answering;
}

/* Nothing is under way, and nothing more shall come, or can. */
static bool is_over(const gitdev_connection *connection) {
  if (connection->ended)
    return connection->phase == OPEN && !connection->held;
  return connection->server->draining && gitdev_connection_is_idle(connection);
}

/* The answer is out: what the peer sent ahead of it has its turn. */
static void go_on(gitdev_connection *connection) {
  if (gitdev_intake_next(&connection->intake))
    parse(connection);
  if (is_over(connection))
    gitdev_connection_leave(connection);
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
    gitdev_connection_leave(connection); /* so that the peer can read the alert */
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
  if (connection->phase == UPGRADED) {
    gitdev_socket_ready(connection->socket, ready);
    return;
  }
  if (connection->phase == FIRST_BYTE)
    greet(connection);
  if (connection->phase == HANDSHAKE)
    shake_hands(connection);
  if (connection->phase == OPEN && connection->out.len)
    write_on(connection);
  if (may_read(connection))
    gitdev_connection_read_some(connection);
  else if (connection->phase == OPEN && ready & GITDEV_HANGUP) /* a reset: no end is asked about */
    connection->phase = CLOSED;
  gitdev_connection_wind_up(connection);
  gitdev_connection_settle(connection);
}

static void on_again(void *payload) {
  gitdev_connection *connection = payload;
  gitdev_connection_read_some(connection);
  gitdev_connection_settle(connection);
}

static void on_deadline(void *payload) {
  gitdev_connection *connection = payload;
  deadline missed = connection->deadline;
  connection->deadline = NO_DEADLINE;
  if (missed == IDLE)
    gitdev_connection_leave(connection);
  else if (missed == REQUEST)
    refuse(connection, 408, "the request did not arrive in time");
  else
    connection->phase = CLOSED;
  connection->reset = connection->reset || missed == WRITE;
  gitdev_connection_settle(connection);
}

void gitdev_connection_open(gitdev_server *server, int fd, const char *peer) {
  gitdev_connection *made = gitdev_calloc(1, sizeof *made);
  gitdev_stream stream;
  gitdev_stream_open(&stream, fd);
  if (!made ||
      gitdev_watch_start(server->loop, &made->watch, fd, GITDEV_READABLE, on_ready, made)) {
    gitdev_stream_close(&stream, false);
    gitdev_free(made);
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
  gitdev_connection_settle(made);
}

/* Sends what its user wants to be sent for the request that it holds. In a fork's child the
 * connection is the parent's, whose peer must not hear of it. */
static int deliver(gitdev_connection *connection, const char *bytes, size_t len, bool last) {
  connection->held = NULL;
  if (gitdev_loop_forked(connection->server->loop)) {
    connection->reset = false;
    gitdev_connection_destroy(connection);
    return GITDEV_ECLOSED;
  }
  if (last)
    connection->phase = LAST;
  send_bytes(connection, bytes, len);
  bool gone = connection->phase == CLOSED;
  connection->answering = !last && connection->out.len;
  if (last)
    gitdev_connection_wind_up(connection);
  else if (!gone && !connection->answering)
    go_on(connection);
  gitdev_connection_settle(connection);
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
