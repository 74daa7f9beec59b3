/* Trees: what stands in a directory, what stands at a path, and new ones made of old ones. */
#include "lua/git.h"
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static void push_entry(lua_State *L, const git_tree_entry *entry) {
  lua_createtable(L, 0, 4);
  gitdev_lua_set_string(L, "name", git_tree_entry_name(entry));
  gitdev_lua_set_string(L, "type", git_object_type2string(git_tree_entry_type(entry)));
  gitdev_lua_set_number(L, "mode", (double)git_tree_entry_filemode_raw(entry));
  gitdev_git_set_id(L, "sha", git_tree_entry_id(entry));
}

/* repository:entries(id) -> what the tree, or the commit's tree, holds at its top, in Git's order:
 * a list of { name, type = "blob" | "tree" | "commit", mode (a number), sha } | nil, problem */
static int repository_entries(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  git_oid id;
  gitdev_git_check_id(L, 2, &id);
  if (gitdev_git_hold_tree(self, 0, &id) != 0)
    return gitdev_git_fail(L, self);
  const git_tree *tree = self->held.trees[0];
  size_t count = git_tree_entrycount(tree);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    push_entry(L, git_tree_entry_byindex(tree, i));
    lua_rawseti(L, -2, (int)i + 1);
  }
  gitdev_git_release(self);
  return 1;
}

/* repository:entry(id, path) -> what stands at `path` of the tree, or of the commit's tree, as
 * entries has it; nil when nothing does; nil, problem */
static int repository_entry(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  git_oid id;
  size_t len;
  gitdev_git_check_id(L, 2, &id);
  const char *path = luaL_checklstring(L, 3, &len);
  if (strlen(path) != len)
    return 0;
  if (gitdev_git_hold_tree(self, 0, &id) != 0)
    return gitdev_git_fail(L, self);
  int rc = git_tree_entry_bypath(&self->held.entry, self->held.trees[0], path);
  if (rc == GIT_ENOTFOUND)
    return 0;
  if (rc != 0)
    return gitdev_git_fail(L, self);
  push_entry(L, self->held.entry);
  gitdev_git_release(self);
  return 1;
}

/* ---- writing ---- */

/* What shall stand at a path. The slashes of the path are NULs, so that each of its parts is a text
 * of its own. */
typedef struct change {
  char *path;
  size_t len;
  unsigned mode; /* 0: nothing */
  git_oid id;
} change;

/* The rows [first, end) of the changes, whose paths are alike up to `depth`. */
typedef struct span {
  const change *first, *end;
  size_t depth;
} span;

/* NUL is the lowest byte, so what is below a directory comes right after what is said of itself. */
static int by_path(const void *a, const void *b) {
  const change *left = a, *right = b;
  size_t common = left->len < right->len ? left->len : right->len;
  int order = memcmp(left->path, right->path, common);
  return order ? order : (left->len > right->len) - (left->len < right->len);
}

static const char *part_of(const change *row, size_t depth) {
  return row->path + depth;
}

/* Whether a path ends with the part at `depth`. */
static bool is_last(const change *row, size_t depth) {
  return depth + strlen(part_of(row, depth)) == row->len;
}

static int write_level(git_oid *out, size_t *count, git_repository *repository, const git_oid *base,
                       span changes);

static int refuse(const char *text) {
  git_error_set_str(GIT_ERROR_TREE, text);
  return GIT_ERROR;
}

static int drop(git_treebuilder *builder, const char *name) {
  return git_treebuilder_get(builder, name) ? git_treebuilder_remove(builder, name) : 0;
}

/* Makes the directory that one part of the paths names anew from what is said of paths below it. */
static int write_directory(git_repository *repository, git_treebuilder *builder, const char *name,
                           span below) {
  const git_tree_entry *entry = git_treebuilder_get(builder, name);
  if (entry && git_tree_entry_type(entry) != GIT_OBJECT_TREE)
    return refuse("a file is where a directory shall be");
  git_oid base, id;
  if (entry)
    git_oid_cpy(&base, git_tree_entry_id(entry));
  size_t count;
  int rc = write_level(&id, &count, repository, entry ? &base : NULL, below);
  if (rc != 0)
    return rc;
  if (count == 0)
    return drop(builder, name);
  return git_treebuilder_insert(NULL, builder, name, &id, GIT_FILEMODE_TREE);
}

/* Puts a file at `row`, over a directory that all of `below` must have left. */
static int write_file(git_treebuilder *builder, const char *name, const change *row, span below) {
  for (const change *at = below.first; at < below.end; at++)
    if (at->mode)
      return refuse("a path is to be a file and a directory at once");
  return git_treebuilder_insert(NULL, builder, name, &row->id, (git_filemode_t)row->mode);
}

/* Obeys the changes that share their part at `changes.depth`. */
static int write_part(git_repository *repository, git_treebuilder *builder, span changes) {
  const change *first = changes.first;
  const char *name = part_of(first, changes.depth);
  span below = {first, changes.end, changes.depth + strlen(name) + 1};
  int rc = 0;
  if (is_last(first, changes.depth)) {
    below.first++;
    if (first->mode)
      return write_file(builder, name, first, below);
    rc = drop(builder, name);
  }
  if (rc != 0 || below.first == below.end)
    return rc;
  return write_directory(repository, builder, name, below);
}

static const change *end_of_part(span changes) {
  const char *name = part_of(changes.first, changes.depth);
  const change *at = changes.first + 1;
  while (at < changes.end && strcmp(part_of(at, changes.depth), name) == 0)
    at++;
  return at;
}

