-- The log of a run: that of its jobs, one after the other.
local connections = require "gitdev.logs.connections"
local errors = require "gitdev.error"
local follower = require "gitdev.logs.follower"
local options_of = require "gitdev.options"
local page = require "gitdev.page"
local pages = require "gitdev.logs.pages"
local schema = require "gitdev.schema"

local run_log = {}

-- The run's jobs that have not been read yet, into the line. True, or nil and the error.
local function list_jobs(self)
  local target, options = self.subject .. "/jobs?limit=100", follower.call_options(self)
  local walk = { client = self.client, op = self.list, a = self.run.id, target = target, options = options }
  local got, err = page.fetch(walk)
  while got do
    for _, job in ipairs(got.data) do
      if not self.seen[job.id] then
        self.seen[job.id] = true
        self.jobs[#self.jobs + 1] = job
      end
    end
    if not got.has_more then
      return true
    end
    got, err = page.fetch(walk, got.next_cursor)
  end
  return nil, follower.timely(self, err)
end

-- Goes on to the next job. True; nil, or nil and the error, when there is none any more. While the run goes on, more may be made.
local function next_job(self)
  while not self.jobs[self.job_at + 1] do
    local ok, err = true, nil
    if self.listed then
      ok, err = pages.rest(self)
    end
    self.listed = true
    if ok then
      ok, err = list_jobs(self)
    end
    if err then
      ok, err = connections.outlast(self, err)
    end
    if not ok then
      return nil, err
    end
  end
  self.job_at, self.rests = self.job_at + 1, 0
  self.job = self.jobs[self.job_at]
  return true
end

-- What is told to on_gap is of a job too.
local function on_gap_of(self)
  local job = self.job
  return self.on_gap and function(gap)
    gap.job = job.name
    self.on_gap(gap)
  end
end

-- Opens the log of the job that it is at. True, also when that failed and may be tried again now; nil and the error.
local function open_job(self)
  local client, filters = self.client, self.filters
  local fields = { follow = self.follows, stage = filters.stage, level = filters.level, on_gap = on_gap_of(self) }
  local err
  self.inner, err = client.follow(client, self.stream, self.job.id, fields, follower.call_options(self))
  if self.over then -- another task has closed it meanwhile
    if self.inner then
      self.inner:close()
    end
    return nil, self.failure
  elseif err then
    return connections.outlast(self, follower.timely(self, err))
  end
  self.fruitless, self.cause = 0, nil
  return true
end

-- The next line of the job that it is at; nil at its end, or nil and the error.
local function next_of_job(self)
  local line, err = follower.take(self.inner)
  self.cursor = self.inner.cursor
  if line then
    line.job = self.job.name
  elseif not err then
    self.inner, self.job = nil, nil
  end
  if err and err.code == "stream_timeout" then
    self.cause, self.fruitless = self.inner.cause, self.inner.fruitless
    return nil, follower.timeout_error(self, err)
  end
  return line, err
end

local function next_of_run(self)
  while true do
    local ok, line, err = true
    if self.inner then
      line, err = next_of_job(self)
    elseif self.job then
      ok, err = open_job(self)
    else
      ok, err = next_job(self)
    end
    if line or err or not ok then
      return line, err
    end
  end
end

-- gitdev.RunLogFields and the options of a call that only reads, see gitdev.describe.classes.
local FIELDS = { follow = "boolean", stage = "string", level = "string", on_gap = "function" }
local OPTIONS = { timeout = "seconds", max_retries = "count", headers = "headers", traceparent = "traceparent" }

local function check(fields, options)
  for _, given in ipairs { fields, options } do
    if type(given) ~= "table" then
      errors.misuse { code = "invalid_type", message = "run:logs takes a table of fields, { follow = true }, and a table of options." }
    end
  end
  options_of.check(fields, FIELDS, "run:logs")
  options_of.check(options, OPTIONS, "a call")
  local query = schema.operation("jobs.logs.stream").query
  schema.check(query, { stage = fields.stage, level = fields.level }, nil, function(code, param, message)
    errors.misuse { code = code, param = param, message = "run:logs: " .. message }
  end)
end

---Opens a stream of the lines of a run's jobs, one job after the other.
---@param client table
---@param run gitdev.Run
---@param fields { follow: boolean|nil, stage: string|nil, level: string|nil, on_gap: function|nil }|nil
---@param options table|nil
---@return gitdev.LogLines|nil
---@return gitdev.Error|nil
function run_log.open(client, run, fields, options)
  fields, options = fields == nil and {} or fields, options == nil and {} or options
  check(fields, options)
  local get = schema.operation "runs.get"
  local self = follower.new {
    client = client,
    run = run,
    subject = schema.path(get, run.id),
    get = get,
    states = schema.object("run").states,
    list = schema.operation "runs.jobs.list",
    stream = schema.operation "jobs.logs.stream",
    filters = { stage = fields.stage, level = fields.level },
    follows = fields.follow == true,
    on_gap = fields.on_gap,
    options = options,
    advance = next_of_run,
    status = run.status,
    jobs = {},
    seen = {},
    job_at = 0,
    rests = 0,
    fruitless = 0,
  }
  self.at_rest = self.states.terminal[run.status] ~= nil
  local ok, err = list_jobs(self)
  if not ok then
    return nil, err
  end
  self.listed = true
  return self
end

return run_log
