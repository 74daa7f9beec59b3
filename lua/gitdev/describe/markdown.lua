-- Writes a document as Markdown, to be read as its source and as a page.
local document = require "gitdev.describe.document"

local markdown = {}

-- Characters that mean something outside of code; an underscore does where a word begins.
local function escape(text)
  return (text:gsub("[%*<%[|\\]", "\\%0"):gsub("%f[%w_]_", "\\_"))
end

-- Inside code only a table's own mark means something.
local function code(text, in_table)
  return in_table and text:gsub("|", "\\|") or text
end

local function prose(text, in_table)
  local out, at = {}, 1
  for before, inside, after in text:gmatch "([^`]*)`([^`]*)`()" do
    out[#out + 1] = escape(before) .. "`" .. code(inside, in_table) .. "`"
    at = after
  end
  return table.concat(out) .. escape(text:sub(at))
end

local function inline(value, resolve, in_table)
  local out = {}
  for i, part in ipairs(document.parts(value)) do
    if type(part) == "string" then
      out[i] = prose(part, in_table)
    else
      local target = resolve(part.to)
      out[i] = target and "[" .. prose(part.text, in_table) .. "](" .. target .. ")" or prose(part.text, in_table)
    end
  end
  return table.concat(out)
end

local function row(cells)
  local out = {}
  for i, cell in ipairs(cells) do
    out[i] = cell == "" and " " or " " .. cell .. " "
  end
  return "|" .. table.concat(out, "|") .. "|"
end

local function grid(head, rows, resolve)
  local lines, rule = { row(head) }, {}
  for i in ipairs(head) do
    rule[i] = "---"
  end
  lines[2] = "|" .. table.concat(rule, "|") .. "|"
  for _, cells in ipairs(rows) do
    local out = {}
    for i in ipairs(head) do
      out[i] = inline(cells[i] or "", resolve, true)
    end
    lines[#lines + 1] = row(out)
  end
  return table.concat(lines, "\n")
end

-- The column of what must be given is left out where nothing is said in it.
local function write_fields(block, resolve)
  local rows, has_need = {}, false
  for _, field in ipairs(block.rows) do
    has_need = has_need or (field.need or "") ~= ""
  end
  for i, field in ipairs(block.rows) do
    rows[i] = { "`" .. field.name .. "`", field.type, field.words }
    if has_need then
      table.insert(rows[i], 3, field.need or "")
    end
  end
  return grid(has_need and { block.title, "type", "", "" } or { block.title, "type", "" }, rows, resolve)
end

local WRITERS = {
  heading = function(block)
    return ("#"):rep(block.level) .. " " .. escape(block.text)
  end,
  text = function(block, resolve)
    return inline(block.inline, resolve, false)
  end,
  code = function(block)
    return "```" .. (block.language or "") .. "\n" .. block.text .. "\n```"
  end,
  table = function(block, resolve)
    return grid(block.head, block.rows, resolve)
  end,
  fields = write_fields,
  label = function(block)
    return block.on_page and block.text .. ":" or nil
  end,
  list = function(block, resolve)
    local lines = {}
    for i, item in ipairs(block.items) do
      lines[i] = "- " .. inline(item, resolve, false)
    end
    return table.concat(lines, "\n")
  end,
}

---The anchor that a page gives a heading: "deployments.create" has "#deploymentscreate".
---@param heading string
---@return string
function markdown.anchor(heading)
  return "#" .. heading:lower():gsub("[^%w%-_ ]", ""):gsub(" ", "-")
end

---@param doc table
---@param resolve fun(topic: string): string|nil  where a topic is, seen from this page
---@return string
function markdown.write(doc, resolve)
  local out = {}
  for _, block in ipairs(doc) do
    out[#out + 1] = WRITERS[block.kind](block, resolve)
  end
  return table.concat(out, "\n\n") .. "\n"
end

return markdown
