/* WebSockets that are open, over a transport whose every move the test decides. Nothing here depends
 * on time but the farewell, which is waited for. */
#include "net/socket.h"
#include "wire/buffer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WINDOW = 65536, RECORD = 16384 };

/* Only a bug makes anyone wait that long. */
static const double PATIENCE = 60;

/* ---- a transport, and the peer at its other end ---- */

typedef struct wire {
  gitdev_buffer in;  /* what the peer has sent and the socket not read */
  gitdev_buffer out; /* what the socket has written */
  size_t room;       /* bytes that may still be written */
  bool ended, deaf;  /* the peer has gone; writing fails */
  int want;
  bool closed, reset;
  gitdev_websocket *peer;
} wire;

typedef struct fixture {
  gitdev_loop *loop;
  wire wire;
  gitdev_socket *socket;
  int told;
} fixture;

static gitdev_io wire_read(void *payload, char *bytes, size_t size, size_t *len) {
  wire *self = payload;
  *len = self->in.len < size ? self->in.len : size;
  if (*len == 0)
    return self->ended ? GITDEV_IO_ENDED : GITDEV_IO_AGAIN;
  memcpy(bytes, self->in.data, *len);
  gitdev_buffer_consume(&self->in, *len);
  return GITDEV_IO_DONE;
}

static gitdev_io wire_write(void *payload, const char *bytes, size_t len, size_t *written) {
  wire *self = payload;
  *written = 0;
  if (self->deaf)
    return GITDEV_IO_BROKEN;
  if (self->room == 0)
    return GITDEV_IO_AGAIN;
  *written = len < self->room ? len : self->room;
  self->room -= *written;
  assert_true(gitdev_buffer_append(&self->out, bytes, *written));
  return GITDEV_IO_DONE;
}

static void wire_want(void *payload, int mask) {
  wire *self = payload;
  assert_false(self->closed);
  self->want = mask;
}

static void wire_close(void *payload, bool reset) {
  wire *self = payload;
  assert_false(self->closed);
  self->closed = true;
  self->reset = reset;
}

static const gitdev_transport TRANSPORT = {
    .read = wire_read, .write = wire_write, .want = wire_want, .close = wire_close};

static void on_news(void *payload, gitdev_socket *socket) {
  fixture *all = payload;
  assert_ptr_equal(socket, all->socket);
  all->told++;
}

static void start_with(fixture *all, gitdev_socket_options options) {
  gitdev_transport transport = TRANSPORT;
  transport.payload = &all->wire;
  assert_int_equal(gitdev_socket_new(&all->socket, all->loop, &transport, &options), GITDEV_OK);
  gitdev_socket_on_news(all->socket, on_news, all);
}

static void start(fixture *all) {
  start_with(all, (gitdev_socket_options){.role = GITDEV_WEBSOCKET_CLIENT});
}

static void begin(fixture *all, gitdev_websocket_role role) {
  all->wire = (wire){.room = SIZE_MAX};
  gitdev_buffer_init(&all->wire.in, SIZE_MAX);
  gitdev_buffer_init(&all->wire.out, SIZE_MAX);
  all->wire.peer = gitdev_websocket_new(role, 0);
  assert_non_null(all->wire.peer);
}

static void end(fixture *all) {
  gitdev_socket_free(all->socket);
  all->socket = NULL;
  gitdev_websocket_free(all->wire.peer);
  gitdev_buffer_free(&all->wire.in);
  gitdev_buffer_free(&all->wire.out);
}

static int setup(void **state) {
  fixture *all = calloc(1, sizeof *all);
  assert_non_null(all);
  assert_int_equal(gitdev_loop_new(&all->loop), 0);
  begin(all, GITDEV_WEBSOCKET_SERVER);
  *state = all;
  return 0;
}

static int teardown(void **state) {
  fixture *all = *state;
  end(all);
  gitdev_loop_free(all->loop);
  free(all);
  return 0;
}

/* A turn of the loop, after which the transport is as ready as it was asked for. */
static void turn(fixture *all) {
  wire *one = &all->wire;
  assert_int_equal(gitdev_step(all->loop, 0), 0);
  int ready = (one->in.len || one->ended ? GITDEV_READABLE : 0) |
              (one->room || one->deaf ? GITDEV_WRITABLE : 0);
  if (!one->closed && ready & one->want)
    gitdev_socket_ready(all->socket, ready & one->want);
}

