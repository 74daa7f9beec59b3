--- Writes the lines of a log (contract 2.5): numbered, cut where they are too long, with secrets masked (contract 1.10).
local distinct = require "gitdev.emulator.store.distinct"
local limits = require "gitdev.api.limits"

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

-- Cuts at a character's beginning, so that what is left is UTF-8.
local function cut(message)
  if #message <= limits.log_message_bytes then
    return message, false
  end
  local last = limits.log_message_bytes
  while last > 0 and message:byte(last + 1) >= 0x80 and message:byte(last + 1) < 0xC0 do
    last = last - 1
  end
  return message:sub(1, last), true
end

local log_writer = {}
log_writer.__index = log_writer

--- `until_ms`: what would be written later is not there yet. `secrets`: a list of values to mask. Its `lines` are log lines but for
-- their cursors.
function log_writer.new(until_ms, secrets)
  return setmetatable({ lines = {}, until_ms = until_ms, masks = masks(secrets) }, log_writer)
end

--- Writes a text, a line for each of its lines.
function log_writer:write(time_ms, stage, stream, level, text)
  if time_ms > self.until_ms then
    return
  end
  -- No mask holds a line end, so the whole text is searched at once: one line after the other, many lines under many masks take minutes.
  for line in each_line(masked(text, self.masks)) do
    local message, truncated = cut(line)
    self.lines[#self.lines + 1] = {
      object = "log_line",
      seq = #self.lines + 1,
      time_ms = time_ms,
      stage = stage,
      stream = stream,
      level = level,
      message = message,
      truncated = truncated,
    }
  end
end

return log_writer
