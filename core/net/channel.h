/* Connections that libcurl makes and then leaves to us (CURLOPT_CONNECT_ONLY): bytes out, bytes in.
 * They are in a multi of their own, since they count against the limits of the one that they are in,
 * and a request there could push one out that has not been used yet. */
#ifndef GITDEV_NET_CHANNEL_H
#define GITDEV_NET_CHANNEL_H

#include "call/client.h"
#include "net/handle.h"
#include "net/multi.h"
#include "net/tls_stream.h"
#include <openssl/ssl.h>

/* All of an engine's; a zeroed one is closed. */
typedef struct gitdev_channels {
  gitdev_loop *loop;
  gitdev_multi *multi;
  CURLSH *share; /* TLS sessions, so that a connection that is made again costs less */
  struct gitdev_channel *first;
  struct gitdev_opening *unclaimed; /* that have opened a socket which nobody has asked for yet */
} gitdev_channels;

/* Told once how connecting has ended. */
typedef void (*gitdev_channel_fn)(void *payload, CURLcode code);

typedef struct gitdev_channel {
  gitdev_channels *of;
  gitdev_handle *handle;
  gitdev_client *client; /* that it is open for: one of its owners */
  gitdev_watch watch;
  curl_socket_t fd; /* -1 until it is connected */
  SSL *ssl;         /* libcurl's; NULL until something was written */
  bool tunneled;    /* through a proxy, whose TLS may be below ours and hold bytes of its own */
  bool drained; /* a read came back short: most likely there is no more until it is ready again, and
                    asking libcurl costs a walk over all connections (7.88.1) and a system call */
  gitdev_channel_fn on_connected;
  gitdev_watch_fn on_ready;
  void *payload;                /* of either */
  struct gitdev_socket *socket; /* that it carries; NULL while there is none */
  struct gitdev_channel *next, *before;
  char problem[CURL_ERROR_SIZE]; /* libcurl's words */
} gitdev_channel;

/* Opens them, unless they are open. 0, GITDEV_ENOMEM or GITDEV_ECURL. */
int gitdev_channels_open(gitdev_channels *self, gitdev_loop *loop);
/* Every channel must have been freed. */
void gitdev_channels_close(gitdev_channels *self);
/* Instead, in a fork's child: closes descriptors and speaks to nobody. Channels may still be freed. */
void gitdev_channels_forsake(gitdev_channels *self);

/* Makes a channel; the caller owns it. `options` must outlive it. 0 or GITDEV_ENOMEM. */
int gitdev_channel_new(gitdev_channel **out, gitdev_channels *of, gitdev_client *client,
                       gitdev_handle_options *options);
/* Begins to connect to where the request goes: gitdev_multi_report() is due. 0, GITDEV_ENOMEM or
 * GITDEV_ECURL. */
int gitdev_channel_connect(gitdev_channel *self, const gitdev_request *request,
                           const gitdev_travel *travel, gitdev_channel_fn fn, void *payload);
/* Closes the connection; with `reset` without ceremony. NULL is allowed. */
void gitdev_channel_free(gitdev_channel *self, bool reset);

/* Once connected: as those of tls_stream.h, but for the count, which tells nothing unless
 * GITDEV_IO_DONE. */
gitdev_io gitdev_channel_read(gitdev_channel *self, char *bytes, size_t size, size_t *len);
gitdev_io gitdev_channel_write(gitdev_channel *self, const char *bytes, size_t len,
                               size_t *written);
/* Once connected: has fn called when it is ready for what is wanted. 0, GITDEV_ENOMEM or
 * GITDEV_ESYSTEM. */
int gitdev_channel_watch(gitdev_channel *self, int want, gitdev_watch_fn fn, void *payload);
/* Another is called from now on. */
void gitdev_channel_pass(gitdev_channel *self, gitdev_watch_fn fn, void *payload);
void gitdev_channel_want(gitdev_channel *self, int want);

#endif
