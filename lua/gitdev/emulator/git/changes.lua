--- What changed between two commits, as the contract has it.
local core = require "gitdev.core"
local store = require "gitdev.emulator.git.store"
local text = require "gitdev.emulator.git.text"

-- A patch above this is left out, and all that come once so much has been given: an answer stays one that can be read.
local PATCH_BYTES, PATCHES_BYTES = 64 * 1024, 1024 * 1024

-- What is only looked through: more than a commit over the API can bring.
local READ_PATCH_BYTES, READ_BYTES = 16 * 1024 * 1024, 64 * 1024 * 1024

local changes = {}

local function as_change(change)
  return {
    path = text.clean(change.path),
    previous_path = change.previous_path and text.clean(change.previous_path),
    status = change.status,
    additions = change.additions,
    deletions = change.deletions,
    binary = change.binary,
    patch = change.patch and core.utf8(change.patch) and change.patch or nil,
  }
end

--- The files that differ between two commits (`before` nil: nothing was there), at most `limit` of them, and { additions, deletions, files } of all.
function changes.between(repository, before, after, limit)
  local options = { files = limit, patch_bytes = PATCH_BYTES, patches_bytes = PATCHES_BYTES }
  local found, stats = store.sound(store.objects(repository):diff(before, after, options))
  local list = {}
  for index, change in ipairs(found) do
    list[index] = as_change(change)
  end
  return list, stats
end

--- The same for who looks through what was changed: a list of { path, patch }, with patches that no answer would hold, in whatever bytes.
function changes.read(repository, before, after, limit)
  local options = { files = limit, patch_bytes = READ_PATCH_BYTES, patches_bytes = READ_BYTES }
  local list = {}
  for index, change in ipairs((store.sound(store.objects(repository):diff(before, after, options)))) do
    list[index] = { path = text.clean(change.path), patch = change.patch }
  end
  return list
end

return changes
