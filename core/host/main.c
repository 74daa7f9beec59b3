/* The host: a Lua interpreter with gitdev and cjson inside. It sets the state up and hands over to
 * gitdev.cli, which does the rest in Lua. */
#include "interruption.h"
#include "libraries.h"
#include "memory.h"
#include "open/embedded.h"
#include "options.h"
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int luaopen_cjson(lua_State *L);
int luaopen_cjson_safe(lua_State *L);
int luaopen_gitdev_core(lua_State *L);
int luaopen_gitdev_net(lua_State *L);

/* What the library of core/open/ has not: the command line, and what only it needs. */
extern const gitdev_embedded gitdev_embedded_host[];

/* So many KiB are taken before Lua looks for what can be collected: most scripts with a few calls take
 * less. */
enum { UNCOLLECTED = 1024 };

static int host_pid(lua_State *L) {
  lua_pushinteger(L, getpid());
  return 1;
}

/* host.setenv(name, value): so that a script's os.getenv sees it. */
static int host_setenv(lua_State *L) {
  if (setenv(luaL_checkstring(L, 1), luaL_checkstring(L, 2), 1) != 0)
    return luaL_error(L, "the environment cannot be changed");
  return 0;
}

static const luaL_Reg host_functions[] = {{"pid", host_pid}, {"setenv", host_setenv}, {NULL, NULL}};

/* ---- setting up ---- */

typedef struct warnings {
  bool are_shown, go_on;
} warnings;

/* As luaL_newstate() has it. */
static void warn(void *payload, const char *text, int goes_on) {
  warnings *self = payload;
  bool begins = !self->go_on;
  bool is_switch = begins && !goes_on && text[0] == '@';
  self->go_on = goes_on;
  if (is_switch)
    self->are_shown = strcmp(text, "@on") == 0 || (self->are_shown && strcmp(text, "@off") != 0);
  else if (self->are_shown)
    fprintf(stderr, "%s%s%s", begins ? "Lua warning: " : "", text, goes_on ? "" : "\n");
}

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

/* Has require look into a table of modules right after package.preload. To put each of them in there, as
 * gitdev_open() does, would take 1 % of a script with one call. */
static void find_embedded(lua_State *L, const gitdev_embedded *modules) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i > 1; i--) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushlightuserdata(L, (void *)(uintptr_t)modules);
  lua_pushcclosure(L, gitdev_open_searcher, 1);
  lua_rawseti(L, -2, 2);
  lua_pop(L, 2);
}

/* Puts DIRECTORY/lua/5.4 beside the host's own folder before the places where C modules are looked
 * for. */
static void look_in(lua_State *L, const char *folder, const char *directory) {
  lua_getglobal(L, "package");
  lua_pushfstring(L, "%s/../%s/lua/5.4/?.so;", folder, directory);
  lua_getfield(L, -2, "cpath");
  lua_concat(L, 2);
  lua_setfield(L, -2, "cpath");
  lua_pop(L, 1);
}

/* The C modules that are not inside (gitdev.git) stand beside the host's own folder: in lib where
 * it was built, and where its libraries go where it was installed. */
static void find_modules(lua_State *L) {
  enum { PATH_SIZE = 4096 };
  char path[PATH_SIZE];
  ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
  path[len > 0 ? len : 0] = '\0';
  char *slash = strrchr(path, '/');
  if (!slash || strpbrk(path, ";?")) /* Lua's own marks in a list of places */
    return;
  *slash = '\0';
  look_in(L, path, "lib");
  if (strcmp(GITDEV_LIBDIR, "lib") != 0)
    look_in(L, path, GITDEV_LIBDIR);
}

/* The global `arg`: the script at 0, its arguments from 1, what stands before it below 0. */
static void set_arg(lua_State *L, int argc, char **argv, int script) {
  if (script == argc)
    script = 0;
  lua_createtable(L, argc - script, script + 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

static bool push_chunk(char kind, const char *text, void *payload) {
  lua_State *L = payload;
  lua_createtable(L, 0, 2);
  lua_pushlstring(L, &kind, 1);
  lua_setfield(L, -2, "kind");
  lua_pushstring(L, text);
  lua_setfield(L, -2, "text");
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  return true;
}

static void set_flag(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

/* The table of options that gitdev.cli works by. */
static void push_options(lua_State *L, const gitdev_host_options *options, int argc, char **argv) {
  lua_newtable(L);
  set_flag(L, "ignore_environment", options->ignore_environment);
  set_flag(L, "interactive", options->interactive);
  set_flag(L, "version", options->version);
  set_flag(L, "version_only", options->version_only);
  set_flag(L, "warnings", options->warnings);
  set_flag(L, "help", options->help);
  set_flag(L, "emulator", options->emulator);
  set_flag(L, "quiet", options->quiet);
  if (options->wrong) {
    lua_pushstring(L, argv[options->wrong]);
    lua_setfield(L, -2, "wrong");
    return;
  }
  if (options->script < argc) {
    lua_pushstring(L, argv[options->script]);
    lua_setfield(L, -2, "script");
  }
  lua_newtable(L);
  gitdev_host_each_chunk(options->script, argv, push_chunk, L);
  lua_setfield(L, -2, "chunks");
}

typedef struct command_line {
  int argc;
  char **argv;
  gitdev_host_options options;
} command_line;

/* Everything that can raise runs in here. Returns the exit status. */
static int protected_main(lua_State *L) {
  const command_line *line = lua_touserdata(L, 1);
  if (line->options.ignore_environment) {
    lua_pushboolean(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
  }
  lua_gc(L, LUA_GCSTOP); /* there is nothing to collect while the state is made */
  luaL_openlibs(L);
  gitdev_interruption_open(L);
  gitdev_host_open_coroutine(L);
  gitdev_host_open_execute(L);
  preload(L);
  find_embedded(L, gitdev_embedded_sdk);
  find_embedded(L, gitdev_embedded_host);
  find_modules(L);
  set_arg(L, line->argc, line->argv, line->options.script);
  lua_gc(L, LUA_GCRESTART);
  lua_gc(L, LUA_GCSTEP, -UNCOLLECTED); /* the allocation of less than nothing */
  lua_getglobal(L, "require");
  lua_pushliteral(L, "gitdev.cli");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "main");
  luaL_newlib(L, host_functions);
  gitdev_interruption_functions(L);
  push_options(L, &line->options, line->argc, line->argv);
  lua_call(L, 2, 1);
  return 1;
}

static int run(lua_State *L, command_line *line) {
  lua_pushcfunction(L, protected_main);
  lua_pushlightuserdata(L, line);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK)
    return (int)lua_tointeger(L, -1);
  if (gitdev_interruption_signal())
    return 128 + gitdev_interruption_signal();
  const char *message = luaL_tolstring(L, -1, NULL);
  fprintf(stderr, "%s: %s\n", line->argv[0], message);
  return EXIT_FAILURE;
}

int main(int argc, char **argv) {
  command_line line = {.argc = argc, .argv = argv};
  gitdev_host_parse(&line.options, argc, argv);
  /* What OpenSSL holds besides ends with the process: letting go of it takes 3 % of a script with
   * one call. Should it fail, OpenSSL does tidy up. */
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
  gitdev_host_memory memory = {0};
  warnings shown = {0};
  lua_State *L = lua_newstate(gitdev_host_allocate, &memory);
  if (!L) {
    fprintf(stderr, "gitdev: memory is out\n");
    return EXIT_FAILURE;
  }
  lua_setwarnf(L, warn, &shown);
  int status = run(L, &line);
  gitdev_interruption_end();
  lua_close(L);
  return status;
}
