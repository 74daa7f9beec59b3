/* The WebSocket codec, as scripted feeds in both roles. What it tells and what it sends is written
 * down as text, and must be the same however the bytes were cut on the way. */
#include "wire/buffer.h"
#include "wire/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLIENT GITDEV_WEBSOCKET_CLIENT
#define SERVER GITDEV_WEBSOCKET_SERVER

/* ---- frames as the tests read and write them, apart from wslay */

typedef struct frame {
  uint8_t first, mask_bit;
  uint64_t len;
  const uint8_t *mask, *payload;
} frame;

/* Reads the header at `bytes`; how long it is without its mask, or 0 when not all of it is there. */
static size_t read_header(const uint8_t *bytes, size_t len, frame *f) {
  if (len < 2)
    return 0;
  uint8_t coded = bytes[1] & 0x7f;
  size_t more = coded == 126 ? 2 : coded == 127 ? 8 : 0;
  if (len < 2 + more)
    return 0;
  *f = (frame){.first = bytes[0], .mask_bit = bytes[1] & 0x80, .len = more > 0 ? 0 : coded};
  for (size_t i = 0; i < more; i++)
    f->len = f->len << 8 | bytes[2 + i];
  return 2 + more;
}

/* Writes frames that a server may send as a client must: masked. */
static void mask_all(gitdev_buffer *out, const char *bytes, size_t len) {
  static const char key[] = "\x37\xfa\x21\x3d";
  const uint8_t *at = (const uint8_t *)bytes;
  frame f;
  for (size_t header; (header = read_header(at, len, &f)) > 0;) {
    size_t payload = f.len < len - header ? (size_t)f.len : len - header;
    char second = (char)(at[1] | 0x80);
    (void)gitdev_buffer_append(out, (const char *)at, 1);
    (void)gitdev_buffer_append(out, &second, 1);
    (void)gitdev_buffer_append(out, (const char *)at + 2, header - 2);
    (void)gitdev_buffer_append(out, key, 4);
    for (size_t i = 0; i < payload; i++) {
      char c = (char)(at[header + i] ^ (uint8_t)key[i % 4]);
      (void)gitdev_buffer_append(out, &c, 1);
    }
    at += header + payload;
    len -= header + payload;
  }
  assert_int_equal(len, 0);
}

static const char *name_of(uint8_t first) {
  switch (first) {
  case 0x81: return "text";
  case 0x82: return "binary";
  case 0x88: return "close";
  case 0x89: return "ping";
  case 0x8a: return "pong";
  default: return "unknown";
  }
}

static void write_payload(gitdev_buffer *told, const char *payload, size_t len) {
  if (len > 64) {
    (void)gitdev_buffer_printf(told, "%c*%zu", payload[0], len);
    return;
  }
  (void)gitdev_buffer_append(told, payload, len);
}

/* Writes down the frames that a codec of this role would send. */
static void tell_frames(gitdev_buffer *told, gitdev_websocket_role role, const char *bytes,
                        size_t len) {
  const uint8_t *at = (const uint8_t *)bytes;
  while (len > 0) {
    frame f;
    size_t header = read_header(at, len, &f);
    assert_true(header > 0);
    assert_int_equal(f.mask_bit != 0, role == CLIENT);
    const uint8_t *mask = at + header;
    header += f.mask_bit ? 4 : 0;
    assert_true(header <= len && f.len <= len - header);
    char *payload = malloc(f.len + 1);
    assert_non_null(payload);
    for (size_t i = 0; i < f.len; i++)
      payload[i] = (char)(at[header + i] ^ (f.mask_bit ? mask[i % 4] : 0));
    (void)gitdev_buffer_printf(told, "<%s ", name_of(f.first));
    size_t skip = f.first == 0x88 && f.len >= 2 ? 2 : 0;
    if (skip > 0)
      (void)gitdev_buffer_printf(told, "%d ", (uint8_t)payload[0] << 8 | (uint8_t)payload[1]);
    write_payload(told, payload + skip, f.len - skip);
    (void)gitdev_buffer_puts(told, ">");
    free(payload);
    at += header + f.len;
    len -= header + (size_t)f.len;
  }
}

static void tell_output(gitdev_buffer *told, gitdev_websocket *codec, gitdev_websocket_role role) {
  for (;;) {
    size_t len;
    const char *bytes = gitdev_websocket_output(codec, &len);
    if (len == 0)
      break;
    assert_true(gitdev_websocket_unsent(codec) >= len);
    tell_frames(told, role, bytes, len);
    gitdev_websocket_sent(codec, len);
  }
  assert_int_equal(gitdev_websocket_unsent(codec), 0);
}

/* ---- what a codec tells */

