--- Pages of a log (contract 2.5): the lines of a deployment or a job, filtered, each with a cursor of its own.
local log = require "gitdev.emulator.deployments.log"
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

--- When the log of `thing` is no longer kept, in Unix seconds; nil while what writes it goes on.
function log_page.kept_until(thing)
  return thing.finished_at and thing.finished_at + KEPT_SECONDS
end

--- The refusal where a log is no longer kept.
function log_page.expired(thing)
  local message = ("The log is no longer kept: 30 days have passed since the %s ended."):format(thing.object)
  return refusal.new("logs_expired", { message = message })
end

--- Raises 410 `logs_expired` if the log of `thing` is no longer kept.
function log_page.refuse_expired(call, thing)
  local till = log_page.kept_until(thing)
  if till and call.emulator:seconds() >= till then
    error(log_page.expired(thing), 0)
  end
end

--- A function that says whether a line fits the filters of `query`; nil when there are none.
function log_page.filter(query)
  local stage, level, since, till = query.stage, LEVELS[query.level], query.since_ms, query.until_ms
  if not (stage or level or since or till) then
    return nil
  end
  return function(line)
    return (not stage or line.stage == stage)
      and (not level or LEVELS[line.level] >= level)
      and (not since or line.time_ms >= since)
      and (not till or line.time_ms < till)
  end
end

--- What the cursors of a log's lines are bound to.
function log_page.binding(thing)
  return "log_line " .. thing.id
end

--- The `seq` of the line that one of the cursors of this log's lines stands for. Raises 400.
function log_page.read_cursor(call, thing, cursor)
  return tonumber(call.emulator.cursors:read(cursor, { log_page.binding(thing) }))
end

-- Where the walk over the lines begins, ends, and its step. A line's own cursor goes with any filter: it is what a caller polls
-- on with, and what a stream resumes from (contract 2.5).
local function walk_of(call, lines, own, page)
  local cursor, ascending = call.query.cursor, call.query.order == "asc"
  local seq = cursor and tonumber(call.emulator.cursors:read(cursor, { own, page }))
  local first, last = lines:first(), lines:count(call.emulator.now_ms)
  if ascending then
    return math.max(first, (seq or 0) + 1), last, 1
  end
  return math.min(last, (seq or last + 1) - 1), first, -1
end

--- One page of the log of `thing`, a deployment or a job, which `script` writes (see log.lua). Raises 410 `logs_expired`.
function log_page.of(call, thing, script)
  log_page.refuse_expired(call, thing)
  local query, lines = call.query, log.of(thing, script)
  local own, page = log_page.binding(thing), paging.binding(call)
  local cursors, fits = call.emulator.cursors, log_page.filter(query)
  local at, last, step = walk_of(call, lines, own, page)
  local seal, data, looks = cursors:numbered(own), {}, log.LOOKS
  while true do
    local line, reached, left = lines:find(at, last, step, fits, looks)
    if not line then
      local is_end = (last - reached) * step < 0
      return { data = data, next_cursor = not is_end and cursors:make(page, ("%d"):format(reached - step)) or nil }
    elseif #data == query.limit then
      return { data = data, next_cursor = cursors:make(page, ("%d"):format(data[#data].seq)) }
    end
    line.cursor = seal(line.seq)
    data[#data + 1], at, looks = line, line.seq + step, left
  end
end

return log_page
