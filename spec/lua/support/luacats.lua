--- Reads LuaCATS annotations, strictly: what an editor would pass over in silence is an error here. Knows what this project's file uses.
local luacats = {}

local BUILT_IN = {}
for name in ("any nil boolean true false number integer string table function userdata thread"):gmatch "%S+" do
  BUILT_IN[name] = true
end

-- ---- types: union := postfix { "|" postfix }; postfix := primary { "[]" | "?" } ----

local parse_union

local function literal(text, at)
  local quoted, after = text:match('^("[^"\n]*")()', at)
  if quoted then
    return { literal = quoted }, after
  end
  local number
  number, after = text:match("^(%-?%d+)()", at)
  if number then
    return { literal = number }, after
  end
  return nil
end

-- "fun(a: string, b?: integer, ...: any): string, ...any"
local function parse_fun(text, at)
  local node = { fun = true, parameters = {}, returns = {} }
  at = text:match("^fun%(()", at)
  while not text:find("^%)", at) do
    local name, after = text:match("^([%a_][%w_]*%??)()", at)
    if not name then
      name, after = text:match("^(%.%.%.)()", at)
    end
    assert(name, "no parameter at: " .. text:sub(at))
    local kind
    local colon = text:match("^:%s*()", after)
    if colon then
      kind, after = parse_union(text, colon)
    end
    node.parameters[#node.parameters + 1] = kind or {}
    at = text:match("^,%s*()", after) or after
  end
  at = at + 1
  local colon = text:match("^:%s*()", at)
  while colon do
    local rest = text:match("^%.%.%.()", colon) or colon
    node.returns[#node.returns + 1], at = parse_union(text, rest)
    colon = text:match("^, ()", at)
  end
  return node, at
end

local function parse_named(text, at)
  local name, after = text:match("^([%a_][%w_%.]*)()", at)
  assert(name and not name:find "%.%.", "no type at: " .. text:sub(at))
  local node = { name = name, arguments = {} }
  local open = text:match("^<()", after)
  while open do
    local argument, done = parse_union(text, open)
    node.arguments[#node.arguments + 1] = argument
    open = text:match("^,%s*()", done)
    after = open or assert(text:match("^>()", done), "no > at: " .. text:sub(done))
  end
  return node, after
end

local function parse_primary(text, at)
  local node, after = literal(text, at)
  if node then
    return node, after
  elseif text:find("^%(", at) then
    node, after = parse_union(text, at + 1)
    return node, assert(text:match("^%)()", after), "no ) at: " .. text:sub(after))
  elseif text:find("^fun%(", at) then
    return parse_fun(text, at)
  end
  return parse_named(text, at)
end

local function parse_postfix(text, at)
  local node, after = parse_primary(text, at)
  while true do
    if text:find("^%[%]", after) then
      node, after = { array = node }, after + 2
    elseif text:find("^%?", after) then
      node, after = { union = { node, { name = "nil", arguments = {} } } }, after + 1
    else
      return node, after
    end
  end
end

function parse_union(text, at)
  local node, after = parse_postfix(text, at)
  local members = { node }
  while text:find("^|", after) do
    members[#members + 1], after = parse_postfix(text, after + 1)
  end
  return members[2] and { union = members } or node, after
end

--- Reads a type at the beginning of a text. Returns it and what stands after it; raises where it is malformed.
local function read_type(text)
  local node, after = parse_union(text, 1)
  local rest = text:sub(after)
  assert(rest == "" or rest:find "^%s", "what is this: " .. rest)
  return node, (rest:gsub("^%s+", ""))
end

-- ---- lines ----

local function new()
  return { classes = {}, aliases = {}, functions = {}, locals = {}, mentions = {}, returned = nil }
end

local function mention(self, node, generics, line)
  if node.name then
    self.mentions[#self.mentions + 1] = { name = node.name, line = line, generic = generics and generics[node.name] }
    assert(#node.arguments == (node.name == "table" and 2 or 0) or node.name == "table" and #node.arguments == 0, "arguments of " .. node.name)
  end
  for _, list in ipairs { node.arguments or {}, node.union or {}, node.parameters or {}, node.returns or {} } do
    for _, inner in ipairs(list) do
      mention(self, inner, generics, line)
    end
  end
  if node.array then
    mention(self, node.array, generics, line)
  end
end

local READERS = {}

READERS["class"] = function(self, state, text, line)
  local name, parent = text:match "^([%w_%.]+)$", nil
  if not name then
    name, parent = text:match "^([%w_%.]+): ([%w_%.]+)$"
  end
  assert(name, "a malformed class")
  assert(not self.classes[name] and not self.aliases[name], name .. " is there twice")
  state.class = { name = name, parent = parent, fields = {}, methods = {}, line = line }
  self.classes[name] = state.class
  if parent then
    self.mentions[#self.mentions + 1] = { name = parent, line = line }
  end
end

local VISIBILITIES = { public = true, protected = true, private = true, package = true }

READERS["field"] = function(self, state, text, line)
  local class = assert(state.class, "a field without a class")
  local name, optional, rest = text:match "^([%a_][%w_]*)(%??) (.+)$"
  assert(not VISIBILITIES[name], "read as who may see the field")
  if not name then
    name, optional, rest = text:match '^%["([%a_][%w_]*)"%](%??) (.+)$'
  end
  assert(name, "a malformed field")
  assert(not class.fields[name], "the field " .. name .. " is there twice")
  local kind, words = read_type(rest)
  mention(self, kind, nil, line)
  -- An editor reads on past blanks: what follows must not look like more of the type.
  assert(not words:find "^[%[%]|<>?,:(]", "words that are read as part of the type")
  class.fields[name] = { type = kind, optional = optional == "?", words = words }
end

READERS["overload"] = function(self, state, text, line)
  local kind, words = read_type(text)
  assert((state.class or state.returns[1]) and kind.fun and words == "", "a malformed overload")
  mention(self, kind, nil, line)
end

READERS["alias"] = function(self, state, text, line)
  local name, rest = text:match "^([%w_%.]+)%s*(.*)$"
  assert(name and not self.classes[name] and not self.aliases[name], "a malformed alias, or one that is there twice")
  local alias = { name = name, members = {}, line = line }
  self.aliases[name], state.alias = alias, alias
  if rest ~= "" then
    local kind, words = read_type(rest)
    assert(words == "", "words after an alias")
    mention(self, kind, nil, line)
    alias.members[1], state.alias = kind, nil
  end
end

READERS["generic"] = function(_, state, text)
  state.generics = {}
  for name in text:gmatch "[^,%s]+" do
    assert(name:find "^%u%w*$", "a malformed generic")
    state.generics[name] = true
  end
end

READERS["param"] = function(self, state, text, line)
  local name, optional, rest = text:match "^([%a_][%w_]*)(%??) (.+)$"
  if not name then
    name, rest = text:match "^(%.%.%.) (.+)$"
  end
  assert(name, "a malformed param")
  local kind, words = read_type(rest)
  mention(self, kind, state.generics, line)
  state.parameters[#state.parameters + 1] = { name = name, optional = optional == "?", type = kind, words = words }
end

READERS["return"] = function(self, state, text, line)
  local kind, rest = read_type(text)
  assert(rest:find "^[%a_][%w_]*" or rest:find "^%.%.%.", "a return without a name")
  mention(self, kind, state.generics, line)
  state.returns[#state.returns + 1] = { type = kind }
end

READERS["meta"] = function(self, _, text)
  assert(not self.meta, "meta twice")
  self.meta = text
end

local function add_member(self, state, text, line)
  local kind, words = read_type(text)
  assert(words == "" and state.alias, "a malformed member of an alias")
  mention(self, kind, nil, line)
  state.alias.members[#state.alias.members + 1] = kind
end

local function fresh()
  return { parameters = {}, returns = {} }
end

-- A line of code: what the annotations above it belong to.
local function read_code(self, state, text, line)
  local owner = text:match "^local ([%w_]+) = {}$"
  if owner then
    assert(state.class and not self.locals[owner], "a table without a class, or twice: " .. owner)
    self.locals[owner] = state.class
    return
  end
  local holder, sign, name, list = text:match "^function ([%w_]+)([:%.])([%w_]+)%((.*)%) end$"
  if holder then
    local class = assert(self.locals[holder], "nobody declared " .. holder)
    local names = {}
    for i, parameter in ipairs(state.parameters) do
      names[i] = parameter.name
    end
    assert(table.concat(names, ", ") == list, "the parameters are not those of the annotations: " .. text)
    assert(not class.methods[name] and not class.fields[name], name .. " of " .. class.name .. " is there twice")
    class.methods[name] = { parameters = state.parameters, returns = state.returns, method = sign == ":" }
    return
  end
  self.returned = assert(text:match "^return ([%w_]+)$", "what is this: " .. text)
  assert(self.locals[self.returned], "line " .. line .. " returns nothing that is known")
end

--- Reads the text of a file. Raises at the first line that is not as it should be.
function luacats.read(text)
  local self, state, number = new(), fresh(), 0
  for line in text:gmatch "([^\n]*)\n" do
    number = number + 1
    local ok, problem = pcall(function()
      local kind, rest = line:match "^%-%-%-@(%l+) ?(.*)$"
      if kind then
        assert(READERS[kind], "what is @" .. kind)(self, state, rest, number)
      elseif line:find "^%-%-%-| " then
        add_member(self, state, line:sub(6), number)
      elseif line == "" then
        state = fresh()
      elseif not line:find "^%-%-" then
        read_code(self, state, line, number)
      end
    end)
    if not ok then
      error(("line %d: %s\n%s"):format(number, tostring(problem), line), 0)
    end
  end
  return self
end

--- The first type that is named and nowhere defined; nil when there is none.
function luacats.undefined(self)
  for _, one in ipairs(self.mentions) do
    if not (BUILT_IN[one.name] or self.classes[one.name] or self.aliases[one.name] or one.generic) then
      return one.name .. ", in line " .. one.line
    end
  end
  return nil
end

--- The members of a union: literals as they are written, names, "[]" for an array; sorted.
function luacats.members(node)
  local list = {}
  for i, member in ipairs(node.union or { node }) do
    list[i] = member.literal or member.name or member.array and "[]" or member.fun and "fun" or "?"
  end
  table.sort(list)
  return list
end

luacats.type = read_type

return luacats
