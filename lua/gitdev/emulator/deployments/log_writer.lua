--- Writes the lines of a log (contract 2.5): numbered, cut where they are too long, with secrets masked (contract 1.10).
local distinct = require "gitdev.emulator.store.distinct"
local json = require "gitdev.json"
local limits = require "gitdev.api.limits"

-- What the text of a line may take in a message of a stream, as JSON; the rest is for what is said beside it.
local QUOTED_MAX = limits.stream_message_bytes - 4096
-- The most that a byte takes as JSON.
local ESCAPED_BYTES = 6

local function characters(text)
  local _, count = text:gsub("[^\128-\191]", "")
  return count
end

-- The lines of a text, whatever ends them.
local function each_line(text)
  return (text:gsub("\r\n", "\n"):gsub("\r", "\n") .. "\n"):gmatch("([^\n]*)\n")
end

-- Adds to `texts` what of a secret is masked: its one line, or those of several that are long enough (contract 1.10).
local function add_masks(texts, secret)
  local lines = {}
  for line in each_line(secret) do
    lines[#lines + 1] = line ~= "" and line or nil
  end
  for _, line in ipairs(lines) do
    if #lines == 1 or characters(line) >= limits.mask_min_chars then
      texts[#texts + 1] = line
    end
  end
end

-- The texts to mask, the longest first, so that a secret which contains another is masked whole. Each comes once: the mask of "*" holds "*",
-- and would grow with every further one.
local function masks(secrets)
  local texts = {}
  for _, secret in ipairs(secrets) do
    add_masks(texts, secret)
  end
  texts = distinct(texts)
  table.sort(texts, function(a, b)
    if #a ~= #b then
      return #a > #b
    end
    return a < b
  end)
  return texts
end

local function mask(message, text)
  local pieces, from = {}, 1
  local first, last = message:find(text, 1, true)
  while first do
    pieces[#pieces + 1] = message:sub(from, first - 1)
    from = last + 1
    first, last = message:find(text, from, true)
  end
  pieces[#pieces + 1] = message:sub(from)
  return table.concat(pieces, "***")
end

local function masked(message, texts)
  for _, text in ipairs(texts) do
    message = mask(message, text)
  end
  return message
end

-- How many bytes of a message may be sent: a line of control characters, each of which is escaped, would be larger than a stream's message may be.
local function allowed(message)
  local high = math.min(#message, limits.log_message_bytes)
  if high * ESCAPED_BYTES <= QUOTED_MAX or #json.quote(message:sub(1, high)) <= QUOTED_MAX then
    return high
  end
  local low = 0
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if #json.quote(message:sub(1, middle)) <= QUOTED_MAX then
      low = middle
    else
      high = middle - 1
    end
  end
  return low
end

-- Cuts at a character's beginning, so that what is left is UTF-8.
local function cut(message)
  local last = allowed(message)
  if last == #message then
    return message, false
  end
  while last > 0 and message:byte(last + 1) >= 0x80 and message:byte(last + 1) < 0xC0 do
    last = last - 1
  end
  return message:sub(1, last), true
end

local log_writer = {}
log_writer.__index = log_writer

--- `secrets`: a list of values to mask. Its `lines` are log lines but for `cursor` and `seq`.
function log_writer.new(secrets)
  return setmetatable({ lines = {}, masks = masks(secrets) }, log_writer)
end

--- Whether a line is as long as it may be, or longer.
function log_writer.is_long(message)
  return select(2, cut(message))
end

--- Whether there is anything to mask.
function log_writer:hides()
  return self.masks[1] ~= nil
end

--- One line as it is shown: masked and cut. Returns it, and whether it was cut.
function log_writer:shown(message)
  return cut(masked(message, self.masks))
end

--- Writes a text, a line for each of its lines.
function log_writer:write(time_ms, stage, stream, level, text)
  -- No mask holds a line end, so the whole text is searched at once: one line after the other, many lines under many masks take minutes.
  for line in each_line(masked(text, self.masks)) do
    local message, truncated = cut(line)
    self.lines[#self.lines + 1] = {
      object = "log_line",
      time_ms = time_ms,
      stage = stage,
      stream = stream,
      level = level,
      message = message,
      truncated = truncated,
    }
  end
end

--- Forgets the lines after the first `count`.
function log_writer:cut_to(count)
  for index = #self.lines, count + 1, -1 do
    self.lines[index] = nil
  end
end

return log_writer
