/* Plain HTTP requests to anybody's url, beside the API's calls: a webhook's delivery. One POST over
 * a connection of its own, HTTP/1.1, certificates verified, no redirect, no proxy, no second try. No
 * key comes near it: it knows no client. */
#ifndef GITDEV_NET_POST_H
#define GITDEV_NET_POST_H

#include "gitdev.h"
#include "net/address.h"

enum {
  GITDEV_POST_KEPT = 4096,          /* bytes of an answer's body that are kept (contract 2.13) */
  GITDEV_POST_BODY_MAX = 1 << 20,   /* an answer above this is too large, and not read on */
  GITDEV_POST_HEAD_MAX = 64 * 1024, /* the same of its header lines */
  GITDEV_POST_HEADERS_MAX = 64,     /* of a request */
};

/* What several posts are driven by, on a loop. */
typedef struct gitdev_poster gitdev_poster;
/* A request, and what became of it. */
typedef struct gitdev_post gitdev_post;

/* Opens nothing yet. 0, GITDEV_ENOMEM, GITDEV_ECURL. */
int gitdev_poster_new(gitdev_poster **out, gitdev_loop *loop);
/* Ends the posts that are under way, without a word; they still are their owners' to free. In a
 * fork's child it closes descriptors and speaks to nobody. */
void gitdev_poster_free(gitdev_poster *poster);

typedef struct gitdev_post_options {
  const char *url;              /* http or https, without credentials */
  const gitdev_header *headers; /* sent as they are, in this order, after Host */
  size_t header_count;
  const char *body;
  size_t body_len;
  double timeout;      /* seconds, for all of it, to the answer's last byte */
  const char *ca_file; /* a PEM file to trust instead of the system's; NULL: the system's */
  int reach; /* GITDEV_ADDRESS_…: the kinds of addresses that the host may turn out to be, after
                          its name is resolved; 0: public ones. Plain http never goes to a public one */
} gitdev_post_options;

/* Called from gitdev_step(), never from gitdev_post_start(), once, when it is over. It may free any
 * post and start others. */
typedef void (*gitdev_posted_fn)(void *payload, gitdev_post *post);

/* Sends a request; everything given is copied. The caller frees the post. 0, GITDEV_ENOMEM, GITDEV_ECURL,
 * GITDEV_ECLOSED in a fork's child; GITDEV_EINVAL with `problem` filled: a url or header that cannot
 * be sent. */
int gitdev_post_start(gitdev_post **out, gitdev_poster *poster, const gitdev_post_options *options,
                      gitdev_posted_fn fn, void *payload, gitdev_problem *problem);
/* Frees it; one that is under way ends without a word. NULL is allowed. */
void gitdev_post_free(gitdev_post *post);

/* What came back. */
typedef struct gitdev_post_answer {
  const char *error; /* NULL: an answer came. Else a word of the contract's attempt.error: timeout,
                          dns, tls, refused, reset, redirect, too_large; with redirect there is a
                          status too */
  const char *problem; /* the same as a sentence; "" without an error */
  int status;          /* 0 without an answer */
  const gitdev_header *headers;
  size_t header_count;
  const char *body; /* its first bytes, NUL-terminated */
  size_t body_len;
  double seconds; /* it took */
} gitdev_post_answer;

/* The answer, once it is over; NULL before. Lives as long as the post. */
const gitdev_post_answer *gitdev_post_answer_of(const gitdev_post *post);

#endif
