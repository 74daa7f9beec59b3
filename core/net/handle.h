/* An easy handle and what it is set to: requests are put on it, one after another. */
#ifndef GITDEV_NET_HANDLE_H
#define GITDEV_NET_HANDLE_H

#include "gitdev.h"
#include "net/authorities.h"
#include "net/loop.h"
#include "wire/buffer.h"
#include <curl/curl.h>

enum { GITDEV_HANDLE_LINES_MAX = 48 };

/* What all handles of an engine have in common; must outlive them. */
typedef struct gitdev_handle_options {
  struct curl_slist *connect_to; /* or NULL */
  gitdev_authorities authorities;
  gitdev_loop *loop;
  gitdev_chore while_greeting; /* what is done while a server's greeting is awaited */
} gitdev_handle_options;

/* Told of each connection before its handshake, from within libcurl. */
typedef void (*gitdev_tls_fn)(void *payload, SSL_CTX *context);

typedef struct gitdev_handle {
  CURL *easy;
  gitdev_handle_options *options;
  char *ca_file;   /* what it is set to trust at present; NULL: the system's */
  bool trusts;     /* it is set to trust something */
  bool by_libcurl; /* which libcurl reads by itself, since there was nothing in it for us */
  bool uploads;    /* it is set to read a body as it sends it */
  bool at_proxy;   /* the handshake that it began last was a proxy's */
  gitdev_tls_fn on_tls;
  void *tls_payload;
  struct curl_slist lines[GITDEV_HANDLE_LINES_MAX]; /* made in place: no allocation for a request */
  gitdev_buffer text; /* what the lines point to; holds the key: wiped */
} gitdev_handle;

/* Makes a handle with its easy handle, set up with what is the same for every request. `on_tls` is told
 * of its connections. NULL when memory is out or libcurl refuses an option. */
gitdev_handle *gitdev_handle_new(gitdev_handle_options *options, gitdev_tls_fn on_tls,
                                 void *tls_payload);
/* The easy handle must not be in a multi. */
void gitdev_handle_free(gitdev_handle *handle);

/* Has an easy handle trust what libcurl reads from a PEM file and nothing else; NULL: what the system
 * trusts. */
CURLcode gitdev_handle_trust(CURL *easy, const char *ca_file);

/* How a request is to travel. */
typedef struct gitdev_travel {
  double seconds; /* it may take */
  bool share;     /* wait for a connection that is being made, rather than making another */
  bool fresh;     /* use no connection that has rested */
  bool http1;     /* by HTTP/1.1, whatever the request */
} gitdev_travel;

/* Instead: makes it only connect to where the request goes, for a try that sends what it sends by
 * curl_easy_send(). 0 or GITDEV_ENOMEM. */
int gitdev_handle_set_connect(gitdev_handle *handle, const gitdev_request *request,
                              const gitdev_travel *travel);

/* What is told of an error of libcurl's; `problem` are its own words, "" none. A proxy's URL that it
 * cannot read is among them, and may hold a password: it is not told. */
const char *gitdev_handle_words(CURLcode code, const char *problem);

/* What an error of libcurl's says whatever was sent; `otherwise` when that is what it depends on. */
gitdev_outcome_kind gitdev_handle_verdict(const gitdev_handle *handle, CURLcode code,
                                          gitdev_outcome_kind otherwise);

/* Whether a request goes by HTTP/1.1 even where HTTP/2 is spoken. */
bool gitdev_handle_wants_http1(const gitdev_request *request);

/* Puts a request on the handle; it must live until the transfer has ended. 0 or GITDEV_ENOMEM. */
int gitdev_handle_set(gitdev_handle *handle, const gitdev_request *request,
                      const gitdev_travel *travel);

#endif