static void tell_message(gitdev_buffer *told, const gitdev_websocket *codec, const char *kind) {
  size_t len;
  const char *message = gitdev_websocket_message(codec, &len);
  assert_int_equal(message[len], '\0');
  (void)gitdev_buffer_printf(told, "[%s ", kind);
  write_payload(told, message, len);
  (void)gitdev_buffer_puts(told, "]");
}

/* Pulls until NEED, or the end. */
static bool pull_all(gitdev_websocket *codec, gitdev_buffer *told) {
  for (;;) {
    size_t len;
    gitdev_websocket_event event = gitdev_websocket_pull(codec);
    if (event == GITDEV_WEBSOCKET_TEXT || event == GITDEV_WEBSOCKET_BINARY) {
      assert_int_equal(gitdev_websocket_close_code(codec), 0);
      assert_string_equal(gitdev_websocket_close_reason(codec), "");
      tell_message(told, codec, event == GITDEV_WEBSOCKET_TEXT ? "text" : "binary");
      continue;
    }
    assert_string_equal(gitdev_websocket_message(codec, &len), "");
    assert_int_equal(len, 0);
    if (event == GITDEV_WEBSOCKET_NEED)
      return true;
    bool is_error = event == GITDEV_WEBSOCKET_ERROR;
    (void)gitdev_buffer_printf(told, "[%s %d ", is_error ? "error" : "close",
                               gitdev_websocket_close_code(codec));
    (void)gitdev_buffer_printf(told, "%s]", is_error ? "" : gitdev_websocket_close_reason(codec));
    assert_true(!is_error || strlen(gitdev_websocket_close_reason(codec)) > 10);
    assert_true(gitdev_websocket_feed(codec, "\x81\x01x", 3));
    assert_int_equal(gitdev_websocket_pull(codec), event);
    assert_false(gitdev_websocket_send(codec, "x", 1));
    return false;
  }
}

/* Feeds a copy of just these bytes, so that the sanitizer sees a read past them. */
static void feed(gitdev_websocket *codec, const char *bytes, size_t len) {
  char *copy = malloc(len > 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, len);
  assert_true(gitdev_websocket_feed(codec, copy, len));
  free(copy);
}

/* ---- scripted feeds */

enum { CASE_MAX = 300 }; /* bytes of a message */

typedef struct feed_case {
  const char *name, *bytes;
  size_t len;
  const char *told, *sent; /* `sent`: how it begins, since the words of a close frame may change */
} feed_case;

#define BYTES(text) text, sizeof(text) - 1
#define X25         "xxxxxxxxxxxxxxxxxxxxxxxxx"
#define X100        X25 X25 X25 X25
#define X125        X100 X25
#define X300        X100 X100 X100
#define REFUSED     "<close 1002 "
#define NOT_UTF8    "<close 1007 "
#define TOO_BIG     "<close 1009 "