static void turns(fixture *all) {
  for (int i = 0; i < 8; i++)
    turn(all);
}

/* What the peer's codec has to say goes on its way. */
static void send_out(wire *from) {
  size_t len;
  const char *bytes = gitdev_websocket_output(from->peer, &len);
  while (len) {
    assert_true(gitdev_buffer_append(&from->in, bytes, len));
    gitdev_websocket_sent(from->peer, len);
    bytes = gitdev_websocket_output(from->peer, &len);
  }
}

static void peer_says(fixture *all, const char *text) {
  assert_true(gitdev_websocket_send(all->wire.peer, text, strlen(text)));
  send_out(&all->wire);
}

static void peer_closes(fixture *all, int code, const char *reason) {
  assert_true(gitdev_websocket_close(all->wire.peer, code, reason));
  send_out(&all->wire);
}

/* What the peer makes of what it was sent. */
static gitdev_websocket_event peer_hears(fixture *all) {
  wire *one = &all->wire;
  assert_true(gitdev_websocket_feed(one->peer, one->out.data, one->out.len));
  gitdev_buffer_reset(&one->out);
  return gitdev_websocket_pull(one->peer);
}

static void peer_hears_text(fixture *all, const char *text) {
  size_t len;
  assert_int_equal(peer_hears(all), GITDEV_WEBSOCKET_TEXT);
  assert_string_equal(gitdev_websocket_message(all->wire.peer, &len), text);
}

static void peer_hears_close(fixture *all, int code) {
  assert_int_equal(peer_hears(all), GITDEV_WEBSOCKET_CLOSE);
  assert_int_equal(gitdev_websocket_close_code(all->wire.peer), code);
}

static void reads(fixture *all, const char *text) {
  const char *message;
  size_t len;
  bool binary;
  assert_int_equal(gitdev_socket_read(all->socket, &message, &len, &binary), GITDEV_OK);
  assert_int_equal(len, strlen(text));
  assert_string_equal(message, text);
  assert_false(binary);
}

static void reads_nothing(fixture *all) {
  const char *message;
  size_t len;
  assert_int_equal(gitdev_socket_read(all->socket, &message, &len, NULL), GITDEV_AGAIN);
}

static void reads_end(fixture *all, int code, const char *reason) {
  const char *message;
  size_t len;
  assert_int_equal(gitdev_socket_read(all->socket, &message, &len, NULL), GITDEV_ECLOSED);
  assert_int_equal(gitdev_socket_close_code(all->socket), code);
  assert_string_equal(gitdev_socket_close_reason(all->socket), reason);
  assert_true(gitdev_socket_done(all->socket));
}

static void wait_for_closing(fixture *all) {
  double limit = gitdev_now() + PATIENCE;
  while (!all->wire.closed && gitdev_now() < limit)
    assert_int_equal(gitdev_step(all->loop, 1), 0);
  assert_true(all->wire.closed);
}

/* ---- messages ---- */

static void test_messages_go_both_ways(void **state) {
  fixture *all = *state;
  start(all);
  turns(all);
  assert_int_equal(all->told, 0);
  reads_nothing(all);
  assert_int_equal(gitdev_socket_close_code(all->socket), 0);
  peer_says(all, "one");
  peer_says(all, "");
  peer_says(all, "three");
  turns(all);
  assert_int_equal(all->told, 1);
  reads(all, "one");
  reads(all, "");
  reads(all, "three");
  reads_nothing(all);
  peer_says(all, "four");
  turns(all);
  assert_int_equal(all->told, 2);
  reads(all, "four");
  assert_int_equal(gitdev_socket_send(all->socket, "to you", 6), GITDEV_OK);
  assert_true(gitdev_socket_unsent(all->socket) >= 6);
  turns(all);
  peer_hears_text(all, "to you");
  assert_int_equal(gitdev_socket_unsent(all->socket), 0);
}

static void test_binary_messages_are_told_from_text(void **state) {
  fixture *all = *state;
  start(all);
  assert_true(gitdev_websocket_send_binary(all->wire.peer, "\0\xff", 2));
  send_out(&all->wire);
  turns(all);
  const char *message;
  size_t len;
  bool binary;
  assert_int_equal(gitdev_socket_read(all->socket, &message, &len, &binary), GITDEV_OK);
  assert_true(binary);
  assert_int_equal(len, 2);
  assert_memory_equal(message, "\0\xff", 3);
  assert_int_equal(gitdev_socket_send_binary(all->socket, "\0", 1), GITDEV_OK);
  turns(all);
  assert_int_equal(peer_hears(all), GITDEV_WEBSOCKET_BINARY);
}

