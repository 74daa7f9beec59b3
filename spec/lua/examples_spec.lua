-- The examples of the reference run as they stand, each in a world of its own, and print what their comments say.
local compat = require "gitdev.compat"
local examples = require "gitdev.describe.examples"
local schema = require "gitdev.schema"
local test = require "gitdev.test"

local COLUMNS = 100

local function blanks(text)
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

-- What a text's comments promise: by line.
local function promises(text)
  local list, number = {}, 0
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    list[number] = line:match "%f[%w]print[%s%(].*%-%->%s*(.-)%s*$"
  end
  return list
end

local function nothing() end

local function script(text)
  return (examples.PRELUDE:gsub("\n", " ")) .. " " .. text
end

-- Runs an example. Returns what it printed, by line; raises what it raises. The prelude stands before its first line.
local function run(op, text)
  local printed, print_before, stderr_before = {}, print, io.stderr
  local chunk = assert(compat.load(script(text), "=" .. op))
  local function note(...)
    local line, parts = debug.getinfo(2, "l").currentline, {}
    for i = 1, select("#", ...) do
      parts[i] = tostring((select(i, ...)))
    end
    printed[line] = (printed[line] and printed[line] .. "\n" or "") .. table.concat(parts, "\t")
  end
  local world = test.world()
  _G.print, io.stderr = note, { write = nothing, flush = nothing } -- luacheck: ignore 122
  local ok, err = pcall(world.run, world, chunk)
  _G.print, io.stderr = print_before, stderr_before -- luacheck: ignore 122
  if not ok then
    error(op .. ": " .. tostring(err) .. "\n" .. tostring(world:where()), 0)
  end
  return printed
end

describe("the runner of examples", function()
  it("tells what was printed in which line, and finds what is promised", function()
    local text = 'print(1, "a")   --> 1 a\nfor i = 1, 2 do print(i) end\n-- print(x) --> is a promise too'
    local printed = run("it", text)
    assert.equal("1\ta", printed[1])
    assert.equal("1\n2", printed[2])
    assert.same({ "1 a", nil, "is a promise too" }, promises(text))
  end)
end)

describe("the example of", function()
  for _, resource in ipairs(schema.resources) do
    local all = examples.of_resource(resource)
    for _, row in ipairs(schema.resource(resource).operations) do
      local text = all[row.op] and examples.of(row.op)
      if text then
        it(row.op, function()
          for line in text:gmatch "[^\n]+" do
            assert.is_true(#line <= COLUMNS, line)
          end
          local printed = run(row.op, text)
          for number, promise in pairs(promises(text)) do
            assert.equal(blanks(promise), blanks(printed[number] or "(nothing)"), row.op .. ", line " .. number)
          end
        end)
      end
    end
  end
end)

describe("the examples", function()
  it("are of operations, and all have one", function()
    for _, resource in ipairs(schema.resources) do
      for op in pairs(examples.of_resource(resource)) do
        assert.is_truthy(op:match "^[%l_]+" == resource and schema.operation(op), "there is no operation " .. op)
      end
    end
    assert.same({}, examples.missing())
  end)
end)
