--- What a step's commands do, as far as the emulator understands them, so that a graph's behaviour can be seen offline. Each line is a command:
--
--   exit N            ends the step with that code (0 to 255)
--   true, false       succeed, and end the step with 1
--   sleep SECONDS     takes so long
--   echo TEXT         writes TEXT as it stands
--   truncate -s SIZE PATH   makes a file of SIZE bytes (K, M: times 1024), which an artifact of that path then has
--
-- Any other command succeeds at once. A line that begins with `#` is none.
local step_script = {}

local UNITS = { [""] = 1, K = 1024, M = 1024 * 1024 }
local SLEEP_MAX_MS = 30 * 24 * 3600 * 1000

--- The largest file that truncate makes.
step_script.FILE_MAX = 16 * 1024 * 1024

local function sleep(plan, seconds)
  if seconds:find "^%d+%.?%d*$" then
    plan.ms = math.min(plan.ms + math.floor(tonumber(seconds) * 1000 + 0.5), SLEEP_MAX_MS)
  end
end

local function say(plan, text)
  plan.output[#plan.output + 1] = { at_ms = plan.ms, text = text }
end

local function make_file(plan, count, unit, path)
  local size = UNITS[unit:upper()]
  if size then
    plan.files[path] = math.min(tonumber(count) * size, step_script.FILE_MAX)
  end
end

-- Carries out a line. Answers the exit code with which it ends the step, or nil.
local function command(plan, line)
  local code = line:match "^exit%s+(%d%d?%d?)$"
  if code then
    return tonumber(code) % 256
  elseif line == "exit" then
    return 0
  elseif line == "false" then
    return 1
  end
  local word, rest = line:match "^(%a+)%s+(.*)$"
  if word == "sleep" then
    sleep(plan, rest)
  elseif word == "echo" then
    say(plan, rest)
  elseif word == "truncate" then
    local count, unit, path = rest:match "^%-s%s*(%d+)(%a?)%s+(%S+)$"
    if count then
      make_file(plan, count, unit, path)
    end
  end
  return nil
end

--- What a step's `run` does: { ms, exit_code, output = { { at_ms, text }, … }, files = { path -> size } }, where `ms` is what its sleeps
-- take, and `at_ms` how much of that has passed when a line is written.
function step_script.plan(run)
  local plan = { ms = 0, exit_code = 0, output = {}, files = {} }
  for line in (run:gsub("\r\n?", "\n") .. "\n"):gmatch "([^\n]*)\n" do
    local code = command(plan, line:match "^%s*(.-)%s*$")
    if code then
      plan.exit_code = code
      break
    end
  end
  return plan
end

return step_script