static void test_what_was_there_before_is_told_too(void **state) {
  fixture *all = *state;
  gitdev_websocket *peer = all->wire.peer;
  assert_true(gitdev_websocket_send(peer, "ahead", 5) && gitdev_websocket_send(peer, "of all", 6));
  size_t len;
  const char *bytes = gitdev_websocket_output(peer, &len);
  start_with(all, (gitdev_socket_options){
                      .ahead = bytes, .ahead_len = len - 3, .first = "HEAD\n", .first_len = 5});
  assert_true(gitdev_buffer_append(&all->wire.in, bytes + len - 3, 3));
  assert_int_equal(all->told, 0);
  assert_int_equal(all->wire.out.len, 0);
  turn(all);
  assert_int_equal(all->told, 1);
  assert_string_equal(all->wire.out.data, "HEAD\n");
  turns(all);
  reads(all, "ahead");
  reads(all, "of all");
  reads_nothing(all);
}

static void test_what_came_before_anyone_listened_is_told(void **state) {
  fixture *all = *state;
  start(all);
  gitdev_socket_on_news(all->socket, NULL, NULL);
  peer_says(all, "early");
  turns(all);
  assert_int_equal(all->told, 0);
  gitdev_socket_on_news(all->socket, on_news, all);
  assert_int_equal(all->told, 0);
  turns(all);
  assert_int_equal(all->told, 1);
  reads(all, "early");
}

/* ---- holding back ---- */

