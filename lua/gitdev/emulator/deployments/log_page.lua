--- Pages of a log (contract 2.5): the lines of a deployment or a job, filtered, each with a cursor of its own.
local paging = require "gitdev.emulator.request.paging"
local refusal = require "gitdev.emulator.refusal"
local schema = require "gitdev.schema"

-- How long the emulator keeps a log after what wrote it has ended; then 410.
local KEPT_SECONDS = 30 * 24 * 3600

local LEVELS = {}
for rank, level in ipairs(schema.object("log_line").fields.by_name.level.values) do
  LEVELS[level] = rank
end

local log_page = {}

--- Raises 410 `logs_expired` if the log of `thing` is no longer kept.
function log_page.refuse_expired(call, thing)
  local ended = thing.finished_at
  if ended and call.emulator:seconds() - ended >= KEPT_SECONDS then
    local message = ("The log is no longer kept: 30 days have passed since the %s ended."):format(thing.object)
    refusal.raise("logs_expired", { message = message })
  end
end

local function fits(line, query)
  return (not query.stage or line.stage == query.stage)
    and (not query.level or LEVELS[line.level] >= LEVELS[query.level])
    and (not query.since_ms or line.time_ms >= query.since_ms)
    and (not query.until_ms or line.time_ms < query.until_ms)
end

-- What the cursors of a log's lines are bound to.
local function binding_of(thing)
  return "log_line " .. thing.id
end

--- The `seq` of the line that one of the cursors of this log's lines stands for. Raises 400.
function log_page.read_cursor(call, thing, cursor)
  return tonumber(call.emulator.cursors:read(cursor, { binding_of(thing) }))
end

-- Where the walk over the lines begins, ends, and its step. A line's own cursor goes with any filter: it is what a caller polls
-- on with, and what a stream resumes from (contract 2.5).
local function walk_of(call, lines, own, page)
  local cursor, ascending = call.query.cursor, call.query.order == "asc"
  local seq = cursor and tonumber(call.emulator.cursors:read(cursor, { own, page }))
  if ascending then
    return (seq or 0) + 1, #lines, 1
  end
  return (seq or #lines + 1) - 1, 1, -1
end

--- One page of the log of `thing`, a deployment or a job. `lines`: a list of log lines (without `cursor`) in the order of their `seq`,
-- which counts from 1 without holes. Raises 410 `logs_expired`.
function log_page.of(call, thing, lines)
  log_page.refuse_expired(call, thing)
  local query = call.query
  local cursors, own, page = call.emulator.cursors, binding_of(thing), paging.binding(call)
  local data, next_cursor = {}, nil
  local first, last, step = walk_of(call, lines, own, page)
  for index = first, last, step do
    local line = lines[index]
    if fits(line, query) then
      if #data == query.limit then
        next_cursor = cursors:make(page, ("%d"):format(data[#data].seq))
        break
      end
      line.cursor = cursors:make(own, ("%d"):format(line.seq))
      data[#data + 1] = line
    end
  end
  return { data = data, next_cursor = next_cursor }
end

return log_page
