--- The actions of a new commit (contract 2.7), one after another over the tree that the commit begins with. Nothing is written before all of
-- them have been found good; then the net change is.
local dotgit = require "gitdev.emulator.git.dotgit"
local format = require "gitdev.emulator.git.format"
local refusal = require "gitdev.emulator.refusal"
local store = require "gitdev.emulator.git.store"

local FILE, EXECUTABLE = 33188, 33261 -- 100644 and 100755 as octal numbers

-- The state of the work. `now`: path -> { mode, sha } or { mode, content }, or false for what is gone; only what the actions have touched.
-- `below`: directory -> how many of the files in `now` are in it.
local work = {}
work.__index = work

local function new_work(objects, tree)
  return setmetatable({ objects = objects, tree = tree, now = {}, below = {}, faults = {} }, work)
end

-- Calls fn with each directory above a path.
local function each_above(path, fn)
  for place in path:gmatch "()/" do
    fn(path:sub(1, place - 1))
  end
end

-- What the tree had at a path before; nil: nothing.
function work:before(path)
  return self.tree and store.sound(self.objects:entry(self.tree, path)) or nil
end

-- The file at a path: { mode, sha or content }; nil if there is none, or a directory.
function work:file(path)
  local now = self.now[path]
  if now ~= nil then
    return now or nil
  end
  local before = self:before(path)
  return before and before.type ~= "tree" and before or nil
end

-- Whether a directory of the old tree still has a file that no action has taken away.
function work:has_old_file(sha, path)
  for _, entry in ipairs(store.sound(self.objects:entries(sha))) do
    local inner = path .. "/" .. entry.name
    if entry.type == "tree" then
      if self:has_old_file(entry.sha, inner) then
        return true
      end
    elseif self.now[inner] == nil then
      return true
    end
  end
  return false
end

function work:is_directory(path)
  if (self.below[path] or 0) > 0 then
    return true
  end
  local before = self:before(path)
  return before ~= nil and before.type == "tree" and self:has_old_file(before.sha, path)
end

-- Puts a file at a path, or (nil) takes away what is there.
function work:put(path, file)
  local change = (file and 1 or 0) - (self.now[path] and 1 or 0)
  if change ~= 0 then
    each_above(path, function(directory)
      self.below[directory] = (self.below[directory] or 0) + change
    end)
  end
  self.now[path] = file or false
end

-- A directory of a path that is a file; nil if there is none. It goes down the old tree step by step, as far as there is anything at all.
function work:file_above(path)
  local tree = self.tree
  for place in path:gmatch "()/" do
    local directory = path:sub(1, place - 1)
    local now, before = self.now[directory], tree and store.sound(self.objects:entry(tree, directory:match "[^/]*$"))
    if now or now == nil and before and before.type ~= "tree" then
      return directory
    end
    tree = before and before.type == "tree" and before.sha or nil
    if not tree and not self.below[directory] then
      return nil
    end
  end
  return nil
end

-- Why no file can be put at a path where there is none yet; nil: it can.
function work:obstacle(path)
  if self:file(path) then
    return "there is a file already."
  elseif self:is_directory(path) then
    return "there is a directory of that name."
  end
  local above = self:file_above(path)
  return above and ("%s is a file, and can hold none."):format(above)
end

-- ---- faults ----

