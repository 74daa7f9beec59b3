/* The host's allocator: what Lua puts into a block stays there, whatever is taken and given back beside it. */
#include "host/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS = 500, TURNS = 200000, LARGEST = 600 };

typedef struct block {
  unsigned char *at;
  size_t size;
  unsigned char mark;
} block;

static void check(const block *one) {
  assert_int_equal((uintptr_t)one->at % GITDEV_HOST_GRAIN, 0);
  for (size_t i = 0; i < one->size; i++)
    assert_int_equal(one->at[i], one->mark);
}

/* The same numbers in each run. */
static uint32_t next(uint32_t *seed) {
  *seed = *seed * 1664525 + 1013904223;
  return *seed >> 8;
}

/* Gives the block another size, 0 among them; what it held is still in what is left of it. */
static void resize(gitdev_host_memory *memory, block *one, size_t size, unsigned char mark) {
  unsigned char *moved = gitdev_host_allocate(memory, one->at, one->at ? one->size : 5, size);
  assert_true(size == 0 ? moved == NULL : moved != NULL);
  block kept = {moved, size < one->size ? size : one->size, one->mark};
  check(&kept);
  *one = (block){moved, size, mark};
  if (size > 0)
    memset(moved, mark, size);
}

static void keeps_what_blocks_hold(void **state) {
  (void)state;
  gitdev_host_memory memory = {0};
  block *blocks = calloc(BLOCKS, sizeof *blocks);
  uint32_t seed = 1;
  assert_non_null(blocks);
  for (int turn = 0; turn < TURNS; turn++) {
    block *one = &blocks[next(&seed) % BLOCKS];
    check(one);
    resize(&memory, one, next(&seed) % 3 ? next(&seed) % LARGEST : 0, (unsigned char)next(&seed));
  }
  for (int i = 0; i < BLOCKS; i++)
    resize(&memory, &blocks[i], 0, 0);
  free(blocks);
}

/* What was given back is taken again before new memory is. */
static void takes_idle_blocks_first(void **state) {
  (void)state;
  gitdev_host_memory memory = {0};
  gitdev_host_allocate(&memory, gitdev_host_allocate(&memory, NULL, 0, 40), 40, 0);
  const char *rest = memory.rest;
  void *again = gitdev_host_allocate(&memory, NULL, 0, 33);
  assert_ptr_equal(memory.rest, rest);
  gitdev_host_allocate(&memory, again, 33, 0);
}

/* The linker has calls of malloc come here, and gives the name __real_malloc to what they were meant for. */
static bool is_out;
/* NOLINTBEGIN(cert-dcl37-c,cert-dcl51-cpp): the linker's names */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size) {
  return is_out ? NULL : __real_malloc(size);
}
/* NOLINTEND(cert-dcl37-c,cert-dcl51-cpp) */

/* Lua does not expect that to fail. */
static void shrinks_without_memory(void **state) {
  (void)state;
  gitdev_host_memory memory = {0};
  block one = {0};
  resize(&memory, &one, LARGEST, 7);
  is_out = true;
  unsigned char *shrunk = gitdev_host_allocate(&memory, one.at, LARGEST, 40);
  const void *more = gitdev_host_allocate(&memory, NULL, 0, 41);
  is_out = false;
  assert_non_null(shrunk);
  assert_null(more);
  one = (block){shrunk, 40, 7};
  check(&one);
  resize(&memory, &one, LARGEST, 8);
  resize(&memory, &one, 0, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_what_blocks_hold),
      cmocka_unit_test(takes_idle_blocks_first),
      cmocka_unit_test(shrinks_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
