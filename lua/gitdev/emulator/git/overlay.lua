--- The files of a tree while actions change them: what has been touched lies over the tree, which is only looked at. A file is { mode, sha } or
-- { mode, content }.
local format = require "gitdev.emulator.git.format"
local store = require "gitdev.emulator.git.store"

-- What has been touched is kept as directories in each other, for a path may have thousands of parts. A node: `children` (name -> node, or nil),
-- `file` (what is there now; false: nothing; nil: as it was in the tree), `below` (how many files there are now in it that have been touched).
local overlay = {}
overlay.__index = overlay

local function new_node()
  return { below = 0 }
end

--- The files of the tree with the id `tree` (nil: none).
function overlay.new(objects, tree)
  return setmetatable({ objects = objects, tree = tree, root = new_node(), touched = {} }, overlay)
end

local function descend(node, path)
  for name in path:gmatch "[^/]+" do
    node = node.children and node.children[name]
    if not node then
      return nil
    end
  end
  return node
end

-- The node of a path; nil if nothing there or below has been touched. The same path is asked for several times in a row.
local function find_node(self, path)
  if self.found_path ~= path then
    self.found_path, self.found_node = path, descend(self.root, path)
  end
  return self.found_node
end

-- The node of a path, made if there is none, with `change` more files below those above it.
local function reach_node(self, path, change)
  local node = self.root
  for name in path:gmatch "[^/]+" do
    node.below = node.below + change
    node.children = node.children or {}
    node.children[name] = node.children[name] or new_node()
    node = node.children[name]
  end
  self.found_path, self.found_node = path, node
  return node
end

-- What the tree had at a path; nil: nothing.
local function entry_before(self, path)
  return self.tree and store.sound(self.objects:entry(self.tree, path)) or nil
end

-- The file that the tree had at a path; nil: none, or a directory.
local function file_before(self, path)
  local entry = entry_before(self, path)
  return entry and entry.type ~= "tree" and entry or nil
end

--- The file at a path; nil if there is none, or a directory.
function overlay:file(path)
  local node = find_node(self, path)
  if node and node.file ~= nil then
    return node.file or nil
  end
  return file_before(self, path)
end

-- Whether a directory of the tree still has a file that has not been touched. `node`: what has been, or nil.
local function has_old_file(self, sha, node)
  for _, entry in ipairs(store.sound(self.objects:entries(sha))) do
    local inner = node and node.children and node.children[entry.name]
    if entry.type == "tree" then
      if has_old_file(self, entry.sha, inner) then
        return true
      end
    elseif not inner or inner.file == nil then
      return true
    end
  end
  return false
end

--- Whether there is a file below a path.
function overlay:is_directory(path)
  local node = find_node(self, path)
  if node and node.below > 0 then
    return true
  end
  local entry = entry_before(self, path)
  return entry ~= nil and entry.type == "tree" and has_old_file(self, entry.sha, node)
end

--- Puts a file at a path, or (nil) takes away what is there.
function overlay:put(path, file)
  local node = find_node(self, path)
  local change = (file and 1 or 0) - (node and node.file and 1 or 0)
  reach_node(self, path, change).file = file or false
  self.touched[path] = true
end

--- A directory of a path that is a file; nil if there is none.
function overlay:file_above(path)
  local node, tree = self.root, self.tree
  for name, place in path:gmatch "([^/]+)()/" do
    node = node and node.children and node.children[name]
    local entry = tree and store.sound(self.objects:entry(tree, name))
    local now = node and node.file
    if now or now == nil and entry and entry.type ~= "tree" then
      return path:sub(1, place - 1)
    end
    tree = entry and entry.type == "tree" and entry.sha or nil
    if not node and not tree then
      return nil
    end
  end
  return nil
end

--- The id that a file has, or will have.
function overlay.id_of(file)
  file.sha = file.sha or format.id("blob", file.content)
  return file.sha
end

--- The touched paths that are not what they were, as write_tree takes them; with the `content` of those that the objects may not have.
function overlay:changes()
  local list = {}
  for path in pairs(self.touched) do
    local file, before = find_node(self, path).file, file_before(self, path)
    if file then
      local sha = overlay.id_of(file)
      if not before or before.sha ~= sha or before.mode ~= file.mode then
        list[#list + 1] = { path = path, mode = file.mode, sha = sha, content = file.content }
      end
    elseif before then
      list[#list + 1] = { path = path }
    end
  end
  return list
end

return overlay
