/* The HTTP/1.1 reader, as scripted feeds. What it tells is written down as text, and must be the
 * same however the bytes were cut on the way. */
#include "wire/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const gitdev_http1_limits LIMITS = {.head_max = 256, .field_max = 6, .body_max = 20};

typedef struct feed_case {
  const char *name;
  gitdev_http1_kind kind;
  const char *bytes;
  const char *told;
  bool eof, no_body;
} feed_case;

static void tell_head(gitdev_buffer *told, const gitdev_message *message) {
  if (message->status > 0) {
    (void)gitdev_buffer_printf(told, "[%d", message->status);
  } else {
    (void)gitdev_buffer_printf(told, "[%.*s %.*s", (int)message->method_len, message->method,
                               (int)message->target_len, message->target);
  }
  (void)gitdev_buffer_printf(
      told, " 1.%d%s%s%s", message->minor_version, message->keep_alive ? " keep" : "",
      message->expect_continue ? " expect" : "", message->upgrade ? " upgrade" : "");
  if (message->content_length >= 0)
    (void)gitdev_buffer_printf(told, " len=%lld", (long long)message->content_length);
  for (size_t i = 0; i < message->field_count; i++) {
    const gitdev_field *field = &message->fields[i];
    (void)gitdev_buffer_printf(told, "|%.*s=%.*s", (int)field->name_len, field->name,
                               (int)field->value_len, field->value);
  }
  (void)gitdev_buffer_puts(told, "]");
}

/* Pulls until NEED or ERROR. `in_body` says whether the last thing told was a piece of body: pieces
 * are joined. */
static bool pull_all(gitdev_http1 *reader, gitdev_buffer *told, bool *in_body) {
  for (;;) {
    gitdev_http1_event event = gitdev_http1_pull(reader);
    if (event == GITDEV_HTTP1_NEED)
      return true;
    if (event == GITDEV_HTTP1_DATA) {
      size_t len;
      const char *piece = gitdev_http1_piece(reader, &len);
      assert_true(len > 0);
      (void)gitdev_buffer_puts(told, *in_body ? "" : "\"");
      (void)gitdev_buffer_append(told, piece, len);
      *in_body = true;
      continue;
    }
    (void)gitdev_buffer_puts(told, *in_body ? "\"" : "");
    *in_body = false;
    if (event == GITDEV_HTTP1_HEAD) {
      tell_head(told, gitdev_http1_message(reader));
    } else if (event == GITDEV_HTTP1_END) {
      (void)gitdev_buffer_puts(told, "[end]");
    } else {
      (void)gitdev_buffer_printf(told, "[%d!]", gitdev_http1_error_status(reader));
      assert_true(strlen(gitdev_http1_problem(reader)) > 10);
      assert_int_equal(gitdev_http1_pull(reader), GITDEV_HTTP1_ERROR);
      assert_false(gitdev_http1_feed(reader, "x", 1));
      return false;
    }
  }
}

/* Feeds the case's bytes, cut after `cut` of them and then every `step`, and checks it. */
static void run(const feed_case *c, size_t cut, size_t step) {
  gitdev_http1 *reader = gitdev_http1_new(c->kind, &LIMITS);
  gitdev_buffer told;
  bool in_body = false;
  bool alive = true;
  size_t len = strlen(c->bytes);
  gitdev_buffer_init(&told, 4096);
  if (c->no_body)
    gitdev_http1_no_body(reader);
  for (size_t at = 0; at < len && alive;) {
    size_t piece = at < cut ? cut : step;
    piece = piece < len - at ? piece : len - at;
    /* A copy of just these bytes, so that the sanitizer sees a read past them. */
    char *bytes = malloc(piece);
    assert_non_null(bytes);
    memcpy(bytes, c->bytes + at, piece);
    assert_true(gitdev_http1_feed(reader, bytes, piece));
    free(bytes);
    at += piece;
    alive = pull_all(reader, &told, &in_body);
  }
  if (c->eof && alive) {
    gitdev_http1_eof(reader);
    (void)pull_all(reader, &told, &in_body);
  }
  (void)gitdev_buffer_puts(&told, in_body ? "..." : "");
  if (told.failed || strcmp(told.data, c->told) != 0)
    fail_msg("%s, cut at %zu and every %zu:\n%s\n%s", c->name, cut, step, told.data, c->told);
  gitdev_buffer_free(&told);
  gitdev_http1_free(reader);
}

