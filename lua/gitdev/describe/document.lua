-- A document: a list of blocks, which gitdev.describe.markdown and gitdev.describe.terminal write each in its way.
--
-- Blocks, by `kind`:
--   heading  level (1 to 3), text
--   text     inline
--   code     text, language (nil: none)
--   table    head (a list of texts), rows (lists of inlines)
--   fields   rows { name =, type =, need =, words = }: what something is called, what it must be, whether it must be given, what it means;
--            title, what such things are
--   label    text: what comes next, where a page's tables and links would not say it; on_page: where they do not, either
--   list     items (inlines)
--
-- An inline is a text, a link { to = TOPIC, text = … }, or a list of such. In texts `…` is code. A topic is what `gitdev help` takes:
-- "deployments.create", "deployment", "invalid_state".
local document = {}

local blocks = {}
blocks.__index = blocks

---@return table
function document.new()
  return setmetatable({}, blocks)
end

local function append(self, block)
  self[#self + 1] = block
  return self
end

function blocks:heading(level, text)
  return append(self, { kind = "heading", level = level, text = text })
end

function blocks:text(inline)
  return append(self, { kind = "text", inline = inline })
end

function blocks:code(text, language)
  return append(self, { kind = "code", text = text, language = language })
end

---@param rows table[]  none: there is no table
function blocks:table(head, rows)
  return rows[1] and append(self, { kind = "table", head = head, rows = rows }) or self
end

---@param title string
---@param rows table[]  none: there is no block
function blocks:fields(title, rows)
  return rows[1] and append(self, { kind = "fields", title = title, rows = rows }) or self
end

---@param text string
---@param on_page? boolean
function blocks:label(text, on_page)
  return append(self, { kind = "label", text = text, on_page = on_page })
end

function blocks:list(items)
  return items[1] and append(self, { kind = "list", items = items }) or self
end

---The parts of an inline, each a text or a link.
---@param inline string|table
---@return table
function document.parts(inline)
  return type(inline) == "table" and not inline.to and inline or { inline }
end

return document
