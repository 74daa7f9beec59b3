-- `gitdev help` and `gitdev types`, run as their users run them.
local process = require "spec.lua.support.process"

local gitdev = process.gitdev

describe("gitdev help", function()
  it("says what there is to say of a name", function()
    local cases = {
      { { "help" }, "^RESOURCES\n  organization .*\n  deployments +Deployments: .*gitdev help NAME" },
      { { "help", "deployments" }, "^deployments\n.*\nOPERATIONS\n.*  deployments%.create .*\nSTATES OF A DEPLOYMENT\n.*\nEVENTS\n" },
      { { "help", "deployments.create" },
        "^deployments%.create\n\n    git%.deployments:create%(fields, options%)\n.*POST /deployments;.*\nFIELDS\n  project +id or slug.*\nERRORS\n" },
      { { "help", "deployments", "create" }, "^deployments%.create\n" },
      { { "help", "deployment.completed" }, "^deployment%.completed\n.*\nDATA\n  project .*  duration_ms " },
      { { "help", "invalid_state" }, "^invalid_state\n.*conflict_error; status 409.*\n  deployments%.cancel " },
    }
    for _, case in ipairs(cases) do
      local status, out, err = gitdev(case[1])
      local name = table.concat(case[1], " ")
      assert.equal(0, status, name .. ": " .. err)
      assert.matches(case[2], out, name)
      assert.equal("", err)
    end
  end)

  it("names the nearest of what there is not", function()
    local status, out, err = gitdev { "help", "deployments.crate" }
    assert.same({ 2, "", "gitdev: help: there is no 'deployments.crate': did you mean 'deployments.create'?\n" }, { status, out, err })
    status, out, err = gitdev { "help", "qqqqqqqqqqqqqqqqqqqqqqqq" }
    assert.same({ 2, "" }, { status, out })
    assert.matches("there is no 'q+' %(gitdev help tells what there is%)", err)
  end)
end)

describe("gitdev types", function()
  it("prints the file that is shipped", function()
    local file = assert(io.open("lua/gitdev/types.d.lua", "rb"))
    local stored = file:read "*a"
    file:close()
    local status, out, err = gitdev { "types" }
    assert.equal(0, status, err)
    assert.is_true(out == stored, "lua/gitdev/types.d.lua is stale: run ./dev docs")
  end)

  it("takes no arguments", function()
    local status, out, err = gitdev { "types", "x" }
    assert.same({ 2, "" }, { status, out })
    assert.matches("takes no arguments, got 'x'", err)
    status, out = gitdev { "types", "--help" }
    assert.equal(0, status)
    assert.matches("^usage: gitdev types\n", out)
  end)
end)