static const feed_case CASES[] = {
    /* Messages. */
    {"text", BYTES("\x81\x05hello"), "[text hello]", ""},
    {"empty text", BYTES("\x81\x00"), "[text ]", ""},
    {"binary", BYTES("\x82\x03\xfe\xff\x01"), "[binary \xfe\xff\x01]", ""},
    {"two",
     BYTES("\x81\x01"
           "a\x82\x01"
           "b"),
     "[text a][binary b]", ""},
    {"length in 16 bits", BYTES("\x81\x7e\x00\x7e" X125 "x"), "[text x*126]", ""},
    {"the largest", BYTES("\x81\x7e\x01\x2c" X300), "[text x*300]", ""},
    /* Fragments. */
    {"two fragments", BYTES("\x01\x03hel\x80\x02lo"), "[text hello]", ""},
    {"binary in fragments",
     BYTES("\x02\x01"
           "a\x80\x01"
           "b"),
     "[binary ab]", ""},
    {"empty fragments", BYTES("\x01\x00\x00\x00\x00\x01x\x00\x00\x80\x00"), "[text x]", ""},
    {"all fragments empty", BYTES("\x01\x00\x80\x00\x81\x01y"), "[text ][text y]", ""},
    {"the largest in fragments", BYTES("\x01\x64" X100 "\x00\x64" X100 "\x80\x64" X100 "\x81\x01y"),
     "[text x*300][text y]", ""},
    {"a continuation of nothing", BYTES("\x80\x01x"), "[error 1002 ]", REFUSED},
    {"a continuation after a whole message", BYTES("\x81\x01x\x80\x01y"), "[text x][error 1002 ]",
     REFUSED},
    {"a message within a message", BYTES("\x01\x01x\x81\x01y"), "[error 1002 ]", REFUSED},
    {"a binary one within an empty fragment", BYTES("\x01\x00\x82\x01y"), "[error 1002 ]", REFUSED},
    /* Control frames, also inside a message. */
    {"ping", BYTES("\x89\x02hi"), "", "<pong hi>"},
    {"empty ping", BYTES("\x89\x00\x81\x01x"), "[text x]", "<pong >"},
    {"the largest ping", BYTES("\x89\x7d" X125), "", "<pong x*125>"},
    {"ping within a message",
     BYTES("\x01\x01"
           "a\x89\x02hi\x80\x01"
           "b"),
     "[text ab]", "<pong hi>"},
    {"empty ping within a message",
     BYTES("\x01\x00\x89\x00\x80\x01"
           "b"),
     "[text b]", "<pong >"},
    {"of many pings the first and the last",
     BYTES("\x89\x01\x31\x89\x01\x32\x89\x01\x33\x89\x01\x34"), "", "<pong 1><pong 4>"},
    {"pong", BYTES("\x8a\x02hi\x81\x01x\x8a\x00"), "[text x]", ""},
    {"pong within a message",
     BYTES("\x01\x01"
           "a\x8a\x00\x80\x01"
           "b"),
     "[text ab]", ""},
    {"a ping of 126 bytes", BYTES("\x89\x7e\x00\x7e" X125 "x"), "[error 1002 ]", REFUSED},
    {"a close of 126 bytes", BYTES("\x88\x7e\x00\x7e\x03\xe8" X100 "xxxxxxxxxxxxxxxxxxxxxxxx"),
     "[error 1002 ]", REFUSED},
    {"a ping in fragments", BYTES("\x09\x01x\x80\x01y"), "[error 1002 ]", REFUSED},
    {"a close in fragments", BYTES("\x08\x02\x03\xe8"), "[error 1002 ]", REFUSED},
    /* Headers. */
    {"RSV1", BYTES("\xc1\x01x"), "[error 1002 ]", REFUSED},
    {"RSV2", BYTES("\xa1\x01x"), "[error 1002 ]", REFUSED},
    {"RSV3", BYTES("\x91\x01x"), "[error 1002 ]", REFUSED},
    {"RSV1 on a ping", BYTES("\xc9\x00"), "[error 1002 ]", REFUSED},
    {"RSV1 on a continuation", BYTES("\x01\x01x\xc0\x01y"), "[error 1002 ]", REFUSED},
    {"opcode 3", BYTES("\x83\x00"), "[error 1002 ]", REFUSED},
    {"opcode 7", BYTES("\x87\x01x"), "[error 1002 ]", REFUSED},
    {"opcode 11", BYTES("\x8b\x00"), "[error 1002 ]", REFUSED},
    {"opcode 15", BYTES("\x8f\x01x"), "[error 1002 ]", REFUSED},
    {"opcode 5 within a message", BYTES("\x01\x01x\x85\x01y"), "[error 1002 ]", REFUSED},
    {"16 bits for a length of 125", BYTES("\x81\x7e\x00\x7d" X125), "[error 1002 ]", REFUSED},
    {"64 bits for a length of 126", BYTES("\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x7e" X125 "x"),
     "[error 1002 ]", REFUSED},
    {"64 bits for a length of 65535", BYTES("\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xffx"),
     "[error 1002 ]", REFUSED},
    {"a length of 64 bits", BYTES("\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00x"), "[error 1002 ]",
     REFUSED},
    /* Sizes. */
    {"too large", BYTES("\x81\x7e\x01\x2d" X300 "x"), "[error 1009 ]", TOO_BIG},
    {"far too large", BYTES("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xffx"), "[error 1009 ]", TOO_BIG},
    {"too large in fragments", BYTES("\x01\x64" X100 "\x00\x64" X100 "\x80\x65" X100 "x"),
     "[error 1009 ]", TOO_BIG},
    {"a fragment far too large", BYTES("\x01\x01x\x80\x7f\x7f\xff\xff\xff\xff\xff\xff\xffx"),
     "[error 1009 ]", TOO_BIG},
    {"a binary one too large", BYTES("\x82\x7e\x01\x2d" X300 "x"), "[error 1009 ]", TOO_BIG},
    /* UTF-8. */
    {"characters", BYTES("\x81\x09z\xc3\xa9\xe2\x82\xac\xf0\x9f\x98"), "[error 1007 ]", NOT_UTF8},
    {"whole characters", BYTES("\x81\x0az\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
     "[text z\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80]", ""},
    {"a character across fragments", BYTES("\x01\x01\xe2\x00\x01\x82\x80\x01\xac"),
     "[text \xe2\x82\xac]", ""},
    {"a character across fragments and a ping",
     BYTES("\x01\x02\xf0\x9f\x89\x01\xff\x00\x00\x80\x02\x98\x80"), "[text \xf0\x9f\x98\x80]",
     "<pong \xff>"},
    {"a character cut off", BYTES("\x01\x02\xe2\x82\x80\x00"), "[error 1007 ]", NOT_UTF8},
    {"half a character in each message", BYTES("\x81\x01\xc3\x81\x01\xa9"), "[error 1007 ]",
     NOT_UTF8},
    {"an overlong form", BYTES("\x81\x02\xc0\x80"), "[error 1007 ]", NOT_UTF8},
    {"a surrogate", BYTES("\x81\x03\xed\xa0\x80"), "[error 1007 ]", NOT_UTF8},
    {"beyond Unicode", BYTES("\x81\x04\xf4\x90\x80\x80"), "[error 1007 ]", NOT_UTF8},
    /* Closing. */
    {"close", BYTES("\x88\x02\x03\xe8"), "[close 1000 ]", "<close 1000 >"},
    {"close without a code", BYTES("\x88\x00"), "[close 1005 ]", "<close >"},
    {"close with a reason",
     BYTES("\x88\x05\x03\xe9"
           "bye"),
     "[close 1001 bye]", "<close 1001 >"},
    {"service restart", BYTES("\x88\x02\x03\xf4"), "[close 1012 ]", "<close 1012 >"},
    {"the contract's own", BYTES("\x88\x02\x11\x3a"), "[close 4410 ]", "<close 4410 >"},
    {"close with the longest reason", BYTES("\x88\x7d\x03\xe8" X100 "xxxxxxxxxxxxxxxxxxxxxxx"),
     "[close 1000 " X100 "xxxxxxxxxxxxxxxxxxxxxxx]", "<close 1000 >"},
    {"a reason in UTF-8", BYTES("\x88\x06\x03\xe8z\xe2\x82\xac"), "[close 1000 z\xe2\x82\xac]",
     "<close 1000 >"},
    {"a reason that is not", BYTES("\x88\x05\x03\xe8z\xe2\x82"), "[error 1007 ]", NOT_UTF8},
    {"a reason of wrong bytes", BYTES("\x88\x06\x03\xe8\xff\xff\xff\xff"), "[error 1007 ]",
     NOT_UTF8},
    {"half a code", BYTES("\x88\x01\x03"), "[error 1002 ]", REFUSED},
    {"code 0", BYTES("\x88\x02\x00\x00"), "[error 1002 ]", REFUSED},
    {"code 999", BYTES("\x88\x02\x03\xe7"), "[error 1002 ]", REFUSED},
    {"code 1005", BYTES("\x88\x02\x03\xed"), "[error 1002 ]", REFUSED},
    {"code 5000", BYTES("\x88\x02\x13\x88"), "[error 1002 ]", REFUSED},
    {"close within a message", BYTES("\x01\x01x\x88\x02\x03\xe8\x80\x01y"), "[close 1000 ]",
     "<close 1000 >"},
    {"nothing is read after a close", BYTES("\x81\x01x\x88\x02\x03\xe8\x81\x01y\x89\x00"),
     "[text x][close 1000 ]", "<close 1000 >"},
    {"nothing is read after an error", BYTES("\x81\x01x\x83\x00\x81\x01y\x88\x02\x03\xe8"),
     "[text x][error 1002 ]", REFUSED},
    {"a short reason after a long ping",
     BYTES("\x89\x7d" X125 "\x88\x05\x03\xe9"
           "bye"),
     "[close 1001 bye]", "<pong x*125><close 1001 >"},
    {"a ping before a close", BYTES("\x89\x01\x31\x89\x01\x32\x88\x00"), "[close 1005 ]",
     "<pong 1><close >"},
};

/* A wanted text that does not end a frame says how it begins. */
static void check(const char *name, const gitdev_buffer *told, const char *wanted) {
  size_t len = strlen(wanted);
  bool is_whole = len == 0 || wanted[len - 1] != ' ';
  if (told->failed || strncmp(told->data, wanted, is_whole ? len + 1 : len) != 0)
    fail_msg("%s:\n%s\n%s", name, told->data, wanted);
}

/* Feeds `bytes`, cut after `cut` of them and then every `step`, and checks what comes of it. */
static void run(const feed_case *c, gitdev_websocket_role role, const gitdev_buffer *bytes,
                size_t cut, size_t step) {
  gitdev_websocket *codec = gitdev_websocket_new(role, CASE_MAX);
  gitdev_buffer told;
  gitdev_buffer sent;
  assert_non_null(codec);
  gitdev_buffer_init(&told, 4096);
  gitdev_buffer_init(&sent, 4096);
  bool alive = pull_all(codec, &told);
  for (size_t at = 0; at < bytes->len && alive;) {
    size_t piece = at < cut ? cut : step;
    piece = piece < bytes->len - at ? piece : bytes->len - at;
    feed(codec, bytes->data + at, piece);
    at += piece;
    alive = pull_all(codec, &told);
  }
  tell_output(&sent, codec, role);
  check(c->name, &told, c->told);
  check(c->name, &sent, c->sent);
  gitdev_buffer_free(&told);
  gitdev_buffer_free(&sent);
  gitdev_websocket_free(codec);
}

static void run_cuts(const feed_case *c, gitdev_websocket_role role, const gitdev_buffer *bytes) {
  for (size_t cut = 1; cut <= bytes->len; cut++)
    run(c, role, bytes, cut, bytes->len);
  for (size_t step = 1; step <= 7; step++)
    run(c, role, bytes, 0, step);
}

static void test_feeds(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    gitdev_buffer bytes;
    gitdev_buffer_init(&bytes, 4096);
    assert_true(gitdev_buffer_append(&bytes, CASES[i].bytes, CASES[i].len));
    run_cuts(&CASES[i], CLIENT, &bytes);
    gitdev_buffer_reset(&bytes);
    mask_all(&bytes, CASES[i].bytes, CASES[i].len);
    run_cuts(&CASES[i], SERVER, &bytes);
    gitdev_buffer_free(&bytes);
  }
}

