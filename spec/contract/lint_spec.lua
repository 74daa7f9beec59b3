-- Redocly's linter over what `gitdev openapi` prints.
local json = require "gitdev.json"
local openapi = require "gitdev.describe.openapi"
local process = require "spec.lua.support.process"
local tools = require "spec.contract.tools"

-- How many problems the linter sees in a text, and what they are.
local function lint(text)
  local path = tools.document(text)
  local options = "--config spec/contract/redocly.yaml --format json --max-problems 1000 "
  local _, out, err = process.run(tools.command "redocly" .. " lint " .. options .. process.quote(path))
  os.remove(path)
  local report = assert(json.decode(out), out .. err)
  local lines = {}
  for index, problem in ipairs(report.problems) do
    lines[index] = problem.ruleId .. ": " .. problem.message .. " (" .. tostring(problem.location[1].pointer) .. ")"
  end
  return report.totals.errors + report.totals.warnings, table.concat(lines, "\n")
end

describe("the linter", function()
  it("finds nothing in what the host prints", function()
    local status, out, err = process.gitdev { "openapi" }
    assert.same({ 0, "" }, { status, err })
    assert.is_true(out == openapi.text())
    assert.same({ 0, "" }, { lint(out) })
  end)

  it("would find it", function()
    local count, lines = lint((openapi.text():gsub('"#/components/schemas/project"', '"#/components/schemas/product"', 1)))
    assert.is_true(count > 0)
    assert.matches("no%-unresolved%-refs", lines)
  end)
end)
