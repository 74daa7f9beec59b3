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
      { { "help", "runs.wait" }, "^waiting\n" },
      { { "help", "run:wait" }, "^waiting\n" },
      { { "help", "deployments.each" }, "^deployments%.list\n" },
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
    assert.matches("there is no 'opnapi': did you mean 'openapi'%?", select(3, gitdev { "help", "opnapi" }))
    assert.matches("there is no '%-%-hlep' %(gitdev help tells", select(3, gitdev { "help", "--hlep" }))
  end)

  it("says of a command what its own help says, unless the API has something of that name", function()
    for _, name in ipairs { "emulator", "openapi", "types", "help" } do
      assert.same({ gitdev { name, "--help" } }, { gitdev { "help", name } })
    end
    assert.matches("^webhooks\n.*webhooks%.create", select(2, gitdev { "help", "webhooks" }))
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
    assert.matches("unknown argument 'x'", err)
  end)
end)

describe("the commands", function()
  local HELPS = {
    { {}, "^usage: gitdev %[options%]" },
    { { "help" }, "^RESOURCES\n" },
    { { "emulator" }, "^usage: gitdev emulator " },
    { { "openapi" }, "^usage: gitdev openapi\n" },
    { { "types" }, "^usage: gitdev types\n" },
    { { "webhooks" }, "^usage: gitdev webhooks " },
  }

  it("say what they do, within 100 columns", function()
    for _, case in ipairs(HELPS) do
      for _, option in ipairs { "--help", "-h" } do
        local words = { case[1][1], option }
        if not case[1][1] then
          words = { option }
        end
        local status, out, err = gitdev(words)
        assert.same({ 0, "" }, { status, err })
        assert.matches(case[2], out)
        for line in out:gmatch "[^\n]+" do
          assert.is_true(#line:gsub("[\128-\191]", "") <= 100, line)
        end
      end
    end
  end)

  it("fail when stdout takes nothing", function()
    for _, words in ipairs { "--help", "help", "help runs.wait", "types", "openapi", "emulator --help" } do
      local status, _, err = process.run(process.host .. " " .. words .. " >/dev/full")
      assert.equal(1, status, words)
      assert.matches("^gitdev: stdout cannot be written: [^\n]+\n$", err)
    end
  end)

  it("want an option's value", function()
    local status, out, err = gitdev { "emulator", "--port" }
    assert.same({ 2, "" }, { status, out })
    assert.matches("%-%-port needs a value: the port", err)
  end)
end)
