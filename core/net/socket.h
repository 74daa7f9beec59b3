/* A WebSocket that is open: messages in and out over a transport that is connected already,
 * libcurl's (the engine's) or a listener's. Its public face, with its rules, is in gitdev.h.
 *
 * Messages are taken in as they come, so that pings and closes are answered however slowly the
 * user reads, until 64 KiB of them wait; then the transport is left unread. What is small is sent
 * with the loop's next turn, together with what else is sent by then. While nothing waits neither
 * way, it has no buffers but its codec's. */
#ifndef GITDEV_NET_SOCKET_H
#define GITDEV_NET_SOCKET_H

#include "gitdev.h"
#include "net/loop.h"
#include "net/tls_stream.h"
#include "wire/websocket.h"

/* Where the bytes go. Its functions behave as those of tls_stream.h do. */
typedef struct gitdev_transport {
  gitdev_io (*read)(void *payload, char *bytes, size_t size, size_t *len);
  gitdev_io (*write)(void *payload, const char *bytes, size_t len, size_t *written);
  /* From now on gitdev_socket_ready() is to be called when it is readable and writable as asked: a
   * mask of GITDEV_READABLE and GITDEV_WRITABLE, often the same as before. The socket may be freed
   * by that call. */
  void (*want)(void *payload, int mask);
  /* Closes the connection and frees the payload; with `reset` without ceremony. In a fork's child
   * it closes the descriptor and speaks to nobody. Called once, from anywhere. */
  void (*close)(void *payload, bool reset);
  void *payload;
} gitdev_transport;

typedef struct gitdev_socket_options {
  gitdev_websocket_role role;
  size_t message_max; /* 0: GITDEV_WEBSOCKET_MESSAGE_MAX */
  const char *ahead;  /* bytes that came after the handshake's head; borrowed for the call */
  size_t ahead_len;
  const char *first; /* bytes that go out before all frames (an answer 101); borrowed likewise */
  size_t first_len;
} gitdev_socket_options;

/* Makes a socket, which takes over the transport (and closes it when this fails). It reads and
 * writes nothing before the loop's next turn. The caller owns it and frees it with
 * gitdev_socket_free(). 0 or GITDEV_ENOMEM. */
int gitdev_socket_new(gitdev_socket **out, gitdev_loop *loop, const gitdev_transport *transport,
                      const gitdev_socket_options *options);

/* The transport is ready, as far as the mask says. */
void gitdev_socket_ready(gitdev_socket *self, int ready);

/* Closed, and nothing is left to read. */
bool gitdev_socket_done(const gitdev_socket *self);

/* Queues a ping. GITDEV_OK, GITDEV_ENOMEM, GITDEV_ECLOSED. */
int gitdev_socket_ping(gitdev_socket *self);
/* The same for what the contract has not, for tests of peers: a binary message; bytes as they are,
 * frames or not. */
int gitdev_socket_send_binary(gitdev_socket *self, const char *bytes, size_t len);
int gitdev_socket_send_raw(gitdev_socket *self, const char *bytes, size_t len);

/* What gitdev_socket_free() does but free: a close frame of 1001 if there is room for it, then the
 * connection is closed, for `reason`. The user is told in the loop's next turn. */
void gitdev_socket_leave(gitdev_socket *self, const char *reason);
/* Closes the connection with a RST, and no word. */
void gitdev_socket_abort(gitdev_socket *self);

#endif
