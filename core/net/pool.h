/* A curl multi with the connections that it keeps, and the transfers that rest beside it between two
 * requests. */
#ifndef GITDEV_NET_POOL_H
#define GITDEV_NET_POOL_H

#include "net/multi.h"
#include "net/transfer.h"

enum { GITDEV_HOST_CONNECTIONS_MAX = 16, GITDEV_IDLE_TRANSFERS_MAX = 64 };

/* Filled in by its user; all of it must outlive the pool's last use. */
typedef struct gitdev_pool_options {
  gitdev_loop *loop;
  gitdev_handle_options *handle_options;
  gitdev_link_watch *watch;
  gitdev_finished_fn fn;
  void *payload;
} gitdev_pool_options;

/* A zeroed one is closed. */
typedef struct gitdev_pool {
  gitdev_multi *multi;
  gitdev_transfer *idle[GITDEV_IDLE_TRANSFERS_MAX];
  size_t idle_count;
} gitdev_pool;

/* Opens the pool, unless it is open. 0, GITDEV_ENOMEM or GITDEV_ECURL. */
int gitdev_pool_open(gitdev_pool *pool, const gitdev_pool_options *options);
/* Every transfer must have been given back. */
void gitdev_pool_close(gitdev_pool *pool);
/* Instead, in a fork's child: see gitdev_multi_forsake(). */
void gitdev_pool_forsake(gitdev_pool *pool);

/* A transfer for the pool's multi, of an open pool. NULL when memory is out or libcurl refuses. */
gitdev_transfer *gitdev_pool_take(gitdev_pool *pool, const gitdev_pool_options *options);
void gitdev_pool_give_back(gitdev_pool *pool, gitdev_transfer *transfer);

#endif
