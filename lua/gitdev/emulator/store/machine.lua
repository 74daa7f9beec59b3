--- Moves things along the state machines of the contract's tables (contract 3). A move names what happened ("build_ok");
-- the table says where that leads from the present status, and which events it emits, in which order.
local refusal = require "gitdev.emulator.refusal"
local schema = require "gitdev.schema"

local machine = {}

-- What happened -> the transitions by the status before (`first`: the one that makes a new thing), and those statuses in
-- the table's order.
local function index(transitions)
  local moves = {}
  for _, row in ipairs(transitions) do
    local move = moves[row.on] or { from = {}, by_from = {} }
    moves[row.on] = move
    if row.from then
      move.from[#move.from + 1] = row.from
      move.by_from[row.from] = row
    else
      move.first = row
    end
  end
  return moves
end

local function compile(name)
  local object = schema.object(name)
  local states, ends = object.states, {}
  for _, status in ipairs(states.statuses or object.fields.by_name[states.field].values) do
    if states.terminal[status] then
      ends[#ends + 1] = status
    end
  end
  return { field = states.field, terminal = states.terminal, ends = ends, moves = index(states.transitions) }
end

local compiled = {}

local function of(name)
  compiled[name] = compiled[name] or compile(name)
  return compiled[name]
end

--- The field that says where a thing is; things without a state machine have a `status` too.
function machine.field(thing)
  return schema.object(thing.object).states and of(thing.object).field or "status"
end

--- Whether `thing` has come to an end.
function machine.is_terminal(thing)
  local states = of(thing.object)
  return states.terminal[thing[states.field]] ~= nil
end

--- The statuses in which things of this kind end.
function machine.ends(name)
  return of(name).ends
end

--- Refuses with 409 `invalid_state` (contract 1.8), naming where the thing is and where it would have to be.
function machine.refuse(thing, message, allowed)
  refusal.raise("invalid_state", {
    message = message,
    current_status = thing[machine.field(thing)],
    allowed_statuses = allowed,
  })
end

--- The events of the transition that brings a new thing into the world by `on`.
function machine.birth_events(name, on)
  return of(name).moves[on].first.events
end

--- The events of what happens to a thing whose status is in no field, and the statuses in which that may happen.
function machine.derived(name, on)
  local move = of(name).moves[on]
  return (move.first or move.by_from[move.from[1]]).events, move.from
end

--- Where `on` leads `thing` from its present status: the new status and the events. Raises 409 `invalid_state` if the table
-- has no such transition.
function machine.next(thing, on)
  local states = of(thing.object)
  local move, status = states.moves[on], thing[states.field]
  local row = move.by_from[status]
  if not row then
    local wanted = table.concat(move.from, " or ")
    machine.refuse(thing, ("The %s is %s; this needs one that is %s."):format(thing.object, status, wanted), move.from)
  end
  return row.to, row.events
end

return machine