static void test_masking_is_the_clients(void **state) {
  (void)state;
  static const feed_case unmasked = {"unmasked", BYTES("\x81\x01x"), "[error 1002 ]", REFUSED};
  static const feed_case ping = {"unmasked ping", BYTES("\x89\x00"), "[error 1002 ]", REFUSED};
  static const feed_case masked = {"masked", BYTES("\x81\x81zzzzx"), "[error 1002 ]", REFUSED};
  const struct {
    const feed_case *feed;
    gitdev_websocket_role role;
  } cases[] = {{&unmasked, SERVER}, {&ping, SERVER}, {&masked, CLIENT}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_buffer bytes;
    gitdev_buffer_init(&bytes, 100);
    assert_true(gitdev_buffer_append(&bytes, cases[i].feed->bytes, cases[i].feed->len));
    run_cuts(cases[i].feed, cases[i].role, &bytes);
    gitdev_buffer_free(&bytes);
  }
}

/* ---- both ends */

typedef struct ends {
  gitdev_websocket *client, *server;
} ends;

static ends open_ends(void) {
  ends pair = {gitdev_websocket_new(CLIENT, 0), gitdev_websocket_new(SERVER, 0)};
  assert_non_null(pair.client);
  assert_non_null(pair.server);
  return pair;
}

