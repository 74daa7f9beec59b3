-- What starts a pipeline's runs by itself: pushes and schedules (contract 2.8).
local branch_glob = require "gitdev.emulator.pipelines.branch_glob"
local ci = require "spec.lua.support.ci"
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

describe("the emulator's pipelines", function()
  local w

  before_each(function()
    w = world.new { rate_limit = false }
  end)

  describe("are started by a push", function()
    local count = 0

    -- Commits to a branch of my-app's repository, a new one if need be. Returns the commit.
    local function push(branch)
      count = count + 1
      local known = w:get("/repositories/my-app/branches/" .. branch).status == 200
      local answer = w:post("/repositories/my-app/commits", {
        branch = branch,
        start_ref = not known and "main" or nil,
        message = "Number " .. count,
        actions = { { action = "create", path = ("file-%d.txt"):format(count), content = "x" } },
      })
      assert.equal(201, answer.status, answer.body)
      return answer.json
    end

    local function runs()
      local list = {}
      for index, run in ipairs(w:get("/runs?order=asc").json.data) do
        list[index] = run.trigger .. " " .. run.branch
      end
      return table.concat(list, ", ")
    end

    it("to a branch that fits, at the commit that was pushed", function()
      ci.pipeline(w, { "a" }, { triggers = { push = { branches = { "main", "release/*" } } } })
      local from = #w.emulator:events() + 1
      local commit = push "main"
      local run = w:get("/runs").json.data[1]
      assert.equal("push main 1 queued", ("%s %s %d %s"):format(run.trigger, run.branch, run.number, run.status))
      assert.equal(commit.sha, run.commit_sha)
      push "release/1"
      push "develop"
      push "release/2/x"
      assert.equal("push main, push release/1", runs())
      w:wait(60)
      assert.equal("succeeded", ci.run(w, run).status)
      assert.equal("run.created, run.created, run.started, run.started, "
        .. "job.completed a, run.completed, job.completed a, run.completed", ci.events(w, from))
    end)

    it("but not by the end of a branch", function()
      push "topic"
      ci.pipeline(w, { "a" }, { triggers = { push = { branches = { "**" } } } })
      assert.equal(204, w:delete("/repositories/my-app/branches/topic").status)
      assert.equal("", runs())
    end)

    it("if they are enabled and have that trigger, in each project of the repository", function()
      w:post("/projects", { slug = "shop", repository = "my-app" })
      w:post("/projects", { slug = "bare" })
      local all = { triggers = { push = { branches = { "**" } }, manual = false } }
      local function with(name, more)
        local fields = { name = name, triggers = all.triggers }
        for field, value in pairs(more or {}) do
          fields[field] = value
        end
        return ci.pipeline(w, { "a" }, fields)
      end
      with "one"
      with("two", { project = "shop" })
      with("off", { enabled = false })
      with("foreign", { project = "bare" })
      with("scheduled", { triggers = { schedule = "0 0 1 1 *" } })
      with("demanding", { inputs = { { name = "version", required = true } } })
      with("content", { inputs = { { name = "version", required = true, default = "1" } } })
      push "main"
      local found = {}
      for _, run in ipairs(w:get("/runs?order=asc").json.data) do
        found[#found + 1] = w:get("/pipelines/" .. run.pipeline_id).json.name
      end
      table.sort(found)
      assert.same({ "content", "one", "two" }, found)
    end)
  end)

  describe("are started by their schedule", function()
    local function times()
      local list = {}
      for index, run in ipairs(w:get("/runs?order=asc&limit=100").json.data) do
        list[index] = run.created_at - world.START
      end
      return list
    end

    -- The world begins at 03:58:18 on a Friday.
    local TO_FOUR = 102

    it("at its times, for the newest commit of the production branch", function()
      ci.pipeline(w, { "a" }, { triggers = { schedule = "0,30 * * * *" } })
      w:wait(TO_FOUR - 0.001)
      assert.same({}, times())
      w:wait(0.001)
      assert.same({ TO_FOUR }, times())
      w:wait(3600)
      assert.same({ TO_FOUR, TO_FOUR + 1800, TO_FOUR + 3600 }, times())
      local run = w:get("/runs").json.data[1]
      assert.equal("schedule main 3", ("%s %s %d"):format(run.trigger, run.branch, run.number))
      assert.equal(w:post("/deployments", { project = "my-app" }).json.commit_sha, run.commit_sha)
    end)

    it("each at its own time, even when nobody looks for a day", function()
      ci.pipeline(w, { "a" }, { triggers = { schedule = "0 */6 * * *" } })
      w:wait(86400)
      assert.same({ TO_FOUR + 7200, TO_FOUR + 28800, TO_FOUR + 50400, TO_FOUR + 72000 }, times())
      for _, run in ipairs(w:get("/runs").json.data) do
        assert.equal("succeeded", run.status)
      end
    end)

    it("as long as they are enabled and have one", function()
      local pipeline = ci.pipeline(w, { "a" }, { triggers = { schedule = "0 * * * *" }, enabled = false })
      local function change(fields)
        assert.equal(200, w:patch("/pipelines/" .. pipeline.id, fields).status)
        local before = #times()
        w:wait(3600)
        return #times() - before
      end
      assert.equal(0, change { name = "same" })
      assert.equal(1, change { enabled = true })
      assert.equal(4, change { triggers = { schedule = "*/15 * * * *" } })
      assert.equal(0, change { triggers = { schedule = json.null } })
      assert.equal(1, change { triggers = { schedule = "0 * * * *" } })
      assert.equal(0, change { enabled = false })
    end)

    it("where there is a branch to run", function()
      ci.pipeline(w, { "a" }, { triggers = { schedule = "0 * * * *" } })
      w:patch("/projects/my-app", { production_branch = "gone" })
      w:wait(3600)
      assert.same({}, times())
      w:patch("/projects/my-app", { production_branch = "develop" })
      w:wait(3600)
      assert.equal("develop", w:get("/runs").json.data[1].branch)
      w:post("/projects", { slug = "bare" })
      ci.pipeline(w, { "a" }, { project = "bare", triggers = { schedule = "0 * * * *" } })
      w:wait(3600)
      assert.equal(json.null, w:get("/runs?project=bare").json.data[1].commit_sha)
    end)
  end)

  describe("name branches with globs, where", function()
    local cases = {
      { "main", "main", true },
      { "main", "mainline", false },
      { "main", "xmain", false },
      { "*", "main", true },
      { "*", "a/b", false },
      { "**", "a/b/c", true },
      { "release/*", "release/1", true },
      { "release/*", "release/1/2", false },
      { "release/*", "release/", true },
      { "release/**", "release/1/2", true },
      { "release/*", "releases/1", false },
      { "*/fix", "a/fix", true },
      { "**/fix", "a/b/fix", true },
      { "a*c*e", "abcde", true },
      { "a*c*e", "abde", false },
      { "v?", "v1", true },
      { "v?", "v12", false },
      { "v?", "vä", true },
      { "?", "/", false },
      { "v1.*", "v1x2", false },
      { "v1.*", "v1.2", true },
      { "a%d", "a%d", true },
      { "a%d", "a1", false },
      { "***", "a/b", true },
      { ("*a"):rep(20), ("a"):rep(200), true },
      { ("*a"):rep(20) .. "b", ("a"):rep(200), false },
    }
    for _, case in ipairs(cases) do
      it(("%s %s %s"):format(case[1]:sub(1, 20), case[3] and "fits" or "does not fit", case[2]:sub(1, 20)), function()
        assert.equal(case[3], branch_glob.matches(case[1], case[2]))
      end)
    end
  end)
end)
