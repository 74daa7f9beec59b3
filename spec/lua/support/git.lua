-- The git program, for specs that hold gitdev's repositories against it.
local process = require "spec.lua.support.process"

local git = {}

-- What the user's own settings say shall not decide a spec.
local ENVIRONMENT = "GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 LC_ALL=C"
  .. " GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.com GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.com"
  .. " GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'"

--- A new, empty folder; the caller removes it.
function git.folder()
  local path = os.tmpname()
  os.remove(path)
  assert(process.run("mkdir " .. process.quote(path)) == 0)
  return path
end

function git.remove(path)
  assert(path:find "^/tmp/")
  process.run("rm -rf " .. process.quote(path))
end

--- Runs git in a folder with the words of `command` (for the shell); raises unless it succeeds. Returns what it printed, without the line's end.
function git.run(folder, command, input)
  local status, out, err = process.run(("cd %s && %s git %s"):format(process.quote(folder), ENVIRONMENT, command), input)
  assert(status == 0, command .. ": " .. err .. out)
  return (out:gsub("\n$", ""))
end

--- The same, for git's failures: the exit status, and what it printed.
function git.try(folder, command)
  local status, out, err = process.run(("cd %s && %s git %s"):format(process.quote(folder), ENVIRONMENT, command))
  return status, out .. err
end

--- What git finds wrong with a repository; "" is good. A repository without branches is.
function git.fsck(folder)
  local status, out, err = process.run(("cd %s && %s git fsck --strict --no-dangling --no-progress"):format(process.quote(folder), ENVIRONMENT))
  out = (out .. err):gsub("notice: [^\n]*\n", "")
  return status == 0 and out or "failed: " .. out
end

return git
