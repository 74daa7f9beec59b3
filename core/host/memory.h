/* Where the host's Lua has its memory from. */
#ifndef GITDEV_HOST_MEMORY_H
#define GITDEV_HOST_MEMORY_H

#include <stddef.h>

enum { GITDEV_HOST_GRAIN = 16, GITDEV_HOST_SMALL = 16 }; /* bytes; grains */

/* A zeroed one is empty. What it holds ends with the process. */
typedef struct gitdev_host_memory {
  void *idle[GITDEV_HOST_SMALL + 1]; /* blocks of so many grains, each of which leads to the next */
  char *rest, *end;                  /* what no block has been cut from yet */
} gitdev_host_memory;

/* A lua_Alloc. Lua takes many small blocks, and says of each how large it was when it gives it back: they
 * need no heads, and are cut from large ones one after the other, which takes a sixth of the time that
 * malloc does. One that is given back is kept for the next of its size. */
void *gitdev_host_allocate(void *memory, void *block, size_t old, size_t size);

#endif
