-- A small backtracking matcher for the expressions that the contract uses: ^ $ . classes, (?:…|…), * + ? {n} {n,m}. It decides whether the
-- Lua patterns of gitdev.api.formats agree with the contract's own.
local regex = {}

local parse_sequence

local function parse_class(text, at)
  local negated, set = text:sub(at, at) == "^", {}
  at = negated and at + 1 or at
  local function one()
    if text:sub(at, at + 1) == "\\x" then
      at = at + 4
      return tonumber(text:sub(at - 2, at - 1), 16)
    end
    at = at + 1
    return text:byte(at - 1)
  end
  while text:sub(at, at) ~= "]" do
    local first = one()
    local last = first
    if text:sub(at, at) == "-" and text:sub(at + 1, at + 1) ~= "]" then
      at = at + 1
      last = one()
    end
    for byte = first, last do
      set[byte] = true
    end
  end
  return { set = set, negated = negated }, at + 1
end

local function parse_atom(text, at)
  local mark = text:sub(at, at)
  if mark == "[" then
    return parse_class(text, at + 1)
  elseif mark == "(" then
    assert(text:sub(at, at + 2) == "(?:")
    local group = {}
    at = at + 2
    repeat
      group[#group + 1], at = parse_sequence(text, at + 1)
    until text:sub(at, at) == ")"
    return { group = group }, at + 1
  elseif mark == "^" or mark == "$" then
    return { anchor = mark }, at + 1
  elseif mark == "." then
    return { set = { [10] = true }, negated = true }, at + 1
  end
  return { set = { [text:byte(at)] = true } }, at + 1
end

local REPEATS = { ["*"] = { 0, math.huge }, ["+"] = { 1, math.huge }, ["?"] = { 0, 1 } }

function parse_sequence(text, at)
  local sequence = {}
  while at <= #text and not text:find("^[|)]", at) do
    local atom
    atom, at = parse_atom(text, at)
    local times = REPEATS[text:sub(at, at)]
    local least, most, after = text:match("^{(%d+),?(%d*)}()", at)
    if times then
      atom.min, atom.max, at = times[1], times[2], at + 1
    elseif least then
      atom.min, atom.max, at = tonumber(least), tonumber(most ~= "" and most or least), after
    else
      atom.min, atom.max = 1, 1
    end
    sequence[#sequence + 1] = atom
  end
  return sequence, at
end

local run

-- Matches one of a group's alternatives from `at`, then what follows.
local function any(group, text, at, done)
  for _, sequence in ipairs(group) do
    if run(sequence, 1, text, at, done) then
      return true
    end
  end
  return false
end

-- Matches `atom` as often as it may from `at`, most first, then what follows.
local function repeated(sequence, index, count, text, at, done)
  local atom = sequence[index]
  if count < atom.max then
    local found
    if atom.group then
      found = any(atom.group, text, at, function(after)
        return after > at and repeated(sequence, index, count + 1, text, after, done)
      end)
    elseif at <= #text and (atom.set[text:byte(at)] or false) ~= (atom.negated or false) then
      found = repeated(sequence, index, count + 1, text, at + 1, done)
    end
    if found then
      return true
    end
  end
  return count >= atom.min and run(sequence, index + 1, text, at, done)
end

function run(sequence, index, text, at, done)
  local atom = sequence[index]
  if not atom then
    return done(at)
  elseif atom.anchor then
    local here = atom.anchor == "^" and at == 1 or atom.anchor == "$" and at == #text + 1
    return here and run(sequence, index + 1, text, at, done)
  end
  return repeated(sequence, index, 0, text, at, done)
end

---Whether a text matches an anchored expression.
function regex.matches(pattern, text)
  return run(parse_sequence(pattern, 1), 1, text, 1, function()
    return true
  end) or false
end

return regex
