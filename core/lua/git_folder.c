/* Repositories in folders: bare ones, which the git program reads, with branches and tags of their
 * own. A mark in their settings says that they were made here, and may be removed here. */
#include "lua/git.h"
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_SIZE = 4096, DEPTH = 16 };

static const char MARK[] = "gitdev.emulator";

/* ---- whose a folder is ---- */

static bool exists(const char *path) {
  struct stat about;
  return lstat(path, &about) == 0;
}

/* Whether the folder is a repository with our mark. */
static bool is_ours(const char *path) {
  char file[PATH_SIZE];
  int len = snprintf(file, sizeof file, "%s/config", path), ours = 0;
  git_config *config = NULL;
  if (len < 0 || (size_t)len >= sizeof file || !exists(file) ||
      git_config_open_ondisk(&config, file) != 0)
    return false;
  bool found = git_config_get_bool(&ours, config, MARK) == 0;
  git_config_free(config);
  return found && ours;
}

static int mark(git_repository *repository) {
  git_config *config = NULL;
  int rc = git_repository_config(&config, repository);
  rc = rc ? rc : git_config_set_bool(config, MARK, 1);
  git_config_free(config);
  return rc;
}

static int make(git_repository **out, const char *path, const char *head) {
  git_repository_init_options options;
  git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
  options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
  options.initial_head = head;
  int rc = git_repository_init_ext(out, path, &options);
  return rc ? rc : mark(*out);
}

int gitdev_git_open_path(git_repository **out, const char *path, const char *head) {
  if (!exists(path))
    return make(out, path, head);
  if (is_ours(path))
    return git_repository_open_bare(out, path);
  git_error_set_str(GIT_ERROR_REPOSITORY, "the folder is there already, and no repository of the "
                                          "emulator's: it is left alone");
  return GIT_ERROR;
}

/* ---- branches and tags ---- */

static int refuse_memory(lua_State *L) {
  return gitdev_lua_fail(L, "a repository in memory has no references");
}

static int reference_fits(lua_State *L, gitdev_git *self, int index) {
  int valid = 0;
  const char *name = luaL_checkstring(L, index);
  bool good = !self->memory && git_reference_name_is_valid(&valid, name) == 0 && valid;
  return good;
}

/* repository:references() -> { ["refs/heads/main"] = the id of its commit, ... } | nil, problem.
 * Those that lead to no commit are left out. */
static int repository_references(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  if (self->memory)
    return refuse_memory(L);
  gitdev_git_held *held = &self->held;
  lua_newtable(L);
  int rc = git_reference_iterator_new(&held->references, self->repository);
  while (rc == 0 && (rc = git_reference_next(&held->reference, held->references)) == 0) {
    if (git_reference_peel(&held->object, held->reference, GIT_OBJECT_COMMIT) == 0) {
      gitdev_git_push_id(L, git_object_id(held->object));
      lua_setfield(L, -2, git_reference_name(held->reference));
    }
    git_object_free(held->object);
    git_reference_free(held->reference);
    held->object = NULL;
    held->reference = NULL;
  }
  if (rc != GIT_ITEROVER)
    return gitdev_git_fail(L, self);
  gitdev_git_release(self);
  return 1;
}

/* repository:set_reference(name, id) -> true | nil, problem: makes or moves it. */
static int repository_set_reference(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  git_oid id;
  gitdev_git_check_id(L, 3, &id);
  if (!reference_fits(L, self, 2))
    return self->memory ? refuse_memory(L) : gitdev_lua_fail(L, "this is no name of a reference");
  if (git_reference_create(&self->held.reference, self->repository, lua_tostring(L, 2), &id, 1,
                           NULL) != 0)
    return gitdev_git_fail(L, self);
  gitdev_git_release(self);
  lua_pushboolean(L, 1);
  return 1;
}

/* repository:remove_reference(name) -> true | nil, problem */
static int repository_remove_reference(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  if (!reference_fits(L, self, 2))
    return self->memory ? refuse_memory(L) : gitdev_lua_fail(L, "this is no name of a reference");
  if (git_reference_remove(self->repository, lua_tostring(L, 2)) != 0)
    return gitdev_git_fail(L, self);
  lua_pushboolean(L, 1);
  return 1;
}

