/* What a connection of a listener consists of, and what the files that share it do to it:
 * connection.c (its life), upgrade.c (once it is a WebSocket), crowd.c (all of a server's). */
#ifndef GITDEV_NET_CONNECTION_STATE_H
#define GITDEV_NET_CONNECTION_STATE_H

#include "net/connection.h"
#include "net/intake.h"
#include "net/loop.h"
#include "net/socket.h"

typedef enum phase {
  FIRST_BYTE, /* TLS, or a client that speaks plain HTTP to it? */
  HANDSHAKE,
  OPEN,
  UPGRADED, /* it carries a WebSocket, which says what is read and written */
  LAST,     /* the last bytes are on their way */
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
  gitdev_timer timer; /* for the deadline */
  gitdev_timer again; /* the stream has more, but the others' turn comes first */
  gitdev_intake intake;
  gitdev_exchange *held; /* a request that is complete and not answered; its owner is elsewhere */
  gitdev_buffer out;     /* what the socket did not take yet, from `sent` on */
  size_t sent;
  gitdev_socket *socket; /* while UPGRADED; its owner is elsewhere */
  int socket_wants;
  phase phase;
  deadline deadline;
  bool answering; /* an answer is in `out` */
  bool reset;     /* close with a RST */
  bool unread;    /* reading stopped before the stream ran dry */
  bool ended;     /* the peer sends no more; it may still read */
  char peer[INET6_ADDRSTRLEN];
};

/* Every way in ends here: the loop learns what the connection waits for now. The connection may be
 * gone afterwards. */
void gitdev_connection_settle(gitdev_connection *connection);
void gitdev_connection_destroy(gitdev_connection *connection);
/* Brings a connection that is to be closed as far as it goes now. */
void gitdev_connection_wind_up(gitdev_connection *connection);
/* Begins to close one that has nothing more to say. */
void gitdev_connection_leave(gitdev_connection *connection);
/* Reads and parses, if it may. Settling the connection sees to what is left unread. */
void gitdev_connection_read_some(gitdev_connection *connection);
/* Open, and no request is under way. */
bool gitdev_connection_is_idle(const gitdev_connection *connection);

#endif
