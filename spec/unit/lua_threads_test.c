/* Many lua_States in many threads at once, each with an emulator and a client of its own, all by
 * gitdev_open(). */
#include "gitdev.h"
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

enum { THREADS = 8, ROUNDS = 3 };

/* Returns how many calls it made. Nothing is looked for in files. */
static const char CHUNK[] =
    "package.path, package.cpath = '', ''\n"
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

/* Two states of one thread, of which each has a server for the other, turn by turn: a frame for one, a
 * frame for the other. They return a function that steps, and tells when all is done. */
static const char SERVER[] =
    "package.path, package.cpath = '', ''\n"
    "local server = assert(require('gitdev.emulator.server').start { rate_limit = false })\n"
    "about = { api_key = server.api_key, base_url = server.url, ca_file = server.ca_file, quiet = "
    "true }\n";
static const char CLIENT[] =
    "local key, url, file = ...\n"
    "local gitdev = require 'gitdev'\n"
    "local git = gitdev.client { api_key = key, base_url = url, ca_file = file, quiet = true }\n"
    "done = 0\n"
    "for i = 1, 6 do\n"
    "  gitdev.spawn(function()\n"
    "    git.projects:create { slug = 'p-' .. i }\n"
    "    done = done + 1\n"
    "  end)\n"
    "end\n";
static const char FRAME[] = "require('gitdev').step(0)\n";

static void *work(void *payload) {
  worker *self = payload;
  lua_State *L = luaL_newstate();
  pthread_barrier_wait(self->start);
  luaL_openlibs(L);
  if (gitdev_open(L) != GITDEV_OK || lua_gettop(L) != 0)
    snprintf(self->problem, sizeof self->problem, "gitdev_open failed");
  else if (luaL_dostring(L, CHUNK) == LUA_OK)
    self->calls = lua_tointeger(L, -1);
  else
    snprintf(self->problem, sizeof self->problem, "%s", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return NULL;
}

static bool run(worker *self, lua_State *L, const char *chunk) {
  if (luaL_dostring(L, chunk) == LUA_OK)
    return true;
  snprintf(self->problem, sizeof self->problem, "%s", luaL_tolstring(L, -1, NULL));
  return false;
}

static lua_State *new_state(worker *self, const char *chunk) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  if (gitdev_open(L) != GITDEV_OK)
    snprintf(self->problem, sizeof self->problem, "gitdev_open failed");
  else
    run(self, L, chunk);
  return L;
}

/* Makes the client of a state by what another state says of its server. */
static bool point_at(worker *self, lua_State *client, lua_State *server) {
  static const char *const names[] = {"api_key", "base_url", "ca_file"};
  if (luaL_loadstring(client, CLIENT) != LUA_OK)
    return false;
  lua_getglobal(server, "about");
  for (int i = 0; i < 3; i++) {
    lua_getfield(server, -1, names[i]);
    lua_pushstring(client, lua_tostring(server, -1));
    lua_pop(server, 1);
  }
  lua_pop(server, 1);
  if (lua_pcall(client, 3, 0, 0) == LUA_OK)
    return true;
  snprintf(self->problem, sizeof self->problem, "%s", luaL_tolstring(client, -1, NULL));
  return false;
}

static lua_Integer done_of(lua_State *L) {
  lua_getglobal(L, "done");
  lua_Integer done = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return done;
}

static void *work_in_frames(void *payload) {
  worker *self = payload;
  pthread_barrier_wait(self->start);
  lua_State *states[2] = {new_state(self, SERVER), new_state(self, SERVER)};
  bool fine = !self->problem[0] && point_at(self, states[0], states[1]) &&
              point_at(self, states[1], states[0]);
  while (fine && done_of(states[0]) + done_of(states[1]) < 12)
    fine = run(self, states[0], FRAME) && run(self, states[1], FRAME);
  for (int i = 0; i < 2; i++) {
    self->calls += done_of(states[i]);
    lua_close(states[i]);
  }
  return NULL;
}

static void play_round(void *(*work_of)(void *), lua_Integer calls) {
  worker workers[THREADS] = {0};
  pthread_barrier_t start;
  assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
  for (size_t i = 0; i < THREADS; i++) {
    workers[i].start = &start;
    assert_int_equal(pthread_create(&workers[i].thread, NULL, work_of, &workers[i]), 0);
  }
  for (size_t i = 0; i < THREADS; i++)
    pthread_join(workers[i].thread, NULL);
  pthread_barrier_destroy(&start);
  for (size_t i = 0; i < THREADS; i++) {
    assert_string_equal(workers[i].problem, "");
    assert_int_equal(workers[i].calls, calls);
  }
}

static void test_states_in_threads(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; round++)
    play_round(work, 48);
}

static void test_states_in_frames(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; round++)
    play_round(work_in_frames, 12);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_states_in_threads),
                                     cmocka_unit_test(test_states_in_frames)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
