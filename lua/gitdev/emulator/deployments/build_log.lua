--- The scripted log of a deployment (contract 2.5). Nothing is stored: the lines follow from what the deployment went
-- through, so they are made when somebody reads them, and a line is there as soon as its time has come.
local log_writer = require "gitdev.emulator.deployments.log_writer"

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

-- Writes a line of the script; what its words leave empty is no line.
local function write(writer, fill, time_ms, stage, stream, level, text)
  text = text:gsub("{(%w+)}", fill)
  if text ~= "" then
    writer:write(time_ms, stage, stream, level, text)
  end
end

-- One stage as it went: { name, begun_ms, planned_ms, ended_ms|nil, outcome|nil }. `fill`: the words of the script.
local function write_stage(writer, fill, stage)
  for _, line in ipairs(SCRIPT[stage.name]) do
    local time_ms = stage.begun_ms + math.floor(line[1] * stage.planned_ms)
    if not stage.ended_ms or time_ms <= stage.ended_ms then
      write(writer, fill, time_ms, stage.name, line[2], line[3], line[4])
    end
  end
  local last = stage.outcome and ENDS[stage.name][stage.outcome]
  if last then
    write(writer, fill, stage.ended_ms, stage.name, last[1], last[2], last[3])
  end
end

local build_log = {}

--- The lines that `deployment` has written by `now` (epoch milliseconds), in order, each a log_line but for its cursor.
function build_log.lines(deployment, now)
  local private = deployment.private
  if not private.built then
    return {}
  end
  local writer, fill = log_writer.new(now, private.secrets), words(deployment)
  for _, stage in ipairs(private.stages) do
    write_stage(writer, fill, stage)
  end
  if private.live_ms then
    write_stage(writer, fill, { name = "runtime", begun_ms = private.live_ms, planned_ms = RUNTIME_MS })
  end
  return writer.lines
end

return build_log
