--- The scripted log of a deployment (contract 2.5). Nothing is stored: the lines follow from what the deployment went
-- through, so they are made when somebody reads them, and a line is there as soon as its time has come.
local limits = require "gitdev.api.limits"

local RUNTIME_MS = 500

-- stage -> lines: how far into the stage (0 to 1), stream, level, text. {name} is filled in.
local SCRIPT = {
  build = {
    { 0, "system", "info", "Build of {project} started: branch {branch}, commit {commit}, target {target}" },
    { 0.05, "stdout", "info", "Cloning branch {branch}" },
    { 0.1, "system", "debug", "{cache}" },
    { 0.15, "stdout", "debug", "{environment}" },
    { 0.3, "stdout", "info", "Installing dependencies" },
    { 0.45, "stderr", "warn", "warning: 2 packages are out of date" },
    { 0.6, "stdout", "info", "\27[32mcompiled\27[0m {project}" },
    { 0.9, "stdout", "info", "Collecting the output" },
  },
  deploy = {
    { 0, "system", "info", "Deploying to {regions}" },
    { 0.5, "system", "debug", "Waiting for the health check" },
  },
  runtime = {
    { 0, "stdout", "info", "Listening on :8080" },
    { 1, "stdout", "debug", "GET / 200" },
  },
}

-- How a stage ends: outcome -> stream, level, text.
local ENDS = {
  build = {
    ok = { "system", "info", "Build completed" },
    failed = { "stderr", "error", "Build failed: {failure}" },
    canceled = { "system", "warn", "Build canceled: {reason}" },
  },
  deploy = {
    ok = { "system", "info", "Live at {url}" },
    failed = { "system", "error", "Deployment failed: {failure}" },
    canceled = { "system", "warn", "Deployment canceled: {reason}" },
  },
}

local function characters(text)
  local _, count = text:gsub("[^\128-\191]", "")
  return count
end

--- The lines of a text, whatever ends them.
local function each_line(text)
  return (text:gsub("\r\n", "\n"):gsub("\r", "\n") .. "\n"):gmatch("([^\n]*)\n")
end

-- Adds to `texts` what of a secret is masked: its one line, or those of several that are long enough (contract 1.10).
local function add_masks(texts, secret)
  local lines = {}
  for line in each_line(secret) do
    lines[#lines + 1] = line ~= "" and line or nil
  end
  for _, line in ipairs(lines) do
    if #lines == 1 or characters(line) >= limits.mask_min_chars then
      texts[#texts + 1] = line
    end
  end
end

-- The texts to mask, the longest first, so that a secret which contains another is masked whole.
local function masks(secrets)
  local texts = {}
  for _, secret in ipairs(secrets) do
    add_masks(texts, secret)
  end
  table.sort(texts, function(a, b)
    if #a ~= #b then
      return #a > #b
    end
    return a < b
  end)
  return texts
end

local function mask(message, text)
  local pieces, from = {}, 1
  local first, last = message:find(text, 1, true)
  while first do
    pieces[#pieces + 1] = message:sub(from, first - 1)
    from = last + 1
    first, last = message:find(text, from, true)
  end
  pieces[#pieces + 1] = message:sub(from)
  return table.concat(pieces, "***")
end

local function masked(message, texts)
  for _, text in ipairs(texts) do
    message = mask(message, text)
  end
  return message
end

-- Cuts at a character's beginning, so that what is left is UTF-8.
local function cut(message)
  if #message <= limits.log_message_bytes then
    return message, false
  end
  local last = limits.log_message_bytes
  while last > 0 and message:byte(last + 1) >= 0x80 and message:byte(last + 1) < 0xC0 do
    last = last - 1
  end
  return message:sub(1, last), true
end

local function environment(deployment)
  local lines = {}
  for _, key in ipairs(deployment.env_keys) do
    lines[#lines + 1] = key .. "=" .. deployment.private.env[key]
  end
  return table.concat(lines, "\n")
end

local function words(deployment)
  local private = deployment.private
  return {
    project = private.built.project,
    branch = deployment.branch,
    commit = deployment.commit_sha and deployment.commit_sha:sub(1, 7) or "none",
    target = deployment.target,
    url = private.built.permalink_url,
    regions = table.concat(deployment.regions, ", "),
    cache = private.skip_cache and "Skipping the build cache" or "Restoring the build cache",
    environment = environment(deployment),
    failure = deployment.failure and deployment.failure.message or "",
    reason = deployment.cancel_reason or "",
  }
end

local writer = {}
writer.__index = writer

function writer:write(time_ms, stage, stream, level, text)
  if time_ms > self.until_ms then
    return
  end
  text = text:gsub("{(%w+)}", self.words)
  if text == "" then
    return
  end
  for line in each_line(text) do
    local message, truncated = cut(masked(line, self.masks))
    self.lines[#self.lines + 1] = {
      object = "log_line",
      seq = #self.lines + 1,
      time_ms = time_ms,
      stage = stage,
      stream = stream,
      level = level,
      message = message,
      truncated = truncated,
    }
  end
end

-- One stage as it went: { name, begun_ms, planned_ms, ended_ms|nil, outcome|nil }.
local function write_stage(self, stage)
  for _, line in ipairs(SCRIPT[stage.name]) do
    local time_ms = stage.begun_ms + math.floor(line[1] * stage.planned_ms)
    if not stage.ended_ms or time_ms <= stage.ended_ms then
      self:write(time_ms, stage.name, line[2], line[3], line[4])
    end
  end
  local last = stage.outcome and ENDS[stage.name][stage.outcome]
  if last then
    self:write(stage.ended_ms, stage.name, last[1], last[2], last[3])
  end
end

local build_log = {}

--- The lines that `deployment` has written by `now` (epoch milliseconds), in order, each a log_line but for its cursor.
function build_log.lines(deployment, now)
  local private = deployment.private
  if not private.built then
    return {}
  end
  local self = setmetatable({
    lines = {}, until_ms = now, words = words(deployment), masks = masks(private.secrets),
  }, writer)
  for _, stage in ipairs(private.stages) do
    write_stage(self, stage)
  end
  if private.live_ms then
    write_stage(self, { name = "runtime", begun_ms = private.live_ms, planned_ms = RUNTIME_MS })
  end
  return self.lines
end

return build_log
