/* What is done to the connections of a server as a whole. */
#ifndef GITDEV_NET_CROWD_H
#define GITDEV_NET_CROWD_H

#include "net/connection.h"

/* Closes the connection that has rested longest, so that another may come; where none rests, one
 * whose peer has closed its sending direction. False when there is none. */
bool gitdev_crowd_make_room(gitdev_server *server);
/* The server is draining now: closes each connection that no request is under way on; WebSockets say
 * goodbye (1001). */
void gitdev_crowd_drain(gitdev_server *server);
/* Closes them all, whatever they are at. The sockets of those that were upgraded stay, closed. */
void gitdev_crowd_close(gitdev_server *server);

#endif
