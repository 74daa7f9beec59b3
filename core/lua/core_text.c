/* core's small readers and writers of text: percent-encoding, UTF-8, dates, redaction. */
#include "lua/call.h"
#include "policy/key.h"
#include "wire/buffer.h"
#include "wire/date.h"
#include "wire/url.h"
#include "wire/utf8.h"
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 16 << 20 };

/* Pushes what a buffer holds, and frees it. lua_pushlstring may raise for want of memory: a
 * userdata's string cannot leak, so short results, the usual ones, are first copied to the stack.
 */
static int push_buffer(lua_State *L, gitdev_buffer *buffer) {
  luaL_Buffer out;
  bool failed = buffer->failed;
  if (failed) {
    gitdev_buffer_free(buffer);
    return luaL_error(L, "the text is too long, or memory is out");
  }
  luaL_buffinit(L, &out);
  luaL_addlstring(&out, buffer->data, buffer->len);
  gitdev_buffer_free(buffer);
  luaL_pushresult(&out);
  return 1;
}

static int core_escape(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  gitdev_buffer out;
  gitdev_buffer_init(&out, TEXT_MAX);
  gitdev_url_escape(&out, text, len);
  return push_buffer(L, &out);
}

/* core.unescape(text [, plus_is_blank]) -> text | nil */
static int core_unescape(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  gitdev_buffer out;
  gitdev_buffer_init(&out, TEXT_MAX);
  if (gitdev_url_unescape(&out, text, len, lua_toboolean(L, 2)))
    return push_buffer(L, &out);
  gitdev_buffer_free(&out);
  return 0;
}

/* core.utf8(text) -> true | false, offset from 1 */
static int core_utf8(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  size_t valid = gitdev_utf8_span(text, len);
  lua_pushboolean(L, valid == len);
  if (valid == len)
    return 1;
  lua_pushinteger(L, (lua_Integer)valid + 1);
  return 2;
}

static int core_date(lua_State *L) {
  char date[GITDEV_DATE_SIZE];
  gitdev_date_format((int64_t)luaL_checknumber(L, 1), date);
  lua_pushstring(L, date);
  return 1;
}

/* core.read_date(text) -> the Unix seconds of an HTTP date, or nil */
static int core_read_date(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  int64_t time = gitdev_date_parse(text, len);
  if (time < 0)
    return 0;
  lua_pushinteger(L, (lua_Integer)time);
  return 1;
}

static int core_redact(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  gitdev_buffer copy;
  gitdev_buffer_init(&copy, TEXT_MAX);
  if (gitdev_buffer_append(&copy, text, len) && len > 0)
    copy.len = gitdev_redact(copy.data, copy.len);
  return push_buffer(L, &copy);
}

static const luaL_Reg functions[] = {
    {"date", core_date},
    {"escape", core_escape},
    {"read_date", core_read_date},
    {"redact", core_redact},
    {"unescape", core_unescape},
    {"utf8", core_utf8},
    {NULL, NULL},
};

void gitdev_lua_open_text(lua_State *L) {
  gitdev_lua_register(L, functions);
}
