/* An answer's body that goes to its user's sink, over as many tries as it takes: each further one
 * asks for what is missing (RFC 9110 14, Range requests). */
#ifndef GITDEV_CALL_DOWNLOAD_H
#define GITDEV_CALL_DOWNLOAD_H

#include "call/response.h"
#include "gitdev.h"

enum { GITDEV_ETAG_SIZE = 128, GITDEV_RANGE_HEADERS = 2 };

typedef struct gitdev_download {
  gitdev_sink sink;            /* its user's; write is NULL when there is none */
  unsigned long long at;       /* bytes that the sink has */
  unsigned long long most;     /* that it ever had */
  unsigned long long was;      /* the same, when this try began */
  unsigned long long total;    /* that the whole thing has, by a Content-Range; 0 unknown */
  bool begun;                  /* this try's answer has been looked at */
  bool taken;                  /* and its body goes to the sink */
  bool refused;                /* the sink would not take it */
  char etag[GITDEV_ETAG_SIZE]; /* strong, of the bytes that are there; "" unknown */
  char range[40];              /* the Range header of this try */
} gitdev_download;

/* `sink` may be NULL. */
void gitdev_download_init(gitdev_download *download, const gitdev_sink *sink);

/* Begins a try. Writes the headers that ask for the rest to `out`, and returns how many: 0 to
 * GITDEV_RANGE_HEADERS; -1 when the sink can neither be continued nor go back. */
int gitdev_download_begin(gitdev_download *download, gitdev_header *out);

/* Once the answer's headers are there: GITDEV_OK, and whether its body is the sink's stands in
 * `taken`; GITDEV_EINVAL when it does not continue what was begun. */
int gitdev_download_accept(gitdev_download *download, gitdev_response *response);

/* A part of the body: see gitdev_call_data(). */
int gitdev_download_write(gitdev_download *download, const char *bytes, size_t len);

/* At the end of a whole answer: whether the sink has the whole thing by now. A server may send less
 * of the rest than was asked for. */
bool gitdev_download_whole(const gitdev_download *download);

/* Whether this try has brought anything that no try had brought before. */
bool gitdev_download_progressed(const gitdev_download *download);

#endif
