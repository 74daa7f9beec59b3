/* What changed between two trees. */
#include "lua/git.h"
#include <stdio.h>
#include <string.h>

static const char *word_for(git_delta_t status) {
  switch (status) {
  case GIT_DELTA_ADDED: return "added";
  case GIT_DELTA_DELETED: return "removed";
  case GIT_DELTA_RENAMED: return "renamed";
  default: return "modified";
  }
}

/* Sums of the whole, and what is left to give of it. */
typedef struct diff_account {
  size_t additions, deletions;
  size_t files, patch_bytes; /* left */
  size_t patch_max;
  int given; /* files so far */
} diff_account;

/* Sets `patch` of the table on the top of the stack: the hunks, without the lines before them that
 * name the file. Nothing is set when there is no room for them. */
static int set_patch(lua_State *L, gitdev_git *self, diff_account *account) {
  git_buf *text = &self->held.text;
  git_buf_dispose(text);
  int rc = git_patch_to_buf(text, self->held.patch);
  if (rc != 0)
    return rc;
  const char *hunks = git_patch_num_hunks(self->held.patch) ? strstr(text->ptr, "\n@@ ") : NULL;
  size_t len = hunks ? text->size - (size_t)(hunks + 1 - text->ptr) : 0;
  if (len > account->patch_max || len > account->patch_bytes)
    return 0;
  account->patch_bytes -= len;
  lua_pushlstring(L, len ? hunks + 1 : "", len);
  lua_setfield(L, -2, "patch");
  return 0;
}

/* Pushes one file's change. */
static int push_change(lua_State *L, gitdev_git *self, const git_diff_delta *delta,
                       size_t additions, size_t deletions, diff_account *account) {
  bool binary = (git_patch_get_delta(self->held.patch)->flags & GIT_DIFF_FLAG_BINARY) != 0;
  lua_createtable(L, 0, 7);
  gitdev_lua_set_string(L, "path", delta->new_file.path);
  if (delta->status == GIT_DELTA_RENAMED)
    gitdev_lua_set_string(L, "previous_path", delta->old_file.path);
  gitdev_lua_set_string(L, "status", word_for(delta->status));
  gitdev_lua_set_number(L, "additions", (double)additions);
  gitdev_lua_set_number(L, "deletions", (double)deletions);
  lua_pushboolean(L, binary);
  lua_setfield(L, -2, "binary");
  return binary ? 0 : set_patch(L, self, account);
}

/* What stands on one side of a change; NULL: nothing. What holds it is held. A libgit2 code. */
static int hold_side(gitdev_git *self, int slot, const git_diff_file *file, const char **bytes,
                     size_t *len) {
  gitdev_git_held *held = &self->held;
  *bytes = NULL;
  *len = 0;
  git_blob_free(held->blobs[slot]);
  held->blobs[slot] = NULL;
  if (git_oid_is_zero(&file->id))
    return 0;
  if (file->mode == GIT_FILEMODE_COMMIT) {
    char id[GIT_OID_HEXSZ + 1], *text = held->submodules[slot];
    git_oid_tostr(id, sizeof id, &file->id);
    *len = (size_t)snprintf(text, sizeof held->submodules[slot], "Subproject commit %s\n", id);
    *bytes = text;
    return 0;
  }
  int rc = git_blob_lookup(&held->blobs[slot], self->repository, &file->id);
  if (rc != 0)
    return rc;
  *len = (size_t)git_blob_rawsize(held->blobs[slot]);
  *bytes = *len ? git_blob_rawcontent(held->blobs[slot]) : "";
  return 0;
}

/* Makes the patch of one change into held.patch, from bytes alone: asked for the diff's own patch,
 * libgit2 reads the attributes in the user's home, and looks for more in every directory on the path.
 */
static int make_patch(gitdev_git *self, const git_diff_delta *delta) {
  const char *before, *after;
  size_t before_len, after_len;
  git_patch_free(self->held.patch);
  self->held.patch = NULL;
  int rc = hold_side(self, 0, &delta->old_file, &before, &before_len);
  rc = rc ? rc : hold_side(self, 1, &delta->new_file, &after, &after_len);
  return rc ? rc
            : git_patch_from_buffers(&self->held.patch, before, before_len, delta->old_file.path,
                                     after, after_len, delta->new_file.path, NULL);
}

