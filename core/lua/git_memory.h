/* A store of Git objects in memory, as a backend of libgit2's object database. */
#ifndef GITDEV_LUA_GIT_MEMORY_H
#define GITDEV_LUA_GIT_MEMORY_H

#include <git2/sys/odb_backend.h>

#include <stddef.h>

typedef struct gitdev_git_memory gitdev_git_memory;

/* Makes an empty one; NULL when memory is out. It is for git_odb_add_backend, which takes it over;
 * until then its `free` is for the caller to call. */
gitdev_git_memory *gitdev_git_memory_new(void);
/* Bytes of all objects in it. */
size_t gitdev_git_memory_size(const gitdev_git_memory *memory);

git_odb_backend *gitdev_git_memory_backend(gitdev_git_memory *memory);

#endif
