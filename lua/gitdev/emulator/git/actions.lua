--- The actions of a new commit (contract 2.7), one after another over the tree that the commit begins with. Nothing is written before all of
-- them have been found good; then the net change is.
local dotgit = require "gitdev.emulator.git.dotgit"
local overlay = require "gitdev.emulator.git.overlay"
local refusal = require "gitdev.emulator.refusal"
local store = require "gitdev.emulator.git.store"

local FILE, EXECUTABLE = 33188, 33261 -- 100644 and 100755 as octal numbers

-- The state of the work: the `files` so far, the `faults` found, the first `conflict`.
local work = {}
work.__index = work

local function new_work(objects, tree)
  return setmetatable({ files = overlay.new(objects, tree), faults = {} }, work)
end

-- Why no file can be put at a path where there is none yet; nil: it can.
function work:obstacle(path)
  if self.files:file(path) then
    return "there is a file already."
  elseif self.files:is_directory(path) then
    return "there is a directory of that name."
  end
  local above = self.files:file_above(path)
  return above and ("%s is a file, and can hold none."):format(above)
end

-- ---- faults ----

function work:fault(code, index, field, message)
  local param = ("actions[%d].%s"):format(index, field)
  self.faults[#self.faults + 1] = { code = code, param = param, message = param .. ": " .. message }
  return nil
end

function work:missing(index, field, path)
  local what = self.files:is_directory(path) and "this is a directory: name the files in it." or "there is no such file."
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

-- Whether the file is the one that the action was made for. The first that is not ends the work with 409, if nothing else is wrong.
local function is_expected(self, index, action, file)
  if action.sha and not (file and overlay.id_of(file) == action.sha) then
    self.conflict = self.conflict or { index = index, present = file and overlay.id_of(file) }
  end
end

local ACTIONS = {}

function ACTIONS.create(self, index, action)
  local obstacle = self:obstacle(action.path)
  if obstacle then
    return self:fault("path_exists", index, "path", obstacle)
  end
  is_expected(self, index, action, nil)
  self.files:put(action.path, { mode = mode_of(action), content = content_of(self, index, action) or "" })
end

function ACTIONS.update(self, index, action)
  local file = self.files:file(action.path)
  if not file then
    return self:missing(index, "path", action.path)
  end
  is_expected(self, index, action, file)
  local content = content_of(self, index, action)
  self.files:put(action.path, { mode = mode_of(action, file), content = content or file.content, sha = not content and file.sha or nil })
end

function ACTIONS.delete(self, index, action)
  local file = self.files:file(action.path)
  if not file then
    return self:missing(index, "path", action.path)
  end
  is_expected(self, index, action, file)
  self.files:put(action.path, nil)
end

function ACTIONS.move(self, index, action)
  local from = action.previous_path
  local file = self.files:file(from)
  if not file then
    return self:missing(index, "previous_path", from)
  end
  is_expected(self, index, action, file)
  self.files:put(from, nil)
  local obstacle = self:obstacle(action.path)
  if obstacle then
    self.files:put(from, file)
    return self:fault("path_exists", index, "path", obstacle)
  end
  local content = content_of(self, index, action)
  self.files:put(action.path, { mode = mode_of(action, file), content = content or file.content, sha = not content and file.sha or nil })
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
  local changes = self.files:changes()
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
