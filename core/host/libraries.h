/* What the host has in place of functions of Lua's libraries: they do the same, interruptibly. */
#ifndef GITDEV_HOST_LIBRARIES_H
#define GITDEV_HOST_LIBRARIES_H

#include <lua.h>

/* coroutine.resume and .wrap; os.execute. The libraries must have been opened. */
void gitdev_host_open_coroutine(lua_State *L);
void gitdev_host_open_execute(lua_State *L);

#endif
