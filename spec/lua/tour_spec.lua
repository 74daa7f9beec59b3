-- The tours in a world without sockets: between them they call every operation, and all that is answered, and every event, is as the contract's
-- tables say. (The same tours go through a validating proxy in spec/contract.)
local conform = require "spec.lua.support.conform"
local gitdev = require "gitdev"
local json = require "gitdev.json"
local responses = require "gitdev.describe.responses"
local schema = require "gitdev.schema"
local test = require "gitdev.test"
local tour = require "spec.lua.support.tour"

local function is_success(op, status)
  for _, known in ipairs(op.status) do
    if known == status then return true end
  end
  return false
end

-- What is wrong with an answer that says no.
local function misfit_of_refusal(op, answer)
  local value = json.decode(answer.body or "")
  local inner = value and value.error
  for _, row in ipairs(responses.refusals(op)) do
    for _, code in ipairs(row.codes) do
      if row.status == answer.status and inner and inner.code == code and inner.type == schema.error(code).type then return "" end
    end
  end
  return "an answer that is not documented: " .. answer.status .. " " .. tostring(answer.body)
end

local function misfit(op, answer)
  if not is_success(op, answer.status) then
    return misfit_of_refusal(op, answer)
  elseif op.kind == "download" then
    return answer.headers.etag and "" or "no ETag"
  end
  return conform.answer(op, answer.body)
end

local called, happened = {}, {}

-- Runs a tour in a world of its own; the result is a list of what was wrong.
local function run(name)
  local world, faults = test.world { seed = 1, rate_limit = false }, {}
  local function note(what, text)
    if text ~= "" then faults[#faults + 1] = what .. ": " .. text end
  end
  tour.watch(world.emulator, function(op, answer, request)
    called[op.op] = called[op.op] or is_success(op, answer.status)
    note(op.op .. " (" .. request.method .. " " .. request.target .. ")", misfit(op, answer))
  end, function(kind, body)
    happened[kind] = true
    note("event", conform.event(body))
  end)
  world:run(function()
    tour.load(name)(gitdev.client { progress = "off", max_retries = 0 }, tour.control(world.emulator))
  end)
  return faults
end

local results = {}

local function result_of(name)
  results[name] = results[name] or run(name)
  return results[name]
end

local function all_tours()
  for _, name in ipairs(tour.names()) do
    result_of(name)
  end
end

local function those_without(names, known)
  local missing = {}
  for _, name in ipairs(names) do
    missing[#missing + 1] = not known[name] and name or nil
  end
  return missing
end

describe("the tour of", function()
  for _, name in ipairs(tour.names()) do
    it(name .. " gets what the tables say", function()
      assert.same({}, result_of(name))
    end)
  end

  it("all calls every operation but the streams", function()
    all_tours()
    assert.same({}, those_without(tour.operations(), called))
  end)

  it("all makes every event happen", function()
    all_tours()
    assert.same({}, those_without(schema.events(), happened))
  end)
end)

describe("the check of answers", function()
  local function answered(changes, drop)
    local world = test.world { seed = 1 }
    local answer = world.emulator:handle {
      method = "GET",
      target = "/v2/projects/my-app",
      headers = { authorization = "Bearer " .. world.emulator.api_key },
    }
    local value = json.decode(answer.body)
    for name, inner in pairs(changes or {}) do
      value[name] = inner
    end
    value[drop or false] = nil
    return conform.answer(schema.operation "projects.get", assert(json.encode(value)))
  end

  it("finds nothing wrong with what is right, and names what is not", function()
    assert.equal("", answered())
    assert.equal("project.slug is missing", answered(nil, "slug"))
    assert.equal("project.colour is unknown", answered { colour = "red" })
    assert.equal("project.slug is no str: 7", answered { slug = 7 })
    assert.equal("project.slug is null", answered { slug = json.null })
    assert.equal("project.status is no enum: asleep", answered { status = "asleep" })
    assert.equal("project.object is not project", answered { object = "product" })
    assert.equal("project.regions[2] is no str: 1", answered { regions = { "iad", 1 } })
    assert.equal("project.id is no id: prj_1", answered { id = "prj_1" })
    assert.equal("project.created_at is no int: 1.5", answered { created_at = 1.5 })
  end)
end)
