#include "lua/git_memory.h"
#include <git2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

/* A place of the table; `data` NULL: it is free. */
typedef struct row {
  git_oid id;
  git_object_t type;
  size_t len;
  unsigned char *data;
} row;

/* Open addressing, at most half full. An id is a digest: its first bytes spread well. */
struct gitdev_git_memory {
  git_odb_backend backend; /* the first, so that one pointer is both */
  row *rows;
  size_t capacity; /* a power of two */
  size_t count;
  size_t bytes;
};

/* The row that holds `id`, or the free one where it would stand. */
static row *place_of(row *rows, size_t capacity, const git_oid *id) {
  uint64_t start;
  memcpy(&start, id->id, sizeof start);
  size_t at = (size_t)start & (capacity - 1);
  while (rows[at].data && git_oid_cmp(&rows[at].id, id) != 0)
    at = (at + 1) & (capacity - 1);
  return &rows[at];
}

static const row *find(git_odb_backend *backend, const git_oid *id) {
  const gitdev_git_memory *self = (gitdev_git_memory *)backend;
  const row *found = place_of(self->rows, self->capacity, id);
  return found->data ? found : NULL;
}

static int grow(gitdev_git_memory *self) {
  size_t capacity = self->capacity * 2;
  row *rows = calloc(capacity, sizeof *rows);
  if (!rows)
    return GIT_ERROR;
  for (size_t i = 0; i < self->capacity; i++)
    if (self->rows[i].data)
      *place_of(rows, capacity, &self->rows[i].id) = self->rows[i];
  free(self->rows);
  self->rows = rows;
  self->capacity = capacity;
  return 0;
}

/* A copy with a NUL after it, which also makes that of an empty object one that is there. */
static int give(void **out, git_odb_backend *backend, const row *from) {
  char *copy = git_odb_backend_data_alloc(backend, from->len + 1);
  if (!copy)
    return GIT_ERROR;
  memcpy(copy, from->data, from->len);
  copy[from->len] = '\0';
  *out = copy;
  return 0;
}

static int memory_read(void **data, size_t *len, git_object_t *type, git_odb_backend *backend,
                       const git_oid *id) {
  const row *found = find(backend, id);
  if (!found)
    return GIT_ENOTFOUND;
  *len = found->len;
  *type = found->type;
  return give(data, backend, found);
}

static int memory_read_header(size_t *len, git_object_t *type, git_odb_backend *backend,
                              const git_oid *id) {
  const row *found = find(backend, id);
  if (!found)
    return GIT_ENOTFOUND;
  *len = found->len;
  *type = found->type;
  return 0;
}

static int memory_exists(git_odb_backend *backend, const git_oid *id) {
  return find(backend, id) != NULL;
}

static int memory_exists_prefix(git_oid *out, git_odb_backend *backend, const git_oid *prefix,
                                size_t digits) {
  const gitdev_git_memory *self = (gitdev_git_memory *)backend;
  const row *found = NULL;
  for (size_t i = 0; i < self->capacity; i++) {
    const row *at = &self->rows[i];
    if (!at->data || git_oid_ncmp(&at->id, prefix, digits) != 0)
      continue;
    if (found)
      return GIT_EAMBIGUOUS;
    found = at;
  }
  if (!found)
    return GIT_ENOTFOUND;
  git_oid_cpy(out, &found->id);
  return 0;
}

static int memory_read_prefix(git_oid *id, void **data, size_t *len, git_object_t *type,
                              git_odb_backend *backend, const git_oid *prefix, size_t digits) {
  int rc = memory_exists_prefix(id, backend, prefix, digits);
  return rc ? rc : memory_read(data, len, type, backend, id);
}

static int memory_write(git_odb_backend *backend, const git_oid *id, const void *data, size_t len,
                        git_object_t type) {
  gitdev_git_memory *self = (gitdev_git_memory *)backend;
  if (self->count * 2 >= self->capacity && grow(self) != 0)
    return GIT_ERROR;
  row *at = place_of(self->rows, self->capacity, id);
  if (at->data)
    return 0;
  unsigned char *copy = malloc(len + 1);
  if (!copy)
    return GIT_ERROR;
  memcpy(copy, data, len);
  git_oid_cpy(&at->id, id);
  at->type = type;
  at->len = len;
  at->data = copy;
  self->count++;
  self->bytes += len;
  return 0;
}

static int memory_foreach(git_odb_backend *backend, git_odb_foreach_cb callback, void *payload) {
  const gitdev_git_memory *self = (gitdev_git_memory *)backend;
  int rc = 0;
  for (size_t i = 0; i < self->capacity && rc == 0; i++)
    if (self->rows[i].data)
      rc = callback(&self->rows[i].id, payload);
  return rc;
}

static void memory_free(git_odb_backend *backend) {
  gitdev_git_memory *self = (gitdev_git_memory *)backend;
  for (size_t i = 0; i < self->capacity; i++)
    free(self->rows[i].data);
  free(self->rows);
  free(self);
}

gitdev_git_memory *gitdev_git_memory_new(void) {
  gitdev_git_memory *self = calloc(1, sizeof *self);
  if (!self)
    return NULL;
  self->capacity = FIRST_CAPACITY;
  self->rows = calloc(self->capacity, sizeof *self->rows);
  if (!self->rows || git_odb_init_backend(&self->backend, GIT_ODB_BACKEND_VERSION) != 0) {
    free(self->rows);
    free(self);
    return NULL;
  }
  self->backend.read = memory_read;
  self->backend.read_prefix = memory_read_prefix;
  self->backend.read_header = memory_read_header;
  self->backend.write = memory_write;
  self->backend.exists = memory_exists;
  self->backend.exists_prefix = memory_exists_prefix;
  self->backend.foreach = memory_foreach;
  self->backend.free = memory_free;
  return self;
}

size_t gitdev_git_memory_size(const gitdev_git_memory *memory) {
  return memory->bytes;
}

git_odb_backend *gitdev_git_memory_backend(gitdev_git_memory *memory) {
  return &memory->backend;
}
