/* One try of a call over one libcurl easy handle: the machine's request goes in, the answer goes to
 * the machine as it comes, and in the end libcurl's verdict is put in the machine's terms. */
#ifndef GITDEV_NET_TRANSFER_H
#define GITDEV_NET_TRANSFER_H

#include "gitdev.h"
#include <curl/curl.h>

typedef struct gitdev_transfer gitdev_transfer;

/* Makes a transfer with an easy handle of its own, set up with what is the same for every request.
 * `connect_to` may be NULL and must outlive it. NULL when memory is out or libcurl refuses an
 * option. */
gitdev_transfer *gitdev_transfer_new(struct curl_slist *connect_to);
/* The handle must not be in a multi. */
void gitdev_transfer_free(gitdev_transfer *transfer);

/* The easy handle; its CURLOPT_PRIVATE is left to the engine. */
CURL *gitdev_transfer_easy(gitdev_transfer *transfer);

/* Makes the transfer ready to send `request`, which must live until the transfer has ended, for
 * `call`, within `seconds`. 0 or GITDEV_ENOMEM. */
int gitdev_transfer_begin(gitdev_transfer *transfer, gitdev_call *call,
                          const gitdev_request *request, double seconds);

/* Whether libcurl has repeated a request on this handle by itself. It counts such repeats for the
 * life of a handle (7.88.1) and fails a request once they are five, so a handle that had one is not
 * used again. */
bool gitdev_transfer_worn(const gitdev_transfer *transfer);

/* How it went. The message lives until the transfer begins again. */
gitdev_outcome gitdev_transfer_outcome(gitdev_transfer *transfer, CURLcode code);

#endif
