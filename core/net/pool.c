#include "net/pool.h"

enum { CONNECTIONS_KEPT = 64 };

/* Left to itself, libcurl keeps four connections for each request under way, and closes what rests as
 * soon as a burst of them is over. */
static bool set_limits(CURLM *curl) {
  return curl_multi_setopt(curl, CURLMOPT_MAX_HOST_CONNECTIONS,
                           (long)GITDEV_HOST_CONNECTIONS_MAX) == CURLM_OK &&
         curl_multi_setopt(curl, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT) == CURLM_OK;
}

int gitdev_pool_open(gitdev_pool *pool, const gitdev_pool_options *options) {
  if (pool->multi)
    return GITDEV_OK;
  int rc = gitdev_multi_new(&pool->multi, options->loop, options->fn, options->payload);
  if (rc == GITDEV_OK && !set_limits(gitdev_multi_handle(pool->multi))) {
    gitdev_multi_free(pool->multi);
    pool->multi = NULL;
    rc = GITDEV_ECURL;
  }
  return rc;
}

void gitdev_pool_close(gitdev_pool *pool) {
  while (pool->idle_count > 0)
    gitdev_transfer_free(pool->idle[--pool->idle_count]);
  gitdev_multi_free(pool->multi);
  pool->multi = NULL;
}

void gitdev_pool_forsake(gitdev_pool *pool) {
  if (pool->multi)
    gitdev_multi_forsake(pool->multi);
}

gitdev_transfer *gitdev_pool_take(gitdev_pool *pool, const gitdev_pool_options *options) {
  if (pool->idle_count > 0)
    return pool->idle[--pool->idle_count];
  gitdev_transfer *transfer = gitdev_transfer_new(options->handle_options, options->watch);
  if (transfer && gitdev_multi_prepare(pool->multi, gitdev_transfer_easy(transfer)) != GITDEV_OK) {
    gitdev_transfer_free(transfer);
    return NULL;
  }
  return transfer;
}

void gitdev_pool_give_back(gitdev_pool *pool, gitdev_transfer *transfer) {
  if (gitdev_transfer_worn(transfer) || pool->idle_count == GITDEV_IDLE_TRANSFERS_MAX)
    gitdev_transfer_free(transfer);
  else
    pool->idle[pool->idle_count++] = transfer;
}
