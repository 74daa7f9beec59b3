/* A game with a loop of its own, sixty frames a second, and Lua 5.4 inside; here the screen is a
 * terminal. The script given is loaded with the folder "love" beside it on its path, and returns a
 * function: called in each frame, it returns what is to be drawn, or nil when the game is over.
 *
 *   game_c examples/game/game.lua
 *
 * GIT_API_KEY, GIT_API_URL and GIT_CA_FILE say as whom and where. */
#include <gitdev.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double FRAME = 1.0 / 60;

/* What a frame has cost that the script had a part in. */
typedef struct costs {
  long frames;
  double longest, sum;
} costs;

static void sleep_until(double at) {
  double whole = (double)(time_t)at;
  const struct timespec until = {.tv_sec = (time_t)at, .tv_nsec = (long)((at - whole) * 1e9)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static bool fail(lua_State *L) {
  fprintf(stderr, "game: %s\n", luaL_tolstring(L, -1, NULL));
  return false;
}

/* require() looks beside the script first. */
static void set_path(lua_State *L, const char *script) {
  const char *slash = strrchr(script, '/');
  lua_getglobal(L, "package");
  lua_pushlstring(L, script, slash ? (size_t)(slash + 1 - script) : 0);
  lua_pushstring(L, "love/?.lua;");
  lua_getfield(L, -3, "path");
  lua_concat(L, 3);
  lua_setfield(L, -2, "path");
  lua_pop(L, 1);
}

/* Leaves the script's function on the stack. */
static bool load(lua_State *L, const char *script) {
  luaL_openlibs(L);
  if (gitdev_open(L) != GITDEV_OK) {
    fprintf(stderr, "game: gitdev cannot be opened in this Lua\n");
    return false;
  }
  set_path(L, script);
  if (luaL_loadfile(L, script) != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK)
    return fail(L);
  return true;
}

/* One frame of the script's. False when it was the last; `fine` then says whether all went well. */
static bool update(lua_State *L, costs *spent, bool *fine) {
  double begun = gitdev_now();
  lua_pushvalue(L, -1);
  *fine = lua_pcall(L, 0, 1, 0) == LUA_OK || fail(L);
  double took = gitdev_now() - begun;
  spent->frames++;
  spent->sum += took;
  spent->longest = took > spent->longest ? took : spent->longest;
  return *fine && lua_isstring(L, -1);
}

/* Draws what is on the stack, if it is another picture than before. */
static void draw(lua_State *L, char *shown, size_t size) {
  const char *picture = lua_tostring(L, -1);
  if (strncmp(shown, picture, size - 1) == 0)
    return;
  snprintf(shown, size, "%s", picture);
  printf("%s\n", picture);
  fflush(stdout);
}

static bool play(lua_State *L) {
  char shown[1024] = "";
  costs spent = {0};
  bool fine;
  double next = gitdev_now();
  while (update(L, &spent, &fine)) {
    draw(L, shown, sizeof shown);
    lua_pop(L, 1);
    next += FRAME;
    sleep_until(next);
  }
  printf("%ld frames; of each the script took %.3f ms, of the longest %.3f ms\n", spent.frames,
         spent.sum / (double)spent.frames * 1e3, spent.longest * 1e3);
  return fine;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s SCRIPT\n", argv[0]);
    return EXIT_FAILURE;
  }
  lua_State *L = luaL_newstate();
  bool fine = L && load(L, argv[1]) && play(L);
  if (L)
    lua_close(L);
  return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
