-- The names of `require "gitdev"`.
local gitdev = require "gitdev"
local pcall = gitdev.pcall -- tasks wait in it

describe("gitdev", function()
  it("has what it offers, in both styles", function()
    for _, module in ipairs { gitdev, (require "gitdev.safe") } do
      for _, name in ipairs { "client", "array", "raw", "answer", "is_error", "hint", "now", "run", "sleep" } do
        assert.equal("function", type(module[name]), name)
      end
      assert.is_string(module.VERSION)
      assert.is_not_nil(module.null)
    end
  end)

  it("names the nearest of what it has not", function()
    local ok, err = pcall(function()
      return gitdev.cleint
    end)
    assert.is_false(ok)
    assert.matches('did you mean "client"', tostring(err))
  end)
end)

describe("a closed client", function()
  it("says that it is closed, whatever it is asked, in both styles", function()
    for _, module in ipairs { gitdev, (require "gitdev.safe") } do
      require("gitdev.test").run(function()
        local git = module.client()
        local projects, page = git.projects, git.projects:list { limit = 1 }
        page.has_more, page.next_cursor = true, "on"
        git:close()
        git:close()
        assert.equal("gitdev client (closed)", tostring(git))
        for _, use in ipairs {
          git.rate_limit,
          function() git.projects:get "my-app" end,
          function() projects:update("my-app", { framework = "astro" }) end,
          function() git:request("GET", "/projects") end,
          function() git:request("GET", "/projects", { to = function() end }) end,
          function() page:next() end,
          function() projects:each()() end,
        } do
          local ok, err = pcall(use)
          assert.is_false(ok)
          assert.same({ "canceled_error", "client_closed" }, { err.type, err.code })
          assert.equal("the client is closed: make another with gitdev.client.", err.message)
        end
      end)
    end
  end)

  it("ends a wait between two polls as one in flight", function()
    require("gitdev.test").run(function()
      local git = gitdev.client()
      local deployment = git.deployments:create { project = "my-app" }
      for _, delay in ipairs { 0.01, 0.5 } do
        local one = gitdev.client()
        local waiting = gitdev.spawn(function() return one.deployments:get(deployment.id):wait() end)
        gitdev.sleep(delay)
        one:close()
        local ok, err = pcall(waiting.wait, waiting)
        assert.is_false(ok)
        assert.same({ "canceled_error", "client_closed" }, { err.type, err.code })
      end
    end)
  end)
end)
