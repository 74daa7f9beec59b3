/* A repository, in memory or in a folder: opened, kept from its user's settings, closed. */
#include "lua/git.h"
#include "lua/git_memory.h"
#include <git2/sys/repository.h>
#include <string.h>

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

static const luaL_Reg functions[] = {{"repository", git_new}, {NULL, NULL}};

/* It is closed by the collector alone: a finalizer that runs in the middle of one of its operations
 * must not take away what that reads. */
static const luaL_Reg methods[] = {{NULL, NULL}};

void gitdev_git_open_repository(lua_State *L) {
  gitdev_lua_class(L, gitdev_git_class, methods, repository_close);
}

void gitdev_git_repository_functions(lua_State *L) {
  gitdev_lua_register(L, functions);
}
