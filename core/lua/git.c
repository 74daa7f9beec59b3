/* gitdev.git: Git objects through libgit2, for the emulator's repositories. Nothing else of gitdev
 * needs libgit2, and nobody else loads this module.
 *
 * Misuse raises; what the world does wrong comes back as nil and a problem. */
#include "lua/git.h"
#include "lua/git_memory.h"
#include <git2/sys/repository.h>
#include <stdlib.h>
#include <string.h>

const char gitdev_git_class[] = "gitdev.git.repository";
static const char LIBRARY[] = "gitdev.git.libgit2";

enum { ID_DIGITS = GIT_OID_HEXSZ };

/* ---- what an operation holds ---- */

static void release_objects(gitdev_git_held *held) {
  git_odb_object_free(held->raw);
  git_object_free(held->object);
  git_tree_free(held->trees[0]);
  git_tree_free(held->trees[1]);
  git_tree_entry_free(held->entry);
  git_commit_free(held->commit);
}

void gitdev_git_release(gitdev_git *self) {
  gitdev_git_held *held = &self->held;
  git_patch_free(held->patch);
  git_blob_free(held->blobs[0]);
  git_blob_free(held->blobs[1]);
  git_diff_free(held->diff);
  git_revwalk_free(held->walk);
  release_objects(held);
  git_buf_dispose(&held->text);
  git_signature_free(held->author);
  git_signature_free(held->committer);
  git_reference_free(held->reference);
  git_reference_iterator_free(held->references);
  free(held->memory);
  memset(held, 0, sizeof *held);
}

gitdev_git *gitdev_git_check(lua_State *L) {
  gitdev_git *self = gitdev_lua_check(L, 1, gitdev_git_class);
  luaL_argcheck(L, self->repository, 1, "the repository is closed");
  gitdev_git_release(self);
  return self;
}

int gitdev_git_fail(lua_State *L, gitdev_git *self) {
  const git_error *error = git_error_last();
  lua_pushnil(L);
  lua_pushstring(L, error && error->message ? error->message : "libgit2 failed without a word");
  gitdev_git_release(self);
  return 2;
}

void gitdev_git_check_id(lua_State *L, int index, git_oid *id) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  bool good = len == ID_DIGITS && git_oid_fromstrn(id, text, len) == 0;
  luaL_argcheck(L, good, index, "must be an object's id: 40 hexadecimal digits");
}

void gitdev_git_push_id(lua_State *L, const git_oid *id) {
  char digits[ID_DIGITS];
  git_oid_fmt(digits, id);
  lua_pushlstring(L, digits, sizeof digits);
}

void gitdev_git_set_id(lua_State *L, const char *name, const git_oid *id) {
  gitdev_git_push_id(L, id);
  lua_setfield(L, -2, name);
}

size_t gitdev_git_count(double value) {
  enum { ALL = 1000000000 };
  return value >= ALL ? ALL : value > 0 ? (size_t)value : 0;
}

int gitdev_git_hold_tree(gitdev_git *self, int slot, const git_oid *id) {
  gitdev_git_held *held = &self->held;
  git_object_free(held->object);
  held->object = NULL;
  int rc = git_object_lookup(&held->object, self->repository, id, GIT_OBJECT_ANY);
  if (rc == 0)
    rc = git_object_peel((git_object **)&held->trees[slot], held->object, GIT_OBJECT_TREE);
  return rc;
}

/* ---- opening and closing ---- */

static int repository_close(lua_State *L) {
  gitdev_git *self = gitdev_lua_check(L, 1, gitdev_git_class);
  gitdev_git_release(self);
  git_repository *repository = self->repository;
  git_odb *odb = self->odb;
  bool counted = self->counted;
  memset(self, 0, sizeof *self);
  git_odb_free(odb);
  git_repository_free(repository);
  if (counted)
    git_libgit2_shutdown();
  return 0;
}

/* The user's own settings shall decide nothing here: a repository has its own file's, or none. */
static int isolate(gitdev_git *self) {
  git_config *config = NULL;
  int rc = self->memory ? git_config_new(&config) : 0;
  if (!self->memory) {
    git_buf path = {0};
    rc = git_repository_item_path(&path, self->repository, GIT_REPOSITORY_ITEM_CONFIG);
    if (rc == 0)
      rc = git_config_open_ondisk(&config, path.ptr);
    git_buf_dispose(&path);
  }
  if (rc == 0)
    rc = git_repository_set_config(self->repository, config);
  git_config_free(config);
  return rc;
}