/* 4 MiB of messages of 1,000 bytes, the number of each at its start. */
static int say_much(fixture *all) {
  char text[1001];
  int count = 4 * 1024 * 1024 / 1000;
  for (int i = 0; i < count; i++) {
    memset(text, '.', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text[snprintf(text, sizeof text, "%d", i)] = ' ';
    peer_says(all, text);
  }
  return count;
}

static void test_a_slow_reader_holds_the_sender_back(void **state) {
  fixture *all = *state;
  start(all);
  int count = say_much(all);
  size_t all_of_it = all->wire.in.len;
  turns(all);
  assert_int_equal(all->wire.want & GITDEV_READABLE, 0);
  for (int i = 0; i < count; i++) {
    const char *message;
    size_t len;
    int rc = gitdev_socket_read(all->socket, &message, &len, NULL);
    while (rc == GITDEV_AGAIN) {
      turn(all);
      rc = gitdev_socket_read(all->socket, &message, &len, NULL);
    }
    assert_int_equal(rc, GITDEV_OK);
    assert_int_equal(strtol(message, NULL, 10), i);
    size_t taken = all_of_it - all->wire.in.len;
    assert_true(taken - (size_t)i * 1004 <= WINDOW + 2 * RECORD);
    if (i % 10 == 0)
      turn(all);
  }
  turns(all);
  reads_nothing(all);
  assert_int_equal(all->wire.in.len, 0);
  assert_int_equal(all->wire.want, GITDEV_READABLE);
}

/* The largest message goes through even where it is larger than the window. */
static void test_a_message_larger_than_the_window(void **state) {
  fixture *all = *state;
  start(all);
  size_t len = GITDEV_WEBSOCKET_MESSAGE_MAX;
  char *text = malloc(len + 1);
  assert_non_null(text);
  memset(text, 'x', len);
  text[len] = '\0';
  peer_says(all, text);
  peer_says(all, "after");
  turns(all);
  reads(all, text);
  reads(all, "after");
  assert_int_equal(gitdev_socket_send(all->socket, text, len), GITDEV_OK);
  turns(all);
  peer_hears_text(all, text);
  free(text);
}

static void test_pings_are_answered_though_nobody_reads(void **state) {
  static const char ping[] = "\x89\x03you";
  fixture *all = *state;
  start(all);
  peer_says(all, "unread");
  assert_true(gitdev_buffer_append(&all->wire.in, ping, sizeof ping - 1));
  turns(all);
  /* a pong, masked */
  assert_int_equal(all->wire.out.len, 9);
  assert_memory_equal(all->wire.out.data, "\x8a\x83", 2);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(all->wire.out.data[6 + i] ^ all->wire.out.data[2 + i], "you"[i]);
  reads(all, "unread");
  assert_int_equal(gitdev_socket_ping(all->socket), GITDEV_OK);
  gitdev_buffer_reset(&all->wire.out);
  turns(all);
  assert_memory_equal(all->wire.out.data, "\x89\x80", 2);
}

static void test_what_the_transport_does_not_take_waits(void **state) {
  fixture *all = *state;
  start(all);
  turns(all);
  all->wire.room = 10;
  char text[32], expected[32];
  for (int i = 0; i < 5000; i++) {
    int len = snprintf(text, sizeof text, "message %d", i);
    assert_int_equal(gitdev_socket_send(all->socket, text, (size_t)len), GITDEV_OK);
  }
  turns(all);
  assert_int_equal(all->told, 0);
  assert_int_equal(all->wire.want, GITDEV_READABLE | GITDEV_WRITABLE);
  assert_true(gitdev_socket_unsent(all->socket) > WINDOW);
  for (int i = 0; i < 5000; i++) {
    snprintf(expected, sizeof expected, "message %d", i);
    gitdev_websocket_event heard = peer_hears(all);
    while (heard == GITDEV_WEBSOCKET_NEED) {
      all->wire.room = 777;
      turn(all);
      heard = peer_hears(all);
    }
    size_t len;
    assert_int_equal(heard, GITDEV_WEBSOCKET_TEXT);
    assert_string_equal(gitdev_websocket_message(all->wire.peer, &len), expected);
  }
  assert_int_equal(all->told, 1);
  assert_int_equal(gitdev_socket_unsent(all->socket), 0);
  turn(all);
  assert_int_equal(all->wire.want, GITDEV_READABLE);
}

/* ---- the end ---- */

static void test_the_peer_closes(void **state) {
  static const struct {
    int code;
    const char *reason;
  } cases[] = {{1000, "done"}, {1001, ""}, {1012, "restart"}, {4401, "the key was revoked"}};
  fixture *all = *state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    end(all);
    begin(all, GITDEV_WEBSOCKET_SERVER);
    start(all);
    peer_says(all, "last words");
    peer_closes(all, cases[i].code, cases[i].reason);
    turns(all);
    assert_int_equal(gitdev_socket_close_code(all->socket), cases[i].code);
    assert_false(gitdev_socket_done(all->socket));
    assert_int_equal(gitdev_socket_send(all->socket, "a", 1), GITDEV_ECLOSED);
    assert_int_equal(gitdev_socket_close(all->socket, 1000, NULL), GITDEV_ECLOSED);
    reads(all, "last words");
    reads_end(all, cases[i].code, cases[i].reason);
    reads_end(all, cases[i].code, cases[i].reason);
    peer_hears_close(all, cases[i].code);
    assert_true(all->wire.closed);
    assert_false(all->wire.reset);
  }
  end(all);
  begin(all, GITDEV_WEBSOCKET_SERVER);
  start(all);
  gitdev_buffer_append(&all->wire.in, "\x88\0", 2);
  turns(all);
  reads_end(all, 1005, "");
  assert_true(all->wire.closed);
}

static void test_we_close(void **state) {
  fixture *all = *state;
  start(all);
  assert_int_equal(gitdev_socket_send(all->socket, "first", 5), GITDEV_OK);
  assert_int_equal(gitdev_socket_close(all->socket, 999, NULL), GITDEV_EINVAL);
  assert_int_equal(gitdev_socket_close(all->socket, 1006, NULL), GITDEV_EINVAL);
  assert_int_equal(gitdev_socket_close(all->socket, 4000, "enough"), GITDEV_OK);
  assert_int_equal(gitdev_socket_close(all->socket, 1000, NULL), GITDEV_ECLOSED);
  assert_int_equal(gitdev_socket_send(all->socket, "a", 1), GITDEV_ECLOSED);
  /* At once, since nobody may turn the loop any more. */
  peer_hears_text(all, "first");
  assert_int_equal(gitdev_socket_close_code(all->socket), 0);
  int before = all->told;
  say_much(all);
  turns(all);
  reads_nothing(all);
  peer_hears_close(all, 4000);
  assert_string_equal(gitdev_websocket_close_reason(all->wire.peer), "enough");
  send_out(&all->wire);
  turns(all);
  turns(all);
  turns(all);
  reads_end(all, 4000, "");
  assert_true(all->told > before);
  assert_true(all->wire.closed);
}

