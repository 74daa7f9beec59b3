/* The opening handshake of a WebSocket (RFC 6455 4): what a client asks, what a server answers, and
 * the checks on both sides. */
#ifndef GITDEV_WIRE_HANDSHAKE_H
#define GITDEV_WIRE_HANDSHAKE_H

#include "wire/http1.h"
#include <stdbool.h>
#include <stddef.h>

enum {
  GITDEV_HANDSHAKE_KEY_SIZE = 25,   /* 16 random bytes in base64, and a NUL */
  GITDEV_HANDSHAKE_ACCEPT_SIZE = 29 /* a SHA-1 in base64, and a NUL */
};

/* A fresh Sec-WebSocket-Key. False without randomness. */
bool gitdev_handshake_key(char key[GITDEV_HANDSHAKE_KEY_SIZE]);
/* The Sec-WebSocket-Accept that belongs to a key. False when OpenSSL failed. */
bool gitdev_handshake_accept(const char *key, size_t len,
                             char accept[GITDEV_HANDSHAKE_ACCEPT_SIZE]);

/* What is wrong with the answer to a handshake with this key that offered `protocol` alone, or none
 * when that is NULL: a static text that names the header. NULL when nothing is: the status is 101 of
 * HTTP/1.1; Upgrade, Connection and Sec-WebSocket-Accept are right; there is no extension, and no
 * protocol but the one that was offered. */
const char *gitdev_handshake_check_answer(const gitdev_message *answer, const char *key,
                                          const char *protocol);

typedef enum gitdev_handshake_wish {
  GITDEV_HANDSHAKE_NONE,     /* the request is no upgrade to a WebSocket */
  GITDEV_HANDSHAKE_GOOD,     /* it is one that can be accepted */
  GITDEV_HANDSHAKE_MALFORMED /* it wants to be one, and breaks RFC 6455 4.2.1 */
} gitdev_handshake_wish;

/* What a request wants: a WebSocket when its Upgrade names "websocket". Of HTTP/1.0, and where
 * Connection does not name "upgrade", the Upgrade must be ignored (RFC 9110 7.8). When MALFORMED
 * `*problem` is a static text that says why; NULL otherwise. `accept` is filled when GOOD. Which
 * subprotocol is chosen is the server's matter, and so are extensions: it declines them by saying
 * nothing. */
gitdev_handshake_wish gitdev_handshake_read(const gitdev_message *request,
                                            char accept[GITDEV_HANDSHAKE_ACCEPT_SIZE],
                                            const char **problem);

#endif
