--- Runs a document's nginx configuration, or Lua that belongs into one, in a real nginx: whatever level a block's directives are of, the rest is
-- put around them. Then each of its locations is asked.
local openresty = require "spec.lua.support.openresty"
local room = require "spec.lua.support.guide.room"
local sender = require "spec.lua.support.sender"

local nginx = {}

local function set(names)
  local known = {}
  for name in names:gmatch "%S+" do
    known[name] = true
  end
  return known
end

-- Where a directive goes that stands alone. What is said of neither belongs to a server.
local HTTP = set [[lua_shared_dict init_by_lua_block init_worker_by_lua_block upstream map log_format lua_socket_log_errors
  lua_max_pending_timers lua_max_running_timers lua_code_cache]]
local LOCATION = set [[set_by_lua_block rewrite_by_lua_block access_by_lua_block content_by_lua_block header_filter_by_lua_block
  body_filter_by_lua_block log_by_lua_block]]
-- What the spec's own nginx says already: its folder, its modules, its port, whom to trust.
local SPECS_OWN = set [[load_module worker_processes events daemon pid user error_log access_log include listen server_name ssl_certificate
  ssl_certificate_key lua_package_path lua_package_cpath lua_ssl_trusted_certificate lua_ssl_verify_depth resolver worker_shutdown_timeout]]

-- A directive's words from `at` on, the mark that ends them, and where it is: in quotes there is none.
local function words_of(text, at)
  local stop, mark = text:match("()([{};\"'])", at)
  while mark == '"' or mark == "'" do
    local quoted = assert(text:find(mark, stop + 1, true), "no end of a text in quotes")
    stop, mark = text:match("()([{};\"'])", quoted + 1)
  end
  assert(mark == "{" or mark == ";", "no directive: " .. text:sub(at))
  return text:sub(at, stop - 1):match "^%s*(.-)%s*$", mark, stop
end

