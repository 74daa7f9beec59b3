--- Directories and files of a commit (contract 2.7).
local core = require "gitdev.core"
local limits = require "gitdev.api.limits"
local paging = require "gitdev.emulator.request.paging"
local refusal = require "gitdev.emulator.refusal"
local store = require "gitdev.emulator.git.store"
local text = require "gitdev.emulator.git.text"

local SYMLINK, EXECUTABLE = 40960, 33261 -- 120000 and 100755 as octal numbers

-- Directories that are kept sorted, for each repository: walking a large one takes many pages.
local LEVELS_KEPT = 64

-- A path longer than this does not fit into a cursor: its digest stands for it.
local PATH_IN_CURSOR = 200

local trees = {}

-- ---- the walk, in the order of paths ----

local levels = setmetatable({}, { __mode = "k" })

local function by_key(a, b)
  return a.key < b.key
end

-- What a directory holds, in the order in which paths below it come: a directory at its own name, and what is in it at its name with a slash;
-- other names can stand between the two ("a", "a-b", "a/c").
local function read_level(objects, sha)
  local items = {}
  for _, entry in ipairs(store.sound(objects:entries(sha))) do
    items[#items + 1] = { key = entry.name, entry = entry }
    if entry.type == "tree" then
      items[#items + 1] = { key = entry.name .. "/", below = entry.sha }
    end
  end
  table.sort(items, by_key)
  return items
end

local function level(objects, sha)
  local kept = levels[objects]
  if not kept or kept.count == LEVELS_KEPT then
    kept = { count = 0, by_sha = {} }
    levels[objects] = kept
  end
  if not kept.by_sha[sha] then
    kept.by_sha[sha], kept.count = read_level(objects, sha), kept.count + 1
  end
  return kept.by_sha[sha]
end

-- The first place in a level that is beyond `after`, and whether that is a directory which `after` lies in.
local function place_after(items, after, step)
  local low, high = 1, #items + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if items[middle].key <= after then
      low = middle + 1
    else
      high = middle
    end
  end
  local at = items[low - 1]
  if at and at.below and after:sub(1, #at.key) == at.key then
    return low - 1, true
  elseif step > 0 then
    return low, false
  end
  return at and at.key == after and low - 2 or low - 1, false
end

local function enter(stack, objects, sha, prefix, after, step)
  local items = level(objects, sha)
  local at, inside = step > 0 and 1 or #items, false
  if after then
    at, inside = place_after(items, after, step)
  end
  stack[#stack + 1] = { items = items, at = at, prefix = prefix }
  if inside then
    local item = items[at]
    stack[#stack].at = at + step
    enter(stack, objects, item.below, prefix .. item.key, after:sub(#item.key + 1), step)
  end
end

--- An iterator over path and entry of a tree, in the order of paths or against it, beyond the path `after` (nil: all).
local function walk(objects, sha, options)
  local stack, step = {}, options.descending and -1 or 1
  enter(stack, objects, sha, "", options.after, step)
  return function()
    while stack[1] do
      local top = stack[#stack]
      local item = top.items[top.at]
      top.at = top.at + step
      if not item then
        stack[#stack] = nil
      elseif item.entry then
        return top.prefix .. item.key, item.entry
      elseif options.recursive then
        enter(stack, objects, item.below, top.prefix .. item.key, nil, step)
      end
    end
    return nil
  end
end

-- ---- lists ----

local TYPES = { tree = "dir", commit = "submodule" }

local function type_of(entry)
  return TYPES[entry.type] or entry.mode == SYMLINK and "symlink" or "file"
end

local function as_entry(objects, path, entry)
  local size
  if entry.type == "blob" then
    local _, bytes = store.sound(objects:header(entry.sha))
    size = bytes
  end
  return {
    object = "tree_entry",
    path = text.clean(path),
    name = text.clean(entry.name),
    type = type_of(entry),
    mode = ("%06o"):format(entry.mode),
    sha = entry.sha,
    size_bytes = size,
  }
end

-- A cursor holds the commit that the list began at, and where it is: a path, or a path's digest.
local function position_of(commit, path)
  return commit .. (#path <= PATH_IN_CURSOR and " " .. path or "#" .. core.sha1(path))
end

local function refuse_missing(param, message)
  refusal.raise("resource_missing", { status = 404, param = param, message = message })
end

-- The tree at `path` of a commit.
local function find_directory(objects, commit, path)
  if path == "" then
    return store.sound(objects:commit(commit)).tree_sha
  end
  -- libgit2 takes "a/" for "a".
  local entry = path:sub(-1) ~= "/" and store.sound(objects:entry(commit, path))
  if not entry then
    refuse_missing("path", "path: there is no such directory.")
  elseif entry.type ~= "tree" then
    local message = "path: this is a file: read it with repositories.files.get."
    refusal.unprocessable { { code = "parameter_invalid", param = "path", message = message } }
  end
  return entry.sha
end

-- The path that a digest stands for, found by going there again.
local function path_of(objects, sha, options, digest)
  for path in walk(objects, sha, options) do
    if core.sha1(path) == digest then
      return path
    end
  end
  return nil
end

-- So many entries of a walk, and the path of the last one if there are more.
local function collect(objects, iterator, prefix, limit)
  local data, last = {}, nil
  for path, entry in iterator do
    if #data == limit then
      return data, last
    end
    data[#data + 1], last = as_entry(objects, prefix .. path, entry), path
  end
  return data, nil
end

--- One page of a directory. `start()` answers the commit's id, or nil where there is none yet; it is asked on the first page alone.
function trees.page(call, repository, start)
  local query, binding, cursors = call.query, paging.binding(call), call.emulator.cursors
  local place = query.cursor and cursors:read(query.cursor, { binding }) or start()
  if not place then
    return { data = {} }
  end
  local commit, mark, rest = place:match "^(%x+)([ #]?)(.*)$"
  local objects, path = store.objects(repository), query.path:match "^(.-)/?$"
  local sha = find_directory(objects, commit, path)
  local options = { recursive = query.recursive, descending = query.order == "desc" }
  options.after = mark == "#" and path_of(objects, sha, options, rest) or mark == " " and rest or nil
  local data, last = collect(objects, walk(objects, sha, options), path == "" and "" or path .. "/", query.limit)
  return { data = data, next_cursor = last and cursors:make(binding, position_of(commit, last)) }
end

-- ---- files ----

local function refuse_kind(entry)
  local message = entry.type == "tree" and "path: this is a directory: list it with repositories.tree.list."
    or "path: this is a submodule, which has its files elsewhere."
  refusal.unprocessable { { code = "parameter_invalid", param = "path", message = message } }
end

local function refuse_size(size)
  local message = ("The file has %d bytes; files above %d are read over Git."):format(size, limits.git.file_bytes)
  refusal.unprocessable { { code = "file_too_large", param = "path", message = message } }
end

--- A file of a commit. `ref`: what the commit was named by.
function trees.file(repository, commit, path, ref)
  local objects = store.objects(repository)
  local entry = commit and path:sub(-1) ~= "/" and store.sound(objects:entry(commit, path))
  if not entry then
    refuse_missing(nil, "There is no such file.")
  elseif entry.type ~= "blob" then
    refuse_kind(entry)
  end
  local _, size = store.sound(objects:header(entry.sha))
  if size > limits.git.file_bytes then
    refuse_size(size)
  end
  local _, bytes = store.sound(objects:read(entry.sha))
  local is_text = core.utf8(bytes)
  return {
    object = "file",
    path = path,
    name = path:match "[^/]*$",
    ref = ref,
    commit_sha = commit,
    sha = entry.sha,
    size_bytes = size,
    encoding = is_text and "utf-8" or "base64",
    content = is_text and bytes or store.module().base64(bytes),
    executable = entry.mode == EXECUTABLE,
  }
end

return trees
