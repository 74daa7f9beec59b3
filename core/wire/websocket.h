/* The frames of a WebSocket (RFC 6455) without I/O, over wslay: bytes in, messages out; messages in,
 * bytes out. It answers pings and closes by itself, joins fragments, checks UTF-8 and close codes,
 * and masks what a client sends from OpenSSL's CSPRNG.
 *
 * What it gives back does not depend on how the bytes were cut on their way. No extension is known:
 * a reserved bit is an error. */
#ifndef GITDEV_WIRE_WEBSOCKET_H
#define GITDEV_WIRE_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>

enum {
  GITDEV_WEBSOCKET_MESSAGE_MAX = 128 << 10, /* bytes of a message (contract 2.5) */
  GITDEV_WEBSOCKET_REASON_MAX = 123,        /* of a close frame (RFC 6455 5.5) */
  /* Bytes that may lie fed and not yet pulled: far more than a caller that pulls between its feeds
   * ever needs. */
  GITDEV_WEBSOCKET_UNREAD_MAX = 16 << 20,
};

typedef enum gitdev_websocket_role {
  GITDEV_WEBSOCKET_CLIENT,
  GITDEV_WEBSOCKET_SERVER
} gitdev_websocket_role;

typedef enum gitdev_websocket_event {
  /* Nothing more in the bytes that were fed. */
  GITDEV_WEBSOCKET_NEED,
  /* A whole message of valid UTF-8: see gitdev_websocket_message(). */
  GITDEV_WEBSOCKET_TEXT,
  /* The same, not text. */
  GITDEV_WEBSOCKET_BINARY,
  /* The peer's close frame. What is left to send answers it, unless our own went before; then it is
   * over. Every later pull says so again. */
  GITDEV_WEBSOCKET_CLOSE,
  /* The peer broke the protocol, or memory or randomness is out. A close frame that says so is in
   * the output, unless one went before. Every later pull says so again. */
  GITDEV_WEBSOCKET_ERROR
} gitdev_websocket_event;

typedef struct gitdev_websocket gitdev_websocket;

/* Makes a codec; the caller owns it. `message_max`: the largest message accepted, fragments joined,
 * in bytes; 0 for GITDEV_WEBSOCKET_MESSAGE_MAX. A larger one closes with 1009. NULL when memory is
 * out. An idle codec holds 5 to 6 KiB, and up to 12 KiB more after traffic. */
gitdev_websocket *gitdev_websocket_new(gitdev_websocket_role role, size_t message_max);
void gitdev_websocket_free(gitdev_websocket *self);

/* Takes bytes as they came; they are copied. Feed when pull() says NEED, a record (16 KiB or so) at
 * a time: what is not pulled yet is held. Bytes after CLOSE and ERROR are dropped. False when memory
 * is out or GITDEV_WEBSOCKET_UNREAD_MAX would be passed; nothing is taken then. */
bool gitdev_websocket_feed(gitdev_websocket *self, const char *bytes, size_t len);
/* The next event. Pings that came before it have been answered: look at the output. While the answer
 * to one ping waits to be sent, of those that follow only the last is answered (RFC 6455 5.5.3): a
 * peer that sends pings and reads nothing costs no memory. */
gitdev_websocket_event gitdev_websocket_pull(gitdev_websocket *self);
/* The message that pull() told of, NUL-terminated; valid until the next pull. */
const char *gitdev_websocket_message(const gitdev_websocket *self, size_t *len);

/* After CLOSE: the peer's code, 1005 when it gave none, and its reason. After ERROR: the code that
 * we close with (1002, 1007, 1009; 1011 when memory or randomness is out), and a static text that
 * says what was wrong. 0 and "" before. The text lives as long as the codec. */
int gitdev_websocket_close_code(const gitdev_websocket *self);
const char *gitdev_websocket_close_reason(const gitdev_websocket *self);

/* Queues a text message, which must be valid UTF-8. False when memory or randomness is out, or a
 * close frame has been queued (as pull() does for CLOSE and ERROR); nothing is queued then. */
bool gitdev_websocket_send(gitdev_websocket *self, const char *text, size_t len);
/* The same as a binary message: for tests of peers, as the contract has none. */
bool gitdev_websocket_send_binary(gitdev_websocket *self, const char *bytes, size_t len);
/* Queues bytes as they are, frames or not, even after a close frame: for tests of peers. False when
 * memory is out. */
bool gitdev_websocket_send_raw(gitdev_websocket *self, const char *bytes, size_t len);
/* Queues an empty ping frame. False as with send. */
bool gitdev_websocket_ping(gitdev_websocket *self);
/* Queues a close frame, after all that is queued; nothing can be sent after it. Messages of the peer
 * are still told until its own close frame. `reason` may be NULL; it is cut at
 * GITDEV_WEBSOCKET_REASON_MAX bytes, between characters. False as with send, and when the code is not
 * valid. */
bool gitdev_websocket_close(gitdev_websocket *self, int code, const char *reason);
/* Whether a close frame may carry this code: 1000 to 1003, 1007 to 1014, 3000 to 4999 (RFC 6455 7.4
 * and the registry that it set up). */
bool gitdev_websocket_is_code(int code);

/* The bytes to be sent, borrowed until the codec is used again; then how many of them were. What is
 * fed, pulled or queued in between is only ever added behind them. */
const char *gitdev_websocket_output(gitdev_websocket *self, size_t *len);
void gitdev_websocket_sent(gitdev_websocket *self, size_t len);
/* Bytes that wait to be sent, an answer to a ping that waits for the one before it included. */
size_t gitdev_websocket_unsent(const gitdev_websocket *self);

#endif
