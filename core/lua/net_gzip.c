/* net.gzip: a text, compressed. */
#include "lua/net.h"
#include "net/gzip.h"
#include <string.h>

static const char BYTES[] = "gitdev.gzip";

static int bytes_free(lua_State *L) {
  gitdev_buffer *self = luaL_checkudata(L, 1, BYTES);
  gitdev_buffer_free(self);
  return 0;
}

/* net.gzip(text) -> bytes | nil, problem */
static int net_gzip(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  gitdev_buffer *bytes = gitdev_lua_new(L, BYTES, sizeof *bytes);
  gitdev_buffer_init(bytes, GITDEV_GZIP_MAX);
  int rc = gitdev_gzip(bytes, text, len);
  if (rc != GITDEV_OK)
    return gitdev_lua_fail(L, rc == GITDEV_ENOMEM ? gitdev_strerror(rc)
                                                  : "the text is too long to be compressed");
  lua_pushlstring(L, bytes->data, bytes->len);
  gitdev_buffer_free(bytes);
  return 1;
}

static const luaL_Reg methods[] = {{NULL, NULL}};

void gitdev_lua_open_gzip(lua_State *L) {
  gitdev_lua_class(L, BYTES, methods, bytes_free);
  lua_pushcfunction(L, net_gzip);
  lua_setfield(L, -2, "gzip");
}
