/* What the files of gitdev.git share: the userdata of a repository, and the rules for holding
 * libgit2's things.
 *
 * A push onto Lua's stack may raise, and nothing then runs the rest of a function. So whatever
 * libgit2 hands out while Lua is called stands in the repository's `held`, and is freed by
 * gitdev_git_release: at the end of the operation, at the beginning of the next one, or when the
 * repository is closed, whichever comes first. */
#ifndef GITDEV_LUA_GIT_H
#define GITDEV_LUA_GIT_H

#include "lua/compat.h"
#include <git2.h>
#include <stddef.h>

typedef struct gitdev_git_memory gitdev_git_memory;

typedef struct gitdev_git_held {
  git_odb_object *raw;
  git_object *object;
  git_tree *trees[2];
  git_tree_entry *entry;
  git_commit *commit;
  git_revwalk *walk;
  git_diff *diff;
  git_patch *patch; /* points into the next two */
  git_blob *blobs[2];
  char submodules[2][64];
  git_buf text;
  git_signature *author, *committer;
  git_reference_iterator *references;
  git_reference *reference;
  void *memory; /* from malloc */
} gitdev_git_held;

typedef struct gitdev_git {
  git_repository *repository; /* NULL: it is closed */
  git_odb *odb;
  gitdev_git_memory *memory; /* NULL: it is in a folder; else owned by odb */
  bool counted;              /* it has its share in libgit2's count of users */
  gitdev_git_held held;
} gitdev_git;

/* The open repository at index 1, holding nothing; raises when it is none, or is closed. */
gitdev_git *gitdev_git_check(lua_State *L);

/* A growing list of ids, its memory from malloc. */
typedef struct gitdev_git_ids {
  git_oid *ids;
  size_t count, capacity;
} gitdev_git_ids;

/* Appends an id to the gitdev_git_ids `list`: a callback of libgit2. A libgit2 code. */
int gitdev_git_add_id(const git_oid *id, void *list);

/* Pushes a new repository in memory. A libgit2 code; what was pushed stays in any case. */
int gitdev_git_new_memory(lua_State *L, gitdev_git **out);

/* Frees what an operation held. */
void gitdev_git_release(gitdev_git *self);

/* Pushes nil and libgit2's words for what went wrong, after a release. Returns 2. */
int gitdev_git_fail(lua_State *L, gitdev_git *self);

/* Reads the object id of 40 hex digits at `index`; raises when it is none. */
void gitdev_git_check_id(lua_State *L, int index, git_oid *id);
void gitdev_git_push_id(lua_State *L, const git_oid *id);
void gitdev_git_set_id(lua_State *L, const char *name, const git_oid *id);

/* A number that Lua gave as a limit: at least 0, and no more than any count will be. */
size_t gitdev_git_count(double value);

/* Puts the tree of the commit or tree `id` into held.trees[slot]. A libgit2 code. */
int gitdev_git_hold_tree(gitdev_git *self, int slot, const git_oid *id);

/* Pushes the commit as a table: sha, tree_sha, parents, message, author and committer, each with
 * name, email and at (Unix seconds). */
void gitdev_git_push_commit(lua_State *L, const git_commit *commit);

/* The class of repositories, and the methods that each file adds to it. */
void gitdev_git_open_repository(lua_State *L);
void gitdev_git_open_objects(lua_State *L);
void gitdev_git_open_commits(lua_State *L);
void gitdev_git_open_trees(lua_State *L);
void gitdev_git_open_diff(lua_State *L);
void gitdev_git_open_folder(lua_State *L);

/* The functions of a file, added to the table on the top of the stack. */
void gitdev_git_repository_functions(lua_State *L);
void gitdev_git_folder_functions(lua_State *L);
void gitdev_git_base64_functions(lua_State *L);
void gitdev_git_object_functions(lua_State *L);

/* Opens the bare repository at `path`, or makes it there when there is nothing: with `head` (a
 * branch) as its HEAD. A folder that this module did not make is refused. A libgit2 code. */
int gitdev_git_open_path(git_repository **out, const char *path, const char *head);

extern const char gitdev_git_class[];

#endif
