/* A program of the build: compiles Lua files and writes them, as bytecode, into one C file.
 *
 *   embed OUTPUT TABLE ROOT FILE...      each FILE is below ROOT, and becomes the module that require
 * would find it as; TABLE is what the C file calls them all
 *
 * Compiled chunks keep their line numbers, so tracebacks read as they would from source. */
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LEN = 256, ROW_BYTES = 24 };

/* Writes the bytes of a chunk as the elements of an array; lua_dump calls it piece by piece. */
static int write_bytes(lua_State *L, const void *bytes, size_t len, void *payload) {
  (void)L;
  FILE *out = payload;
  const unsigned char *at = bytes;
  for (size_t i = 0; i < len; i++)
    if (fprintf(out, i % ROW_BYTES == ROW_BYTES - 1 ? "%u,\n" : "%u,", at[i]) < 0)
      return 1;
  return 0;
}

/* "gitdev/api/env.lua" is gitdev.api.env, "gitdev/init.lua" is gitdev. */
static void module_name(char name[NAME_MAX_LEN], const char *file) {
  snprintf(name, NAME_MAX_LEN, "%s", file);
  char *end = strstr(name, ".lua");
  if (end)
    *end = '\0';
  size_t len = strlen(name);
  if (len > 5 && strcmp(name + len - 5, "/init") == 0)
    name[len - 5] = '\0';
  for (char *p = name; *p; p++)
    if (*p == '/')
      *p = '.';
}

static int load(lua_State *L, const char *root, const char *file) {
  char path[2 * NAME_MAX_LEN], chunk[NAME_MAX_LEN + 1];
  snprintf(path, sizeof path, "%s/%s", root, file);
  snprintf(chunk, sizeof chunk, "@%s", file);
  FILE *in = fopen(path, "rb");
  if (!in) {
    lua_pushfstring(L, "cannot open %s", path);
    return LUA_ERRFILE;
  }
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  size_t got;
  do {
    char *room = luaL_prepbuffer(&text);
    got = fread(room, 1, LUAL_BUFFERSIZE, in);
    luaL_addsize(&text, got);
  } while (got > 0);
  fclose(in);
  luaL_pushresult(&text);
  size_t len;
  const char *source = lua_tolstring(L, -1, &len);
  return luaL_loadbufferx(L, source, len, chunk, "t");
}

/* One array for each file, then the table of them. */
static int embed(lua_State *L, FILE *out, const char *table, const char *root, int count,
                 char **files) {
  fputs("#include \"open/embedded.h\"\n#include <stddef.h>\n\n", out);
  for (int i = 0; i < count; i++) {
    if (load(L, root, files[i]) != LUA_OK) {
      fprintf(stderr, "embed: %s\n", lua_tostring(L, -1));
      return EXIT_FAILURE;
    }
    fprintf(out, "static const unsigned char chunk_%d[] = {\n", i);
    if (lua_dump(L, write_bytes, out, 0) != 0)
      return EXIT_FAILURE;
    fputs("};\n", out);
    lua_settop(L, 0);
  }
  fprintf(out, "\nextern const gitdev_embedded %s[];\nconst gitdev_embedded %s[] = {\n", table,
          table);
  for (int i = 0; i < count; i++) {
    char name[NAME_MAX_LEN];
    module_name(name, files[i]);
    fprintf(out, "    {\"%s\", %zu, \"@%s\", chunk_%d, sizeof chunk_%d},\n", name, strlen(name),
            files[i], i, i);
  }
  fputs("    {NULL, 0, NULL, NULL, 0},\n};\n", out);
  return ferror(out) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fputs("usage: embed OUTPUT TABLE ROOT FILE...\n", stderr);
    return EXIT_FAILURE;
  }
  lua_State *L = luaL_newstate();
  FILE *out = fopen(argv[1], "w");
  int status = L && out ? embed(L, out, argv[2], argv[3], argc - 4, argv + 4) : EXIT_FAILURE;
  if (out && fclose(out) != 0)
    status = EXIT_FAILURE;
  if (L)
    lua_close(L);
  if (status != EXIT_SUCCESS)
    remove(argv[1]);
  return status;
}
