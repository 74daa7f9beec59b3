/* The objects of a repository as such: by id, by the beginning of an id, all of them as bytes. */
#include "lua/git.h"
#include "lua/git_memory.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* repository:write(kind, bytes) -> id | nil, problem. kind: "blob", "tree", "commit" or "tag"; what a
 * tree or a commit holds is not looked at. */
static int repository_write(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  size_t len;
  const char *kind = luaL_checkstring(L, 2);
  git_object_t type = git_object_string2type(kind);
  const char *bytes = luaL_checklstring(L, 3, &len);
  bool good = git_object_typeisloose(type) && strcmp(git_object_type2string(type), kind) == 0;
  luaL_argcheck(L, good, 2, "must be blob, tree, commit or tag");
  git_oid id;
  if (git_odb_write(&id, self->odb, bytes, len, type) != 0)
    return gitdev_git_fail(L, self);
  gitdev_git_push_id(L, &id);
  return 1;
}

/* repository:header(id) -> kind, size | nil, problem */
static int repository_header(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  git_oid id;
  size_t size;
  git_object_t type;
  gitdev_git_check_id(L, 2, &id);
  if (git_odb_read_header(&size, &type, self->odb, &id) != 0)
    return gitdev_git_fail(L, self);
  lua_pushstring(L, git_object_type2string(type));
  gitdev_lua_push_number(L, (double)size);
  return 2;
}

/* repository:read(id) -> kind, bytes | nil, problem */
static int repository_read(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  git_oid id;
  gitdev_git_check_id(L, 2, &id);
  if (git_odb_read(&self->held.raw, self->odb, &id) != 0)
    return gitdev_git_fail(L, self);
  git_odb_object *raw = self->held.raw;
  lua_pushstring(L, git_object_type2string(git_odb_object_type(raw)));
  lua_pushlstring(L, git_odb_object_data(raw), git_odb_object_size(raw));
  gitdev_git_release(self);
  return 2;
}

/* repository:commit_id(text) -> the id of the commit that `text` is the id, or the beginning of the
 * id, of (at least 7 digits); nil when there is none, or more than one */
static int repository_commit_id(lua_State *L) {
  enum { DIGITS_MIN = 7 };
  gitdev_git *self = gitdev_git_check(L);
  size_t len;
  const char *text = luaL_checklstring(L, 2, &len);
  git_oid prefix;
  bool good = len >= DIGITS_MIN && len <= GIT_OID_HEXSZ && strspn(text, "0123456789abcdef") == len;
  if (!good || git_oid_fromstrn(&prefix, text, len) != 0)
    return 0;
  if (git_object_lookup_prefix(&self->held.object, self->repository, &prefix, len,
                               GIT_OBJECT_COMMIT) != 0)
    return 0;
  gitdev_git_push_id(L, git_object_id(self->held.object));
  gitdev_git_release(self);
  return 1;
}

/* ---- all of them ---- */

int gitdev_git_add_id(const git_oid *id, void *payload) {
  gitdev_git_ids *list = payload;
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? list->capacity * 2 : 64;
    git_oid *ids = realloc(list->ids, capacity * sizeof *ids);
    if (!ids)
      return GIT_ERROR;
    list->ids = ids;
    list->capacity = capacity;
  }
  git_oid_cpy(&list->ids[list->count++], id);
  return 0;
}

static int by_id(const void *a, const void *b) {
  return git_oid_cmp(a, b);
}

/* All ids, sorted, each once: folders list those that are packed and loose twice. Held. */
static int list_ids(gitdev_git *self, gitdev_git_ids *list) {
  int rc = git_odb_foreach(self->odb, gitdev_git_add_id, list);
  self->held.memory = list->ids;
  if (rc != 0 || list->count == 0)
    return rc;
  qsort(list->ids, list->count, sizeof *list->ids, by_id);
  size_t kept = 1;
  for (size_t i = 1; i < list->count; i++)
    if (git_oid_cmp(&list->ids[i], &list->ids[kept - 1]) != 0)
      list->ids[kept++] = list->ids[i];
  list->count = kept;
  return 0;
}

/* Sums the objects of a folder. */
static int sum_sizes(gitdev_git *self, double *sum) {
  gitdev_git_ids list = {0};
  int rc = list_ids(self, &list);
  for (size_t i = 0; i < list.count && rc == 0; i++) {
    size_t size;
    git_object_t type;
    rc = git_odb_read_header(&size, &type, self->odb, &list.ids[i]);
    *sum += rc == 0 ? (double)size : 0;
  }
  return rc;
}

/* repository:size() -> bytes of all objects, as they are before Git compresses them */
static int repository_size(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  double sum = self->memory ? (double)gitdev_git_memory_size(self->memory) : 0;
  if (!self->memory && sum_sizes(self, &sum) != 0)
    return gitdev_git_fail(L, self);
  gitdev_git_release(self);
  gitdev_lua_push_number(L, sum);
  return 1;
}

/* A dump: MAGIC, then each object, by rising id: its type, its length in 8 bytes, the greatest
 * first, its bytes. An id is not written: it is what the object hashes to. */
static const char MAGIC[] = "gitdev objects 1\n";
enum { MAGIC_LEN = sizeof MAGIC - 1, LENGTH_BYTES = 8, HEAD_BYTES = 1 + LENGTH_BYTES };

