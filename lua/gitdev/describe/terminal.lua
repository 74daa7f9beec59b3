-- Writes a document for a terminal: plain text, no wider than it should be.
local document = require "gitdev.describe.document"

local terminal = {}

terminal.WIDTH = 100

local INDENT = 2
local TERM_MAX = 24
local GAP = 2

local function plain(value)
  local out = {}
  for i, part in ipairs(document.parts(value)) do
    out[i] = type(part) == "string" and part or part.text
  end
  return (table.concat(out):gsub("`", ""))
end

-- Columns that a text takes: its characters.
local function columns(text)
  local _, count = text:gsub("[^\128-\191]", "")
  return count
end

-- Breaks a text into lines of at most `width` columns, at blanks; a word that is longer stands alone.
local function fold(text, width)
  local lines, current, used = {}, nil, 0
  for word in text:gmatch "%S+" do
    local long = columns(word)
    if current and used + 1 + long <= width then
      current, used = current .. " " .. word, used + 1 + long
    else
      lines[#lines + 1] = current
      current, used = word, long
    end
  end
  lines[#lines + 1] = current
  return lines
end

local function pad(text, width)
  return text .. (" "):rep(width - columns(text))
end

local function trimmed(text)
  return (text:gsub("%s+$", ""))
end

-- ---- tables ----

local function longest_word(text)
  local longest = 0
  for word in text:gmatch "%S+" do
    longest = math.max(longest, columns(word))
  end
  return longest
end

-- What each column needs: for its cells in one line, and at the least, for its longest word.
local function needs(rows)
  local wide, narrow, total = {}, {}, 0
  for _, cells in ipairs(rows) do
    for i, cell in ipairs(cells) do
      wide[i] = math.max(wide[i] or 0, columns(cell))
      narrow[i] = math.max(narrow[i] or 0, longest_word(cell))
    end
  end
  for _, width in ipairs(wide) do
    total = total + width
  end
  return wide, narrow, total + GAP * (#wide - 1)
end

-- The width of each column: what it needs, or less, where together they need too much: the one with the most to give gives way.
local function widths(rows, room)
  local list, least, total = needs(rows)
  while total > room do
    local widest
    for i, width in ipairs(list) do
      if width > least[i] and (not widest or width > list[widest]) then
        widest = i
      end
    end
    if not widest then
      break
    end
    list[widest], total = list[widest] - 1, total - 1
  end
  return list
end

-- A row, whose cells may take several lines.
local function add_row(lines, cells, list)
  local folded, height = {}, 1
  for i, cell in ipairs(cells) do
    folded[i] = fold(cell, list[i])
    height = math.max(height, #folded[i])
  end
  for line = 1, height do
    local out = {}
    for i in ipairs(cells) do
      out[i] = pad(folded[i][line] or "", list[i])
    end
    lines[#lines + 1] = trimmed((" "):rep(INDENT) .. table.concat(out, (" "):rep(GAP)))
  end
end

local function write_table(lines, block)
  local rows, has_head = {}, false
  for _, title in ipairs(block.head) do
    has_head = has_head or title ~= ""
  end
  rows[1] = has_head and block.head or nil
  for _, cells in ipairs(block.rows) do
    local out = {}
    for i in ipairs(block.head) do
      out[i] = plain(cells[i] or "")
    end
    rows[#rows + 1] = out
  end
  local list = widths(rows, terminal.WIDTH - INDENT)
  for _, cells in ipairs(rows) do
    add_row(lines, cells, list)
  end
end

-- ---- fields ----

local function add_all(list, more)
  for _, item in ipairs(more) do
    list[#list + 1] = item
  end
end

-- What stands beside a field's name, in lines: what it must be, and what it means.
local function explanation(field, width)
  local facts = plain(field.type or "")
  local need = plain(field.need or "")
  local lines = fold(facts .. (facts ~= "" and need ~= "" and "; " or "") .. need, width)
  add_all(lines, fold(plain(field.words or ""), width))
  return lines
end

local function write_fields(lines, block)
  local term = 0
  for _, field in ipairs(block.rows) do
    term = math.max(term, columns(field.name))
  end
  term = math.min(term, TERM_MAX)
  local margin = (" "):rep(INDENT + term + GAP)
  for _, field in ipairs(block.rows) do
    local right, first = explanation(field, terminal.WIDTH - #margin), 1
    if columns(field.name) > term then
      lines[#lines + 1] = (" "):rep(INDENT) .. field.name
    else
      lines[#lines + 1] = trimmed((" "):rep(INDENT) .. pad(field.name, term + GAP) .. (right[1] or ""))
      first = 2
    end
    for i = first, #right do
      lines[#lines + 1] = margin .. right[i]
    end
  end
end

-- ---- the rest ----

local function add_folded(lines, text, first, rest)
  for i, line in ipairs(fold(text, terminal.WIDTH - #rest)) do
    lines[#lines + 1] = (i == 1 and first or rest) .. line
  end
end

local MARGIN = (" "):rep(INDENT)

local WRITERS = {
  heading = function(lines, block)
    lines[#lines + 1] = block.level == 2 and block.text:upper() or (block.level == 1 and "" or MARGIN) .. block.text
  end,
  text = function(lines, block)
    add_folded(lines, plain(block.inline), MARGIN, MARGIN)
  end,
  label = function(lines, block)
    lines[#lines + 1] = block.text:upper()
  end,
  code = function(lines, block)
    local longest = 0
    for line in block.text:gmatch "[^\n]+" do
      longest = math.max(longest, columns(line))
    end
    local margin = (" "):rep(math.max(0, math.min(2 * INDENT, terminal.WIDTH - longest)))
    for line in (block.text .. "\n"):gmatch "([^\n]*)\n" do
      lines[#lines + 1] = trimmed(margin .. line)
    end
  end,
  table = write_table,
  fields = write_fields,
  list = function(lines, block)
    for _, item in ipairs(block.items) do
      add_folded(lines, plain(item), MARGIN .. "- ", MARGIN .. "  ")
    end
  end,
}

---@param doc table
---@return string
function terminal.write(doc)
  local lines = {}
  for i, block in ipairs(doc) do
    local before = doc[i - 1]
    if before and before.kind ~= "label" and not (before.kind == "heading" and before.level > 1) then
      lines[#lines + 1] = ""
    end
    WRITERS[block.kind](lines, block)
  end
  return table.concat(lines, "\n") .. "\n"
end

return terminal
