/* os.execute, by whose programs a signal is taken as under system(3). */
#include "interruption.h"
#include "libraries.h"
#include <errno.h>
#include <lauxlib.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* As system(3), but a signal that comes for this process is not left aside until the program ends. */
static int execute(lua_State *L) {
  const char *command = luaL_optstring(L, 1, NULL);
  if (!command) {
    lua_pushboolean(L, system(NULL)); /* NOLINT(cert-env33-c): whether there is a shell */
    return 1;
  }
  char *words[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)command, NULL};
  pid_t child;
  int status = -1;
  gitdev_interruption_hand_over();
  int error = posix_spawn(&child, "/bin/sh", NULL, NULL, words, environ);
  while (!error && waitpid(child, &status, 0) < 0)
    error = errno == EINTR ? 0 : errno;
  gitdev_interruption_take_back(status);
  errno = error; /* luaL_execresult looks at it */
  return luaL_execresult(L, status);
}

void gitdev_host_open_execute(lua_State *L) {
  lua_getglobal(L, "os");
  lua_pushcfunction(L, execute);
  lua_setfield(L, -2, "execute");
  lua_pop(L, 1);
}
