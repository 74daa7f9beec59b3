#include "wire/memory.h"
#include "gitdev.h"
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The one thing that a process has once, as it has one malloc(): a block may be freed by another
 * thread than that which took it, so no object could carry the functions along. It is written once,
 * before the first block is taken; from then on it stands. */
static gitdev_allocator foreign;

enum { OPEN, SETTING, SYSTEM, FOREIGN };
static atomic_int state = OPEN;

/* Another thread is about to name them: whoever was told that it is too late may go on at once, and
 * must not get a block elsewhere. */
static int settled(void) {
  int now;
  while ((now = atomic_load_explicit(&state, memory_order_acquire)) == SETTING)
    sched_yield();
  return now;
}

/* Whether the program's functions are to be used. The first block that is taken settles it. */
static bool is_foreign(void) {
  int now = settled();
  if (now == OPEN && !atomic_compare_exchange_strong(&state, &now, SYSTEM))
    now = settled();
  return now == FOREIGN;
}

int gitdev_setup(const gitdev_allocator *allocator) {
  if (!allocator || !allocator->allocate || !allocator->resize || !allocator->release)
    return GITDEV_EINVAL;
  int now = OPEN;
  if (!atomic_compare_exchange_strong(&state, &now, SETTING))
    return GITDEV_EINVAL;
  foreign = *allocator;
  atomic_store_explicit(&state, FOREIGN, memory_order_release);
  return GITDEV_OK;
}

bool gitdev_memory_is_foreign(void) {
  return is_foreign();
}

/* libcurl asks for no bytes now and then, and takes NULL for the end of memory. */
static size_t at_least_one(size_t size) {
  return size > 0 ? size : 1;
}

void *gitdev_malloc(size_t size) {
  return is_foreign() ? foreign.allocate(at_least_one(size)) : malloc(at_least_one(size));
}

void *gitdev_calloc(size_t count, size_t size) {
  if (!is_foreign())
    return calloc(count, size);
  if (size != 0 && count > SIZE_MAX / size)
    return NULL;
  void *block = gitdev_malloc(count * size);
  return block ? memset(block, 0, count * size) : NULL;
}

void *gitdev_realloc(void *block, size_t size) {
  if (!is_foreign())
    return realloc(block, size);
  return block ? foreign.resize(block, at_least_one(size)) : gitdev_malloc(size);
}

void gitdev_free(void *block) {
  if (!is_foreign())
    free(block);
  else if (block)
    foreign.release(block);
}

char *gitdev_strndup(const char *text, size_t max) {
  size_t len = strnlen(text, max);
  char *copy = gitdev_malloc(len + 1);
  if (!copy)
    return NULL;
  copy[len] = '\0';
  return memcpy(copy, text, len);
}

char *gitdev_strdup(const char *text) {
  return gitdev_strndup(text, SIZE_MAX);
}
