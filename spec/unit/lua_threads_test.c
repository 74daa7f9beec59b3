/* Many lua_States in many threads at once, each with an emulator and a client of its own. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

int luaopen_cjson(lua_State *L);
int luaopen_cjson_safe(lua_State *L);
int luaopen_gitdev_core(lua_State *L);
int luaopen_gitdev_net(lua_State *L);

enum { THREADS = 8, ROUNDS = 3 };

/* Returns how many calls it made. GITDEV_LUA_ROOT is where the SDK's Lua files are. */
static const char CHUNK[] =
    "package.path = '" GITDEV_LUA_ROOT "/?.lua;" GITDEV_LUA_ROOT "/?/init.lua'\n"
    "local server = assert(require('gitdev.emulator.server').start {\n"
    "  rate_limit = false, build_ms = 40 })\n"
    "local git = require('gitdev').client {\n"
    "  api_key = server.api_key, base_url = server.url, ca_file = server.ca_file, quiet = true }\n"
    "server.emulator:fault { status = 503, after = 5, retry_after = false }\n"
    "server.emulator:fault { reset = true, after = 11 }\n"
    "local calls = 0\n"
    "local function counted(value)\n"
    "  calls = calls + 1\n"
    "  return value\n"
    "end\n"
    "for i = 1, 8 do\n"
    "  local slug = 'thread-' .. i\n"
    "  local project = counted(git.projects:create { slug = slug })\n"
    "  assert(counted(git.projects:get(slug)).id == project.id)\n"
    "  local made = counted(git.deployments:create { project = slug })\n"
    "  assert(counted(git.deployments:get(made.id)).status ~= 'failed')\n"
    "  assert(#counted(git.deployments:list { project = slug }).data == 1)\n"
    "  local found, err = pcall(git.projects.get, git.projects, 'nope-' .. i)\n"
    "  assert(not found and counted(err).status == 404)\n"
    "end\n"
    "git.deployments:create({ project = 'my-app' }):wait { interval = 0.02 }\n"
    "git:close()\n"
    "server:stop()\n"
    "return calls\n";

typedef struct worker {
  pthread_t thread;
  pthread_barrier_t *start;
  lua_Integer calls;
  char problem[512]; /* "" for none: cmocka's assertions belong to the main thread */
} worker;

static void preload(lua_State *L) {
  static const luaL_Reg natives[] = {{"cjson", luaopen_cjson},
                                     {"cjson.safe", luaopen_cjson_safe},
                                     {"gitdev.core", luaopen_gitdev_core},
                                     {"gitdev.net", luaopen_gitdev_net},
                                     {NULL, NULL}};
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  luaL_setfuncs(L, natives, 0);
  lua_pop(L, 1);
}

static void *work(void *payload) {
  worker *self = payload;
  lua_State *L = luaL_newstate();
  pthread_barrier_wait(self->start);
  luaL_openlibs(L);
  preload(L);
  if (luaL_dostring(L, CHUNK) == LUA_OK)
    self->calls = lua_tointeger(L, -1);
  else
    snprintf(self->problem, sizeof self->problem, "%s", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return NULL;
}

static void play_round(void) {
  worker workers[THREADS] = {0};
  pthread_barrier_t start;
  assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
  for (size_t i = 0; i < THREADS; i++) {
    workers[i].start = &start;
    assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
  for (size_t i = 0; i < THREADS; i++)
    pthread_join(workers[i].thread, NULL);
  pthread_barrier_destroy(&start);
  for (size_t i = 0; i < THREADS; i++) {
    assert_string_equal(workers[i].problem, "");
    assert_int_equal(workers[i].calls, 48);
  }
}

static void test_states_in_threads(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; round++)
    play_round();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_states_in_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
