-- Every list, as the tours ask for it: its pages, of whatever size, hold what one page holds, in both orders; a cursor goes with its filters
-- and its order alone (contract 1.6).
local json = require "gitdev.json"
local schema = require "gitdev.schema"
local test = require "gitdev.test"
local tour = require "spec.lua.support.tour"

local LONGEST = 25 -- longer lists are walked in larger steps: it is the seams of pages that count

local PAGING = { limit = true, cursor = true, order = true }

-- A target without the parameters of paging.
local function bare(target)
  local path, query = target:match "^([^?]*)%??(.*)$"
  local kept = {}
  for pair in query:gmatch "[^&]+" do
    kept[#kept + 1] = not PAGING[pair:match "^[^=]*"] and pair or nil
  end
  return path .. "?" .. table.concat(kept, "&")
end

local function with(target, ...)
  local text = target
  for _, pair in ipairs { ... } do
    text = text .. (text:find "%?$" and "" or "&") .. pair
  end
  return text
end

-- A thing's name in a list: its JSON, without a line's cursor, which is for where it stands.
local function name_of(thing)
  thing.cursor = nil
  return assert(json.encode(thing))
end

-- All that a list holds, page by page. The answer to the last request, and the names.
local function walk(ask, target, limit)
  local names, cursor = {}, nil
  repeat
    local page = ask(with(target, "limit=" .. limit, cursor and "cursor=" .. cursor or nil))
    assert(page.error == nil, page.error and target .. ": " .. tostring(page.error.message))
    assert(#page.data <= limit and page.has_more == (page.next_cursor ~= json.null), target)
    for _, thing in ipairs(page.data) do
      names[#names + 1] = name_of(thing)
    end
    cursor = page.has_more and page.next_cursor
  until not cursor
  return names
end

local function reversed(list)
  local other = {}
  for i = #list, 1, -1 do
    other[#other + 1] = list[i]
  end
  return other
end

local function same(a, b, label)
  assert(#a == #b, ("%s: %d and %d things"):format(label, #a, #b))
  for i = 1, #a do
    assert(a[i] == b[i], ("%s: thing %d differs:\n%s\n%s"):format(label, i, a[i], b[i]))
  end
end

local function check_cursor(ask, op, target, other_order)
  local page = ask(with(target, "limit=1"))
  if not page.has_more then
    return false
  end
  local cursor = "cursor=" .. page.next_cursor
  local turned = ask(with(target, cursor, "order=" .. other_order))
  assert(turned.error and turned.error.code == "cursor_mismatch", op.op .. " takes a cursor of another order")
  return true
end

-- Looks at one list. Returns whether it had more than one thing.
local function check(ask, op, request)
  local target = bare(request.target)
  local order = op.query.by_name.order.default
  local other = order == "asc" and "desc" or "asc"
  local ordered = with(target, "order=" .. order)
  local all = walk(ask, ordered, op.query.by_name.limit.max)
  local step = math.max(1, math.ceil(#all / LONGEST))
  same(all, walk(ask, target, op.query.by_name.limit.max), op.op .. " without an order")
  same(all, walk(ask, ordered, step), op.op .. " in steps of " .. step)
  same(all, walk(ask, ordered, step + 1), op.op .. " in steps of " .. step + 1)
  same(reversed(all), walk(ask, with(target, "order=" .. other), step), op.op .. " the other way round")
  return check_cursor(ask, op, target, other)
end

describe("a list in pages is the list", function()
  local asked, longer = {}, 0

  local function run(name)
    local world = test.world { rate_limit = false }
    local emulator = world.emulator
    local handle = emulator.handle
    tour.watch(emulator, function(op, answer, request)
      if not op.paginated or answer.status ~= 200 then
        return
      end
      asked[op.op] = true
      local function ask(target)
        local got = handle(emulator, { method = "GET", target = target, headers = request.headers, body = "", peer = request.peer })
        return json.decode(got.body)
      end
      longer = longer + (check(ask, op, request) and 1 or 0)
    end)
    world:run(function()
      tour.load(name)(require("gitdev").client(), tour.control(emulator))
    end)
  end

  for _, name in ipairs(tour.names()) do
    it("in the tour of " .. name, function()
      run(name)
    end)
  end

  it("for every operation that lists", function()
    local missing = {}
    for _, name in ipairs(schema.operations()) do
      missing[#missing + 1] = schema.operation(name).paginated and not asked[name] and name or nil
    end
    assert.same({}, missing)
    assert.is_true(longer > 20)
  end)
end)
