-- The tours through Prism, which holds every request and every answer against the OpenAPI document: SDK, nginx (TLS), Prism (plain HTTP on
-- loopback), the emulator (TLS). Prism says what is wrong, also what it only warns of, in a header, which nginx writes down.
--
-- Prism reads every body as text, which other bytes do not survive: a download comes from the emulator, and Prism sees a copy of the request, and an
-- answer of its own.
local compat = require "gitdev.compat"
local emulator_server = require "gitdev.emulator.server"
local gitdev = require "gitdev"
local json_document = require "gitdev.describe.json_document"
local loop = require "gitdev.loop"
local nginx = require "spec.lua.support.nginx"
local openapi = require "gitdev.describe.openapi"
local prism = require "spec.contract.prism"
local schema = require "gitdev.schema"
local tools = require "spec.contract.tools"
local tour = require "spec.lua.support.tour"

local STARTING_SECONDS, WRITING_SECONDS, PAUSE = 60, 5, 0.1

-- How many slashes a tail may hold on its way through nginx.
local SLASHES = 8

-- The target without /v2, as Prism has it. In a tail, / goes as %2F: for Prism it ends a parameter.
local function targets()
  local rows = {}
  for _, name in ipairs(schema.operations()) do
    local op = schema.operation(name)
    if op.path:find("*}", 1, true) then
      local before = op.path:match "^(.*/)":gsub("{[%l_]+}", "[^/?]+")
      for slashes = 1, SLASHES do
        local pattern, target = "", ""
        for part = 1, slashes + 1 do
          pattern = pattern .. (part > 1 and "/" or "") .. ("(?<part%d>[^/?]+)"):format(part)
          target = target .. (part > 1 and "%2F" or "") .. "${part" .. part .. "}"
        end
        rows[#rows + 1] = ([[    "~^/v2(?<before>%s)%s(?<query>(\?.*)?)$" "${before}%s$query";]]):format(before, pattern, target)
      end
    end
  end
  rows[#rows + 1] = [[    "~^/v2(?<rest>/.*)$" "$rest";]]
  return "  map $request_uri $prism_target {\n" .. table.concat(rows, "\n") .. "\n  }\n"
end

local PROXIED = [[
    client_max_body_size 12m;
    proxy_buffer_size 16k;
    proxy_buffers 8 64k;
    proxy_busy_buffers_size 64k;
    location /v2/ {
      proxy_pass http://127.0.0.1:@PRISM@$prism_target;
      add_header X-By prism;
      access_log violations.log violations;
    }
    location = /prism {
      internal;
      log_subrequest on;
      proxy_pass http://127.0.0.1:@PRISM@$prism_target;
      access_log violations.log violations;
    }
]]

local MIRRORED = [[
    location ~ ^/v2@PATH@$ {
      mirror /prism;
      proxy_pass https://127.0.0.1:@EMULATOR@;
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate @CA@;
      proxy_ssl_name localhost;
      add_header X-By mirror;
    }
]]

local function locations(words)
  local list = { PROXIED }
  for _, name in ipairs(schema.operations()) do
    local op = schema.operation(name)
    local path = op.path:gsub("{[%l_]+}", "[^/]+")
    list[#list + 1] = op.kind == "download" and MIRRORED:gsub("@PATH@", function() return path end) or nil
  end
  return (table.concat(list):gsub("@(%u+)@", words))
end

-- Emulator, Prism with a document's file, and nginx, one before the other; and a client of the last.
local function start(document)
  local self = { server = assert(emulator_server.start { seed = 1, rate_limit = false }) }
  self.prism = prism.start(self.server, document)
  self.nginx = nginx.start {
    http = "log_format violations '$request_method $request_uri $status $upstream_http_sl_violations';\n" .. targets(),
    server = locations {
      PRISM = tostring(self.prism.port),
      EMULATOR = tostring(self.server.port),
      CA = self.server.ca_file,
    },
  }
  self.sent = 0
  self.client = gitdev.client {
    api_key = self.server.api_key,
    base_url = self.nginx.url,
    ca_file = self.nginx.ca_file,
    progress = "off",
    max_retries = 0,
    on_request = function()
      self.sent = self.sent + 1
    end,
  }
  return self
end

local function stop(self)
  self.nginx:stop()
  self.prism:stop()
  self.server:stop()
end

-- What nginx has written: a line for each request that is over.
local function written(self)
  local lines = {}
  for line in io.lines(self.nginx.root .. "/violations.log") do
    lines[#lines + 1] = line
  end
  return lines
end

local function await(what, seconds, condition)
  local over, problem = loop.now() + seconds, nil
  while loop.now() < over do
    local ok
    ok, problem = condition()
    if ok then return end
    loop.sleep(PAUSE)
  end
  error("waited in vain until " .. what .. ": " .. tostring(problem))
end

-- Prism takes some seconds to start. Requests are counted from when it answers.
local function await_prism(self)
  await("Prism answers", STARTING_SECONDS, function()
    return pcall(self.client.rate_limit.get, self.client.rate_limit)
  end)
  await("nginx has written that", WRITING_SECONDS, function()
    local lines = written(self)
    self.sent = #lines
    return lines[#lines]:find " 200 %-$" ~= nil, lines[#lines]
  end)
end

-- What Prism has found fault with since it answers, a line each.
local function violations(self)
  await("nginx has written down all requests", WRITING_SECONDS, function()
    return #written(self) == self.sent
  end)
  local list = {}
  for _, line in ipairs(written(self)) do
    local status, found = line:match "^%S+ %S+ (%d+) (.*)$"
    if status ~= "502" and found ~= "-" then list[#list + 1] = line:gsub("\\x22", '"') end
  end
  return list
end

-- The operations that the emulator has answered with a 2xx since it began, or was reset.
local function seen(self, into)
  for _, entry in ipairs(self.server.emulator:requests()) do
    if entry.op and entry.status and entry.status < 300 then into[entry.op] = true end
  end
end

describe("Prism, between the SDK and the emulator,", function()
  local path, chain, called

  setup(function()
    path, called = tools.document(), {}
    chain = start(path)
    await_prism(chain)
  end)

  teardown(function()
    stop(chain)
    os.remove(path)
  end)

  for _, name in ipairs(tour.names()) do
    it("finds nothing wrong on the tour of " .. name, function()
      local before = #violations(chain)
      chain.server.emulator:reset()
      local ok, err = pcall(tour.load(name), chain.client, tour.control(chain.server.emulator))
      seen(chain, called)
      assert.same({}, { compat.unpack(violations(chain), before + 1) })
      assert(ok, err)
    end)
  end

  it("saw every operation but the streams", function()
    local missing = {}
    for _, name in ipairs(tour.operations()) do
      missing[#missing + 1] = not called[name] and name or nil
    end
    assert.same({}, missing)
  end)
end)

-- The document with something wrong in it, each in another operation's part.
local function wrong_document()
  local made = openapi.document()
  local schemas, paths = made.components.schemas, made.paths
  schemas.project.properties.status.enum = { "asleep" }
  table.insert(schemas.env_var.required, "no_such_field")
  table.insert(schemas.deployment_list.required, "no_such_field")
  made.components.responses["organization.public"].headers["X-Git-Version"] = {
    required = true,
    schema = { type = "string", pattern = "^nope$" },
  }
  paths["/projects"].post.requestBody.content["application/json"].schema.properties.slug.maxLength = 1
  table.insert(paths["/regions"].get.parameters, { name = "colour", ["in"] = "query", required = true, schema = { type = "string" } })
  json_document.remove(paths["/deployments"].post.responses, "201")
  json_document.remove(paths["/deployments/{deployment}"].get.responses, "404")
  return json_document.text(made)
end

describe("Prism with a document in which something is wrong", function()
  local path, chain

  setup(function()
    path = tools.document(wrong_document())
    chain = start(path)
    await_prism(chain)
  end)

  teardown(function()
    stop(chain)
    os.remove(path)
  end)

  -- What is called, and what Prism must say of it.
  local CASES = {
    { "a value that is not among those of an answer's field", "projects", "get", { "my-app" }, '"response","body","status"' },
    { "a field that is missing in an answer", "env", "create", { "my-app", { key = "A", value = "b" } }, "no_such_field" },
    { "a field that is missing in a list", "deployments", "list", {}, "no_such_field" },
    { "a header of another form", "organization", "get", {}, '"response","header","x-git-version"' },
    { "a field of a request that is too long", "projects", "create", { { slug = "shop" } }, '"request","body","slug"' },
    { "a parameter of a query that is missing", "regions", "list", {}, "colour" },
    { "a success of another status", "deployments", "create", { { project = "my-app" } }, "returned status code" },
    { "a refusal of another status, of which Prism only warns", "deployments", "get", { "dep_000000000000" }, "returned status code" },
  }

  for _, case in ipairs(CASES) do
    it("finds " .. case[1], function()
      local before, resource = #violations(chain), chain.client[case[2]]
      pcall(resource[case[3]], resource, compat.unpack(case[4]))
      local found = violations(chain)
      assert.equal(before + 1, #found)
      assert.is_truthy(found[#found]:find(case[5], 1, true), found[#found])
    end)
  end
end)