static int open_memory(gitdev_git *self) {
  int rc = git_odb_new(&self->odb);
  if (rc != 0)
    return rc;
  gitdev_git_memory *memory = gitdev_git_memory_new();
  if (!memory) {
    git_error_set_str(GIT_ERROR_NOMEMORY, "memory is out");
    return GIT_ERROR;
  }
  git_odb_backend *backend = gitdev_git_memory_backend(memory);
  rc = git_odb_add_backend(self->odb, backend, 1);
  if (rc != 0) {
    backend->free(backend);
    return rc;
  }
  self->memory = memory;
  return git_repository_wrap_odb(&self->repository, self->odb);
}

static int open_folder(gitdev_git *self, const char *path, const char *head) {
  int rc = gitdev_git_open_path(&self->repository, path, head);
  return rc ? rc : git_repository_odb(&self->odb, self->repository);
}

/* Counts in, opens, and keeps the user's settings away. */
static int open_one(gitdev_git *self, const char *path, const char *head) {
  int rc = git_libgit2_init();
  self->counted = rc > 0;
  if (!self->counted)
    return rc;
  rc = path ? open_folder(self, path, head) : open_memory(self);
  return rc ? rc : isolate(self);
}

int gitdev_git_new_memory(lua_State *L, gitdev_git **out) {
  *out = gitdev_lua_new(L, gitdev_git_class, sizeof **out);
  return open_one(*out, NULL, NULL);
}

/* git.repository() -> a repository in memory | nil, problem
 * git.repository(path, head) -> the bare repository in that folder, made if there is nothing, with
 * the branch `head` as its HEAD */
static int git_new(lua_State *L) {
  const char *path = luaL_optstring(L, 1, NULL);
  const char *head = path ? luaL_checkstring(L, 2) : NULL;
  gitdev_git *self = gitdev_lua_new(L, gitdev_git_class, sizeof *self);
  return open_one(self, path, head) == 0 ? 1 : gitdev_git_fail(L, self);
}

/* ---- the module ---- */

static int library_close(lua_State *L) {
  bool *counted = luaL_checkudata(L, 1, LIBRARY);
  if (*counted)
    git_libgit2_shutdown();
  *counted = false;
  return 0;
}

/* libgit2 counts its users. The state's own share keeps it from being set up anew for each
 * repository. */
static void count_in(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  gitdev_lua_class(L, LIBRARY, none, library_close);
  bool *counted = gitdev_lua_new(L, LIBRARY, sizeof *counted);
  *counted = git_libgit2_init() > 0;
  lua_setfield(L, LUA_REGISTRYINDEX, "gitdev.git.share");
}

/* git.valid_branch(name) -> whether Git takes it for a branch's name. libgit2 lets DEL pass. */
static int git_valid_branch(lua_State *L) {
  size_t len;
  int valid = 0;
  const char *name = luaL_checklstring(L, 1, &len);
  bool fits =
      strlen(name) == len && !strchr(name, '\x7f') && git_branch_name_is_valid(&valid, name) == 0;
  lua_pushboolean(L, fits && valid);
  return 1;
}

static const luaL_Reg functions[] = {
    {"repository", git_new}, {"valid_branch", git_valid_branch}, {NULL, NULL}};

/* It is closed by the collector alone: a finalizer that runs in the middle of one of its operations
 * must not take away what that reads. */
static const luaL_Reg methods[] = {{NULL, NULL}};

GITDEV_MODULE int luaopen_gitdev_git(lua_State *L);

int luaopen_gitdev_git(lua_State *L) {
  count_in(L);
  gitdev_lua_class(L, gitdev_git_class, methods, repository_close);
  gitdev_git_open_objects(L);
  gitdev_git_open_commits(L);
  gitdev_git_open_trees(L);
  gitdev_git_open_diff(L);
  gitdev_git_open_folder(L);
  lua_newtable(L);
  gitdev_lua_register(L, functions);
  gitdev_git_folder_functions(L);
  gitdev_git_base64_functions(L);
  gitdev_git_object_functions(L);
  gitdev_lua_set_string(L, "libgit2_version", LIBGIT2_VERSION);
  return 1;
}
