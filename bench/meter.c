/* meter: what a Lua program needs to be measured, or to measure another.
 *
 *   meter.now() meter.cpu()    seconds on the monotonic clock, seconds of CPU (user and system)
 *   meter.sleep_until(now)     sleeps until that time of meter.now()
 *   meter.peak_kb()            the largest resident set so far, in KiB
 *   meter.run(argv)            runs a program and waits: exit code, seconds from start to exit,
 * what it printed. Its standard error is ours. Raises when it cannot be started. A signal counts as
 * 128 plus its number. */
#include "usage.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARGV_MAX = 64 };

extern char **environ;

static int meter_now(lua_State *L) {
  lua_pushnumber(L, usage_now());
  return 1;
}

static int meter_cpu(lua_State *L) {
  lua_pushnumber(L, usage_cpu());
  return 1;
}

static int meter_sleep_until(lua_State *L) {
  double at = luaL_checknumber(L, 1), whole = (double)(time_t)at;
  const struct timespec until = {.tv_sec = (time_t)at, .tv_nsec = (long)((at - whole) * 1e9)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
  }
  return 0;
}

static int meter_peak_kb(lua_State *L) {
  lua_pushinteger(L, usage_peak_kb());
  return 1;
}

/* The words of the table at 1, which stay on the stack. */
static void get_words(lua_State *L, const char **argv, size_t count) {
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    argv[i] = luaL_checkstring(L, -1);
  }
  argv[count] = NULL;
}

/* Starts argv with its standard output in `out`. 0, or an errno. */
static int start(pid_t *pid, const char **argv, int out) {
  posix_spawn_file_actions_t actions;
  int failure = posix_spawn_file_actions_init(&actions);
  if (failure)
    return failure;
  failure = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  if (!failure)
    failure = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  return failure;
}

/* Reads what fits; the rest is read and dropped, so that the writer does not block. */
static size_t drain(int in, char *text, size_t size) {
  char rest[4096];
  size_t len = 0;
  for (;;) {
    bool full = len == size;
    ssize_t got = full ? read(in, rest, sizeof rest) : read(in, text + len, size - len);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return len;
    if (!full)
      len += (size_t)got;
  }
}

static int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int meter_run(lua_State *L) {
  const char *argv[ARGV_MAX + 1];
  char text[16384];
  int ends[2];
  pid_t pid;
  luaL_checktype(L, 1, LUA_TTABLE);
  size_t count = lua_rawlen(L, 1);
  if (count < 1 || count > ARGV_MAX)
    return luaL_argerror(L, 1, "1 to 64 words are due");
  luaL_checkstack(L, ARGV_MAX + 4, "too many words");
  get_words(L, argv, count);
  if (pipe2(ends, O_CLOEXEC) != 0)
    return luaL_error(L, "pipe: %s", strerror(errno));
  double began = usage_now();
  int failure = start(&pid, argv, ends[1]);
  close(ends[1]);
  size_t len = failure ? 0 : drain(ends[0], text, sizeof text);
  close(ends[0]);
  if (failure)
    return luaL_error(L, "%s: %s", argv[0], strerror(failure));
  lua_pushinteger(L, wait_for(pid));
  lua_pushnumber(L, usage_now() - began);
  lua_pushlstring(L, text, len);
  return 3;
}

int luaopen_meter(lua_State *L);
int luaopen_meter(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"now", meter_now},         {"cpu", meter_cpu}, {"sleep_until", meter_sleep_until},
      {"peak_kb", meter_peak_kb}, {"run", meter_run}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
