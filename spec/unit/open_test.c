/* gitdev_open(): the SDK in a state of the program's, from nothing but the library. */
#include "gitdev.h"
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* A world of the emulator's: nothing of it needs the network. */
static const char SCRIPT[] =
    "package.path, package.cpath = '', ''\n"
    "local world = require('gitdev.test').world()\n"
    "local url\n"
    "world:run(function()\n"
    "  url = require('gitdev').client().deployments:create({ project = 'my-app' }):wait().url\n"
    "end)\n"
    "return url\n";

static void expect_deployment(lua_State *L) {
  if (luaL_dostring(L, SCRIPT) != LUA_OK)
    fail_msg("%s", luaL_tolstring(L, -1, NULL));
  assert_string_equal(lua_tostring(L, -1), "https://my-app.git.dev");
}

static void test_before_or_after_the_libraries(void **state) {
  (void)state;
  for (int after = 0; after < 2; after++) {
    lua_State *L = luaL_newstate();
    if (after)
      luaL_openlibs(L);
    lua_pushliteral(L, "mine");
    assert_int_equal(gitdev_open(L), GITDEV_OK);
    assert_int_equal(lua_gettop(L), 1);
    assert_string_equal(lua_tostring(L, 1), "mine");
    if (!after)
      luaL_openlibs(L);
    expect_deployment(L);
    lua_close(L);
  }
}

static void test_twice(void **state) {
  (void)state;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  assert_int_equal(gitdev_open(L), GITDEV_OK);
  assert_int_equal(gitdev_open(L), GITDEV_OK);
  expect_deployment(L);
  assert_int_equal(gitdev_open(L), GITDEV_OK);
  lua_close(L);
}

/* Nothing runs, and nothing is looked for, until a script asks. */
static void test_is_quiet(void **state) {
  (void)state;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  assert_int_equal(gitdev_open(L), GITDEV_OK);
  assert_int_equal(luaL_dostring(L, "for name in pairs(package.loaded) do\n"
                                    "  assert(not name:find 'gitdev', name)\n"
                                    "end\n"
                                    "assert(gitdev == nil and package.preload.gitdev)"),
                   LUA_OK);
  lua_close(L);
}

static void test_needs_a_state(void **state) {
  (void)state;
  assert_int_equal(gitdev_open(NULL), GITDEV_EINVAL);
}

static void *take(void *payload, void *block, size_t old, size_t size) {
  long *left = payload;
  (void)old;
  if (size == 0) {
    free(block);
    return NULL;
  }
  return *left == 0 ? NULL : (--*left, realloc(block, size));
}

/* Wherever memory runs out in it, it says so, and the state is as it was. */
static void test_memory_is_out(void **state) {
  (void)state;
  long left = -1, failed = 0;
  int rc;
  lua_State *L = lua_newstate(take, &left);
  do {
    left = failed;
    rc = gitdev_open(L);
    assert_int_equal(lua_gettop(L), 0);
    assert_true(rc == GITDEV_OK || rc == GITDEV_ENOMEM);
  } while (rc != GITDEV_OK && ++failed < 10000);
  assert_int_equal(rc, GITDEV_OK);
  assert_true(failed > 10);
  left = -1;
  luaL_openlibs(L);
  expect_deployment(L);
  lua_close(L);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_before_or_after_the_libraries),
      cmocka_unit_test(test_twice),
      cmocka_unit_test(test_is_quiet),
      cmocka_unit_test(test_needs_a_state),
      cmocka_unit_test(test_memory_is_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
