--- Looks for the platform's own secrets in what is pushed (contract 3.5: the scanner). It reads the lines that a push adds, as its patches have them.
local changes = require "gitdev.emulator.git.changes"
local core = require "gitdev.core"
local limits = require "gitdev.api.limits"

local NOWHERE = "^0+$"

-- What a secret looks like, and what it is.
local KINDS = {
  { "%f[%w_]gsk_live_%w+", 41, "A live API key" },
  { "%f[%w_]gsk_test_%w+", 41, "A test API key" },
  { "%f[%w_]whsec_%w+", 38, "A webhook's secret" },
}

local secret_scan = {}

-- The secrets in a line of a file, one after another: fn(secret, what it is).
local function each_in(line, fn)
  for _, kind in ipairs(KINDS) do
    for secret in line:gmatch(kind[1]) do
      if #secret == kind[2] then
        fn(secret, kind[3])
      end
    end
  end
end

--- The secrets in the lines that a patch adds: a list of { id, what, line }. `id` names the secret without telling it.
function secret_scan.read(patch)
  local found, number = {}, 0
  for line in (patch .. "\n"):gmatch "([^\n]*)\n" do
    local first = line:match "^@@ %-[%d,]+ %+(%d+)"
    if first then
      number = tonumber(first) - 1
    elseif not line:find "^[-\\]" then
      number = number + 1
    end
    if line:find "^%+" then
      each_in(line, function(secret, what)
        found[#found + 1] = { id = "secret " .. core.sha256(secret), what = what, line = number }
      end)
    end
  end
  return found
end

--- The secrets that a push brings: a list of { id, what, path, line, commit_sha }. `data`: that of its `repository.pushed`.
function secret_scan.push(repository, data)
  local found = {}
  if data.deleted or data.total_commits == 0 then
    return found
  end
  local before = not data.before:find(NOWHERE) and data.before or nil
  for _, change in ipairs(changes.read(repository, before, data.after, limits.git.compare_files)) do
    for _, secret in ipairs(secret_scan.read(change.patch or "")) do
      secret.path, secret.commit_sha = change.path, data.after
      found[#found + 1] = secret
    end
  end
  return found
end

return secret_scan