static void close_ends(ends *pair) {
  gitdev_websocket_free(pair->client);
  gitdev_websocket_free(pair->server);
}

/* Carries at most `max` bytes from one to the other. */
static size_t carry(gitdev_websocket *from, gitdev_websocket *to, size_t max) {
  size_t len;
  const char *bytes = gitdev_websocket_output(from, &len);
  len = len < max ? len : max;
  feed(to, bytes, len);
  gitdev_websocket_sent(from, len);
  return len;
}

static void send_and_receive(gitdev_websocket *from, gitdev_websocket *to, size_t len,
                             size_t step) {
  char *text = malloc(len + 1);
  assert_non_null(text);
  for (size_t i = 0; i < len; i++)
    text[i] = (char)('a' + i % 23);
  text[len] = '\0';
  assert_true(gitdev_websocket_send(from, text, len));
  assert_true(gitdev_websocket_send_binary(from, text, len));
  const gitdev_websocket_event wanted[] = {GITDEV_WEBSOCKET_TEXT, GITDEV_WEBSOCKET_BINARY};
  size_t events = 0;
  while (carry(from, to, step) > 0) {
    gitdev_websocket_event event;
    while ((event = gitdev_websocket_pull(to)) != GITDEV_WEBSOCKET_NEED) {
      size_t got_len;
      const char *got = gitdev_websocket_message(to, &got_len);
      assert_true(events < 2);
      assert_int_equal(event, wanted[events++]);
      assert_int_equal(got_len, len);
      assert_string_equal(got, text);
    }
  }
  assert_int_equal(events, 2);
  assert_int_equal(gitdev_websocket_unsent(from), 0);
  free(text);
}

static void test_messages_of_every_length_arrive(void **state) {
  (void)state;
  static const size_t lens[] = {0,    1,    2,     125,   126,   127,   255,    256,
                                4081, 4096, 16384, 65535, 65536, 65537, 131072, 3};
  static const size_t steps[] = {1000, 4096, 16384, SIZE_MAX};
  ends pair = open_ends();
  for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
      send_and_receive(pair.client, pair.server, lens[i], steps[k]);
      send_and_receive(pair.server, pair.client, lens[i], steps[k]);
    }
  }
  close_ends(&pair);
}

