-- Writes a document as a manual page, in the man(7) macros of roff. Of blocks it knows those that such a page has: headings, texts, code, and
-- tables of two columns, of which the first is a term: an option, a command, a variable.
local document = require "gitdev.describe.document"

local roff = {}

-- The number of a character that takes more than one byte in UTF-8.
local function code_point(bytes)
  local lead = bytes:byte()
  local value = lead % (lead >= 0xF0 and 0x08 or lead >= 0xE0 and 0x10 or 0x20)
  for i = 2, #bytes do
    value = value * 64 + bytes:byte(i) % 64
  end
  return value
end

-- What roff would take for a command, or show as another character: a hyphen, a quotation mark, an accent. What is copied from the page is
-- what was meant.
local MARKS = { ["\\"] = "\\e", ["-"] = "\\-", ["'"] = "\\(aq", ["^"] = "\\(ha", ["~"] = "\\(ti" }

-- A text that means nothing but itself.
local function escape(text)
  return (text:gsub("[\\%-'^~]", MARKS):gsub("[\194-\244][\128-\191]+", function(bytes)
    return ("\\[u%04X]"):format(code_point(bytes))
  end))
end

-- At the beginning of a line a full stop would be a request.
local function line(text)
  return (text:gsub("^%.", "\\&%0"))
end

local function bold(text)
  return "\\fB" .. text .. "\\fR"
end

local function prose(value)
  local out = {}
  for i, part in ipairs(document.parts(value)) do
    out[i] = type(part) == "string" and part or part.text
  end
  return line((escape(table.concat(out)):gsub("`([^`]*)`", bold)))
end

-- "--port N": what is typed as it is, is bold; what stands for something else is slanted.
local function term(text)
  local first = true
  return line((escape(text):gsub("[^ ,]+", function(word)
    local plain = first or word:sub(1, 2) == "\\-"
    first = false
    return plain and bold(word) or "\\fI" .. word .. "\\fR"
  end)))
end

local WRITERS = {
  heading = function(block)
    return (block.level == 1 and ".SH " or ".SS ") .. escape(block.level == 1 and block.text:upper() or block.text)
  end,
  text = function(block)
    return ".PP\n" .. prose(block.inline)
  end,
  code = function(block)
    local lines = {}
    for one in (block.text .. "\n"):gmatch "([^\n]*)\n" do
      lines[#lines + 1] = line(escape(one))
    end
    return ".PP\n.EX\n" .. table.concat(lines, "\n") .. "\n.EE"
  end,
  table = function(block)
    local lines = {}
    for i, cells in ipairs(block.rows) do
      lines[i] = ".TP\n" .. term(tostring(cells[1])) .. "\n" .. prose(cells[2])
    end
    return table.concat(lines, "\n")
  end,
}

---@param doc table
---@param title { name: string, section: integer, source: string, manual: string }
---@return string
function roff.write(doc, title)
  local out = {
    ('.TH %s %d "" "%s" "%s"'):format(escape(title.name:upper()), title.section, title.source, title.manual),
    -- No word is divided and no line stretched, for the same reason.
    ".nh\n.ad l",
  }
  for _, block in ipairs(doc) do
    out[#out + 1] = WRITERS[block.kind](block)
  end
  return table.concat(out, "\n") .. "\n"
end

return roff