/* repository:set_head(branch) -> true | nil, problem: HEAD, which a clone checks out. */
static int repository_set_head(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  if (self->memory)
    return refuse_memory(L);
  const char *name = lua_pushfstring(L, "refs/heads/%s", luaL_checkstring(L, 2));
  if (git_repository_set_head(self->repository, name) != 0)
    return gitdev_git_fail(L, self);
  lua_pushboolean(L, 1);
  return 1;
}

/* repository:path() -> where it is, from the root, without a slash at its end; nil: in memory */
static int repository_path(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  const char *path = self->memory ? NULL : git_repository_path(self->repository);
  size_t len = path ? strlen(path) : 0;
  if (len == 0)
    return 0;
  lua_pushlstring(L, path, path[len - 1] == '/' ? len - 1 : len);
  return 1;
}

/* ---- folders ---- */

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where) {
  (void)about;
  (void)kind;
  (void)where;
  return remove(path);
}

/* git.remove(path) -> true | nil, problem: removes the folder of a repository that was made here;
 * there need not be one. */
static int git_remove(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  if (exists(path)) {
    if (!is_ours(path))
      return gitdev_lua_fail(L, "the folder is no repository of the emulator's: it is left alone");
    if (nftw(path, remove_one, DEPTH, FTW_DEPTH | FTW_PHYS) != 0)
      return gitdev_lua_fail(L, strerror(errno));
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* Makes the directories of a path that are not there. */
static bool make_directories(char *path) {
  for (char *at = path + 1; *at; at++) {
    if (*at != '/')
      continue;
    *at = '\0';
    bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
    *at = '/';
    if (!made)
      return false;
  }
  return mkdir(path, 0777) == 0 || errno == EEXIST;
}

/* git.folder(path) -> the path from the root of the folder, made if there is none | nil, problem */
static int git_folder(lua_State *L) {
  char path[PATH_SIZE], whole[PATH_SIZE];
  int len = snprintf(path, sizeof path, "%s", luaL_checkstring(L, 1));
  if (len <= 0 || (size_t)len >= sizeof path)
    return gitdev_lua_fail(L, "this is no path of a folder");
  DIR *open = make_directories(path) && realpath(path, whole) ? opendir(whole) : NULL;
  if (!open)
    return gitdev_lua_fail(L, strerror(errno));
  closedir(open);
  lua_pushstring(L, whole);
  return 1;
}

typedef struct folder {
  DIR *open;
} folder;

static const char FOLDER[] = "gitdev.git.folder";

static int folder_close(lua_State *L) {
  folder *self = luaL_checkudata(L, 1, FOLDER);
  if (self->open)
    closedir(self->open);
  self->open = NULL;
  return 0;
}

/* git.list(path) -> the paths of the repositories in a folder that were made here; none when there is
 * no such folder */
static int git_list(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  folder *self = gitdev_lua_new(L, FOLDER, sizeof *self);
  self->open = opendir(path);
  lua_newtable(L);
  int count = 0;
  struct dirent *entry;
  while (self->open && (entry = readdir(self->open)) != NULL) { // NOLINT(concurrency-mt-unsafe)
    lua_pushfstring(L, "%s/%s", path, entry->d_name);
    if (entry->d_name[0] != '.' && is_ours(lua_tostring(L, -1)))
      lua_rawseti(L, -2, ++count);
    else
      lua_pop(L, 1);
  }
  if (self->open)
    closedir(self->open);
  self->open = NULL;
  return 1;
}

static const luaL_Reg methods[] = {
    {"path", repository_path},
    {"references", repository_references},
    {"remove_reference", repository_remove_reference},
    {"set_head", repository_set_head},
    {"set_reference", repository_set_reference},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"folder", git_folder}, {"list", git_list}, {"remove", git_remove}, {NULL, NULL}};

static const luaL_Reg no_methods[] = {{NULL, NULL}};

void gitdev_git_open_folder(lua_State *L) {
  gitdev_lua_class(L, FOLDER, no_methods, folder_close);
  gitdev_lua_extend(L, gitdev_git_class, methods);
}

void gitdev_git_folder_functions(lua_State *L) {
  gitdev_lua_register(L, functions);
}
