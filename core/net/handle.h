/* An easy handle and what it is set to: requests are put on it, one after another. */
#ifndef GITDEV_NET_HANDLE_H
#define GITDEV_NET_HANDLE_H

#include "gitdev.h"
#include "wire/buffer.h"
#include <curl/curl.h>

enum { GITDEV_HANDLE_LINES_MAX = 48 };

typedef struct gitdev_handle {
  CURL *easy;
  char *ca_file; /* what it is set to trust at present; NULL: the system's */
  bool direct;   /* connections are sent elsewhere: no proxy comes into it */
  bool uploads;  /* it is set to read a body as it sends it */
  struct curl_slist lines[GITDEV_HANDLE_LINES_MAX]; /* made in place: no allocation for a request */
  gitdev_buffer text; /* what the lines point to; holds the key: wiped */
} gitdev_handle;

/* Makes a handle with its easy handle, set up with what is the same for every request. `connect_to`
 * may be NULL and must outlive it. NULL when memory is out or libcurl refuses an option. */
gitdev_handle *gitdev_handle_new(struct curl_slist *connect_to);
/* The easy handle must not be in a multi. */
void gitdev_handle_free(gitdev_handle *handle);

/* Has an easy handle trust what is in a PEM file and nothing else; NULL: what the system trusts. */
CURLcode gitdev_handle_trust(CURL *easy, const char *ca_file);

/* How a request is to travel. */
typedef struct gitdev_travel {
  double seconds; /* it may take */
  bool share;     /* wait for a connection that is being made, rather than making another */
  bool fresh;     /* use no connection that has rested */
} gitdev_travel;

/* Instead: makes it only connect to where the request goes, for a try that sends what it sends by
 * curl_easy_send(). 0 or GITDEV_ENOMEM. */
int gitdev_handle_set_connect(gitdev_handle *handle, const gitdev_request *request,
                              const gitdev_travel *travel);

/* What an error of libcurl's says whatever was sent; `otherwise` when that is what it depends on. */
gitdev_outcome_kind gitdev_handle_verdict(CURLcode code, gitdev_outcome_kind otherwise);

/* Whether a request goes by HTTP/1.1 even where HTTP/2 is spoken. */
bool gitdev_handle_wants_http1(const gitdev_request *request);

/* Puts a request on the handle; it must live until the transfer has ended. 0 or GITDEV_ENOMEM. */
int gitdev_handle_set(gitdev_handle *handle, const gitdev_request *request,
                      const gitdev_travel *travel);

#endif