static void test_the_default_limit_is_the_contracts(void **state) {
  (void)state;
  ends pair = open_ends();
  char *text = calloc(1, GITDEV_WEBSOCKET_MESSAGE_MAX + 1);
  assert_non_null(text);
  assert_true(gitdev_websocket_send(pair.server, text, GITDEV_WEBSOCKET_MESSAGE_MAX + 1));
  (void)carry(pair.server, pair.client, SIZE_MAX);
  assert_int_equal(gitdev_websocket_pull(pair.client), GITDEV_WEBSOCKET_ERROR);
  assert_int_equal(gitdev_websocket_close_code(pair.client), 1009);
  (void)carry(pair.client, pair.server, SIZE_MAX);
  assert_int_equal(gitdev_websocket_pull(pair.server), GITDEV_WEBSOCKET_CLOSE);
  assert_int_equal(gitdev_websocket_close_code(pair.server), 1009);
  assert_string_equal(gitdev_websocket_close_reason(pair.server),
                      gitdev_websocket_close_reason(pair.client));
  free(text);
  close_ends(&pair);
}

static void test_each_frame_has_a_mask_of_its_own(void **state) {
  (void)state;
  enum { FRAMES = 64, FRAME_LEN = 7 };
  gitdev_websocket *client = gitdev_websocket_new(CLIENT, 0);
  size_t len;
  size_t same = 0;
  for (int i = 0; i < FRAMES; i++)
    assert_true(gitdev_websocket_send(client, "x", 1));
  const char *bytes = gitdev_websocket_output(client, &len);
  assert_int_equal(len, FRAMES * FRAME_LEN);
  for (size_t i = 1; i < FRAMES; i++)
    same += memcmp(bytes + 2, bytes + i * FRAME_LEN + 2, 4) == 0;
  assert_true(same <= 1);
  gitdev_websocket_free(client);
}

static void test_a_message_is_valid_until_the_next_pull(void **state) {
  (void)state;
  ends pair = open_ends();
  size_t len;
  assert_string_equal(gitdev_websocket_message(pair.client, &len), "");
  assert_true(gitdev_websocket_send(pair.server, "one\0two", 7));
  (void)carry(pair.server, pair.client, SIZE_MAX);
  assert_int_equal(gitdev_websocket_pull(pair.client), GITDEV_WEBSOCKET_TEXT);
  feed(pair.client, "\x81\x05other", 7);
  assert_true(gitdev_websocket_send(pair.client, "answer", 6));
  const char *message = gitdev_websocket_message(pair.client, &len);
  assert_int_equal(len, 7);
  assert_memory_equal(message, "one\0two", 8);
  assert_int_equal(gitdev_websocket_pull(pair.client), GITDEV_WEBSOCKET_TEXT);
  assert_string_equal(gitdev_websocket_message(pair.client, &len), "other");
  close_ends(&pair);
}

