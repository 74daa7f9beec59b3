/* The addresses of a host name, found out beside the loop: the system's resolver blocks, so it runs
 * in a thread of its own. For those whose library would ask it on the loop's thread (hiredis). */
#ifndef GITDEV_NET_LOOKUP_H
#define GITDEV_NET_LOOKUP_H

#include "gitdev.h"
#include <netinet/in.h>

enum { GITDEV_LOOKUP_MAX = 8 };

typedef struct gitdev_addresses {
  size_t count;
  char text[GITDEV_LOOKUP_MAX]
           [INET6_ADDRSTRLEN + 16]; /* numeric, with a scope where there is one */
} gitdev_addresses;

typedef struct gitdev_lookup gitdev_lookup;

/* Called from gitdev_step(), once. `problem` is NULL, or why there are no addresses; both live as
 * long as the lookup, which fn may free. */
typedef void (*gitdev_lookup_fn)(void *payload, const gitdev_addresses *addresses,
                                 const char *problem);

/* Whether a host is an address itself, so that nothing is to be looked up. */
bool gitdev_lookup_is_address(const char *host);
/* 0, GITDEV_ENOMEM, or GITDEV_ESYSTEM with errno kept when there is no thread or descriptor to be
 * had. The caller frees it. */
int gitdev_lookup_start(gitdev_lookup **out, gitdev_loop *loop, const char *host,
                        gitdev_lookup_fn fn, void *payload);
/* Frees it; one under way ends without a word (its thread is left to come to its end by itself).
 * NULL is allowed. */
void gitdev_lookup_free(gitdev_lookup *lookup);

#endif
