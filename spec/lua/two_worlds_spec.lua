-- The same scenario twice: over sockets against the emulator's server, and in a virtual world. What a program is told must be the same.
local gitdev = require "gitdev"
local server = require "gitdev.emulator.server"
local test = require "gitdev.test"
local pcall = gitdev.pcall -- tasks wait in it

local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: req_7\r\n"
local PROJECT = '{"id":"prj_1","object":"project","slug":"my-app"}'

local function with_length(body, promised)
  return HEAD .. "Content-Length: " .. (promised or #body) .. "\r\n\r\n" .. body
end

local function get(git)
  return git.projects:get("my-app").slug
end

local function deploy(git)
  return git.deployments:create({ project = "my-app" }).status
end

local function twice(git)
  return get(git) .. deploy(git)
end

local function list(git)
  return #git.projects:list().data
end

-- Tries are not repeated unless a scenario says so: what they would wait for passes in real time on one side. `client`: options of it;
-- `faults`: what is injected first.
local SCENARIOS = {
  { "answers", run = get },
  { "creates", run = deploy },
  { "walks", run = function(git)
    for i = 1, 5 do
      git.projects:create { slug = "project-" .. i }
    end
    local slugs = {}
    for project in git.projects:each { limit = 2 } do
      slugs[#slugs + 1] = project.slug
    end
    return table.concat(slugs, " ")
  end },
  { "refuses a thing that is not there", run = function(git)
    git.projects:get "nope"
  end },
  { "refuses a project that is not there", run = function(git)
    git.deployments:create { project = "nope" }
  end },
  { "refuses what exists", run = function(git)
    git.projects:create { slug = "my-app" }
  end },
  { "refuses a key", client = { api_key = "gsk_test_00000000000000000000000000000000" }, run = get },

  { "drops a GET", faults = { { drop = true } }, run = get },
  { "drops a GET once", faults = { { drop = true } }, retries = 1, run = get },
  { "drops a POST, undone, once", faults = { { drop = true } }, retries = 1, run = deploy },
  { "drops a POST, done, once", faults = { { drop = true, execute = true } }, retries = 1, run = deploy },
  { "drops them all", faults = { { drop = true, times = 9 } }, retries = 1, run = deploy },
  { "resets a GET", faults = { { reset = true } }, run = get },
  { "resets a POST, done, once", faults = { { reset = true, execute = true } }, retries = 1, run = deploy },
  { "drops after a good one", faults = { { after = 1, drop = true } }, run = twice },
  { "drops twice after a good one", faults = { { after = 1, drop = true, times = 2 } }, run = twice },
  { "resets after a good one", faults = { { after = 1, reset = true } }, run = twice },
  { "sends nothing after a good one", faults = { { after = 1, raw = "" } }, run = twice },
  { "sends little after a good one", faults = { { after = 1, raw = "HTTP/1.1 20" } }, run = twice },
  { "sends a line after a good one", faults = { { after = 1, raw = "HTTP/1.1 200 OK\r\nDate" } }, run = twice },
  { "drops after one that said it would close", run = twice,
    faults = { { raw = HEAD .. "Connection: close\r\nContent-Length: " .. #PROJECT .. "\r\n\r\n" .. PROJECT }, { drop = true } } },
  { "drops after one that timed out", slow = true, faults = { { delay = 60 }, { drop = true } }, client = { try_timeout = 1 },
    run = function(git)
      pcall(get, git)
      return deploy(git)
    end },

  { "cuts the body off", faults = { { truncate = 10 } }, run = get },
  { "cuts the whole body off", faults = { { truncate = 0 } }, run = get },
  { "cuts the body off once", faults = { { truncate = 10 } }, retries = 1, run = get },
  { "cuts nothing off", faults = { { truncate = 100000 } }, run = get },

  { "sends nothing", faults = { { raw = "" } }, run = get },
  { "sends no HTTP", faults = { { raw = "hello\r\n\r\n" } }, run = get },
  { "sends another HTTP", faults = { { raw = "HTTP/9.9 what\r\n\r\n" } }, retries = 1, run = get },
  { "cuts the status line off", faults = { { raw = "HTTP/1.1 20" } }, run = get },
  { "cuts the head off", faults = { { raw = "HTTP/1.1 200 OK\r\nContent-Ty" } }, run = get },
  { "cuts the head off before the empty line", faults = { { raw = HEAD } }, run = get },
  { "answers by hand", faults = { { raw = with_length(PROJECT) } }, run = get },
  { "answers without a length", faults = { { raw = HEAD .. "\r\n" .. PROJECT } }, run = get },
  { "promises more", faults = { { raw = with_length(PROJECT, 1000) } }, run = get },
  { "sends more than it promised", faults = { { raw = with_length(PROJECT .. "  ", #PROJECT) } }, run = get },
  { "has a length that is none", faults = { { raw = with_length(PROJECT, "x") } }, run = get },
  { "answers in chunks", faults = { { raw = HEAD .. "Transfer-Encoding: chunked\r\n\r\n5\r\n" .. PROJECT:sub(1, 5) .. "\r\n"
    .. ("%x"):format(#PROJECT - 5) .. "\r\n" .. PROJECT:sub(6) .. "\r\n0\r\n\r\n" } }, run = get },
  { "answers in a bad chunk", faults = { { raw = HEAD .. "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n" } }, run = get },
  { "breaks off between chunks", faults = { { raw = HEAD .. "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n" } }, run = get },
  { "has a header without a colon", faults = { { raw = HEAD .. "Broken\r\nContent-Length: 2\r\n\r\n{}" } }, run = get },
  { "has a huge header", faults = { { raw = HEAD .. "X: " .. ("y"):rep(200000) .. "\r\nContent-Length: 0\r\n\r\n" } }, run = get },
  { "has too many headers", faults = { { raw = HEAD .. ("X: y\r\n"):rep(1000) .. "Content-Length: 0\r\n\r\n" } }, run = get },
  { "encodes the body", faults = { { raw = HEAD .. "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}" } }, run = get },
  { "says continue first", faults = { { raw = "HTTP/1.1 100 Continue\r\n\r\n" .. with_length(PROJECT) } }, run = get },
  { "switches protocols", faults = { { raw = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" } }, run = get },
  { "redirects", faults = { { raw = "HTTP/1.1 302 Found\r\nLocation: https://example.com/\r\nContent-Length: 0\r\n\r\n" } }, run = get },
  { "has an unknown status", faults = { { raw = "HTTP/1.1 799 What\r\nContent-Length: 0\r\n\r\n" } }, run = get },
  { "sends no body", faults = { { raw = "HTTP/1.1 204 No Content\r\n\r\n" } }, run = get },

  { "answers 500", faults = { { status = 500 } }, run = get },
  { "answers 500 once", faults = { { status = 500 } }, retries = 1, run = deploy },
  { "answers 502 with a page", faults = { { status = 502, body = "<html>", content_type = "text/html" } }, run = get },
  { "answers 200 with a page", faults = { { status = 200, body = "<html>", content_type = "text/html" } }, run = get },
  { "answers 200 with a list", faults = { { status = 200, body = "[]" } }, run = get },
  { "answers 200 with nothing", faults = { { status = 200, body = "" } }, run = get },
  { "answers 404 with a page", faults = { { status = 404, body = "<html>", content_type = "text/html" } }, run = get },
  { "answers 418 in JSON", faults = { { status = 418, code = "teapot" } }, run = get },
  { "is told to try again", faults = { { status = 422, headers = { ["X-Should-Retry"] = "true" } } }, retries = 1, run = get },
  { "is told not to try again", faults = { { status = 500, headers = { ["X-Should-Retry"] = "false" } } }, retries = 1, run = get },
  { "answers 503 with a wait too long", faults = { { status = 503, headers = { ["Retry-After"] = "61" } } }, retries = 1, run = get },
  { "answers 429", faults = { { status = 429 } }, run = get },
  { "answers 429 with a wait", faults = { { status = 429, headers = { ["Retry-After"] = "1" } } }, retries = 1, run = deploy },
  { "answers 429 with a wait that there is no time for", faults = { { status = 429, headers = { ["Retry-After"] = "9" } } }, retries = 1,
    client = { timeout = 5 }, run = get },
  { "answers 429 with a wait too long", faults = { { status = 429, headers = { ["Retry-After"] = "61" } } }, retries = 1, run = get },

  { "is late", faults = { { delay = 0.1 } }, run = deploy },
  { "is too late for a try", slow = true, faults = { { delay = 60 } }, client = { try_timeout = 1 }, run = get },
  { "is too late for the first try", faults = { { delay = 60 } }, client = { try_timeout = 1 }, retries = 1, run = get },
  { "is too late for the call", faults = { { delay = 60 } }, client = { timeout = 1 }, retries = 1, run = get },
  { "is too late for a write, which is still under way", faults = { { delay = 60 } }, client = { try_timeout = 1 }, retries = 1,
    run = deploy },
  { "is canceled", slow = true, faults = { { delay = 60 } }, run = function(git)
    return gitdev.timeout(1, get, git)
  end },
  { "is late with a fault", faults = { { delay = 0.1, drop = true } }, run = get },
  { "has a body too large", client = { body_max = 50 }, run = get },
  { "has many at once", run = function(git)
    local calls = {}
    for i = 1, 30 do
      calls[i] = function()
        return get(git)
      end
    end
    return #gitdev.all(calls)
  end },
  { "closes the race", faults = { { match = { op = "projects.get" }, delay = 60 } }, run = function(git)
    local result, key = gitdev.race {
      late = function()
        return get(git)
      end,
      soon = function()
        return list(git)
      end,
    }
    return key .. " " .. result
  end },
}

-- What the program was told, in short.
local function verdict_of(ok, value)
  if ok then
    return "ok " .. tostring(value)
  elseif not gitdev.is_error(value) then
    return "raised " .. tostring(value)
  end
  local lines = { table.concat({ value.type, tostring(value.code), tostring(value.status), tostring(value.retryable) }, " ") }
  for _, try in ipairs(value.attempts) do
    lines[#lines + 1] = table.concat({ try.verdict, try.reason, tostring(try.status) }, " ")
  end
  return table.concat(lines, "; ")
end

-- What the emulator was asked, in the order that it answered in.
local function asked(emulator)
  local lines = {}
  for _, entry in ipairs(emulator:requests()) do
    lines[#lines + 1] = table.concat({ entry.method, entry.path, tostring(entry.status), tostring(entry.replayed or false) }, " ")
  end
  return table.concat(lines, "\n")
end

local function play(scenario, emulator, options)
  for name, value in pairs(scenario.client or {}) do
    options[name] = value
  end
  options.max_retries = scenario.retries or 0
  for _, fault in ipairs(scenario.faults or {}) do
    emulator:fault(fault)
  end
  local verdict = verdict_of(pcall(scenario.run, gitdev.client(options)))
  return verdict .. "\n" .. asked(emulator)
end

local function over_sockets(scenario)
  local running = assert(server.start { seed = 1 })
  local told = play(scenario, running.emulator, { api_key = running.api_key, base_url = running.url, ca_file = running.ca_file })
  running:stop()
  return told
end

local function in_memory(scenario)
  return test.run(function(world)
    return play(scenario, world.emulator, {})
  end, { seed = 1 })
end

describe("a virtual world", function()
  local real = {}

  -- What takes real time takes it all at once. The others go one by one: libcurl keeps only so many connections.
  setup(function()
    local runs = {}
    for _, scenario in ipairs(SCENARIOS) do
      if scenario.slow or scenario.retries then
        runs[scenario[1]] = function()
          return over_sockets(scenario)
        end
      else
        real[scenario[1]] = over_sockets(scenario)
      end
    end
    for name, told in pairs(gitdev.all(runs)) do
      real[name] = told
    end
  end)

  for _, scenario in ipairs(SCENARIOS) do
    it("is like the real one when the server " .. scenario[1], function()
      assert.equal(real[scenario[1]], in_memory(scenario))
    end)
  end
end)
