/* What every file of gitdev.git uses: what an operation holds, ids, and how it fails. */
#include "lua/git.h"
#include <stdlib.h>
#include <string.h>

const char gitdev_git_class[] = "gitdev.git.repository";

enum { ID_DIGITS = GIT_OID_HEXSZ };

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