static void free_it(void *payload, gitdev_socket *socket) {
  fixture *all = payload;
  assert_ptr_equal(socket, all->socket);
  all->socket = NULL;
  all->told++;
  gitdev_socket_free(socket);
}

/* Three at once, since each takes its time: one whose peer does not answer, one whose peer does not
 * even take the close frame, and one that is freed when it tells. */
static void test_the_farewell_ends(void **state) {
  fixture *all = *state, *other, *freed;
  assert_int_equal(setup((void **)&other), 0);
  assert_int_equal(setup((void **)&freed), 0);
  start(all);
  start(other);
  start(freed);
  turns(all);
  turns(other);
  turns(freed);
  gitdev_socket_on_news(freed->socket, free_it, freed);
  assert_int_equal(gitdev_socket_close(freed->socket, 1000, NULL), GITDEV_OK);
  assert_int_equal(gitdev_socket_close(all->socket, 1000, NULL), GITDEV_OK);
  other->wire.room = 0;
  assert_int_equal(gitdev_socket_close(other->socket, 1000, NULL), GITDEV_OK);
  double since = gitdev_now();
  wait_for_closing(all);
  assert_true(gitdev_now() - since > 1);
  reads_end(all, 1006, "the close frame was not answered in time");
  assert_false(all->wire.reset);
  wait_for_closing(other);
  reads_end(other, 1006, "the close frame was not answered in time");
  assert_true(other->wire.reset);
  assert_int_equal(all->told, 1);
  wait_for_closing(freed);
  assert_null(freed->socket);
  assert_int_equal(freed->told, 1);
  teardown((void **)&other);
  teardown((void **)&freed);
}

static void test_the_connection_breaks_off(void **state) {
  fixture *all = *state;
  start(all);
  peer_says(all, "cut");
  all->wire.ended = true;
  turns(all);
  assert_int_equal(all->told, 1);
  reads(all, "cut");
  reads_end(all, 1006, "the peer closed the connection without a close frame");
  assert_true(all->wire.closed);
}

/* What the peer said before it went away counts, even when our answers reach it no more. */
static void test_a_peer_that_has_gone_is_heard_out(void **state) {
  fixture *all = *state;
  start(all);
  turns(all);
  peer_says(all, "still");
  peer_closes(all, 4403, "");
  all->wire.deaf = true;
  assert_int_equal(gitdev_socket_send(all->socket, "a", 1), GITDEV_OK);
  turns(all);
  reads(all, "still");
  reads_end(all, 4403, "");
  assert_true(all->wire.closed);
}

static void test_a_peer_that_cannot_be_written_to_is_lost(void **state) {
  fixture *all = *state;
  start(all);
  turns(all);
  all->wire.deaf = true;
  assert_int_equal(gitdev_socket_send(all->socket, "a", 1), GITDEV_OK);
  turns(all);
  reads_end(all, 1006, "the connection was lost");
  assert_true(all->told > 0);
}

static void test_the_peer_breaks_the_protocol(void **state) {
  static const struct {
    const char *bytes;
    size_t len;
    int code;
  } cases[] = {
      {"\x81\x81.....", 7, 1002},             /* a server's frame is masked */
      {"\xc1\x01q", 3, 1002},                 /* a reserved bit */
      {"\x83\x01q", 3, 1002},                 /* a reserved opcode */
      {"\x80\x01q", 3, 1002},                 /* nothing to continue */
      {"\x88\x02\x03\xed", 4, 1002},          /* close with 1005 */
      {"\x81\x01\xff", 3, 1007},              /* no UTF-8 */
      {"\x81\x7f\0\0\0\0\0\2\0\1.", 11, 1009} /* one byte too many */
  };
  fixture *all = *state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    end(all);
    begin(all, GITDEV_WEBSOCKET_SERVER);
    start(all);
    peer_says(all, "good");
    assert_true(gitdev_buffer_append(&all->wire.in, cases[i].bytes, cases[i].len));
    turns(all);
    reads(all, "good");
    const char *message;
    size_t len;
    assert_int_equal(gitdev_socket_read(all->socket, &message, &len, NULL), GITDEV_ECLOSED);
    assert_int_equal(gitdev_socket_close_code(all->socket), cases[i].code);
    assert_true(strlen(gitdev_socket_close_reason(all->socket)) > 0);
    peer_hears_close(all, cases[i].code);
    assert_true(all->wire.closed);
  }
}

