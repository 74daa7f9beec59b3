/* A curl multi that lives on the event loop: libcurl says which sockets and which time it waits
 * for, the loop tells it when they have come (curl_multi_socket_action). Several may share a loop.
 */
#ifndef GITDEV_NET_MULTI_H
#define GITDEV_NET_MULTI_H

#include "net/loop.h"
#include <curl/curl.h>

/* Called from gitdev_step(), or from gitdev_multi_report(), for each easy handle whose transfer is
 * over. It may add and remove handles, this one included. */
typedef void (*gitdev_finished_fn)(void *payload, CURL *easy, CURLcode code);

typedef struct gitdev_multi gitdev_multi;

/* Makes a multi on the loop, which must outlive it, and initialises libcurl if nothing has. 0, GITDEV_ENOMEM, or GITDEV_ECURL. */
int gitdev_multi_new(gitdev_multi **out, gitdev_loop *loop, gitdev_finished_fn fn, void *payload);
/* Closes all connections. Every easy handle must have been removed. */
void gitdev_multi_free(gitdev_multi *multi);

/* Instead of gitdev_multi_free(), in a fork's child: closes the descriptors and speaks to nobody.
 * The multi and its handles are not freed, since libcurl would end the parent's connections with
 * them. */
void gitdev_multi_forsake(gitdev_multi *multi);

/* The multi itself, for its options. */
CURLM *gitdev_multi_handle(gitdev_multi *multi);

/* Prepares an easy handle, once, so that the loop hears of the sockets it opens and closes. */
int gitdev_multi_prepare(gitdev_multi *multi, CURL *easy);

/* Opens a socket as prepared handles do: for who has a CURLOPT_OPENSOCKETFUNCTION of its own.
 * CURL_SOCKET_BAD when the system refuses. */
curl_socket_t gitdev_multi_open_socket(gitdev_multi *multi, const struct curl_sockaddr *address);

/* Starts a transfer at once: where a connection rests, its request is on its way when this returns.
 * It may even be over; gitdev_multi_report() is due. 0 or GITDEV_ECURL. */
int gitdev_multi_add(gitdev_multi *multi, CURL *easy);
/* Reports the transfers that are over. */
void gitdev_multi_report(gitdev_multi *multi);
/* Lets a transfer go on that one of its callbacks has paused; what was held back may be handed over
 * before this returns. Anything but CURLE_OK: it cannot go on, and has to be removed. */
CURLcode gitdev_multi_resume(gitdev_multi *multi, CURL *easy);
/* The loop lets go of a socket that libcurl has connected and left to its user
 * (CURLOPT_CONNECT_ONLY), who may watch it now, and in a fork's child has to close it. */
void gitdev_multi_let_go(gitdev_multi *multi, curl_socket_t fd);
/* Takes a transfer back. */
void gitdev_multi_remove(gitdev_multi *multi, CURL *easy);

#endif
