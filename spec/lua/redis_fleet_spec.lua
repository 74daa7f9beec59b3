-- Eight processes of the host with one key, who share its rate limit through Redis, against one emulator of each plan.
local json = require "gitdev.json"
local process = require "spec.lua.support.process"
local redis = require "spec.lua.support.redis"
local openresty = require "spec.lua.support.openresty"

if not redis.find() then
  pending "a fleet on Redis: redis-server is not installed"
  return
end

-- Makes so many calls, a few at once, with no second try: a refusal would be an error. Arguments: where Redis is, the budget's name, calls.
local MEMBER = [[
  local gitdev = require "gitdev"
  local socket, name, calls, at_once = arg[1], arg[2], tonumber(arg[3]), 4
  local store = gitdev.store.redis { socket = socket, timeout = 2 }
  local git = gitdev.client { rate_limit_store = store, rate_limit_name = name, max_retries = tonumber(arg[4] or 0), timeout = 120 }
  local made, refused, failed = 0, 0, nil
  gitdev.run(function()
    for _ = 1, at_once do
      gitdev.spawn(function()
        while calls > 0 do
          calls = calls - 1
          local ok, err = gitdev.pcall(git.projects.get, git.projects, "my-app")
          made, refused = made + (ok and 1 or 0), refused + (not ok and err.status == 429 and 1 or 0)
          failed = not ok and err.status ~= 429 and tostring(err) or failed
        end
      end)
    end
  end)
  print(require("gitdev.json").encode { made = made, refused = refused, failed = failed, shared = git:rate_limit().shared })
]]

-- The same of a worker of nginx: one call for a request.
local LOCATION = [[
  location /call { content_by_lua_block {
    local gitdev = require "gitdev"
    git = git or gitdev.client {
      rate_limit_store = gitdev.store.redis { socket = "%s", timeout = 2 }, rate_limit_name = "%s", max_retries = 0, timeout = 120,
    }
    local ok, err = pcall(git.projects.get, git.projects, "my-app")
    ngx.status = ok and 200 or err.status or 599
    ngx.say(ok and "made" or tostring(err))
  } }
]]

local MEMBERS = 8

-- The shell's words for all members, against an emulator.
local function members(script, emulator, server, calls, retries)
  local words = {}
  for i = 1, MEMBERS do
    words[i] = ("GIT_API_KEY=%s GIT_API_URL=%s GIT_CA_FILE=%s %s %s %s %s %d %d &"):format(emulator.api_key, emulator.url, emulator.ca_file,
      process.host, script, server.socket, "spec-" .. emulator.pid, calls, retries or 0)
  end
  return table.concat(words, "\n")
end

local function sum_up(out)
  local sum = { made = 0, refused = 0, lines = 0 }
  for line in out:gmatch "[^\n]+" do
    local one = assert(json.decode(line), line)
    sum.made, sum.refused, sum.failed = sum.made + one.made, sum.refused + one.refused, one.failed or sum.failed
    sum.lines, sum.shared = sum.lines + 1, one.shared
  end
  return sum
end

describe("eight processes with one key", function()
  local server, script, emulators

  setup(function()
    server, script, emulators = redis.start(), process.file(MEMBER), {}
    for _, plan in ipairs { "starter", "pro", "enterprise" } do
      emulators[plan] = openresty.emulator("--plan " .. plan)
    end
  end)

  teardown(function()
    os.remove(script)
    for _, emulator in pairs(emulators) do
      emulator:stop()
    end
    server:stop()
  end)

  -- More than the bucket holds, so that they have to wait for each other: 16, 160 and 600 calls, where it holds 10, 50 and 200.
  for plan, calls in pairs { starter = 2, pro = 20, enterprise = 75 } do
    it("get no 429 from a full bucket of the plan " .. plan, function()
      local status, out, err = process.run(members(script, emulators[plan], server, calls) .. "\nwait")
      assert.same({ 0, "" }, { status, err })
      local sum = sum_up(out)
      assert.same({ nil, 0, MEMBERS * calls, MEMBERS }, { sum.failed, sum.refused, sum.made, sum.lines })
      assert.equal("yes", sum.shared)
    end)
  end

  it("share it with the workers of an nginx", function()
    if not openresty.find() then
      pending(select(2, openresty.find()))
      return
    end
    local emulator = openresty.emulator "--plan enterprise"
    local nginx = openresty.start { emulator = emulator, server = LOCATION:format(server.socket, "spec-" .. emulator.pid) }
    local asked = "curl -s -Z --parallel-immediate --parallel-max 64 --max-time 120 %s 3>&2 2>/dev/null >&3 &\n"
    asked = asked:format(process.quote(nginx.url .. "/call?[1-300]"))
    local _, out, err = process.run(asked .. members(script, emulator, server, 50) .. "\nwait")
    nginx:stop()
    emulator:stop()
    local sum = sum_up(out)
    assert.same({ nil, 0, MEMBERS * 50, MEMBERS }, { sum.failed, sum.refused, sum.made, sum.lines })
    assert.equal(("made\n"):rep(300), err)
  end)

  it("go on, each by itself, when Redis dies, and say so", function()
    local kill = ("sleep 0.4; kill -KILL %s"):format(server:pid())
    local status, out, err = process.run(members(script, emulators.enterprise, server, 60, 5) .. "\n" .. kill .. "\nwait")
    assert.equal(0, status)
    local sum = sum_up(out)
    assert.same({ nil, 0, MEMBERS * 60, MEMBERS }, { sum.failed, sum.refused, sum.made, sum.lines })
    for line in err:gmatch "[^\n]+" do
      assert.matches("^gitdev: the rate limit is not shared for now, each paces itself: connection_error: the store on Redis at ", line)
    end
  end)
end)