function work:fault(code, index, field, message)
  local param = ("actions[%d].%s"):format(index, field)
  self.faults[#self.faults + 1] = { code = code, param = param, message = param .. ": " .. message }
  return nil
end

function work:missing(index, field, path)
  local what = self:is_directory(path) and "this is a directory: name the files in it." or "there is no such file."
  return self:fault("path_missing", index, field, what)
end

-- ---- what each action says ----

-- The bytes that an action gives a file; nil if it gives none, or if they cannot be read.
local function content_of(self, index, action)
  if action.encoding ~= "base64" or action.content == nil then
    return action.content
  end
  local bytes = store.module().unbase64(action.content)
  return bytes or self:fault("parameter_invalid", index, "content", "this is no base64 (RFC 4648, with padding, without line breaks).")
end

local function mode_of(action, before)
  if before and before.mode ~= FILE and before.mode ~= EXECUTABLE or action.executable == nil then
    return before and before.mode or FILE
  end
  return action.executable and EXECUTABLE or FILE
end

-- The id that a file has, or will have.
local function id_of(file)
  file.sha = file.sha or format.id("blob", file.content)
  return file.sha
end

-- Whether the file is the one that the action was made for. The first that is not ends the work with 409, if nothing else is wrong.
local function is_expected(self, index, action, file)
  if action.sha and not (file and id_of(file) == action.sha) then
    self.conflict = self.conflict or { index = index, present = file and id_of(file) }
  end
end

local ACTIONS = {}

function ACTIONS.create(self, index, action)
  local obstacle = self:obstacle(action.path)
  if obstacle then
    return self:fault("path_exists", index, "path", obstacle)
  end
  is_expected(self, index, action, nil)
  self:put(action.path, { mode = mode_of(action), content = content_of(self, index, action) or "" })
end

function ACTIONS.update(self, index, action)
  local file = self:file(action.path)
  if not file then
    return self:missing(index, "path", action.path)
  end
  is_expected(self, index, action, file)
  local content = content_of(self, index, action)
  self:put(action.path, { mode = mode_of(action, file), content = content or file.content, sha = not content and file.sha or nil })
end

function ACTIONS.delete(self, index, action)
  local file = self:file(action.path)
  if not file then
    return self:missing(index, "path", action.path)
  end
  is_expected(self, index, action, file)
  self:put(action.path, nil)
end

function ACTIONS.move(self, index, action)
  local from = action.previous_path
  local file = self:file(from)
  if not file then
    return self:missing(index, "previous_path", from)
  end
  is_expected(self, index, action, file)
  self:put(from, nil)
  local obstacle = self:obstacle(action.path)
  if obstacle then
    self:put(from, file)
    return self:fault("path_exists", index, "path", obstacle)
  end
  local content = content_of(self, index, action)
  self:put(action.path, { mode = mode_of(action, file), content = content or file.content, sha = not content and file.sha or nil })
end

-- What an action must say, and what it must not.
local function check_fields(self, index, action)
  local kind = action.action
  if kind == "move" and not action.previous_path then
    self:fault("parameter_missing", index, "previous_path", "a move says where the file is now.")
  elseif kind ~= "move" and action.previous_path then
    self:fault("parameter_invalid", index, "previous_path", "this goes with move alone.")
  end
  if kind == "create" and not action.content then
    self:fault("parameter_missing", index, "content", "a new file has content, which may be empty.")
  elseif kind == "update" and not action.content and action.executable == nil then
    self:fault("parameter_missing", index, "content", "an update says what the file shall hold, or whether it is executable.")
  elseif kind == "delete" and action.content then
    self:fault("parameter_invalid", index, "content", "a file that is deleted holds nothing.")
  end
  for _, field in ipairs { "path", "previous_path" } do
    if action[field] and dotgit(action[field]) then
      self:fault("parameter_invalid", index, field, "some file system takes a part of this path for .git.")
    end
  end
end

-- ---- the net change ----

local function refuse_conflict(conflict)
  local message = "actions[%d].sha: the file is %s now."
  refusal.raise("blob_conflict", {
    param = ("actions[%d].sha"):format(conflict.index),
    message = message:format(conflict.index, conflict.present or "not there"),
  })
end

-- The touched paths that are not what they were, as write_tree takes them.
local function net_changes(self)
  local list = {}
  for path, file in pairs(self.now) do
    local before = self:before(path)
    before = before and before.type ~= "tree" and before or nil
    if file then
      local sha = id_of(file)
      if not before or before.sha ~= sha or before.mode ~= file.mode then
        list[#list + 1] = { path = path, mode = file.mode, sha = sha, content = file.content }
      end
    elseif before then
      list[#list + 1] = { path = path }
    end
  end
  return list
end

--- Applies `actions` to the tree with the id `tree` (nil: an empty one); answers the new tree's id. Raises 422 for all that is wrong with
-- them, 409 `blob_conflict`, and 422 `nothing_to_commit`.
return function(objects, tree, actions)
  local self = new_work(objects, tree)
  for index, action in ipairs(actions) do
    check_fields(self, index, action)
  end
  for index, action in ipairs(self.faults[1] and {} or actions) do
    ACTIONS[action.action](self, index, action)
  end
  if self.faults[1] then
    refusal.unprocessable(self.faults)
  elseif self.conflict then
    refuse_conflict(self.conflict)
  end
  local changes = net_changes(self)
  if not changes[1] then
    refusal.unprocessable { { code = "nothing_to_commit", param = "actions", message = "actions: together they change nothing." } }
  end
  for _, change in ipairs(changes) do
    if change.content then
      store.sound(objects:write("blob", change.content))
    end
  end
  local id, problem = objects:write_tree(tree, changes)
  if not id then
    refusal.unprocessable { { code = "parameter_invalid", param = "actions", message = "actions: " .. problem .. "." } }
  end
  return id
end
