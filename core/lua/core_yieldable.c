/* Whether a coroutine may yield where it stands, for the Luas that cannot tell: 5.1 and 5.2. */
#include "lua/call.h"
#include <string.h>

#if LUA_VERSION_NUM < 503

/* Which of C's functions a yield may cross: none in 5.1; in 5.2 those that go on after it, which are
 * the upvalues. */
static bool can_cross(lua_State *L) {
#if LUA_VERSION_NUM >= 502
  for (int i = 1; i <= 3; i++)
    if (lua_rawequal(L, -1, lua_upvalueindex(i)))
      return true;
#endif
  (void)L;
  return false;
}

/* In 5.1 a generic for calls its iterator through C. It has the name of the variable it is kept in. */
static bool is_iterator(lua_State *L, lua_Debug *frame) {
#if LUA_VERSION_NUM < 502
  return lua_getinfo(L, "n", frame) && frame->name && strcmp(frame->name, "(for generator)") == 0;
#else
  (void)L;
  (void)frame;
  return false;
#endif
}

/* core.yieldable() -> whether nothing that is known of the running coroutine's stack forbids it to yield
 *
 * It says true of the main one, which has no frames that forbid it, and inside metamethods, which look
 * like any other function. */
static int core_yieldable(lua_State *L) {
  lua_Debug frame;
  for (int level = 1; lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "Sf", &frame);
    bool forbids = *frame.what == 'C' ? !can_cross(L) : is_iterator(L, &frame);
    lua_pop(L, 1);
    if (forbids) {
      lua_pushboolean(L, 0);
      return 1;
    }
  }
  lua_pushboolean(L, 1);
  return 1;
}

void gitdev_lua_open_yieldable(lua_State *L) {
  lua_getglobal(L, "pcall");
  lua_getglobal(L, "xpcall");
  lua_getglobal(L, "dofile");
  lua_pushcclosure(L, core_yieldable, 3);
  lua_setfield(L, -2, "yieldable");
}

#else

void gitdev_lua_open_yieldable(lua_State *L) {
  (void)L;
}

#endif
