/* The SDK's Lua files inside a binary, compiled: reading their text at each start would take longer
 * than running them. core/open/embed.c writes the tables when it is built. */
#ifndef GITDEV_OPEN_EMBEDDED_H
#define GITDEV_OPEN_EMBEDDED_H

#include <stddef.h>

struct lua_State;

typedef struct gitdev_embedded {
  const char *module; /* "gitdev.client" */
  size_t module_len;
  const char *chunk; /* "@gitdev/client.lua", for tracebacks */
  const unsigned char *code;
  size_t len;
} gitdev_embedded;

/* All but what is the host's alone. Ends with a NULL module. */
extern const gitdev_embedded gitdev_embedded_sdk[];

/* A searcher, see package.searchers: its upvalue is a table as above, a light userdata, that lives as
 * long as the state. */
int gitdev_open_searcher(struct lua_State *L);

#endif
