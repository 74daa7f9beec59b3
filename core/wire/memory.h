/* Where the memory of core/ comes from: malloc() and its kin, unless the program has named others by
 * gitdev_setup(). Nothing in core/ calls malloc(), calloc(), realloc(), free() or strdup() itself,
 * and nothing that comes from here is given to free(). Apart from these are: libgit2's memory
 * (core/lua/git*), hiredis' (core/net/redis.c), and Lua's own. */
#ifndef GITDEV_WIRE_MEMORY_H
#define GITDEV_WIRE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* As their namesakes in the C library. The caller owns what they return, and gives it to gitdev_free().
 */
void *gitdev_malloc(size_t size);
void *gitdev_calloc(size_t count, size_t size);
void *gitdev_realloc(void *block, size_t size);
void gitdev_free(void *block);
char *gitdev_strdup(const char *text);
char *gitdev_strndup(const char *text, size_t max);

/* Whether the program has named functions of its own: libcurl is then given the same ones. */
bool gitdev_memory_is_foreign(void);

#endif
