/* An answer as a driver with sockets of its own hands it to a call: whatever the cut, the call makes the
 * same of it, and it ends. The input is one byte of options, one of cutting, and what the server
 * sends. */
#include "fuzz.h"
#include "lua/call.h"
#include <lualib.h>

int luaopen_gitdev_core(lua_State *L);

/* The key is that of RFC 6455 1.3; its accept is in the dictionary. */
static const char CHUNK[] =
    "local core = ...\n"
    "local KEY = 'dGhlIHNhbXBsZSBub25jZQ=='\n"
    "local API_KEY, URL = 'gsk_test_abcdefghijklmnopqrstuvwxyz012345', 'https://api.example/v2'\n"
    "local world = 0\n"
    "local function has(options, bit)\n"
    "  return math.floor(options / bit) % 2 == 1\n"
    "end\n"
    "local function begin(options)\n"
    "  world = world + 1\n"
    "  local client = assert(core.client { api_key = API_KEY, base_url = URL, user_agent = 'fuzz', "
    "world = world })\n"
    "  local upgrade, download = has(options, 2), has(options, 4)\n"
    "  local more = upgrade and { upgrade = 'git.logs.v1' } or download and { download = 0 } or "
    "nil\n"
    "  local method = not more and has(options, 1) and 'HEAD' or 'GET'\n"
    "  local call = assert(client:call(method, '/x', nil, nil, nil, 10, 0, 0, more))\n"
    "  assert(call:next(0, true) == 'send')\n"
    "  return client, call, upgrade and KEY or nil, download and not upgrade\n"
    "end\n"
    "local function run(options, cutting, bytes)\n"
    "  local client, call, key, download = begin(options)\n"
    "  local reader, at, event, what = core.http1('response', { head_max = 2048 }), 1, 'need', "
    "nil\n"
    "  while event == 'need' and at <= #bytes do\n"
    "    local length = cutting == 0 and #bytes or 1 + cutting % 13\n"
    "    cutting = cutting == 0 and 0 or math.floor(cutting * 5 / 4) + 1\n"
    "    event, what = call:take_answer(reader, key, bytes:sub(at, at + length - 1))\n"
    "    at = at + length\n"
    "  end\n"
    "  if event == 'need' and has(options, 8) then\n"
    "    reader:eof()\n"
    "    event, what = call:take_answer(reader, key)\n"
    "  end\n"
    "  local text = download and call:read() or ''\n"
    "  call:outcome(1, event == 'end' and 'complete' or event == 'bad' and 'bad answer' or "
    "'sent')\n"
    "  local status, body = call:result()\n"
    "  if type(body) == 'table' then\n"
    "    body = tostring(body.type) .. tostring(body.code) .. tostring(body.message)\n"
    "  end\n"
    "  local id = call:header 'x-request-id'\n"
    "  call:close()\n"
    "  client:close()\n"
    "  reader:close()\n"
    "  return table.concat({ event, tostring(what), text, tostring(status), tostring(body), "
    "tostring(id) }, '|')\n"
    "end\n"
    "return function(options, cutting, bytes)\n"
    "  local whole, cut = run(options, 0, bytes), run(options, cutting + 1, bytes)\n"
    "  assert(whole == cut, whole .. '\\n' .. cut)\n"
    "end\n";

static lua_State *new_state(void) {
  lua_State *L = luaL_newstate();
  REQUIRE(L != NULL);
  luaL_openlibs(L);
  REQUIRE(luaL_loadstring(L, CHUNK) == LUA_OK);
  lua_pushcfunction(L, luaopen_gitdev_core);
  lua_call(L, 0, 1);
  REQUIRE(lua_pcall(L, 1, 1, 0) == LUA_OK);
  return L;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  lua_State *L = new_state();
  lua_pushinteger(L, data[0]);
  lua_pushinteger(L, data[1]);
  lua_pushlstring(L, (const char *)data + 2, size - 2);
  if (lua_pcall(L, 3, 0, 0) != LUA_OK) {
    (void)fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  lua_close(L);
  return 0;
}