/* Writes the tree `base` (NULL: an empty one) with the changes made to it; `count`: its entries. An
 * empty one below the top is not written: Git has no empty directories. It calls itself once for
 * each directory on the longest path, of which the caller bounds the length. */
static int write_level(git_oid *out, size_t *count, git_repository *repository, const git_oid *base,
                       span changes) {
  git_tree *tree = NULL;
  git_treebuilder *builder = NULL;
  int rc = base ? git_tree_lookup(&tree, repository, base) : 0;
  rc = rc ? rc : git_treebuilder_new(&builder, repository, tree);
  git_tree_free(tree);
  while (rc == 0 && changes.first < changes.end) {
    span part = {changes.first, end_of_part(changes), changes.depth};
    rc = write_part(repository, builder, part);
    changes.first = part.end;
  }
  if (rc == 0) {
    *count = git_treebuilder_entrycount(builder);
    bool wanted = *count > 0 || changes.depth == 0;
    rc = wanted ? git_treebuilder_write(out, builder) : 0;
  }
  git_treebuilder_free(builder);
  return rc;
}

/* ---- what Lua gives ---- */

enum { PATH_BYTES_MAX = 4096 };

static const char CHANGED[] = "the list was changed while it was read";

/* Pushes a field of the table at `index` past its metatable, so that no code of others runs. */
static void push_field(lua_State *L, int index, const char *name) {
  lua_pushvalue(L, index);
  lua_pushstring(L, name);
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

/* Reads the row on the top of the stack, and pops it. `text`: `room` bytes for its path, which a
 * finalizer may have changed since it was measured. */
static void read_change(lua_State *L, change *row, char *text, size_t room) {
  luaL_argcheck(L, lua_type(L, -1) == LUA_TTABLE, 3, CHANGED);
  push_field(L, -1, "path");
  push_field(L, -2, "mode");
  push_field(L, -3, "sha");
  const char *path = lua_tolstring(L, -3, &row->len);
  luaL_argcheck(L, path && row->len < room, 3, CHANGED);
  memcpy(text, path, row->len + 1);
  row->path = text;
  for (size_t i = 0; i < row->len; i++)
    if (text[i] == '/')
      text[i] = '\0';
  row->mode = (unsigned)lua_tointeger(L, -2);
  if (row->mode)
    gitdev_git_check_id(L, -1, &row->id);
  lua_pop(L, 4);
}

/* Bytes that the path of row `i` takes, with its end; raises when it is none. */
static size_t path_bytes(lua_State *L, int i) {
  size_t len = 0;
  lua_rawgeti(L, 3, i);
  luaL_argcheck(L, lua_type(L, -1) == LUA_TTABLE, 3, "must be a list of tables");
  push_field(L, -1, "path");
  const char *path = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
  bool good = path && len > 0 && len <= PATH_BYTES_MAX && strlen(path) == len && path[0] != '/' &&
              path[len - 1] != '/' && !strstr(path, "//");
  luaL_argcheck(L, good, 3, "a path is no relative one of at most 4096 bytes");
  lua_pop(L, 2);
  return len + 1;
}

/* How many rows the list at index 3 has. */
static int count_of(lua_State *L) {
  for (int count = 0;; count++) {
    lua_rawgeti(L, 3, count + 1);
    bool ends = lua_isnil(L, -1);
    lua_pop(L, 1);
    if (ends)
      return count;
  }
}

/* The list at index 3 as sorted rows, in a block that stands on the stack. */
static span read_changes(lua_State *L) {
  luaL_checktype(L, 3, LUA_TTABLE);
  int count = count_of(L);
  size_t bytes = (size_t)count * sizeof(change);
  for (int i = 1; i <= count; i++)
    bytes += path_bytes(L, i);
  change *rows = lua_newuserdata(L, bytes + 1);
  char *text = (char *)(rows + count), *end = (char *)rows + bytes;
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, 3, i + 1);
    read_change(L, &rows[i], text, (size_t)(end - text));
    text += rows[i].len + 1;
  }
  qsort(rows, (size_t)count, sizeof *rows, by_path);
  for (int i = 1; i < count; i++)
    luaL_argcheck(L, by_path(&rows[i - 1], &rows[i]) != 0, 3, "a path is given twice");
  return (span){rows, rows + count, 0};
}

/* repository:write_tree(base, changes) -> the id of the tree | nil, problem. base: the tree to
 * begin with (nil: an empty one); changes: a list of { path, mode, sha }, what shall stand at the
 * path, or of { path }: nothing shall. Directories come and go with what is in them. What a file
 * must give way to a directory is to be taken away by a change of its own. */
static int repository_write_tree(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  git_oid base, id;
  bool based = !lua_isnoneornil(L, 2);
  if (based)
    gitdev_git_check_id(L, 2, &base);
  size_t count;
  span changes = read_changes(L);
  if (write_level(&id, &count, self->repository, based ? &base : NULL, changes) != 0)
    return gitdev_git_fail(L, self);
  gitdev_git_push_id(L, &id);
  return 1;
}

static const luaL_Reg methods[] = {
    {"entries", repository_entries},
    {"entry", repository_entry},
    {"write_tree", repository_write_tree},
    {NULL, NULL},
};

void gitdev_git_open_trees(lua_State *L) {
  gitdev_lua_extend(L, gitdev_git_class, methods);
}