/* ---- letting go ---- */

static void test_freeing_says_goodbye_if_there_is_room(void **state) {
  fixture *all = *state;
  start(all);
  assert_int_equal(gitdev_socket_send(all->socket, "bye", 3), GITDEV_OK);
  gitdev_socket_free(all->socket);
  all->socket = NULL;
  assert_true(all->wire.closed);
  assert_false(all->wire.reset);
  peer_hears_text(all, "bye");
  peer_hears_close(all, 1001);
  assert_int_equal(gitdev_step(all->loop, 0), 0);
  end(all);
  begin(all, GITDEV_WEBSOCKET_SERVER);
  start(all);
  turns(all);
  all->wire.room = 1;
  gitdev_socket_free(all->socket);
  all->socket = NULL;
  assert_true(all->wire.closed);
  assert_int_equal(all->wire.out.len, 1);
}

static void test_aborting_says_nothing(void **state) {
  fixture *all = *state;
  start(all);
  turns(all);
  peer_says(all, "unread");
  turns(all);
  gitdev_socket_abort(all->socket);
  assert_true(all->wire.closed && all->wire.reset);
  assert_int_equal(all->wire.out.len, 0);
  assert_int_equal(all->told, 1);
  turn(all);
  assert_int_equal(all->told, 2);
  reads(all, "unread");
  reads_end(all, 1006, "the connection was closed");
  gitdev_socket_abort(all->socket);
}

static void test_it_may_be_freed_when_it_tells(void **state) {
  fixture *all = *state;
  static const char *const kinds[] = {"message", "close", "break", "sent"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    end(all);
    begin(all, GITDEV_WEBSOCKET_SERVER);
    start(all);
    turns(all);
    all->told = 0;
    gitdev_socket_on_news(all->socket, free_it, all);
    switch (kinds[i][0]) {
    case 'm': peer_says(all, "a"); break;
    case 'c': peer_closes(all, 1000, NULL); break;
    case 'b': all->wire.ended = true; break;
    default: assert_int_equal(gitdev_socket_send(all->socket, "a", 1), GITDEV_OK);
    }
    for (int k = 0; k < 8 && all->socket; k++)
      turn(all);
    assert_null(all->socket);
    assert_int_equal(all->told, 1);
    assert_true(all->wire.closed);
  }
}

static void test_a_forks_child_speaks_to_nobody(void **state) {
  fixture *all = *state;
  start(all);
  peer_says(all, "before");
  turns(all);
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    const char *message;
    size_t len;
    int bad = gitdev_socket_send(all->socket, "a", 1) != GITDEV_ECLOSED;
    bad = bad || gitdev_socket_close(all->socket, 1000, NULL) != GITDEV_ECLOSED;
    bad = bad || gitdev_socket_read(all->socket, &message, &len, NULL) != GITDEV_OK;
    bad = bad || gitdev_socket_read(all->socket, &message, &len, NULL) != GITDEV_ECLOSED;
    gitdev_socket_free(all->socket);
    bad = bad || !all->wire.closed || all->wire.out.len;
    _exit(bad);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  reads(all, "before");
  assert_int_equal(gitdev_socket_send(all->socket, "here", 4), GITDEV_OK);
  turns(all);
  peer_hears_text(all, "here");
}

int main(void) {
#define UNIT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      UNIT(test_messages_go_both_ways),
      UNIT(test_binary_messages_are_told_from_text),
      UNIT(test_what_was_there_before_is_told_too),
      UNIT(test_what_came_before_anyone_listened_is_told),
      UNIT(test_a_slow_reader_holds_the_sender_back),
      UNIT(test_a_message_larger_than_the_window),
      UNIT(test_pings_are_answered_though_nobody_reads),
      UNIT(test_what_the_transport_does_not_take_waits),
      UNIT(test_the_peer_closes),
      UNIT(test_we_close),
      UNIT(test_the_farewell_ends),
      UNIT(test_the_connection_breaks_off),
      UNIT(test_a_peer_that_has_gone_is_heard_out),
      UNIT(test_a_peer_that_cannot_be_written_to_is_lost),
      UNIT(test_the_peer_breaks_the_protocol),
      UNIT(test_freeing_says_goodbye_if_there_is_room),
      UNIT(test_aborting_says_nothing),
      UNIT(test_it_may_be_freed_when_it_tells),
      UNIT(test_a_forks_child_speaks_to_nobody),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