-- The directives of a text, each { name, words, body (nil without braces), text }. Comments go.
local function directives(text)
  local list, at = {}, 1
  text = ("\n" .. text):gsub("\n%s*#[^\n]*", "\n"):gsub("([;{}])[ \t]+#[ \t][^\n]*", "%1")
  while text:find("%S", at) do
    local head, mark, stop = words_of(text, at)
    local one = { name = head:match "^%S+", words = head, text = head .. ";" }
    if mark == "{" then
      local body, after = text:match("^(%b{})()", stop)
      assert(body, "no end of " .. head)
      one.body, one.text, stop = body:sub(2, -2), head .. " " .. body, after - 1
    end
    list[#list + 1], at = one, stop + 1
  end
  return list
end

-- Puts each directive where it belongs.
local function sort(text, into)
  for _, one in ipairs(directives(text)) do
    if one.name == "http" or one.name == "server" then
      sort(one.body, into)
    elseif not SPECS_OWN[one.name] then
      local level = one.name == "env" and "main" or HTTP[one.name] and "http" or LOCATION[one.name] and "location" or "server"
      table.insert(into[level], one.text)
      if one.name == "location" then
        table.insert(into.asked, one)
      end
    end
  end
end

local function signed(instance, path)
  local body = sender.body()
  local words, headers = {}, sender.headers(body)
  for i = 1, #headers, 2 do
    words[#words + 1] = ("-H '%s: %s'"):format(headers[i], headers[i + 1])
  end
  return instance:get(path, table.concat(words, " ") .. " --data-binary '" .. body .. "'")
end

-- Whether a location answers well, and what. Named and internal ones are asked by others.
local function ask(instance, location)
  local words = location.words
  if words:find "^location%s+@" or location.body:find "%f[%w]internal%s*;" then
    return true, ""
  end
  local path = words:match "^location%s+(/%S*)$" or words:match "^location%s+=%s*(/%S*)$" or words:match "^location%s+%^~%s+(/%S*)$"
  if not path then
    return false, words .. ": nobody knows a path that leads here"
  end
  local get = location.body:find "webhooks" and signed or instance.get
  local status, answer = get(instance, path)
  return status >= 200 and status < 400, ("%s: %d %s"):format(path, status, answer)
end

-- How many timers run, or are about to.
local TIMERS = "location = /timers { content_by_lua_block { ngx.print(ngx.timer.running_count() + ngx.timer.pending_count()) } }"

-- Lets timers do what they are for, and ends it in good order. Returns an error that is in the log, though all was answered.
local function complaint(instance)
  openresty.await("no timer is left", function()
    local _, count = instance:get "/timers"
    return count == "0"
  end)
  os.execute("kill -QUIT " .. instance:master())
  openresty.await("nginx has ended", function()
    return not instance:master()
  end)
  local log = instance:errors()
  for _, level in ipairs { "error", "crit", "alert", "emerg" } do
    local line = log:match("[^\n]*%[" .. level .. "%][^\n]*")
    if line then
      return line
    end
  end
  return nil
end

-- The dictionaries that a text names and does not declare; webhooks have one that need not be named.
local function dictionaries(text)
  local known, lines = {}, {}
  local function declare(name)
    if not known[name] and not text:find("lua_shared_dict%s+" .. name .. "%s") then
      lines[#lines + 1] = "lua_shared_dict " .. name .. " 1m;"
    end
    known[name] = true
  end
  for _, pattern in ipairs { "ngx%.shared%.([%a_][%w_]*)", 'ngx%.shared%["([^"]+)"%]', 'store%.shared%(?%s*"([^"]+)"' } do
    for name in text:gmatch(pattern) do
      declare(name)
    end
  end
  if text:find "webhooks" then
    declare "gitdev"
  end
  return lines
end

local BACKEND = "server { listen unix:%ROOT%/backend.sock; location / { return 200 'it is me'; } }"

local function start(parts)
  return openresty.start {
    emulator = room.emulator(),
    workers = 1,
    env = { GIT_WEBHOOK_SECRET = sender.SECRET },
    main = table.concat(parts.main, "\n"),
    http = BACKEND .. "\n" .. table.concat(parts.http, "\n"),
    server = TIMERS .. "\n" .. table.concat(parts.server, "\n"),
  }
end

-- Directives of a location get one, and what has none to be asked is asked for nothing in particular: what runs with every request then runs.
local function furnish(parts)
  local body = table.concat(parts.location, "\n")
  if body == "" and parts.asked[1] then
    return
  end
  local ends = body:find "content_by_lua_block" and "" or "\ncontent_by_lua_block { ngx.exit(204) }"
  table.insert(parts.server, "location = /block {\n" .. body .. ends .. "\n}")
  table.insert(parts.asked, { words = "location = /block", body = body })
end

--- Returns 0 if it started, every location answered well and nothing was complained of; what was answered; and what is amiss.
function nginx.run(text)
  local parts = { main = {}, http = dictionaries(text), server = {}, location = {}, asked = {} }
  text = room.with_redis(text):gsub("whsec_[%w…]*", sender.SECRET)
  text = text:gsub("proxy_pass%s+https?://[^;/$]+", "proxy_pass http://unix:%%ROOT%%/backend.sock:")
  sort(text, parts)
  furnish(parts)
  local ok, instance = pcall(start, parts)
  if not ok then
    return 1, "", tostring(instance)
  end
  local well, answers = true, {}
  for i, location in ipairs(parts.asked) do
    local good, answer = ask(instance, location)
    well, answers[i] = well and good, answer
  end
  local ended, amiss = pcall(complaint, instance)
  instance:stop()
  return ended and well and not amiss and 0 or 1, table.concat(answers, "\n"), amiss or ""
end

--- Runs Lua as what answers a location.
function nginx.content(text)
  return nginx.run("content_by_lua_block {\n" .. text .. "}\n")
end

return nginx
