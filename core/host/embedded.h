/* The Lua modules inside the host's binary. */
#ifndef GITDEV_HOST_EMBEDDED_H
#define GITDEV_HOST_EMBEDDED_H

typedef struct gitdev_embedded {
  const char *module; /* "gitdev.client" */
  const char *chunk;  /* "@gitdev/client.lua", for tracebacks */
  const char *text, *end;
} gitdev_embedded;

/* Ends with a NULL module. */
extern const gitdev_embedded gitdev_embedded_modules[];

#endif