static int append(git_buf *out, size_t *capacity, const void *bytes, size_t len) {
  if (out->size + len > *capacity) {
    size_t wanted = (out->size + len) * 2;
    char *room = realloc(out->ptr, wanted);
    if (!room)
      return GIT_ERROR;
    out->ptr = room;
    *capacity = wanted;
  }
  memcpy(out->ptr + out->size, bytes, len);
  out->size += len;
  return 0;
}

static int append_object(git_buf *out, size_t *capacity, git_odb_object *raw) {
  unsigned char head[HEAD_BYTES];
  size_t len = git_odb_object_size(raw);
  head[0] = (unsigned char)git_odb_object_type(raw);
  for (int i = 0; i < LENGTH_BYTES; i++)
    head[1 + i] = (unsigned char)((uint64_t)len >> (8 * (LENGTH_BYTES - 1 - i)));
  int rc = append(out, capacity, head, sizeof head);
  return rc ? rc : append(out, capacity, git_odb_object_data(raw), len);
}

static int append_all(gitdev_git *self, git_buf *out) {
  gitdev_git_ids list = {0};
  size_t capacity = 0;
  int rc = append(out, &capacity, MAGIC, MAGIC_LEN);
  rc = rc ? rc : list_ids(self, &list);
  for (size_t i = 0; i < list.count && rc == 0; i++) {
    git_odb_object *raw = NULL;
    rc = git_odb_read(&raw, self->odb, &list.ids[i]);
    rc = rc ? rc : append_object(out, &capacity, raw);
    git_odb_object_free(raw);
  }
  return rc;
}

/* repository:dump() -> all objects as bytes, the same for the same objects | nil, problem */
static int repository_dump(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  git_buf out = {0};
  int rc = append_all(self, &out);
  free(self->held.memory);
  self->held.memory = out.ptr;
  if (rc != 0)
    return gitdev_git_fail(L, self);
  lua_pushlstring(L, out.ptr, out.size);
  gitdev_git_release(self);
  return 1;
}

/* Stores the object at `at` and moves on; whether there was a whole one. */
static bool load_object(gitdev_git *self, const char **at, const char *end) {
  if (end - *at < HEAD_BYTES)
    return false;
  const unsigned char *head = (const unsigned char *)*at;
  git_object_t type = (git_object_t)head[0];
  uint64_t len = 0;
  for (int i = 1; i < HEAD_BYTES; i++)
    len = len << 8 | head[i];
  *at += HEAD_BYTES;
  git_oid id;
  if (!git_object_typeisloose(type) || len > (uint64_t)(end - *at) ||
      git_odb_write(&id, self->odb, *at, (size_t)len, type) != 0)
    return false;
  *at += len;
  return true;
}

/* Adds what dump gave; NULL, or what is wrong with it. */
static const char *load_all(gitdev_git *self, const char *at, size_t len) {
  const char *end = at + len;
  if (len < MAGIC_LEN || memcmp(at, MAGIC, MAGIC_LEN) != 0)
    return "these are not the objects of a repository";
  at += MAGIC_LEN;
  while (at < end)
    if (!load_object(self, &at, end))
      return "the objects of the repository are cut off, or damaged";
  return NULL;
}

/* git.load(bytes) -> a repository in memory that holds what was dumped | nil, problem */
static int git_load(lua_State *L) {
  size_t len;
  gitdev_git *self;
  const char *bytes = luaL_checklstring(L, 1, &len);
  if (gitdev_git_new_memory(L, &self) != 0)
    return gitdev_git_fail(L, self);
  const char *problem = load_all(self, bytes, len);
  return problem ? gitdev_lua_fail(L, problem) : 1;
}

/* ---- from one repository to another ---- */

/* Copies the objects of `from` that `self` has not. */
static int take_all(gitdev_git *self, gitdev_git *from) {
  gitdev_git_ids list = {0};
  int rc = list_ids(from, &list);
  for (size_t i = 0; i < list.count && rc == 0; i++) {
    git_odb_object *raw = NULL;
    git_oid id;
    if (git_odb_exists_ext(self->odb, &list.ids[i], GIT_ODB_LOOKUP_NO_REFRESH))
      continue;
    rc = git_odb_read(&raw, from->odb, &list.ids[i]);
    rc = rc ? rc
            : git_odb_write(&id, self->odb, git_odb_object_data(raw), git_odb_object_size(raw),
                            git_odb_object_type(raw));
    git_odb_object_free(raw);
  }
  gitdev_git_release(from);
  return rc;
}

/* repository:take(other) -> true | nil, problem: copies the objects of the other repository. */
static int repository_take(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  gitdev_git *from = gitdev_lua_check(L, 2, gitdev_git_class);
  luaL_argcheck(L, from->repository && from != self, 2, "must be another open repository");
  gitdev_git_release(from);
  if (take_all(self, from) != 0)
    return gitdev_git_fail(L, self);
  lua_pushboolean(L, 1);
  return 1;
}

static const luaL_Reg methods[] = {
    {"commit_id", repository_commit_id}, {"dump", repository_dump},
    {"header", repository_header},       {"read", repository_read},
    {"size", repository_size},           {"take", repository_take},
    {"write", repository_write},         {NULL, NULL},
};

static const luaL_Reg functions[] = {{"load", git_load}, {NULL, NULL}};

void gitdev_git_open_objects(lua_State *L) {
  gitdev_lua_extend(L, gitdev_git_class, methods);
}

void gitdev_git_object_functions(lua_State *L) {
  gitdev_lua_register(L, functions);
}
