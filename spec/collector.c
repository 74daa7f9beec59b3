/* For spec/gc_stress.lua: has everything collected at allocations that C makes, when it is told to. An allocator
 * that refuses once has Lua 5.4 collect, and ask again: so what C holds by a pointer alone is gone, wherever it is
 * in a function. What is freed is overwritten. */
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <string.h>

typedef struct collector {
  lua_Alloc allocate; /* the state's own, with its payload */
  void *payload;
  lua_Integer left; /* allocations that are still to be refused */
  bool refused;     /* the last one was, and comes again */
} collector;

static bool refuses(collector *self) {
  if (self->refused || self->left <= 0) {
    self->refused = false;
    return false;
  }
  self->left--;
  self->refused = true;
  return true;
}

static void *allocate(void *payload, void *block, size_t before, size_t size) {
  collector *self = payload;
  if (size == 0) {
    if (block)
      memset(block, 0xdb, before);
  } else if ((!block || size > before) && refuses(self)) {
    return NULL;
  }
  return self->allocate(self->payload, block, before, size);
}

/* collector.refuse(count): so many of the next allocations collect first. */
static int collector_refuse(lua_State *L) {
  collector *self = lua_touserdata(L, lua_upvalueindex(1));
  self->left = luaL_checkinteger(L, 1);
  self->refused = false;
  return 0;
}

static int restore(lua_State *L) {
  collector *self = lua_touserdata(L, 1);
  lua_setallocf(L, self->allocate, self->payload);
  return 0;
}

__attribute__((visibility("default"))) int luaopen_collector(lua_State *L);

/* The registry has it until the state is closed. */
int luaopen_collector(lua_State *L) {
  collector *self = lua_newuserdatauv(L, sizeof *self, 0);
  *self = (collector){.left = 0};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, restore);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, "spec.collector");
  self->allocate = lua_getallocf(L, &self->payload);
  lua_setallocf(L, allocate, self);
  lua_createtable(L, 0, 1);
  lua_insert(L, -2);
  lua_pushcclosure(L, collector_refuse, 1);
  lua_setfield(L, -2, "refuse");
  return 1;
}
