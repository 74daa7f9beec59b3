--- Compiles, links and runs a document's C: a whole program; or functions alone; or lines that stand in a function which has a loop, an engine, a
-- client and a call.
local room = require "spec.lua.support.guide.room"

local FLAGS = "-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror"
  .. " -Wno-unused-variable -Wno-unused-function -Wno-unused-parameter -Wno-unused-but-set-variable"

local HEAD = [[
#include <gitdev.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
]]

local LUA_HEAD = "#include <lauxlib.h>\n#include <lua.h>\n#include <lualib.h>\n"

-- What the lines of a fragment may name. What they leave open ends with the process.
local AROUND = [[
static int fragment(gitdev_loop *loop, gitdev_engine *engine, gitdev_client *client, gitdev_call *call, gitdev_problem problem, double now@L@) {
#line 1 "the block"
@BODY@
  return 0;
}

int main(void) {
  const gitdev_client_options options = {
      .api_key = getenv("GIT_API_KEY"), .base_url = getenv("GIT_API_URL"), .ca_file = getenv("GIT_CA_FILE")};
  const gitdev_call_options get = {.method = "GET", .path = "/organization"};
  gitdev_loop *loop = NULL;
  gitdev_engine *engine = NULL;
  gitdev_client *client = NULL;
  gitdev_call *call = NULL;
  gitdev_problem problem = {""};
  if (gitdev_loop_new(&loop) != GITDEV_OK || gitdev_engine_new(&engine, loop, NULL) != GITDEV_OK ||
      gitdev_client_new(&client, &options, &problem) != GITDEV_OK ||
      gitdev_call_new(&call, client, &get, gitdev_now(), &problem) != GITDEV_OK) {
    fprintf(stderr, "%s\n", problem.text);
    return 1;
  }
  return fragment(loop, engine, client, call, problem, gitdev_now()@STATE@);
}
]]

local function program(text, has_lua)
  local head = HEAD .. (has_lua and LUA_HEAD or "")
  if text:find "%f[%w_]main%s*%(" then
    return text
  elseif ("\n" .. text):find "\n[%a_][^\n;=]*%b()%s*{" then
    return head .. text .. "int main(void) { return 0; }\n"
  end
  local words = { L = has_lua and ", lua_State *L" or "", STATE = has_lua and ", luaL_newstate()" or "", BODY = text }
  return head .. AROUND:gsub("@(%u+)@", words)
end

return function(text)
  local has_lua = text:find "lua_State" or text:find "%f[%w]lua_" or text:find "luaL?_" or text:find "gitdev_open%("
  local folder = room.folder()
  room.write(folder, "block.c", program(text, has_lua))
  local command = ("gcc %s block.c -I%s/core/include %s -L%s/lib -Wl,-rpath,%s/lib %s -o block && ./block"):format(FLAGS, room.root,
    has_lua and "$(pkg-config --cflags lua5.4)" or "", room.build, room.build,
    has_lua and "-lgitdev-lua5.4 $(pkg-config --libs lua5.4)" or "-lgitdev")
  return room.run(folder, command)
end
