--- The contract's own text, read as data: the tables of operations, errors, events and states as they stand in its Markdown. Where the text is
-- not at hand (it is not part of this repository), there is nothing to read.
local contract_text = {}

local PATH = "../shared/contract.md"

local function read_lines()
  local file = io.open(PATH)
  if not file then
    return nil
  end
  local lines = {}
  for line in file:lines() do
    lines[#lines + 1] = line
  end
  file:close()
  return lines
end

local lines = read_lines()

--- Whether the text is there.
contract_text.present = lines ~= nil

-- The cells of a table's row, without their blanks. Enums hold bars as well, but none with blanks around it.
local function cells_of(line)
  local cells = {}
  for cell in (line:match "^| ?(.*) ?|%s*$" .. " | "):gmatch "(.-) ?| " do
    cells[#cells + 1] = cell:match "^%s*(.-)%s*$"
  end
  return cells
end

-- The rows of all tables of a section ("### 3.1", say, up to the next heading), each by its column's title.
local function rows_of(section)
  local rows, inside, titles = {}, false, nil
  for _, line in ipairs(lines) do
    if line:find "^#" then
      inside = line:sub(1, #section) == section
    elseif inside and line:find "^|" then
      local cells = cells_of(line)
      if not titles then
        titles = cells
      elseif not line:find "^|%-" then
        local row = {}
        for i, title in ipairs(titles) do
          row[title] = cells[i]
        end
        rows[#rows + 1] = row
      end
    else
      titles = nil
    end
  end
  return rows
end

local function sections(prefix)
  local list = {}
  for _, line in ipairs(lines) do
    local found = line:match("^(" .. prefix:gsub("%p", "%%%0") .. "%.%d+)")
    list[#list + 1] = found
  end
  return list
end

--- The operations in their order: { op, method, path, kind, request, returns, errors, scope, since, tier }.
function contract_text.operations()
  local list = {}
  for _, section in ipairs(sections "### 2") do
    for _, row in ipairs(rows_of(section .. " ")) do
      if row.op then
        local method, path = row["method path"]:match "^(%u+) (%S+)$"
        list[#list + 1] = {
          op = row.op,
          method = method,
          path = path,
          kind = row.kind,
          request = row.request,
          returns = row.returns,
          errors = row.errors or "",
          scope = row.scope,
          since = row.since,
          tier = tonumber(row.T),
        }
      end
    end
  end
  return list
end

--- The error codes: code -> { type, statuses as a set }.
function contract_text.errors()
  local codes, kind = {}, nil
  for _, row in ipairs(rows_of "### 1.8") do
    kind = row.type ~= "" and row.type:match "`([%l_]+)`" or kind
    local statuses = {}
    for status in row.status:gmatch "%d%d%d" do
      statuses[tonumber(status)] = true
    end
    for code in row.codes:gsub("%b()", ""):gmatch "`([%l_]+)`" do
      codes[code] = codes[code] or { type = kind, statuses = {} }
      for status in pairs(statuses) do
        codes[code].statuses[status] = true
      end
    end
  end
  return codes
end

-- "`domain.created` `.verified`" as full names.
local function types_of(cell)
  local list, family = {}, nil
  for word in cell:gmatch "`([%l_.]+)`" do
    family = word:match "^([%l_]+)%." or family
    list[#list + 1] = word:sub(1, 1) == "." and family .. word or word
  end
  return list
end

-- The names of the fields in a payload's cell, in order; { … } and [ … ] say what is inside of one.
local function fields_of(text)
  local list = {}
  text = text:gsub("%b{}", ""):gsub("%b[]", ""):gsub('="[^"]*"', "")
  for name in text:gmatch "[%l_]+" do
    list[#list + 1] = name
  end
  return list
end

local function shared_fields()
  for _, line in ipairs(lines) do
    local deployment, run = line:match "^D = `([^`]+)`%. R = `([^`]+)`"
    if deployment then
      return { D = fields_of(deployment), R = fields_of(run) }
    end
  end
  return error "the contract has no line that says what D and R are"
end

--- The event types in their order: { type, family (nil: none), fields (names, in order) }.
function contract_text.events()
  local list, shared = {}, shared_fields()
  for _, row in ipairs(rows_of "### 4.3") do
    local cell = row["data (in order)"]
    local fields = fields_of(cell:match "`(.*)`")
    for _, name in ipairs(shared[cell:match "%+ ([DR])$"] or {}) do
      fields[#fields + 1] = name
    end
    for _, kind in ipairs(types_of(row.type)) do
      local family = row["page family"]
      list[#list + 1] = { type = kind, family = family ~= "–" and family or nil, fields = fields }
    end
  end
  return list
end

--- The arrows of a section's state tables ("3.1"): { from (nil: a new thing), to, events as a set }.
function contract_text.transitions(section)
  local list = {}
  for _, row in ipairs(rows_of("### " .. section)) do
    for from in ((row.from or "") .. ","):gmatch "%s*([^,]+)," do
      local events = {}
      for kind in (row.events or row["events, in order"] or ""):gmatch "`([%l_.]+)`" do
        events[kind] = true
      end
      list[#list + 1] = { from = from ~= "–" and from or nil, to = row.to, events = events }
    end
  end
  return list
end

return contract_text
