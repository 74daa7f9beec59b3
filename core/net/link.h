/* What is known of one of libcurl's connections beyond what libcurl tells: which protocol it
 * speaks, whether the server has greeted yet, which requests it has refused, and how many bytes have
 * left. It hangs on the connection's TLS state, and outlives it for those who still ask. */
#ifndef GITDEV_NET_LINK_H
#define GITDEV_NET_LINK_H

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

/* Called when a server has greeted on a connection, and when a connection is closed: from within
 * libcurl, so it may arm timers and no more. */
typedef void (*gitdev_link_fn)(void *payload);

/* Who is told; must outlive the connections of the handles that are prepared with it. */
typedef struct gitdev_link_watch {
  gitdev_link_fn fn;
  void *payload;
} gitdev_link_watch;

/* Read what you like; owned by its connection and by whoever retains it. */
typedef struct gitdev_link {
  int owners;
  SSL *ssl;          /* NULL once closed */
  uint64_t written;  /* once closed: see gitdev_link_written() */
  double since;      /* gitdev_now() */
  unsigned requests; /* that were begun on it */
  bool http2;
  bool greeted;         /* the server has sent something, with HTTP/2 its SETTINGS */
  bool answered;        /* it has answered a request */
  bool ended;           /* it has said in TLS that nothing more comes (close_notify) */
  bool miscounted;      /* a request may have been counted that got no stream of its own */
  bool leaving;         /* HTTP/2: the server takes no more requests here (GOAWAY) */
  unsigned last_stream; /* and this is the last one that it looks at */
  int fd;               /* of its socket, to set options of; -1 unknown */
  unsigned held;        /* requests that wait for more to leave with them: see burst.h */
  struct gitdev_link *next_held;
  const gitdev_link_watch *watch;
} gitdev_link;

/* Prepares a connection before its handshake, so that it has a link: a gitdev_tls_fn. `watch` is a
 * gitdev_link_watch. */
void gitdev_link_prepare(void *watch, SSL_CTX *context);

/* The link of the connection that the handle is about to send on, borrowed; NULL when memory is
 * out. For CURLOPT_PREREQFUNCTION. */
gitdev_link *gitdev_link_of(CURL *easy, const gitdev_link_watch *watch);

/* Learns which socket it is from a handle whose transfer on it has just ended: before, libcurl does
 * not say. */
void gitdev_link_learn_fd(gitdev_link *link, CURL *easy);

gitdev_link *gitdev_link_retain(gitdev_link *link);
/* NULL is allowed. */
void gitdev_link_release(gitdev_link *link);

/* Whether a request may begin on it now. Before an HTTP/2 server has said how many requests at once
 * it takes, only the first may: libcurl would send up to a hundred, and the surplus is refused. */
bool gitdev_link_admits(const gitdev_link *link, double now);

/* Whether something came while it rested. In HTTP/1.1 nobody asked for it: it is the connection's end,
 * or says why (408), or is anyone's, and would be taken for the next request's answer. */
bool gitdev_link_spoiled(const gitdev_link *link);

/* Counts a request in; returns its number, from 1. */
unsigned gitdev_link_enter(gitdev_link *link);

/* Whether further requests can be expected to go out on it. */
bool gitdev_link_usable(const gitdev_link *link);

/* Notes that the server takes nothing above `last_stream`. */
void gitdev_link_leave(gitdev_link *link, unsigned last_stream);

/* Whether the server has said that it did not look at the request of this number and never will
 * (RFC 9113 6.8). */
bool gitdev_link_refused(const gitdev_link *link, unsigned number);

/* Bytes that its socket has accepted so far; the same later means that not one more has left. */
uint64_t gitdev_link_written(const gitdev_link *link);

#endif