/* Appends the change at place `i` of the diff to the list on the top of the stack, while there is
 * room. */
static int add_change(lua_State *L, gitdev_git *self, size_t i, diff_account *account) {
  size_t context, additions = 0, deletions = 0;
  const git_diff_delta *delta = git_diff_get_delta(self->held.diff, i);
  int rc = make_patch(self, delta);
  rc = rc ? rc : git_patch_line_stats(&context, &additions, &deletions, self->held.patch);
  account->additions += additions;
  account->deletions += deletions;
  if (rc != 0 || account->files == 0)
    return rc;
  account->files--;
  rc = push_change(L, self, delta, additions, deletions, account);
  lua_rawseti(L, -2, ++account->given);
  return rc;
}

/* Makes the diff of held.trees, with renames found, into held.diff. */
static int make_diff(gitdev_git *self) {
  git_diff_options options;
  git_diff_find_options find;
  git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
  git_diff_find_options_init(&find, GIT_DIFF_FIND_OPTIONS_VERSION);
  options.flags |= GIT_DIFF_INCLUDE_TYPECHANGE;
  find.flags = GIT_DIFF_FIND_RENAMES;
  int rc = git_diff_tree_to_tree(&self->held.diff, self->repository, self->held.trees[0],
                                 self->held.trees[1], &options);
  return rc ? rc : git_diff_find_similar(self->held.diff, &find);
}

static size_t limit_of(lua_State *L, const char *name) {
  lua_getfield(L, 4, name);
  double value = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return gitdev_git_count(value);
}

static int hold_trees(lua_State *L, gitdev_git *self) {
  git_oid id;
  if (!lua_isnil(L, 2)) {
    gitdev_git_check_id(L, 2, &id);
    int rc = gitdev_git_hold_tree(self, 0, &id);
    if (rc != 0)
      return rc;
  }
  gitdev_git_check_id(L, 3, &id);
  return gitdev_git_hold_tree(self, 1, &id);
}

/* Pushes the list of changes; counts them all. */
static int push_changes(lua_State *L, gitdev_git *self, diff_account *account) {
  size_t count = git_diff_num_deltas(self->held.diff);
  int rc = 0;
  lua_newtable(L);
  for (size_t i = 0; i < count && rc == 0; i++)
    rc = add_change(L, self, i, account);
  return rc;
}

/* repository:diff(before, after, { files, patch_bytes, patches_bytes }) -> changes, { additions,
 * deletions, files } | nil, problem. before, after: commits or trees; nil before: nothing was
 * there. The changes, by path, at most `files` of them, have path, previous_path (renamed), status,
 * additions, deletions, binary, and patch: the hunks, unless it is binary, they have more than
 * patch_bytes, or all of them would have more than patches_bytes. The numbers are of all changes.
 */
static int repository_diff(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  luaL_checktype(L, 4, LUA_TTABLE);
  diff_account account = {.files = limit_of(L, "files"),
                          .patch_bytes = limit_of(L, "patches_bytes"),
                          .patch_max = limit_of(L, "patch_bytes")};
  int rc = hold_trees(L, self);
  rc = rc ? rc : make_diff(self);
  rc = rc ? rc : push_changes(L, self, &account);
  if (rc != 0)
    return gitdev_git_fail(L, self);
  lua_createtable(L, 0, 3);
  gitdev_lua_set_number(L, "additions", (double)account.additions);
  gitdev_lua_set_number(L, "deletions", (double)account.deletions);
  gitdev_lua_set_number(L, "files", (double)git_diff_num_deltas(self->held.diff));
  gitdev_git_release(self);
  return 2;
}

static const luaL_Reg methods[] = {{"diff", repository_diff}, {NULL, NULL}};

void gitdev_git_open_diff(lua_State *L) {
  gitdev_lua_extend(L, gitdev_git_class, methods);
}
