/* A connection of a listener that becomes a WebSocket, and is its transport from then on. */
#ifndef GITDEV_NET_UPGRADE_H
#define GITDEV_NET_UPGRADE_H

#include "net/connection.h"

/* Sends the answer to the request that the connection holds, and makes a socket of the connection,
 * which the caller owns. 0; else the connection has been closed: GITDEV_ENOMEM. */
int gitdev_upgrade(gitdev_connection *connection, const gitdev_buffer *answer, size_t message_max,
                   gitdev_socket **out);

/* The server is draining: the socket says goodbye. */
void gitdev_upgrade_drain(gitdev_socket *socket);

#endif
