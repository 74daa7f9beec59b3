#include "memory.h"
#include <stdlib.h>
#include <string.h>

enum { PIECE = 32 << 10 };

#ifndef __has_feature /* clang's */
#define __has_feature(name) 0
#endif

#if defined __SANITIZE_ADDRESS__ || __has_feature(address_sanitizer) /* it is to see each block */
static const size_t SMALL = 0;
#else
static const size_t SMALL = GITDEV_HOST_SMALL * GITDEV_HOST_GRAIN;
#endif

static size_t grains_of(size_t size) {
  return (size + GITDEV_HOST_GRAIN - 1) / GITDEV_HOST_GRAIN;
}

static void *cut(gitdev_host_memory *self, size_t size) {
  if ((size_t)(self->end - self->rest) < size) {
    char *piece = malloc(PIECE);
    if (!piece)
      return NULL;
    self->rest = piece;
    self->end = piece + PIECE;
  }
  char *block = self->rest;
  self->rest += size;
  return block;
}

static void *take(gitdev_host_memory *self, size_t size) {
  if (size > SMALL)
    return malloc(size);
  size_t grains = grains_of(size);
  void *block = self->idle[grains];
  if (!block)
    return cut(self, grains * GITDEV_HOST_GRAIN);
  memcpy(&self->idle[grains], block, sizeof block);
  return block;
}

static void give_back(gitdev_host_memory *self, void *block, size_t size) {
  if (size > SMALL) {
    free(block);
  } else {
    size_t grains = grains_of(size);
    memcpy(block, &self->idle[grains], sizeof block);
    self->idle[grains] = block;
  }
}

static void *move(gitdev_host_memory *self, void *block, size_t old, size_t size) {
  if (old > SMALL && size > SMALL)
    return realloc(block, size);
  if (grains_of(old) == grains_of(size))
    return block;
  void *moved = take(self, size);
  if (!moved) /* Lua is let down by what cannot shrink; a block that is too large does as well */
    return size < old ? block : NULL;
  memcpy(moved, block, old < size ? old : size);
  give_back(self, block, old);
  return moved;
}

void *gitdev_host_allocate(void *memory, void *block, size_t old, size_t size) {
  if (block && size > 0)
    return move(memory, block, old, size);
  if (size > 0)
    return take(memory, size); /* `old` tells what for */
  if (block)
    give_back(memory, block, old);
  return NULL;
}
