--- Calls of all kinds, some of which fail because they were made to.
local gitdev = require "gitdev"

local work = {}
work.__index = work

local AT_ONCE = 16
local CALLS_OF_A_LIFE = 12
-- Of the calls of a phase, those by tasks at once; the others are made one after another.
local SHARE_AT_ONCE = 0.85

-- One request in a hundred meets one of these. Half of the calls are repeated when that may help, the others fail.
local FAULT_EVERY = 100
local FAULTS = {
  { status = 503, retry_after = false },
  { reset = true },
  { truncate = 10 },
  { delay = 0.05 },
  { status = 500 },
  { drop = true },
}

--- The types of what was injected: a failure of any other is one that nobody caused.
work.EXPECTED = { api_error = true, connection_error = true, timeout_error = true, canceled_error = true }

function work.new(peer)
  local self = setmetatable({ peer = peer, calls = 0, retries = 0, failures = {}, unexpected = {}, names = 0 }, work)
  self.git = gitdev.client {
    api_key = peer.api_key,
    base_url = peer.url,
    ca_file = peer.ca_file,
    quiet = true,
    on_retry = function()
      self.retries = self.retries + 1
    end,
  }
  return self
end

local function note_failure(self, err)
  local kind = gitdev.is_error(err) and err.type or "no error of the SDK"
  self.failures[kind] = (self.failures[kind] or 0) + 1
  if not work.EXPECTED[kind] then
    self.unexpected[#self.unexpected + 1] = tostring(err)
  end
end

-- Every second call gives up at the first failure.
local function options(self)
  self.calls = self.calls + 1
  return self.calls % 2 == 0 and { max_retries = 0 } or nil
end

-- A project's life. What fails is not made up for: the next one has another name, and the emulator is reset after the phase.
local function live(self, name)
  local git = self.git
  git.projects:create({ slug = name }, options(self))
  assert(git.projects:get(name, options(self)).slug == name)
  local variable = git.env:create(name, { key = "COLOR", value = ("blue"):rep(100) }, options(self))
  assert(git.env:list(name, nil, options(self)).data[1].id == variable.id)
  git.env:update(name, variable.id, { value = "red" }, options(self))
  local deployment = git.deployments:create({ project = name, env = { SHADE = "dark" } }, options(self))
  assert(git.deployments:get(deployment.id, options(self)).id == deployment.id)
  assert(git.deployments:list({ project = name }, options(self)).data[1].id == deployment.id)
  deployment:cancel(options(self))
  git.env:delete(name, variable.id, options(self))
  local found, err = gitdev.pcall(git.projects.get, git.projects, name .. "-not", options(self))
  if found or err.status ~= 404 then
    error(err, 0)
  end
  git.projects:delete(name, options(self))
end

-- Lives as many as there is room for below `goal` calls, one after another; others may do so at the same time.
local function live_until(self, goal)
  while self.planned + CALLS_OF_A_LIFE <= goal do
    self.planned = self.planned + CALLS_OF_A_LIFE
    self.names = self.names + 1
    local ok, err = gitdev.pcall(live, self, "soak-" .. self.names)
    if not ok then
      note_failure(self, err)
    end
  end
end

-- A call that is too late, and one that is given up: with nothing else under way, so that nothing else meets the delay.
local function end_early(self)
  self.peer:fault { delay = 0.2, times = 2 }
  local ok, err = gitdev.pcall(self.git.organization.get, self.git.organization, { timeout = 0.1 })
  assert(not ok, "the answer came in spite of its delay")
  note_failure(self, err)
  local task = gitdev.spawn(self.git.organization.get, self.git.organization)
  gitdev.sleep(0.05)
  task:cancel()
  ok, err = gitdev.pcall(task.wait, task)
  assert(not ok, "the answer came in spite of the cancellation")
  note_failure(self, err)
  self.calls = self.calls + 2
end

local function inject(self, calls)
  for number = 1, math.floor(calls / FAULT_EVERY) do
    local fault = { after = (number - 1) * FAULT_EVERY + math.random(0, FAULT_EVERY - 1) }
    for name, value in pairs(FAULTS[(number - 1) % #FAULTS + 1]) do
      fault[name] = value
    end
    self.peer:fault(fault)
  end
end

--- Makes about that many calls, at an emulator that begins anew. Inside a task.
function work:phase(calls)
  local goal = self.calls + calls
  inject(self, calls)
  self.planned = self.calls
  live_until(self, self.calls + math.floor(calls * (1 - SHARE_AT_ONCE)))
  local tasks = {}
  for index = 1, AT_ONCE do
    tasks[index] = gitdev.spawn(live_until, self, goal)
  end
  for _, task in ipairs(tasks) do
    task:wait()
  end
  self.peer:reset()
  end_early(self)
  self.peer:reset()
end

function work:stop()
  self.git:close()
end

return work
