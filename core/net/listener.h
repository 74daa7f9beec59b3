/* A small HTTPS server on the loop: accepts, speaks TLS and HTTP/1.1, and queues whole requests for
 * its user to answer. But for one hook it calls nobody: requests are pulled, so its user may be a
 * scripting language. Caps on everything: connections, head, body, and the time a peer may take. */
#ifndef GITDEV_NET_LISTENER_H
#define GITDEV_NET_LISTENER_H

#include "gitdev.h"
#include "net/certificate.h"
#include "wire/handshake.h"
#include "wire/http1.h"

typedef struct gitdev_listener gitdev_listener;
typedef struct gitdev_exchange gitdev_exchange;

typedef struct gitdev_listener_options {
  const char *host;                      /* an IPv4 or IPv6 address; NULL is 127.0.0.1 */
  int port;                              /* 0: any free one */
  const gitdev_certificate *certificate; /* borrowed during the call; NULL: speak plain HTTP */
  size_t connection_max;                 /* 0: 4096. Beyond it, or when descriptors run out, the
                                            connection that has rested longest is closed for a new one;
                                            where a request is under way on all, the new one is */
  gitdev_http1_limits limits;            /* zeroes: 32 KiB head, 100 fields, 10 MiB body */
  double idle_timeout;                   /* 0: 75 s without a request on a kept-alive connection */
  double request_timeout; /* 0: 30 s: from connecting to the end of the handshake; from the first
                             byte of a request to its last; in which a peer takes none of the
                             bytes of its answer */
} gitdev_listener_options;

/* Binds and listens on the loop. The caller owns the listener. 0, GITDEV_EINVAL for a host that is
 * no address or a port that is none, GITDEV_ENOMEM, GITDEV_ETLS, or GITDEV_ESYSTEM with errno kept
 * (an address in use, say). */
int gitdev_listener_new(gitdev_listener **out, gitdev_loop *loop,
                        const gitdev_listener_options *options);
/* Closes the listening socket and every connection. Exchanges still held stay valid memory but
 * answer nobody. */
void gitdev_listener_free(gitdev_listener *listener);

int gitdev_listener_port(const gitdev_listener *listener);

/* Stops accepting and lets what is under way finish: kept-alive connections close after their
 * answer, those that no request is under way on close at once; WebSockets are closed with 1001. */
void gitdev_listener_drain(gitdev_listener *listener);
/* Connections open now, those included that have been told the last and may still read it (for at
 * most 2 s). */
size_t gitdev_listener_connections(const gitdev_listener *listener);

/* The next request that is complete, in order of arrival, or NULL. The caller owns the exchange and
 * must gitdev_exchange_free() it, answered or not: freed unanswered, its connection is closed. A
 * connection has one exchange at a time (pipelined requests wait). A malformed request never shows
 * up here: `refuse` (below) answers it. */
gitdev_exchange *gitdev_listener_next(gitdev_listener *listener);

/* The answer to a request that could not be read: called with the status that the reader chose, or
 * 403 (plain HTTP where TLS is spoken) or 408 (it did not come in time), and a static sentence. It
 * appends a whole response body to `body`, and whole lines "Name: value\r\n", Content-Type among
 * them, to `head_fields`, and returns the status to answer with. Called from gitdev_step(),
 * gitdev_exchange_answer() and gitdev_listener_drain(); it must not use the listener. Without one,
 * the answer is empty. */
typedef int (*gitdev_refuse_fn)(void *payload, int status, const char *problem,
                                gitdev_buffer *head_fields, gitdev_buffer *body);
void gitdev_listener_on_refuse(gitdev_listener *listener, gitdev_refuse_fn fn, void *payload);

/* The request; everything it points to lives as long as the exchange. */
const gitdev_message *gitdev_exchange_message(const gitdev_exchange *exchange);
const char *gitdev_exchange_body(const gitdev_exchange *exchange, size_t *len);
/* The peer's address as text ("127.0.0.1"). */
const char *gitdev_exchange_peer(const gitdev_exchange *exchange);
/* Whether the peer is still there to be answered, as far as the last gitdev_step() saw. A peer that
 * has closed its sending direction counts as gone: most of them are. It is answered all the same, as
 * it may be one that only has nothing more to say. */
bool gitdev_exchange_alive(const gitdev_exchange *exchange);

/* Answers: writes `HTTP/1.1 status reason`, Content-Length, `Connection: close` where due, then
 * `fields` (whole lines "Name: value\r\n", no CR or LF elsewhere: the caller has checked) and the
 * body (not for HEAD, 204, 304), and goes on with the connection. Once per exchange. 0,
 * GITDEV_EINVAL for a second answer or a status outside 200 to 999, GITDEV_ENOMEM (the connection
 * is closed then), or GITDEV_ECLOSED when the peer is gone. */
int gitdev_exchange_answer(gitdev_exchange *exchange, int status, const char *fields,
                           size_t fields_len, const char *body, size_t body_len);
/* Instead of an answer: writes bytes as they are and then closes the connection, for an emulator
 * that misbehaves on purpose. With len 0 it just closes; `reset` closes with a TCP RST instead of a
 * TLS goodbye. 0, GITDEV_EINVAL or GITDEV_ECLOSED as above. */
int gitdev_exchange_raw(gitdev_exchange *exchange, const char *bytes, size_t len, bool reset);
/* Whether the request asks to become a WebSocket; when it does so in a way that breaks RFC 6455
 * 4.2.1, `*problem` is a static text that says why. Which subprotocols it offers is in its fields. */
gitdev_handshake_wish gitdev_exchange_wish(const gitdev_exchange *exchange, const char **problem);
/* Answers 101, with `protocol` (NULL: none) as the one that is spoken, and `fields` as above; from
 * then on the connection is a WebSocket, which the caller owns. `message_max` is the largest message
 * accepted, 0 for the contract's. No timeout of the listener's applies to it; draining the listener
 * closes it with 1001, freeing the listener closes it at once, and it must still be freed then. 0;
 * GITDEV_EINVAL when the exchange has been answered or does not wish it; GITDEV_ENOMEM (the
 * connection is closed then); GITDEV_ECLOSED. */
int gitdev_exchange_upgrade(gitdev_exchange *exchange, const char *protocol, const char *fields,
                            size_t fields_len, size_t message_max, gitdev_socket **out);
void gitdev_exchange_free(gitdev_exchange *exchange);

#endif