static void test_what_is_not_pulled_is_held_up_to_a_limit(void **state) {
  (void)state;
  enum { LEN = 64 * 1024, FRAMES = GITDEV_WEBSOCKET_UNREAD_MAX / (LEN + 10) };
  gitdev_websocket *client = gitdev_websocket_new(CLIENT, 0);
  char *frame_bytes = calloc(1, LEN + 10);
  size_t taken = 0;
  assert_non_null(frame_bytes);
  memcpy(frame_bytes, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
  while (gitdev_websocket_feed(client, frame_bytes, LEN + 10))
    taken++;
  assert_int_equal(taken, FRAMES);
  assert_int_equal(gitdev_websocket_pull(client), GITDEV_WEBSOCKET_BINARY);
  assert_true(gitdev_websocket_feed(client, frame_bytes, LEN + 10));
  for (size_t i = 0; i < taken; i++)
    assert_int_equal(gitdev_websocket_pull(client), GITDEV_WEBSOCKET_BINARY);
  assert_int_equal(gitdev_websocket_pull(client), GITDEV_WEBSOCKET_NEED);
  free(frame_bytes);
  gitdev_websocket_free(client);
}

/* ---- sending */

static void test_output_goes_in_pieces(void **state) {
  (void)state;
  gitdev_websocket *server = gitdev_websocket_new(SERVER, 0);
  gitdev_buffer all;
  gitdev_buffer told;
  gitdev_buffer wanted;
  gitdev_buffer_init(&all, SIZE_MAX);
  gitdev_buffer_init(&told, SIZE_MAX);
  gitdev_buffer_init(&wanted, SIZE_MAX);
  size_t queued = 0;
  for (int i = 0; i < 3000; i++) { /* more is queued than is sent, for a while */
    char text[32];
    int len = snprintf(text, sizeof text, "message %d", i);
    assert_true(gitdev_websocket_send(server, text, (size_t)len));
    queued += (size_t)len + 2;
    assert_int_equal(gitdev_websocket_unsent(server) + all.len, queued);
    (void)gitdev_buffer_printf(&wanted, "<text %s>", text);
    size_t left;
    const char *bytes = gitdev_websocket_output(server, &left);
    size_t step = (size_t)(i * 7 % 30);
    step = step < left ? step : left;
    assert_true(gitdev_buffer_append(&all, bytes, step));
    gitdev_websocket_sent(server, step);
  }
  for (size_t left; left = 0, gitdev_websocket_unsent(server) > 0;) {
    const char *bytes = gitdev_websocket_output(server, &left);
    assert_true(gitdev_buffer_append(&all, bytes, left));
    gitdev_websocket_sent(server, left);
  }
  tell_frames(&told, SERVER, all.data, all.len);
  assert_string_equal(told.data, wanted.data);
  gitdev_buffer_free(&all);
  gitdev_buffer_free(&told);
  gitdev_buffer_free(&wanted);
  gitdev_websocket_free(server);
}

static void test_pings_that_are_not_answered_do_not_pile_up(void **state) {
  (void)state;
  ends pair = open_ends();
  gitdev_buffer sent;
  gitdev_buffer_init(&sent, 1000);
  assert_true(gitdev_websocket_send(pair.client, "x", 1));
  for (int i = 0; i < 10000; i++) {
    char ping[] = {(char)0x89, 2, (char)('a' + i % 26), (char)('a' + i / 26 % 26)};
    feed(pair.client, ping, sizeof ping);
    assert_int_equal(gitdev_websocket_pull(pair.client), GITDEV_WEBSOCKET_NEED);
    assert_int_equal(gitdev_websocket_unsent(pair.client), i == 0 ? 7 + 8 : 7 + 8 + 8);
  }
  size_t len;
  const char *first = gitdev_websocket_output(pair.client, &len);
  assert_int_equal(len, 7 + 8);
  tell_frames(&sent, CLIENT, first, len);
  gitdev_websocket_sent(pair.client, 7 + 7); /* the first answer is still under way */
  (void)gitdev_websocket_output(pair.client, &len);
  assert_int_equal(len, 1);
  assert_true(gitdev_websocket_send(pair.client, "y", 1));
  gitdev_websocket_sent(pair.client, 1);
  tell_output(&sent, pair.client, CLIENT);
  assert_string_equal(sent.data, "<text x><pong aa><text y><pong pu>");
  gitdev_buffer_free(&sent);
  close_ends(&pair);
}

static void test_ping_and_raw(void **state) {
  (void)state;
  ends pair = open_ends();
  gitdev_buffer sent;
  gitdev_buffer_init(&sent, 1000);
  assert_true(gitdev_websocket_ping(pair.client));
  (void)carry(pair.client, pair.server, SIZE_MAX);
  assert_int_equal(gitdev_websocket_pull(pair.server), GITDEV_WEBSOCKET_NEED);
  assert_true(gitdev_websocket_close(pair.server, 1000, NULL));
  assert_true(gitdev_websocket_send_raw(pair.server, "\x81\x01z", 3));
  tell_output(&sent, pair.server, SERVER);
  assert_string_equal(sent.data, "<pong ><close 1000 ><text z>");
  gitdev_buffer_free(&sent);
  close_ends(&pair);
}

/* ---- closing */

static void test_a_close_frame_follows_what_was_queued(void **state) {
  (void)state;
  gitdev_websocket *server = gitdev_websocket_new(SERVER, 0);
  gitdev_buffer sent;
  gitdev_buffer_init(&sent, 1000);
  assert_true(gitdev_websocket_send(server, "last", 4));
  assert_true(gitdev_websocket_close(server, 1001, "60 minutes"));
  assert_false(gitdev_websocket_close(server, 1000, NULL));
  assert_false(gitdev_websocket_send(server, "more", 4));
  assert_false(gitdev_websocket_send_binary(server, "more", 4));
  assert_false(gitdev_websocket_ping(server));
  tell_output(&sent, server, SERVER);
  assert_string_equal(sent.data, "<text last><close 1001 60 minutes>");
  assert_int_equal(gitdev_websocket_close_code(server), 0);
  gitdev_buffer_free(&sent);
  gitdev_websocket_free(server);
}

static void test_after_our_close_the_peer_may_finish(void **state) {
  (void)state;
  ends pair = open_ends();
  size_t len;
  assert_true(gitdev_websocket_send(pair.server, "late", 4));
  assert_true(gitdev_websocket_ping(pair.server));
  assert_true(gitdev_websocket_close(pair.client, 1000, NULL));
  size_t unsent = gitdev_websocket_unsent(pair.client);
  (void)carry(pair.server, pair.client, SIZE_MAX);
  assert_int_equal(gitdev_websocket_pull(pair.client), GITDEV_WEBSOCKET_TEXT);
  assert_string_equal(gitdev_websocket_message(pair.client, &len), "late");
  assert_int_equal(gitdev_websocket_pull(pair.client), GITDEV_WEBSOCKET_NEED);
  assert_int_equal(gitdev_websocket_unsent(pair.client), unsent);
  (void)carry(pair.client, pair.server, SIZE_MAX);
  assert_int_equal(gitdev_websocket_pull(pair.server), GITDEV_WEBSOCKET_CLOSE);
  assert_true(carry(pair.server, pair.client, SIZE_MAX) > 0);
  assert_int_equal(gitdev_websocket_pull(pair.client), GITDEV_WEBSOCKET_CLOSE);
  assert_int_equal(gitdev_websocket_close_code(pair.client), 1000);
  assert_int_equal(gitdev_websocket_unsent(pair.client), 0);
  close_ends(&pair);
}

static void test_an_error_after_our_close_sends_nothing(void **state) {
  (void)state;
  gitdev_websocket *client = gitdev_websocket_new(CLIENT, 0);
  gitdev_buffer sent;
  gitdev_buffer_init(&sent, 1000);
  assert_true(gitdev_websocket_close(client, 4000, "a"));
  feed(client, "\x83\x00", 2);
  assert_int_equal(gitdev_websocket_pull(client), GITDEV_WEBSOCKET_ERROR);
  assert_int_equal(gitdev_websocket_close_code(client), 1002);
  tell_output(&sent, client, CLIENT);
  assert_string_equal(sent.data, "<close 4000 a>");
  gitdev_buffer_free(&sent);
  gitdev_websocket_free(client);
}

static void test_codes(void **state) {
  (void)state;
  static const struct {
    int first, last;
    bool valid;
  } ranges[] = {{-1, 999, false},    {1000, 1003, true},   {1004, 1006, false},
                {1007, 1014, true},  {1015, 2999, false},  {3000, 4999, true},
                {5000, 5001, false}, {65536, 70000, false}};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    for (int code = ranges[i].first; code <= ranges[i].last; code++) {
      gitdev_websocket *server = gitdev_websocket_new(SERVER, 0);
      assert_int_equal(gitdev_websocket_is_code(code), ranges[i].valid);
      assert_int_equal(gitdev_websocket_close(server, code, NULL), ranges[i].valid);
      assert_int_equal(gitdev_websocket_unsent(server), ranges[i].valid ? 4 : 0);
      gitdev_websocket_free(server);
    }
  }
}

