-- Lists: a page at a time, or all pages in a walk. Only has_more ends a walk; a page may be empty before (contract 1.6).
local core = require "gitdev.core"
local object = require "gitdev.object"

local page = {}

-- What a page has besides its fields (gitdev.Page, see gitdev.describe.classes).
local methods = {}

-- Makes a page of a list's answer. `walk` is what the list was asked with: the client, the operation, its first path parameter, the target
-- without a cursor, the call's options.
local function make(walk, answer)
  local wrap, data = object.wrapper(walk.client, walk.op, walk.a), answer.data
  for i = 1, #data do
    wrap(data[i])
  end
  return setmetatable(answer, { __index = methods, __name = "gitdev.page", walk = walk })
end

-- Why an answer is no page.
local function fault_of(answer, text, cursor)
  local data = answer.data
  if type(data) ~= "table" or data[1] == nil and (next(data) ~= nil or core.json_kind(text, "data") ~= "array") then
    return "not_a_list", "has no list of data"
  elseif answer.has_more and type(answer.next_cursor) ~= "string" then
    return "no_cursor", "says that more follows, but gives no cursor"
  elseif answer.has_more and answer.next_cursor == cursor then
    return "same_cursor", "gives the cursor that it was asked with: the walk would not end"
  end
  for i = 1, #data do
    local thing = data[i]
    if type(thing) ~= "table" or thing[1] ~= nil or next(thing) == nil then
      return "not_a_list", "has something in its data that is no object"
    end
  end
  return nil
end

---Asks for a page.
---@param walk table
---@param cursor string|nil  where to go on
---@return gitdev.Page|nil
---@return gitdev.Error|nil
function page.fetch(walk, cursor)
  local target = walk.target
  if cursor then
    target = target .. (target:find("?", 1, true) and "&" or "?") .. "cursor=" .. core.escape(cursor)
  end
  local answer, err = walk.client.exchange(walk.client, walk.op, target, nil, walk.options, function(answer, text)
    return fault_of(answer, text, cursor)
  end)
  if not answer then
    return nil, err
  end
  return make(walk, answer)
end

---The page after this one; nil when there is none.
---@return gitdev.Page|nil
---@return gitdev.Error|nil  from gitdev.safe
function methods:next()
  local walk = getmetatable(self).walk
  if not self.has_more then
    return nil
  end
  return walk.client.finish(page.fetch(walk, self.next_cursor))
end

---An iterator over the things of all pages. It raises in both styles of the API: a walk that ended early would look complete.
---@param walk table
---@param cursor string|nil
---@return fun(): table|nil
function page.each(walk, cursor)
  local current, at, err
  return function()
    while true do
      if current and at < #current.data then
        at = at + 1
        return current.data[at]
      elseif current and not current.has_more then
        return nil
      end
      current, err = page.fetch(walk, current and current.next_cursor or cursor)
      if not current then
        error(err, 0)
      end
      at = 0
    end
  end
end

return page
