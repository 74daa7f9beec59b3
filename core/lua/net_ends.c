#include "lua/net_ends.h"

/* The value anchored to an owner: { the loop, and by reference number each thing that is to be told
 * of }. That of a thing: its owner. */
enum { ANCHORED_LOOP = 1 };

void gitdev_lua_ends_open(lua_State *L, int loop) {
  lua_createtable(L, 4, 0);
  lua_pushvalue(L, loop);
  lua_rawseti(L, -2, ANCHORED_LOOP);
  gitdev_lua_anchor(L, -2);
}

void gitdev_lua_end_expect(lua_State *L, gitdev_lua_ends *ends, gitdev_lua_end *end, void *thing) {
  end->owner = ends;
  end->thing = thing;
  lua_pushvalue(L, 1);
  gitdev_lua_anchor(L, -2);
  gitdev_lua_push_anchored(L, 1);
  lua_pushvalue(L, -2);
  end->reference = luaL_ref(L, -2);
  lua_pop(L, 1);
}

void gitdev_lua_end_list(gitdev_lua_end *end) {
  gitdev_lua_ends *ends = end->owner;
  end->listed = true;
  end->next = NULL;
  if (ends->last)
    ends->last->next = end;
  else
    ends->first = end;
  ends->last = end;
}

static void unlist(gitdev_lua_end *end) {
  gitdev_lua_ends *ends = end->owner;
  gitdev_lua_end *before = NULL, *one = end->listed ? ends->first : NULL;
  for (; one && one != end; one = one->next)
    before = one;
  if (one && before)
    before->next = one->next;
  else if (one)
    ends->first = one->next;
  if (one && ends->last == one)
    ends->last = before;
  end->listed = false;
}

void gitdev_lua_end_forget(lua_State *L, int owner, gitdev_lua_end *end) {
  unlist(end);
  gitdev_lua_push_anchored(L, owner);
  luaL_unref(L, -1, end->reference);
  lua_pop(L, 1);
}

void *gitdev_lua_ends_next(lua_State *L, const gitdev_lua_ends *ends) {
  if (!ends->first)
    return NULL;
  gitdev_lua_push_anchored(L, 1);
  lua_rawgeti(L, -1, ends->first->reference);
  lua_remove(L, -2);
  return ends->first->thing;
}
