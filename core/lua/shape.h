/* Shapes: what core.shape makes of a call's fields, and core_walk.c goes over values with. */
#ifndef GITDEV_LUA_SHAPE_H
#define GITDEV_LUA_SHAPE_H

#include "lua/compat.h"

#include <stddef.h>

typedef enum gitdev_lua_row_kind {
  GITDEV_ROW_OTHER, /* left to Lua */
  GITDEV_ROW_TEXT,
  GITDEV_ROW_WORD, /* one of an enum's values */
  GITDEV_ROW_ENUM,
  GITDEV_ROW_INT,
  GITDEV_ROW_BOOL,
  GITDEV_ROW_ARRAY,
  GITDEV_ROW_MAP,
  GITDEV_ROW_OBJECT,
} gitdev_lua_row_kind;

/* What a text must be, beside its length: bytes in classes, one after another, the last perhaps
 * again and again; not begun by a reserved prefix. */
typedef struct gitdev_lua_format {
  const char *classes; /* "[A-Za-z_][0-9]", as in Lua's patterns without %; NULL: any text */
  double least, most;  /* bytes */
  bool no_nul;
  const char *reserved;
  size_t reserved_len;
} gitdev_lua_format;

/* A row of the Lua table that the shape was made of. That table, which the shape keeps, holds the
 * strings. */
typedef struct gitdev_lua_row {
  gitdev_lua_row_kind kind;
  bool nullable, required;
  const char *name;
  size_t name_len;
  double min, max; /* characters, items, or the value itself */
  double bytes;    /* at most */
  gitdev_lua_format format;
  size_t first, count; /* the rows inside: an enum's words, an array's item, a map's key and value,
                          an object's fields */
} gitdev_lua_row;

/* A function of Lua: value -> its JSON text | nil. Upvalues: the rows, and the table. */
int gitdev_lua_walk(lua_State *L);

#endif
