--- What the host says: of an error that nobody caught, to stderr; what a command prints, to stdout.
local exit_code = require "gitdev.cli.exit_code"

local report = {}

local FIELDS = { "type", "code", "status", "param", "request_id" }

--- The lines for an API error: what, the facts to search for, what to do.
local function api_error(err, errors)
  local lines = { tostring(err) }
  for _, name in ipairs(FIELDS) do
    if err[name] ~= nil then lines[#lines + 1] = string.format("  %-10s  %s", name, tostring(err[name])) end
  end
  local tries = err.attempts and #err.attempts or 0
  if tries > 0 then lines[#lines + 1] = string.format("  %-10s  %d", "tries", tries) end
  local hint = errors.hint(err)
  if hint then lines[#lines + 1] = "  what to do  " .. hint end
  return table.concat(lines, "\n")
end

local function text_of(err)
  local meta = type(err) == "table" and getmetatable(err)
  if type(err) == "string" or type(err) == "number" or type(meta) == "table" and meta.__tostring then
    return tostring(err)
  end
  return string.format("(error object is a %s value)", type(err))
end

--- A traceback without the host's own lines; nil when nothing of the user's is left of it.
local function trim(traceback)
  local lines, user = {}, false
  for line in (traceback or ""):gmatch "[^\n]+" do
    if not line:find("gitdev/cli/", 1, true) then
      lines[#lines + 1] = line
      user = user or line:find "^\t[^%[%(]" ~= nil or line:find("(command line)", 1, true) ~= nil
    end
  end
  return user and table.concat(lines, "\n") or nil
end

--- Writes an uncaught error and its traceback.
function report.uncaught(err, traceback)
  local errors = require "gitdev.error"
  local text = errors.is(err) and api_error(err, errors) or text_of(err)
  io.stderr:write("gitdev: ", require("gitdev.core").redact(text), "\n")
  traceback = trim(traceback)
  if traceback then io.stderr:write(traceback, "\n") end
end

--- Writes what a command prints to stdout, and says so if not all of it is taken, as by a full disk. Returns the exit code.
function report.print(text)
  local ok, problem = io.stdout:write(text)
  if ok then
    ok, problem = io.stdout:flush()
  end
  if ok then return exit_code.OK end
  report.say("stdout cannot be written: %s", problem)
  return exit_code.ERROR
end

--- Writes a plain sentence.
function report.say(...)
  io.stderr:write("gitdev: ", string.format(...), "\n")
end

return report
