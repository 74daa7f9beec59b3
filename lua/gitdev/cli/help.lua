--- What `gitdev --help` prints. The rows are the options that the host knows; a spec holds them against it.
local exit_code = require "gitdev.cli.exit_code"

local help = {}

help.usage = "usage: gitdev [options] [script [arguments]]\n       gitdev command [options]\n"

--- The row of the option that every command has.
help.row = { "-h, --help", "show this help" }

help.options = {
  { "-e stat", "execute string 'stat'" },
  { "-l mod", "require library 'mod' into global 'mod'" },
  { "-l g=mod", "require library 'mod' into global 'g'" },
  { "-i", "enter interactive mode after executing 'script'" },
  { "-v", "show version information" },
  { "-E", "ignore environment variables" },
  { "-W", "turn warnings on" },
  { "--emulator", "run the script against an emulator of the API inside this process" },
  { "--quiet", "show no progress while waiting" },
  help.row,
  { "--version", "show version information and exit" },
  { "--", "stop handling options" },
  { "-", "stop handling options and execute stdin" },
}

help.commands = require "gitdev.cli.commands"

help.environment = {
  { "GIT_API_KEY", "the secret key, gsk_…" },
  { "GIT_API_URL", "the base URL, https only (default https://api.git.dev/v2)" },
  { "GIT_CA_FILE", "a PEM file of certificates to trust instead of the system's" },
  { "GIT_WEBHOOK_SECRET", "the secret, whsec_…, that webhooks are verified and signed with" },
  { "GITDEV_PROGRESS", "auto, lines or off: what waiting shows on stderr" },
  { "GITDEV_LOG", "info or debug: calls are told on stderr, secrets masked" },
  { "TRACEPARENT", "a W3C trace context that calls pass on" },
}

help.exit_codes = {
  { exit_code.OK, "done" },
  { exit_code.ERROR, "any other Lua error" },
  { exit_code.USAGE, "usage, configuration, or an invalid request" },
  { exit_code.NOT_FOUND, "not found, or gone" },
  { exit_code.NOT_ALLOWED, "not allowed: the key, its scopes, or a signature" },
  { exit_code.CONFLICT, "conflict with the present state" },
  { exit_code.RATE_LIMITED, "rate limited" },
  { exit_code.NETWORK, "network: the server cannot be reached or trusted" },
  { exit_code.TIMED_OUT, "timed out" },
  { exit_code.SERVER, "the server failed, or answered outside of the API's contract" },
  { exit_code.FAILED, "what was waited for failed or was canceled: a deployment, a run, …" },
  { exit_code.INTERRUPTED, "interrupted" },
}

local function section(title, rows)
  local lines = { "", title .. ":" }
  for _, row in ipairs(rows) do
    lines[#lines + 1] = string.format("  %-23s %s", tostring(row[1]), row[2])
  end
  return table.concat(lines, "\n") .. "\n"
end

--- One section of help: a title and rows of two columns.
help.section = section

--- Some rows of a table, by their first column; one that is given as a row stands for its own.
function help.some(rows, wanted)
  local chosen = {}
  for index, want in ipairs(wanted) do
    chosen[index] = type(want) == "table" and want or nil
    for _, row in ipairs(rows) do
      chosen[index] = chosen[index] or row[1] == want and row or nil
    end
  end
  return chosen
end

--- Whether an argument of a command asks what it does.
function help.asked(argument)
  return argument == "--help" or argument == "-h"
end

--- The help of the host itself.
function help.text()
  return help.usage
    .. section("options", help.options)
    .. section("commands", help.commands)
    .. section("environment", help.environment)
    .. section("exit codes", help.exit_codes)
    .. "\nA script's own arguments follow its name and are in the global table 'arg'.\n"
end

return help
