/* The Lua modules inside the host's binary, compiled: reading their text at each start would take
 * longer than running them. */
#ifndef GITDEV_HOST_EMBEDDED_H
#define GITDEV_HOST_EMBEDDED_H

#include <stddef.h>

typedef struct gitdev_embedded {
  const char *module; /* "gitdev.client" */
  const char *chunk;  /* "@gitdev/client.lua", for tracebacks */
  const unsigned char *code;
  size_t len;
} gitdev_embedded;

/* Ends with a NULL module. */
extern const gitdev_embedded gitdev_embedded_modules[];

#endif
