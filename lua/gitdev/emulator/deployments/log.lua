--- The log of a deployment or a job (contract 2.5): the lines of its script, and those that were written into it by hand. Lines are numbered from
-- 1 without holes, and stay what they are once their time has come.
--
-- A script makes the lines of one kind of thing out of what the thing went through, in parts (stages, steps), of which all but the last are over:
--   parts(thing)                 how many there are so far
--   is_over(thing, index)        whether nothing changes any more about a part
--   write(writer, thing, index)  writes a part's lines, those that are planned as well: a line is there as soon as its time has come
--   stage(thing)                 where a line belongs that is written now
--   has_stage(thing, name)       whether a line may belong there
-- So what is over is made once, and the rest when the thing moves on: nothing here costs more because a log is long.
--
-- What was written by hand is a part of the state: `private.written` of the thing, a list of blocks { first, before, count, time_ms, stage, stream,
-- level, truncated, and `message` or `lines` }, all of whose lines are alike but for their text, and `total`. `first` is the number of the block's
-- first line, `before` that of lines in blocks before it. A block with a `message` holds no line: each is made of it when it is read.
-- `private.log_from` is the first line that is kept.
local core = require "gitdev.core"
local log_writer = require "gitdev.emulator.deployments.log_writer"
local schema = require "gitdev.schema"

local COUNT_MAX = 1000000000
-- The room that is kept for a line's number.
local NUMBER = ("0"):rep(16)

local log = {}
log.__index = log

--- So many lines may be looked at before others have their turn; lines of a block that does not fit are one.
log.LOOKS = 5000

-- The log of each thing that somebody reads just now.
local open = setmetatable({}, { __mode = "kv" })

--- The log of `thing`, which `script` writes.
function log.of(thing, script)
  local self = open[thing]
  if not self then
    self = setmetatable({
      thing = thing,
      script = script,
      writer = log_writer.new(thing.private.secrets),
      over = 0, -- parts that are over
      kept = 0, -- lines of those
      seen = 0, -- lines whose time has come
      pieces = {}, -- block -> what stands before and after the number in its message
    }, log)
    open[thing] = self
  end
  return self
end

-- Makes the lines of the parts that are new, or went on.
local function refresh(self)
  local script, thing, writer = self.script, self.thing, self.writer
  local parts = script.parts(thing)
  local state = parts * 2 + (parts > 0 and script.is_over(thing, parts) and 1 or 0)
  if state == self.state then
    return
  end
  self.state = state
  writer:cut_to(self.kept)
  for index = self.over + 1, parts do
    script.write(writer, thing, index)
    if index == self.over + 1 and script.is_over(thing, index) then
      self.over, self.kept = index, #writer.lines
    end
  end
end

local NOTHING = { total = 0 }

--- How many lines there are at `now` (epoch milliseconds), which must not go back.
function log:count(now)
  refresh(self)
  local lines, seen = self.writer.lines, self.seen
  while lines[seen + 1] and lines[seen + 1].time_ms <= now do
    seen = seen + 1
  end
  self.seen = seen
  return seen + (self.thing.private.written or NOTHING).total
end

--- When the next line comes, as far as that is known; nil otherwise.
function log:next_time()
  local line = self.writer.lines[self.seen + 1]
  return line and line.time_ms
end

--- The number of the first line that is kept.
function log:first()
  return self.thing.private.log_from or 1
end

-- The last block that begins at or before a line, or nil. Who reads on looks at the one found before, or the next.
local function block_before(self, seq)
  local written = self.thing.private.written or NOTHING
  local at = self.at or 0
  local here, beyond = written[at], written[at + 1]
  if (not here or here.first <= seq) and (not beyond or beyond.first > seq) then
    return here
  end
  local low, high = 0, #written
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if written[middle].first <= seq then
      low = middle
    else
      high = middle - 1
    end
  end
  self.at = low
  return written[low]
end

local function block_at(self, seq)
  local block = block_before(self, seq)
  return block and seq < block.first + block.count and block or nil, block
end

-- The text of a block's line, and whether it was cut.
local function message_of(self, block, number)
  if block.lines then
    return block.lines[number], block.truncated
  end
  local pieces = self.pieces[block]
  if not pieces then
    local before, after = block.message:match "^(.-){n}(.*)$"
    pieces = { before or block.message, after, self.writer:hides() }
    self.pieces[block] = pieces
  end
  local message = pieces[2] and pieces[1] .. ("%d"):format(number) .. pieces[2] or pieces[1]
  if pieces[3] then
    return self.writer:shown(message)
  end
  return message, false
end

local function line_at(self, seq, block, last)
  if block then
    local message, truncated = message_of(self, block, seq - block.first + 1)
    return {
      object = "log_line",
      seq = seq,
      time_ms = block.time_ms,
      stage = block.stage,
      stream = block.stream,
      level = block.level,
      message = message,
      truncated = truncated,
    }
  end
  local line = self.writer.lines[seq - (last and last.before + last.count or 0)]
  line.seq = seq
  return line
end