#define REQ GITDEV_HTTP1_REQUEST
#define RES GITDEV_HTTP1_RESPONSE
#define H   "Host: a\r\n"
#define TE  "Transfer-Encoding: chunked\r\n"
#define X100                                                                                       \
  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
  "xxxxxx"
#define X220 X100 X100 "xxxxxxxxxxxxxxxxxxxx"

static const feed_case CASES[] = {
    /* Requests. */
    {"get", REQ, "GET /v2/regions HTTP/1.1\r\nHost: api.git.dev\r\n\r\n",
     "[GET /v2/regions 1.1 keep|host=api.git.dev][end]", 0, 0},
    {"names are lowered, values trimmed", REQ,
     "GET / HTTP/1.1\r\nHOST: \t a \t \r\nX-Odd_1!: a  B\tc\r\nX-Empty:\r\nX-Blank:  \r\n\r\n",
     "[GET / 1.1 keep|host=a|x-odd_1!=a  B\tc|x-empty=|x-blank=][end]", 0, 0},
    {"bytes from 0x80 on in a value", REQ, "GET / HTTP/1.1\r\n" H "X: \xff\x80\xc3\xa4\r\n\r\n",
     "[GET / 1.1 keep|host=a|x=\xff\x80\xc3\xa4][end]", 0, 0},
    {"body by length", REQ, "POST /x HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello",
     "[POST /x 1.1 keep len=5|host=a|content-length=5]\"hello\"[end]", 0, 0},
    {"empty body", REQ, "POST /x HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n",
     "[POST /x 1.1 keep len=0|host=a|content-length=0][end]", 0, 0},
    {"same length twice", REQ,
     "POST / HTTP/1.1\r\n" H "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",
     "[POST / 1.1 keep len=2|host=a|content-length=2|content-length=2]\"ab\"[end]", 0, 0},
    {"unfinished body", REQ, "POST /x HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhel",
     "[POST /x 1.1 keep len=5|host=a|content-length=5]\"hel...", 0, 0},
    {"chunked", REQ, "PUT / HTTP/1.1\r\n" H TE "\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
     "[PUT / 1.1 keep|host=a|transfer-encoding=chunked]\"abc0123456789\"[end]", 0, 0},
    {"chunked, in capitals", REQ,
     "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n003\r\nabc\r\n00\r\n\r\n",
     "[PUT / 1.1 keep|host=a|transfer-encoding=Chunked]\"abc\"[end]", 0, 0},
    {"chunk extensions and trailers", REQ,
     "PUT / HTTP/1.1\r\n" H TE "\r\n3;a=b;c=\"d\"\r\nabc\r\n0;last\r\nX-Sum: 1\r\nY:\r\n\r\n",
     "[PUT / 1.1 keep|host=a|transfer-encoding=chunked]\"abc\"[end]", 0, 0},
    {"pipelined", REQ,
     "GET /1 HTTP/1.1\r\n" H "\r\nPOST /2 HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab"
     "PUT /3 HTTP/1.1\r\n" H TE "\r\n1\r\nc\r\n0\r\n\r\nGET /4 HTTP/1.1\r\n" H "\r\n",
     "[GET /1 1.1 keep|host=a][end][POST /2 1.1 keep len=2|host=a|content-length=2]\"ab\"[end]"
     "[PUT /3 1.1 keep|host=a|transfer-encoding=chunked]\"c\"[end][GET /4 1.1 keep|host=a][end]",
     1, 0},
    {"an empty line first", REQ, "\r\nGET / HTTP/1.1\r\n" H "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n",
     "[GET / 1.1 keep|host=a][end][GET / 1.1 keep|host=a][end]", 1, 0},
    {"connection: close", REQ, "GET / HTTP/1.1\r\n" H "Connection: foo , Close\r\n\r\n",
     "[GET / 1.1|host=a|connection=foo , Close][end]", 0, 0},
    {"HTTP/1.0", REQ, "GET / HTTP/1.0\r\n\r\n", "[GET / 1.0][end]", 0, 0},
    {"HTTP/1.0, kept", REQ, "GET / HTTP/1.0\r\n" H "Connection: keep-alive\r\n\r\n",
     "[GET / 1.0 keep|host=a|connection=keep-alive][end]", 0, 0},
    {"HTTP/1.2 is read as 1.1", REQ, "GET / HTTP/1.2\r\n" H "\r\n", "[GET / 1.2 keep|host=a][end]",
     0, 0},
    {"expect", REQ, "POST / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
     "[POST / 1.1 keep expect len=1|host=a|expect=100-Continue|content-length=1]\"x\"[end]", 0, 0},
    {"expect without a body", REQ, "POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n",
     "[POST / 1.1 keep|host=a|expect=100-continue][end]", 0, 0},
    {"expect in HTTP/1.0", REQ,
     "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
     "[POST / 1.0 len=1|expect=100-continue|content-length=1]\"x\"[end]", 0, 0},
    {"upgrade", REQ,
     "GET / HTTP/1.1\r\n" H "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
     "[GET / 1.1 keep upgrade|host=a|connection=keep-alive, Upgrade|upgrade=websocket][end]", 0, 0},
    {"upgrade without the option", REQ, "GET / HTTP/1.1\r\n" H "Upgrade: h2c\r\n\r\n",
     "[GET / 1.1 keep|host=a|upgrade=h2c][end]", 0, 0},
    {"upgrade without a protocol", REQ, "GET / HTTP/1.1\r\n" H "Connection: upgrade\r\n\r\n",
     "[GET / 1.1 keep|host=a|connection=upgrade][end]", 0, 0},
    {"other targets", REQ, "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
     "[OPTIONS * 1.1 keep|host=[::1]:80][end]", 0, 0},
    {"method of 16", REQ, "ABCDEFGHIJKLMNOP / HTTP/1.1\r\n" H "\r\n",
     "[ABCDEFGHIJKLMNOP / 1.1 keep|host=a][end]", 0, 0},
    {"nothing, then the end", REQ, "", "", 1, 0},

    /* Requests that are refused. */
    {"method of 17", REQ, "ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\n" H "\r\n", "[501!]", 0, 0},
    {"method is no token", REQ, "GE(T / HTTP/1.1\r\n" H "\r\n", "[400!]", 0, 0},
    {"no method", REQ, " / HTTP/1.1\r\n" H "\r\n", "[400!]", 0, 0},
    {"no target", REQ, "GET  HTTP/1.1\r\n" H "\r\n", "[400!]", 0, 0},
    {"two blanks", REQ, "GET /  HTTP/1.1\r\n" H "\r\n", "[400!]", 0, 0},
    {"a tab", REQ, "GET\t/ HTTP/1.1\r\n" H "\r\n", "[400!]", 0, 0},
    {"a blank at the end", REQ, "GET / HTTP/1.1 \r\n" H "\r\n", "[400!]", 0, 0},
    {"a blank in the target", REQ, "GET /a b HTTP/1.1\r\n" H "\r\n", "[400!]", 0, 0},
    {"non-ASCII in the target", REQ, "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", "[400!]", 0, 0},
    {"HTTP/0.9", REQ, "GET /\r\n", "[400!]", 0, 0},
    {"HTTP/2", REQ, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "[505!]", 0, 0},
    {"http/1.1", REQ, "GET / http/1.1\r\n" H "\r\n", "[400!]", 0, 0},
    {"HTTP/1.10", REQ, "GET / HTTP/1.10\r\n" H "\r\n", "[400!]", 0, 0},
    {"bare LF after the request line", REQ, "GET / HTTP/1.1\n" H "\r\n", "[400!]", 0, 0},
    {"bare LF after a field", REQ, "GET / HTTP/1.1\r\nHost: a\n\r\n", "[400!]", 0, 0},
    {"bare LF at the end", REQ, "GET / HTTP/1.1\r\n" H "\n", "[400!]", 0, 0},
    {"bare CR in a value", REQ, "GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", "[400!]", 0, 0},
    {"two CR", REQ, "GET / HTTP/1.1\r\n" H "X: a\r\r\n\r\n", "[400!]", 0, 0},
    {"two empty lines first", REQ, "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "[400!]", 0, 0},
    {"folded", REQ, "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", "[400!]", 0, 0},
    {"a blank line start", REQ, "GET / HTTP/1.1\r\n " H "\r\n", "[400!]", 0, 0},
    {"a blank before the colon", REQ, "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "[400!]", 0, 0},
    {"no colon", REQ, "GET / HTTP/1.1\r\n" H "X\r\n\r\n", "[400!]", 0, 0},
    {"no name", REQ, "GET / HTTP/1.1\r\n" H ": x\r\n\r\n", "[400!]", 0, 0},
    {"non-ASCII name", REQ, "GET / HTTP/1.1\r\n" H "\xc3\xa4: x\r\n\r\n", "[400!]", 0, 0},
    {"control in a value", REQ, "GET / HTTP/1.1\r\n" H "X: a\x01\r\n\r\n", "[400!]", 0, 0},
    {"DEL in a value", REQ, "GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n", "[400!]", 0, 0},
    {"no Host", REQ, "GET / HTTP/1.1\r\n\r\n", "[400!]", 0, 0},
    {"two Hosts", REQ, "GET / HTTP/1.1\r\n" H H "\r\n", "[400!]", 0, 0},
    {"two Hosts in HTTP/1.0", REQ, "GET / HTTP/1.0\r\n" H H "\r\n", "[400!]", 0, 0},
    {"two Hosts in one", REQ, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "[400!]", 0, 0},
    {"userinfo in Host", REQ, "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "[400!]", 0, 0},
    {"two lengths", REQ,
     "POST / HTTP/1.1\r\n" H "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", "[400!]", 0, 0},
    {"lengths in a list", REQ, "POST / HTTP/1.1\r\n" H "Content-Length: 2, 2\r\n\r\nab", "[400!]",
     0, 0},
    {"signed length", REQ, "POST / HTTP/1.1\r\n" H "Content-Length: +2\r\n\r\nab", "[400!]", 0, 0},
    {"negative length", REQ, "POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", "[400!]", 0, 0},
    {"hexadecimal length", REQ, "POST / HTTP/1.1\r\n" H "Content-Length: 0x2\r\n\r\nab", "[400!]",
     0, 0},
    {"no length in it", REQ, "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", "[400!]", 0, 0},
    {"length beyond any number", REQ,
     "POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999999\r\n\r\n", "[413!]", 0, 0},
    {"length of 2^64", REQ, "POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\n",
     "[413!]", 0, 0},
    {"length over the limit", REQ, "POST / HTTP/1.1\r\n" H "Content-Length: 21\r\n\r\n", "[413!]",
     0, 0},
    {"length and chunked", REQ, "POST / HTTP/1.1\r\n" H TE "Content-Length: 2\r\n\r\n0\r\n\r\n",
     "[400!]", 0, 0},
    {"chunked and length", REQ, "POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n" TE "\r\n0\r\n\r\n",
     "[400!]", 0, 0},
    {"chunked twice", REQ, "POST / HTTP/1.1\r\n" H TE TE "\r\n0\r\n\r\n", "[501!]", 0, 0},
    {"gzip, chunked", REQ, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n",
     "[501!]", 0, 0},
    {"identity", REQ, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", "[501!]", 0,
     0},
    {"xchunked", REQ, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", "[501!]", 0,
     0},
    {"chunked with a vertical tab", REQ,
     "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \vchunked\r\n\r\n", "[400!]", 0, 0},
    {"no coding", REQ, "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", "[501!]", 0, 0},
    {"chunked in HTTP/1.0", REQ, "POST / HTTP/1.0\r\n" H TE "\r\n0\r\n\r\n", "[400!]", 0, 0},
    {"target too long", REQ, "GET /" X100 X100 X100 " HTTP/1.1\r\n", "[414!]", 0, 0},
    {"field too long", REQ, "GET / HTTP/1.1\r\nX: " X100 X100 X100 "\r\n\r\n", "[431!]", 0, 0},
    {"head too long", REQ, "GET / HTTP/1.1\r\n" H "X: " X220 "\r\nY: 12345\r\n\r\n", "[431!]", 0,
     0},
    {"too many fields", REQ, "GET / HTTP/1.1\r\n" H "B:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\n\r\n",
     "[431!]", 0, 0},
    {"as many fields as may be", REQ, "GET / HTTP/1.1\r\n" H "B:\r\nC:\r\nD:\r\nE:\r\nF:\r\n\r\n",
     "[GET / 1.1 keep|host=a|b=|c=|d=|e=|f=][end]", 0, 0},
    {"closed in the head", REQ, "GET / HTTP/1.1\r\nHost: a\r\n", "[400!]", 1, 0},
    {"closed in the request line", REQ, "GET", "[400!]", 1, 0},
    {"closed in the body", REQ, "POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\na",
     "[POST / 1.1 keep len=2|host=a|content-length=2]\"a\"[400!]", 1, 0},

#define CHUNKS "PUT / HTTP/1.1\r\n" H TE "\r\n"
#define PUT    "[PUT / 1.1 keep|host=a|transfer-encoding=chunked]"
    {"chunk size is no number", REQ, CHUNKS "x\r\n", PUT "[400!]", 0, 0},
    {"chunk size is empty", REQ, CHUNKS "\r\n", PUT "[400!]", 0, 0},
    {"chunk size is signed", REQ, CHUNKS "+3\r\nabc\r\n", PUT "[400!]", 0, 0},
    {"chunk size with 0x", REQ, CHUNKS "0x3\r\nabc\r\n", PUT "[400!]", 0, 0},
    {"chunk size with blanks before its extension", REQ, CHUNKS "3 \t;a=b\r\nabc\r\n0 ;c\r\n\r\n",
     PUT "\"abc\"[end]", 0, 0},
    {"chunk size with a blank", REQ, CHUNKS "3 \r\nabc\r\n", PUT "[400!]", 0, 0},
    {"chunk size with a bare LF", REQ, CHUNKS "3\nabc\r\n", PUT "[400!]", 0, 0},
    {"chunk size wraps", REQ, CHUNKS "10000000000000003\r\nabc\r\n", PUT "[400!]", 0, 0},
    {"chunk over the limit", REQ, CHUNKS "15\r\n", PUT "[413!]", 0, 0},
    {"chunks over the limit", REQ, CHUNKS "A\r\n0123456789\r\nB\r\n", PUT "\"0123456789\"[413!]", 0,
     0},
    {"chunks at the limit", REQ, CHUNKS "A\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
     PUT "\"01234567890123456789\"[end]", 0, 0},
    {"chunk longer than its size", REQ, CHUNKS "3\r\nabcd\r\n0\r\n\r\n", PUT "\"abc\"[400!]", 0, 0},
    {"chunk ends in a bare LF", REQ, CHUNKS "3\r\nabc\n0\r\n\r\n", PUT "\"abc\"[400!]", 0, 0},
    {"chunk shorter than its size", REQ, CHUNKS "3\r\nab\r\n0\r\n\r\n", PUT "\"ab\r\"[400!]", 0, 0},
    {"extension with a control", REQ, CHUNKS "3;a=\x01\r\nabc\r\n", PUT "[400!]", 0, 0},
    {"extension with a bare CR", REQ, CHUNKS "3;a\rb\r\nabc\r\n", PUT "[400!]", 0, 0},
    {"extension too long", REQ, CHUNKS "3;" X100 X100 X100 "\r\nabc\r\n", PUT "[400!]", 0, 0},
    {"too many extensions", REQ,
     CHUNKS "1;" X100 "\r\na\r\n1;" X100 "\r\nb\r\n1;" X100 "\r\nc\r\n0\r\n\r\n",
     PUT "\"ab\"[400!]", 0, 0},
    {"bad trailer", REQ, CHUNKS "0\r\nX : 1\r\n\r\n", PUT "[400!]", 0, 0},
    {"folded trailer", REQ, CHUNKS "0\r\nX: 1\r\n 2\r\n\r\n", PUT "[400!]", 0, 0},
    {"trailers too long", REQ, CHUNKS "0\r\nX: " X220 "\r\nY: " X100 "\r\n\r\n", PUT "[431!]", 0,
     0},
    {"too many trailers", REQ, CHUNKS "0\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\n\r\n",
     PUT "[431!]", 0, 0},
    {"closed in a chunk", REQ, CHUNKS "3\r\nab", PUT "\"ab\"[400!]", 1, 0},
    {"closed before the last chunk", REQ, CHUNKS "3\r\nabc\r\n", PUT "\"abc\"[400!]", 1, 0},
    {"closed in the trailers", REQ, CHUNKS "0\r\nX: 1\r\n", PUT "[400!]", 1, 0},

    /* Responses. */
    {"200", RES,
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 404 Not \xc3\xa4\r\nContent-Length: "
     "0\r\n\r\n",
     "[200 1.1 keep len=2|content-length=2]\"ab\"[end][404 1.1 keep len=0|content-length=0][end]",
     0, 0},
    {"no reason", RES, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
     "[200 1.1 keep len=0|content-length=0][end]", 0, 0},
    {"no reason and no blank", RES, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
     "[200 1.1 keep len=0|content-length=0][end]", 0, 0},
    {"chunked answer", RES, "HTTP/1.1 200 OK\r\n" TE "\r\n2\r\nab\r\n0\r\n\r\n",
     "[200 1.1 keep|transfer-encoding=chunked]\"ab\"[end]", 0, 0},
    {"until close", RES, "HTTP/1.1 200 OK\r\n\r\nabc", "[200 1.1]\"abc\"[end]", 1, 0},
    {"until close, empty", RES, "HTTP/1.1 200 OK\r\n\r\n", "[200 1.1][end]", 1, 0},
    {"until close, not yet", RES, "HTTP/1.1 200 OK\r\n\r\nabc", "[200 1.1]\"abc...", 0, 0},
    {"until close, at the limit", RES, "HTTP/1.1 200 OK\r\n\r\n01234567890123456789",
     "[200 1.1]\"01234567890123456789\"[end]", 1, 0},
    {"until close, over the limit", RES, "HTTP/1.1 200 OK\r\n\r\n01234567890123456789x",
     "[200 1.1]\"01234567890123456789\"[413!]", 1, 0},
    {"HTTP/1.0 answer", RES, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
     "[200 1.0 len=1|content-length=1]\"x\"[end]", 0, 0},
    {"204", RES, "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
     "[204 1.1 keep][end][204 1.1 keep][end]", 0, 0},
    {"304 with a length", RES, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
     "[304 1.1 keep|content-length=5][end]", 0, 0},
    {"HEAD", RES,
     "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
     "[200 1.1 keep|content-length=9][end][200 1.1 keep len=1|content-length=1]\"x\"[end]", 0, 1},
    {"HEAD, chunked", RES, "HTTP/1.1 200 OK\r\n" TE "\r\n",
     "[200 1.1 keep|transfer-encoding=chunked][end]", 0, 1},
    {"100, then HEAD's answer", RES,
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
     "[100 1.1 keep][end][200 1.1 keep|content-length=9][end]", 0, 1},
    {"103, then 200", RES,
     "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
     "[103 1.1 keep|link=x][end][200 1.1 keep len=1|content-length=1]\"x\"[end]", 0, 0},
    {"101", RES,
     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
     "websocket\r\n\r\n\x81\x02hi",
     "[101 1.1 keep upgrade|connection=Upgrade|upgrade=websocket][end]", 0, 0},
    {"426 is no upgrade", RES,
     "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: "
     "websocket\r\nContent-Length: "
     "0\r\n\r\n",
     "[426 1.1 keep len=0|connection=Upgrade|upgrade=websocket|content-length=0][end]", 0, 0},
    {"status of two digits", RES, "HTTP/1.1 20 OK\r\n\r\n", "[400!]", 0, 0},
    {"status of four digits", RES, "HTTP/1.1 2000 OK\r\n\r\n", "[400!]", 0, 0},
    {"status 099", RES, "HTTP/1.1 099 OK\r\n\r\n", "[400!]", 0, 0},
    {"status 600", RES, "HTTP/1.1 600 OK\r\n\r\n", "[400!]", 0, 0},
    {"ICY", RES, "ICY 200 OK\r\n\r\n", "[400!]", 0, 0},
    {"HTTP/2 answer", RES, "HTTP/2 200\r\n\r\n", "[400!]", 0, 0},
    {"HTTP/3.0 answer", RES, "HTTP/3.0 200\r\n\r\n", "[505!]", 0, 0},
    {"control in the reason", RES, "HTTP/1.1 200 O\x01K\r\n\r\n", "[400!]", 0, 0},
    {"an empty line before an answer", RES, "\r\nHTTP/1.1 204 OK\r\n\r\n", "[400!]", 0, 0},
    {"answer with length and chunked", RES, "HTTP/1.1 200 OK\r\n" TE "Content-Length: 5\r\n\r\n",
     "[400!]", 0, 0},
    {"answer with another coding", RES, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
     "[501!]", 0, 0},
    {"closed in the status line", RES, "HTTP/1.1 20", "[400!]", 1, 0},
    {"closed in an answer's head", RES, "HTTP/1.1 200 OK\r\n", "[400!]", 1, 0},
    {"closed in an answer's body", RES, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
     "[200 1.1 keep len=3|content-length=3]\"ab\"[400!]", 1, 0},
};

static void tells_the_same_however_it_is_cut(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    size_t len = strlen(CASES[i].bytes);
    for (size_t cut = 0; cut <= len; cut++)
      run(&CASES[i], cut, len + 1);
    for (size_t step = 1; step <= 3; step++)
      run(&CASES[i], 0, step);
  }
}

static void a_nul_is_refused_everywhere(void **state) {
  (void)state;
  static const char request[] = "GET /a HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
  for (size_t at = 0; at < sizeof request - 1; at++) {
    char bytes[sizeof request];
    gitdev_http1 *reader = gitdev_http1_new(REQ, &LIMITS);
    memcpy(bytes, request, sizeof request);
    bytes[at] = '\0';
    assert_true(gitdev_http1_feed(reader, bytes, sizeof request - 1));
    gitdev_http1_event event = gitdev_http1_pull(reader);
    /* In place of a line's LF it makes a longer line, of which there may be no end yet. */
    assert_true(event == GITDEV_HTTP1_ERROR || (event == GITDEV_HTTP1_NEED && request[at] == '\n'));
    gitdev_http1_free(reader);
  }
}

static void the_head_stays_while_the_body_is_read(void **state) {
  (void)state;
  static const gitdev_http1_limits limits = {4096, 50, 1000000};
  gitdev_http1 *reader = gitdev_http1_new(REQ, &limits);
  static const char head[] = "POST /path HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nX-One: 2\r\n"
                             "Content-Length: 1000000\r\n\r\n";
  static char body[10000];
  memset(body, 'b', sizeof body);
  assert_true(gitdev_http1_feed(reader, head, sizeof head - 1));
  assert_int_equal(gitdev_http1_pull(reader), GITDEV_HTTP1_HEAD);
  const gitdev_message *message = gitdev_http1_message(reader);
  const char *target = message->target;
  const gitdev_field *one = gitdev_http1_field(reader, "x-one");
  assert_null(gitdev_http1_field(reader, "x-on"));
  assert_null(gitdev_http1_field(reader, "X-One"));
  for (int i = 0; i < 100; i++) {
    assert_true(gitdev_http1_feed(reader, body, sizeof body));
    assert_int_equal(gitdev_http1_pull(reader), GITDEV_HTTP1_DATA);
  }
  assert_int_equal(gitdev_http1_pull(reader), GITDEV_HTTP1_END);
  assert_ptr_equal(gitdev_http1_message(reader)->target, target);
  assert_memory_equal(target, "/path", 5);
  assert_ptr_equal(gitdev_http1_field(reader, "x-one"), one);
  assert_int_equal(one->value_len, 1);
  assert_memory_equal(one->value, "1", 1);
  assert_int_equal(gitdev_http1_pull(reader), GITDEV_HTTP1_NEED);
  gitdev_http1_free(reader);
}

static void what_follows_an_upgrade_is_the_rest(void **state) {
  (void)state;
  static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02hi";
  gitdev_http1 *reader = gitdev_http1_new(RES, &LIMITS);
  size_t len;
  assert_true(gitdev_http1_feed(reader, answer, sizeof answer - 1));
  assert_int_equal(gitdev_http1_pull(reader), GITDEV_HTTP1_HEAD);
  assert_int_equal(gitdev_http1_pull(reader), GITDEV_HTTP1_END);
  assert_int_equal(gitdev_http1_pull(reader), GITDEV_HTTP1_NEED);
  assert_true(gitdev_http1_feed(reader, "\r\n", 2));
  assert_int_equal(gitdev_http1_pull(reader), GITDEV_HTTP1_NEED);
  const char *rest = gitdev_http1_rest(reader, &len);
  assert_int_equal(len, 6);
  assert_memory_equal(rest, "\x81\x02hi\r\n", 6);
  gitdev_http1_free(reader);
}

static void does_not_hold_more_than_it_may(void **state) {
  (void)state;
  gitdev_http1 *reader = gitdev_http1_new(RES, &LIMITS);
  size_t len = GITDEV_HTTP1_UNREAD_MAX;
  char *bytes = calloc(1, len);
  assert_non_null(bytes);
  assert_true(gitdev_http1_feed(reader, bytes, len));
  assert_false(gitdev_http1_feed(reader, bytes, 1));
  assert_int_equal(gitdev_http1_pull(reader), GITDEV_HTTP1_ERROR);
  assert_int_equal(gitdev_http1_error_status(reader), 500);
  free(bytes);
  gitdev_http1_free(reader);
}

/* A sender of single bytes must not make the reader look at each of them again and again: a head of
 * 4 MB would then take hours. The other tests would not notice. */
static void a_slow_sender_costs_no_second_look(void **state) {
  (void)state;
  static const gitdev_http1_limits limits = {4 << 20, 10, 0};
  gitdev_http1 *reader = gitdev_http1_new(REQ, &limits);
  static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  assert_true(gitdev_http1_feed(reader, start, sizeof start - 1));
  for (int i = 0; i < (4 << 20) - 100; i++) {
    assert_true(gitdev_http1_feed(reader, "x", 1));
    if (gitdev_http1_pull(reader) != GITDEV_HTTP1_NEED)
      fail();
  }
  assert_true(gitdev_http1_feed(reader, "\r\n\r\n", 4));
  assert_int_equal(gitdev_http1_pull(reader), GITDEV_HTTP1_HEAD);
  gitdev_http1_free(reader);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tells_the_same_however_it_is_cut),
      cmocka_unit_test(a_nul_is_refused_everywhere),
      cmocka_unit_test(the_head_stays_while_the_body_is_read),
      cmocka_unit_test(what_follows_an_upgrade_is_the_rest),
      cmocka_unit_test(does_not_hold_more_than_it_may),
      cmocka_unit_test(a_slow_sender_costs_no_second_look),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
