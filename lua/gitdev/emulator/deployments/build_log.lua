--- The scripted log of a deployment (contract 2.5). Nothing is stored: the lines follow from what the deployment went
-- through, a part for each of its stages; see gitdev.emulator.deployments.log.

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

--- How many parts the log has so far.
function build_log.parts(deployment)
  local private = deployment.private
  if not private.built then
    return 0
  end
  return #private.stages + (private.live_ms and 1 or 0)
end

--- Whether nothing will change any more about a part.
function build_log.is_over(deployment, index)
  local stage = deployment.private.stages[index]
  return not stage or stage.ended_ms ~= nil
end

--- Writes a part as it is, or is planned to go on.
function build_log.write(writer, deployment, index)
  local private = deployment.private
  local stage = private.stages[index] or { name = "runtime", begun_ms = private.live_ms, planned_ms = RUNTIME_MS }
  write_stage(writer, words(deployment), stage)
end

--- Whether lines may be of that stage.
function build_log.has_stage(_, name)
  return SCRIPT[name] ~= nil
end

--- The stage of what is written into the log by hand (see log.write).
function build_log.stage(deployment)
  local last = deployment.private.stages[#deployment.private.stages]
  return deployment.private.live_ms and "runtime" or last and last.name or "build"
end

return build_log