--- The first line from `seq` to `last`, by `step` (1 or -1), that fits(line) takes (nil: any); fits may be given what has all of a line but its
-- number and text. `looks`: how many may be looked at. Returns a log_line but for its cursor, or nil; where it is, or where to look on (beyond
-- `last` there is none); and how many looks are left.
function log:find(seq, last, step, fits, looks)
  while looks > 0 and (last - seq) * step >= 0 do
    looks = looks - 1
    local block, before = block_at(self, seq)
    if block and fits and not fits(block) then
      seq = step > 0 and block.first + block.count or block.first - 1
    else
      local line = line_at(self, seq, block, before)
      if block or not fits or fits(line) then
        return line, seq, looks
      end
      seq = seq + step
    end
  end
  return nil, seq, looks
end

-- ---- writing by hand ----

local FIELDS = { count = "number", message = "string", lines = "table", stage = "string", stream = "string", level = "string" }
local LINE_FIELDS = { message = "string", stage = "string", stream = "string", level = "string" }

-- Whether a value may stand in the lines of a log of `self`. Returns nil and why not.
local function check_values(self, spec, where)
  for _, name in ipairs { "stream", "level" } do
    local field = schema.object("log_line").fields.by_name[name]
    local known = spec[name] == nil
    for _, value in ipairs(field.values) do
      known = known or spec[name] == value
    end
    if not known then
      return nil, ("%s: %s must be one of %s"):format(where, name, table.concat(field.values, ", "))
    end
  end
  if spec.stage and not self.script.has_stage(self.thing, spec.stage) then
    return nil, ("%s: the %s has no stage %q"):format(where, self.thing.object, spec.stage)
  elseif spec.message and not core.utf8(spec.message) then
    return nil, where .. ": message must be UTF-8"
  end
  return true
end

local function check_fields(self, spec, fields, where)
  if type(spec) ~= "table" then
    return nil, where .. " must be a table, is a " .. type(spec)
  end
  for name, value in pairs(spec) do
    if type(value) ~= fields[name] then
      local wanted = fields[name] and "must be a " .. fields[name] .. ", is a " .. type(value) or "is unknown"
      return nil, ("%s: %s %s"):format(where, tostring(name), wanted)
    end
  end
  return check_values(self, spec, where)
end

local function check(self, spec)
  local ok, problem = check_fields(self, spec, FIELDS, "a log")
  if not ok then
    return nil, problem
  elseif (spec.lines == nil) == (spec.message == nil) then
    return nil, "a log is written with lines, or with a message"
  elseif spec.count and (spec.lines or spec.count < 1 or spec.count > COUNT_MAX or spec.count % 1 ~= 0) then
    return nil, ("a log: count must be a whole number from 1 to %d, and goes with message"):format(COUNT_MAX)
  elseif spec.count and (spec.message:find "[\r\n]" or log_writer.is_long(spec.message .. NUMBER)) then
    return nil, "a log: message must be one line, and not too long, where count is given"
  end
  for index, line in ipairs(spec.lines or {}) do
    line = type(line) == "string" and { message = line } or line
    ok, problem = check_fields(self, line, LINE_FIELDS, ("lines[%d]"):format(index))
    if not ok then
      return nil, problem
    end
  end
  return true
end

local function add(thing, script_lines, block)
  local written = thing.private.written or { total = 0 }
  thing.private.written = written
  block.before, block.first = written.total, script_lines + written.total + 1
  written[#written + 1], written.total = block, written.total + block.count
end

local function is_alike(block, line)
  return block and block.stage == line.stage and block.stream == line.stream and block.level == line.level
    and block.truncated == line.truncated
end

-- Lines that are alike become one block.
local function add_lines(thing, script_lines, lines)
  local block
  for _, line in ipairs(lines) do
    if not is_alike(block, line) then
      if block then
        add(thing, script_lines, block)
      end
      block = {
        count = 0, time_ms = line.time_ms, stage = line.stage, stream = line.stream, level = line.level,
        truncated = line.truncated, lines = {},
      }
    end
    block.count = block.count + 1
    block.lines[block.count] = line.message
  end
  if block then
    add(thing, script_lines, block)
  end
end

--- Writes into the log of `thing` now, after all that is there. `spec`, one of
--   lines    a list of texts, or of { message, stage, stream, level }
--   message  a text; with `count` so many lines of it, the first `{n}` in it their number, from 1: they take no room
-- and stage (where the thing is), stream ("stdout"), level ("info"). Returns true, or nil and what is wrong with it.
function log:write(now, spec)
  local ok, problem = check(self, spec)
  if not ok then
    return nil, problem
  end
  local stage, stream, level = spec.stage or self.script.stage(self.thing), spec.stream or "stdout", spec.level or "info"
  self:count(now)
  if spec.count then
    add(self.thing, self.seen, {
      count = spec.count, time_ms = now, stage = stage, stream = stream, level = level, truncated = false, message = spec.message,
    })
    return true
  end
  local writer = log_writer.new(self.thing.private.secrets)
  for _, line in ipairs(spec.lines or { spec.message }) do
    line = type(line) == "string" and { message = line } or line
    writer:write(now, line.stage or stage, line.stream or stream, line.level or level, line.message or "")
  end
  add_lines(self.thing, self.seen, writer.lines)
  return true
end

--- Keeps no line up to the number `seq`. Returns true, or nil and why that cannot be.
function log:expire(now, seq)
  if type(seq) ~= "number" or seq % 1 ~= 0 or seq < 0 or seq > self:count(now) then
    return nil, "seq must be the number of a line that is there"
  end
  self.thing.private.log_from = math.max(self:first(), seq + 1)
  return true
end

return log
