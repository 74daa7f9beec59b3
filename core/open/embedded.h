/* The SDK's Lua files inside a binary, compiled: reading their text at each start would take longer
 * than running them. core/open/embed.c writes the tables when it is built. */
#ifndef GITDEV_OPEN_EMBEDDED_H
#define GITDEV_OPEN_EMBEDDED_H

#include <stddef.h>

struct lua_State;

typedef struct gitdev_embedded {
  const char *module; /* "gitdev.client" */
  const char *chunk;  /* "@gitdev/client.lua", for tracebacks */
  const unsigned char *code;
  size_t len;
} gitdev_embedded;

/* All but what is the host's alone. Ends with a NULL module. */
extern const gitdev_embedded gitdev_embedded_sdk[];

/* Lets require() find the modules of a table, and gitdev.core and gitdev.net. May raise; to be called
 * protected. The table must live as long as the state. */
void gitdev_open_modules(struct lua_State *L, const gitdev_embedded *modules);

#endif