static void test_a_reason_is_cut_between_characters(void **state) {
  (void)state;
  static const struct {
    const char *reason, *kept;
  } cases[] = {
      {X100 "xxxxxxxxxxxxxxxxxxxxxxx", X100 "xxxxxxxxxxxxxxxxxxxxxxx"},
      {X100 "xxxxxxxxxxxxxxxxxxxxxxxx", X100 "xxxxxxxxxxxxxxxxxxxxxxx"},
      {X100 "xxxxxxxxxxxxxxxxxxxxxx\xc3\xa9", X100 "xxxxxxxxxxxxxxxxxxxxxx"},
      {X100 "xxxxxxxxxxxxxxxxxxxxx\xf0\x9f\x98\x80", X100 "xxxxxxxxxxxxxxxxxxxxx"},
      {"not \xff UTF-8", "not "},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ends pair = open_ends();
    assert_true(gitdev_websocket_close(pair.client, 1000, cases[i].reason));
    (void)carry(pair.client, pair.server, SIZE_MAX);
    assert_int_equal(gitdev_websocket_pull(pair.server), GITDEV_WEBSOCKET_CLOSE);
    assert_string_equal(gitdev_websocket_close_reason(pair.server), cases[i].kept);
    close_ends(&pair);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_feeds),
      cmocka_unit_test(test_masking_is_the_clients),
      cmocka_unit_test(test_messages_of_every_length_arrive),
      cmocka_unit_test(test_the_default_limit_is_the_contracts),
      cmocka_unit_test(test_each_frame_has_a_mask_of_its_own),
      cmocka_unit_test(test_a_message_is_valid_until_the_next_pull),
      cmocka_unit_test(test_what_is_not_pulled_is_held_up_to_a_limit),
      cmocka_unit_test(test_output_goes_in_pieces),
      cmocka_unit_test(test_pings_that_are_not_answered_do_not_pile_up),
      cmocka_unit_test(test_ping_and_raw),
      cmocka_unit_test(test_a_close_frame_follows_what_was_queued),
      cmocka_unit_test(test_after_our_close_the_peer_may_finish),
      cmocka_unit_test(test_an_error_after_our_close_sends_nothing),
      cmocka_unit_test(test_codes),
      cmocka_unit_test(test_a_reason_is_cut_between_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
