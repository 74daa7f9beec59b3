-- gitdev.git: Git's objects through libgit2, held against the git program.
local gitdev_git = require "gitdev.git"
local program = require "spec.lua.support.git"

local FILE, EXECUTABLE, SYMLINK = 33188, 33261, 40960
local WHO = { name = "Ada", email = "ada@example.com", at = 1700000000 }
local NOBODY = ("0"):rep(40)
local ALL = { files = 300, patch_bytes = 1e6, patches_bytes = 1e7 }

-- Commits on top of `parent` the files path -> content (false: none); answers the commit's id.
local function commit(repository, parent, files, message, at)
  local changes = {}
  for path, content in pairs(files) do
    local mode = type(content) == "table" and content[2] or FILE
    local bytes = type(content) == "table" and content[1] or content
    changes[#changes + 1] = bytes and { path = path, mode = mode, sha = assert(repository:write("blob", bytes)) } or { path = path }
  end
  local who = { name = WHO.name, email = WHO.email, at = at or WHO.at }
  return assert(repository:write_commit {
    tree = assert(repository:write_tree(parent and repository:commit(parent).tree_sha, changes)),
    parents = { parent },
    message = message or "m",
    author = who,
    committer = who,
  })
end

local function names(entries)
  local list = {}
  for index, entry in ipairs(entries) do
    list[index] = ("%06o %s %s\t%s"):format(entry.mode, entry.type, entry.sha, entry.name)
  end
  return table.concat(list, "\n")
end

describe("gitdev.git", function()
  local folder

  before_each(function()
    folder = program.folder()
  end)

  after_each(function()
    program.remove(folder)
  end)

  -- A repository in a folder of git's, so that both can look at it.
  local function both()
    return assert(gitdev_git.repository(folder .. "/r.git", "main")), folder .. "/r.git"
  end

  it("tells which libgit2 it was made with", function()
    assert.matches("^%d+%.%d+%.%d+$", gitdev_git.libgit2_version)
  end)

  describe("objects", function()
    it("have the ids that git gives them", function()
      local memory = gitdev_git.repository()
      for _, bytes in ipairs { "", "a", "a\r\nb\r\n", "\0\1\255", ("x"):rep(100000) } do
        local id = assert(memory:write("blob", bytes))
        assert.equal(program.run(folder, "hash-object --stdin", bytes), id)
        assert.same({ "blob", bytes }, { memory:read(id) })
        assert.same({ "blob", #bytes }, { memory:header(id) })
      end
    end)

    it("that are not there are a problem, not an error", function()
      local memory = gitdev_git.repository()
      local blob = memory:write("blob", "x")
      local cases = {
        { "read", NOBODY }, { "header", NOBODY }, { "commit", NOBODY }, { "commit", blob }, { "entries", NOBODY }, { "entries", blob },
        { "entry", NOBODY, "a" }, { "log", NOBODY, {} }, { "range", NOBODY, NOBODY, 1 }, { "merge_base", NOBODY, blob },
        { "ahead_behind", NOBODY, blob }, { "diff", NOBODY, NOBODY, ALL }, { "diff", nil, NOBODY, ALL }, { "write_tree", NOBODY, {} },
        { "write_tree", nil, { { path = "a", mode = FILE, sha = NOBODY } } },
        { "write_commit", { tree = NOBODY, parents = {}, message = "", author = WHO, committer = WHO } },
      }
      for _, case in ipairs(cases) do
        local value, problem = memory[case[1]](memory, case[2], case[3], case[4])
        assert.is_nil(value, case[1])
        assert.is_string(problem, case[1])
      end
    end)

    it("are misuse when they are no ids", function()
      local memory = gitdev_git.repository()
      for _, text in ipairs { "", "main", ("a"):rep(39), ("a"):rep(41), ("g"):rep(40) } do
        assert.has_error(function()
          memory:read(text)
        end)
      end
      for _, kind in ipairs { "", "any", "ofs_delta", "blobb" } do
        assert.has_error(function()
          memory:write(kind, "x")
        end)
      end
    end)

    it("are found by the beginning of a commit's id, of seven digits and more", function()
      local memory = gitdev_git.repository()
      local id = commit(memory, nil, { a = "1" })
      assert.equal(id, memory:commit_id(id))
      assert.equal(id, memory:commit_id(id:sub(1, 7)))
      local blob = memory:write("blob", "1")
      for _, text in ipairs { "", id:sub(1, 6), id:sub(1, 7):upper() .. "G", NOBODY, blob, "main", id .. "0" } do
        assert.is_nil((memory:commit_id(text)), text)
      end
    end)

    it("come back from a dump, which is the same for the same objects", function()
      local memory = gitdev_git.repository()
      local first = commit(memory, nil, { a = "1", ["b/c"] = "2" })
      local head = commit(memory, first, { a = "2", empty = "" })
      local bytes = memory:dump()
      local copy = assert(gitdev_git.load(bytes))
      assert.equal(bytes, copy:dump())
      assert.equal(memory:size(), copy:size())
      assert.equal(head, copy:commit_id(head))
      assert.equal("2", select(2, copy:read(copy:entry(head, "a").sha)))
    end)

    it("refuse a dump that is damaged", function()
      local memory = gitdev_git.repository()
      commit(memory, nil, { a = "1" })
      local bytes = memory:dump()
      for cut = 0, #bytes - 1 do
        local ok = gitdev_git.load(bytes:sub(1, cut))
        -- Where an object ends, a shorter dump is a whole one of fewer objects.
        assert.is_true(ok == nil or ok:size() < memory:size(), cut)
      end
      local head = bytes:match "^[^\n]*\n"
      for _, tail in ipairs { "\9", "\1" .. ("\255"):rep(8), "\0" .. ("\0"):rep(8), "\6" .. ("\0"):rep(8) } do
        assert.is_nil((gitdev_git.load(head .. tail)))
      end
    end)

    it("are counted once", function()
      local memory = gitdev_git.repository()
      memory:write("blob", "abc")
      memory:write("blob", "abc")
      assert.equal(3, memory:size())
    end)

    it("go from one repository to another", function()
      local memory, other = gitdev_git.repository(), gitdev_git.repository()
      local head = commit(memory, nil, { a = "1" })
      assert.is_true(other:take(memory))
      assert.equal(head, other:commit(head).sha)
      assert.has_error(function()
        other:take(other)
      end)
    end)

    it("are many", function()
      local memory, ids = gitdev_git.repository(), {}
      for number = 1, 5000 do
        ids[number] = memory:write("blob", "number " .. number)
      end
      for number = 1, 5000, 7 do
        assert.equal("number " .. number, select(2, memory:read(ids[number])))
      end
    end)
  end)

  describe("trees", function()
    it("are those that git makes", function()
      local repository, path = both()
      local id = commit(repository, nil, {
        ["a"] = "1", ["a-b"] = "2", ["a.b"] = "3", ["dir/x"] = { "#!/bin/sh\n", EXECUTABLE }, ["dir/y/z"] = "5", ["dir.c"] = "6",
        ["link"] = { "a", SYMLINK }, ["\195\164/\195\182"] = "7",
      })
      assert.equal("", program.fsck(path))
      assert.equal(program.run(path, "-c core.quotepath=false ls-tree " .. id), names(repository:entries(id)))
      assert.equal(program.run(path, "-c core.quotepath=false ls-tree " .. id .. ":dir"), names(repository:entries(repository:entry(id, "dir").sha)))
      assert.equal(program.run(path, "rev-parse " .. id .. ":dir/y/z"), repository:entry(id, "dir/y/z").sha)
    end)

    it("have nothing at paths that are none", function()
      local memory = gitdev_git.repository()
      local id = commit(memory, nil, { ["a/b"] = "1" })
      for _, path in ipairs { "", "/", "/a", "a//b", "b", "a/c", "a/b/c", "../a", "a\0", ".", ("x/"):rep(3000) } do
        assert.is_nil((memory:entry(id, path)), path)
      end
    end)

    it("change as told, files and directories taking each other's places", function()
      local memory = gitdev_git.repository()
      local blob = memory:write("blob", "x")
      local base = memory:write_tree(nil, {
        { path = "a", mode = FILE, sha = blob }, { path = "d/e/f", mode = FILE, sha = blob }, { path = "d/g", mode = FILE, sha = blob },
      })
      local function after(changes)
        local id, problem = memory:write_tree(base, changes)
        if not id then
          return problem
        end
        local list = {}
        local function walk(tree, prefix)
          for _, entry in ipairs(memory:entries(tree)) do
            if entry.type == "tree" then
              walk(entry.sha, prefix .. entry.name .. "/")
            else
              list[#list + 1] = prefix .. entry.name
            end
          end
        end
        walk(id, "")
        return table.concat(list, " ")
      end
      local function put(path)
        return { path = path, mode = FILE, sha = blob }
      end
      assert.equal("a d/e/f d/g", after {})
      assert.equal("d/e/f d/g", after { { path = "a" } })
      assert.equal("a d/g", after { { path = "d/e/f" } })
      assert.equal("a", after { { path = "d/e/f" }, { path = "d/g" } })
      assert.equal("a", after { { path = "d" } })
      assert.equal("", after { { path = "d" }, { path = "a" } })
      assert.equal("a d/e/f d/g", after { { path = "nothing" }, { path = "d/nothing/at/all" } })
      assert.equal("a/b d/e/f d/g", after { { path = "a" }, put "a/b" })
      assert.equal("a d", after { { path = "d/e/f" }, { path = "d/g" }, put "d" })
      assert.equal("a a-b d/e.f d/e/f d/e0 d/g", after { put "a-b", put "d/e0", put "d/e.f" })
      assert.matches("file is where a directory", after { put "a/b" })
      assert.matches("a file and a directory at once", after { put "n", put "n/m" })
    end)

    it("take no name that Git forbids, and no path that is none", function()
      local memory = gitdev_git.repository()
      local blob = memory:write("blob", "x")
      for _, path in ipairs { ".git", "a/.git/b", ".GIT", ".", "..", "a/../b", "a/./b" } do
        local id, problem = memory:write_tree(nil, { { path = path, mode = FILE, sha = blob } })
        assert.is_nil(id, path)
        assert.is_string(problem)
      end
      local bad = { "", "/a", "a/", "a//b", "a\0b", ("x"):rep(4097) }
      for _, path in ipairs(bad) do
        assert.has_error(function()
          memory:write_tree(nil, { { path = path, mode = FILE, sha = blob } })
        end)
      end
      for _, changes in ipairs { { 1 }, { { mode = FILE, sha = blob } }, { { path = "a", mode = FILE } }, { { path = "a" }, { path = "a" } } } do
        assert.has_error(function()
          memory:write_tree(nil, changes)
        end)
      end
      assert.is_nil((memory:write_tree(nil, { { path = "a", mode = 1, sha = blob } })))
    end)

    it("are made of tables as they are: no code behind one runs", function()
      local memory, asked = gitdev_git.repository(), 0
      local row = setmetatable({}, { __index = function()
        asked = asked + 1
        return ("a"):rep(asked * 5000)
      end })
      assert.has_error(function()
        memory:write_tree(nil, { row })
      end)
      assert.equal(0, asked)
    end)

    it("are as deep as a path is long", function()
      local repository, path = both()
      local deep = ("x/"):rep(2047) .. "y"
      local id = commit(repository, nil, { [deep] = "1" })
      assert.equal("1", select(2, repository:read(repository:entry(id, deep).sha)))
      id = commit(repository, id, { [deep .. "z"] = "2", [deep] = false })
      assert.is_nil((repository:entry(id, deep)))
      assert.equal(id, program.run(path, "rev-parse " .. id .. "^{commit}"))
    end)
  end)

  describe("commits", function()
    it("have the ids that git gives them", function()
      local repository, path = both()
      local first = commit(repository, nil, { a = "1" }, "Begin\n\nWith a body.\n")
      local second = commit(repository, first, { b = "2" }, "no line's end")
      local tree = repository:commit(second).tree_sha
      assert.equal(program.run(path, "commit-tree " .. repository:commit(first).tree_sha, "Begin\n\nWith a body.\n"), first)
      assert.equal(program.run(path, ("commit-tree %s -p %s"):format(tree, first), "no line's end\n") == second, false)
      assert.equal("no line's end", program.run(path, "log -1 --format=%B " .. second):gsub("\n$", ""))
      assert.equal("", program.fsck(path))
      assert.same({
        sha = second,
        tree_sha = tree,
        parents = { first },
        message = "no line's end",
        author = WHO,
        committer = WHO,
      }, repository:commit(second))
    end)

    it("take several parents", function()
      local repository, path = both()
      local root = commit(repository, nil, { a = "1" })
      local left, right = commit(repository, root, { b = "1" }), commit(repository, root, { c = "1" })
      local merge = repository:write_commit {
        tree = repository:commit(left).tree_sha, parents = { left, right }, message = "merge", author = WHO, committer = WHO,
      }
      assert.equal(left .. " " .. right, program.run(path, "log -1 --format=%P " .. merge))
    end)

    it("want persons that Git can write", function()
      local memory = gitdev_git.repository()
      local tree = memory:write_tree(nil, {})
      for _, who in ipairs { { name = "", email = "a", at = 1 }, { name = "a<b", email = "a", at = 1 }, { name = "a", email = "a>b", at = 1 } } do
        local id, problem = memory:write_commit { tree = tree, parents = {}, message = "m", author = who, committer = WHO }
        assert.is_nil(id)
        assert.is_string(problem)
      end
      for _, who in ipairs { 1, {}, { name = "a", email = "b" } } do
        assert.has_error(function()
          memory:write_commit { tree = tree, parents = {}, message = "m", author = who, committer = WHO }
        end)
      end
    end)
  end)

  describe("a log", function()
    -- A history with two lines that are merged, on top of a straight one.
    local function history()
      local repository, path = both()
      local ids, at = {}, 1700000000
      local function add(name, parents, files)
        at = at + 60
        local who = { name = name == "b" and "Grace" or "Ada", email = name .. "@example.com", at = at }
        local base = parents[1] and repository:commit(parents[1]).tree_sha
        local changes = {}
        for file, content in pairs(files) do
          changes[#changes + 1] = { path = file, mode = FILE, sha = repository:write("blob", content) }
        end
        ids[name] = repository:write_commit {
          tree = repository:write_tree(base, changes), parents = parents, message = name, author = who, committer = who,
        }
        return ids[name]
      end
      add("a", {}, { ["src/x"] = "1", y = "1" })
      add("b", { ids.a }, { ["src/x"] = "2" })
      add("c", { ids.b }, { y = "2" })
      add("l1", { ids.c }, { ["src/l"] = "1" })
      add("r1", { ids.c }, { r = "1" })
      add("l2", { ids.l1 }, { ["src/l"] = "2" })
      add("m", { ids.l2, ids.r1 }, { r = "1" })
      add("n", { ids.m }, { y = "3" })
      return repository, path, ids
    end

    local function messages(list)
      local found = {}
      for index, one in ipairs(list) do
        found[index] = one.message
      end
      return table.concat(found, " ")
    end

    it("is git's own, forwards and backwards", function()
      local repository, path, ids = history()
      assert.equal((program.run(path, "log --format=%s " .. ids.n):gsub("\n", " ")), messages(repository:log(ids.n, {})))
      assert.equal((program.run(path, "log --reverse --format=%s " .. ids.n):gsub("\n", " ")), messages(repository:log(ids.n, { reversed = true })))
    end)

    it("leaves out what the filter does not want", function()
      local repository, path, ids = history()
      local start = repository:commit(ids.b).committer.at
      local cases = {
        { { path = "src" }, "-- src" },
        { { path = "src/l" }, "-- src/l" },
        { { path = "y" }, "-- y" },
        { { path = "r" }, "-- r" },
        { { path = "gone" }, "-- gone" },
        { { author = "grace" }, "--author=Grace" },
        { { author = "L1@" }, "--author=l1@" },
        { { since = start }, "--since=" .. start },
        { { ["until"] = start }, "--until=" .. start - 1 },
        { { since = start, author = "ada", path = "src" }, ("--since=%d --author=Ada -- src"):format(start) },
      }
      for _, case in ipairs(cases) do
        local expected = program.run(path, ("log --format=%%s %s %s"):format(ids.n, case[2])):gsub("\n", " ")
        assert.equal(expected, messages(repository:log(ids.n, case[1])), case[2])
      end
    end)

    it("goes on after any commit", function()
      local repository, _, ids = history()
      for _, reversed in ipairs { false, true } do
        local whole = messages(repository:log(ids.n, { reversed = reversed }))
        for limit = 1, 9 do
          local pieces, after, pages = {}, nil, 0
          repeat
            local page, last = repository:log(ids.n, { limit = limit, after = after, reversed = reversed })
            pieces[#pieces + 1] = page[1] and messages(page) or nil
            after, pages = last, pages + 1
          until not after or pages > 20
          assert.equal(whole, table.concat(pieces, " "))
        end
      end
    end)

    it("says whether it came past a merge, before which its last commit leads to all the rest", function()
      local repository, _, ids = history()
      local _, last, merged = repository:log(ids.n, { limit = 1 })
      assert.same({ ids.n, false }, { last, merged })
      assert.equal(messages(repository:log(ids.n, { after = last })), messages(repository:log(last, { after = last })))
      assert.is_true(select(3, repository:log(ids.n, { limit = 2 })))
    end)

    it("looks at no more than it is told to", function()
      local repository, _, ids = history()
      local found, last = repository:log(ids.n, { author = "nobody", scan = 3 })
      assert.same({ {}, "string" }, { found, type(last) })
      assert.same({ {} }, { repository:log(ids.n, { author = "nobody", scan = 100 }) })
    end)

    it("knows where two commits part, as git does", function()
      local repository, path, ids = history()
      local lonely = commit(repository, nil, { z = "1" }, "lonely")
      for _, pair in ipairs { { "l2", "r1" }, { "a", "n" }, { "n", "a" }, { "m", "m" }, { "b", "r1" } } do
        local a, b = ids[pair[1]], ids[pair[2]]
        assert.equal(program.run(path, ("merge-base %s %s"):format(a, b)), repository:merge_base(a, b))
        local ahead, behind = repository:ahead_behind(a, b)
        assert.equal(program.run(path, ("rev-list --left-right --count %s...%s"):format(a, b)), ("%d\t%d"):format(behind, ahead))
        assert.equal((program.run(path, ("log --format=%%s %s..%s"):format(a, b)):gsub("\n", " ")), messages(repository:range(a, b, 100)))
      end
      assert.is_nil((repository:merge_base(ids.n, lonely)))
      assert.equal(2, #repository:range(ids.a, ids.n, 2))
    end)
  end)

  describe("a diff", function()
    it("is git's own", function()
      local repository, path = both()
      local long = ("line\n"):rep(50)
      local before = commit(repository, nil, {
        changed = "a\nb\nc\n", gone = "x\n", ["old/name"] = long, mode = "same\n", binary = "\0\1\2", ["no-end"] = "a", crlf = "a\r\nb\r\n",
        edited = long .. "tail\n", empty = "",
      })
      local after = commit(repository, before, {
        changed = "a\nB\nc\nd\n", gone = false, ["old/name"] = false, ["new/name"] = long, mode = { "same\n", EXECUTABLE }, binary = "\0\1\3",
        ["no-end"] = "b", crlf = "a\r\nc\r\n", edited = false, ["moved"] = long .. "other\n", fresh = "1\n2\n", ["also empty"] = "",
        ["\195\164"] = "u\n", latin = "\228\n",
      })
      local changes, stats = repository:diff(before, after, ALL)
      local numbers, statuses = {}, {}
      for index, change in ipairs(changes) do
        local counts = change.binary and "-\t-" or ("%d\t%d"):format(change.additions, change.deletions)
        numbers[index] = counts .. "\t" .. change.path
        statuses[index] = change.status:sub(1, 1):upper():gsub("R", change.previous_path and "R" or "D") .. " " .. change.path
      end
      -- With -z a renamed file is its numbers, nothing, the old path, the new one.
      local expected = program.run(path, ("diff -M --numstat -z %s %s"):format(before, after))
      expected = expected:gsub("\t%z[^%z]*%z", "\t")
      assert.equal(expected, table.concat(numbers, "\0") .. "\0")
      local named = program.run(path, ("-c core.quotepath=false diff -M --name-status %s %s"):format(before, after))
      named = named:gsub("(%u)%d*\t([^\n]*)", function(letter, rest)
        return letter .. " " .. rest:match "[^\t]*$"
      end)
      assert.equal(named, table.concat(statuses, "\n"))
      assert.equal(#changes, stats.files)
      local sum = program.run(path, ("diff -M --shortstat %s %s"):format(before, after))
      assert.equal(sum:match "(%d+) insertion", tostring(stats.additions))
      assert.equal(sum:match "(%d+) deletion", tostring(stats.deletions))
      for _, change in ipairs(changes) do
        local whole = program.run(path, ("-c core.quotepath=false diff -M %s %s -- '%s'%s"):format(
          before, after, change.path, change.previous_path and " '" .. change.previous_path .. "'" or ""
        )) .. "\n"
        local hunks = whole:match "\n(@@ .*)$"
        assert.equal(change.binary and "nil" or hunks or "", tostring(change.patch), change.path)
      end
    end)

    it("begins at nothing", function()
      local memory = gitdev_git.repository()
      local changes, stats = memory:diff(nil, commit(memory, nil, { a = "1\n2\n" }), ALL)
      assert.same({ { path = "a", status = "added", additions = 2, deletions = 0, binary = false, patch = "@@ -0,0 +1,2 @@\n+1\n+2\n" } }, changes)
      assert.same({ additions = 2, deletions = 0, files = 1 }, stats)
    end)

    it("of a file that becomes a link is one change", function()
      local memory = gitdev_git.repository()
      local before = commit(memory, nil, { a = "1\n" })
      local changes = memory:diff(before, commit(memory, before, { a = { "b", SYMLINK } }), ALL)
      assert.same({ "a", "modified" }, { changes[1].path, changes[1].status })
      assert.equal(1, #changes)
    end)

    it("of a submodule names its commits", function()
      local memory, change = gitdev_git.repository(), { path = "sub", mode = 57344, sha = ("1"):rep(40) }
      local changes = memory:diff(nil, memory:write_tree(nil, { change }), ALL)
      assert.equal("@@ -0,0 +1 @@\n+Subproject commit " .. change.sha .. "\n", changes[1].patch)
      assert.same({ "added", 1, 0 }, { changes[1].status, changes[1].additions, changes[1].deletions })
    end)

    it("heeds no attributes that lie about on the machine", function()
      local repository, path = both()
      local file = assert(io.open(path .. "/info/attributes", "w"))
      file:write "* binary\n"
      file:close()
      local changes = repository:diff(nil, commit(repository, nil, { a = "1\n" }), ALL)
      assert.same({ false, "@@ -0,0 +1 @@\n+1\n" }, { changes[1].binary, changes[1].patch })
    end)

    it("keeps to what it is told to give, and counts all", function()
      local memory, files = gitdev_git.repository(), {}
      for number = 1, 20 do
        files[("f%02d"):format(number)] = ("line\n"):rep(number)
      end
      local id = commit(memory, nil, files)
      local changes, stats = memory:diff(nil, id, { files = 5, patch_bytes = 1e6, patches_bytes = 1e6 })
      assert.same({ 5, 20, 210 }, { #changes, stats.files, stats.additions })
      changes = memory:diff(nil, id, { files = 20, patch_bytes = 60, patches_bytes = 1e6 })
      assert.is_string(changes[7].patch)
      assert.is_nil(changes[20].patch)
      changes = memory:diff(nil, id, { files = 20, patch_bytes = 1e6, patches_bytes = 100 })
      assert.is_string(changes[1].patch)
      assert.is_nil(changes[20].patch)
    end)
  end)

  describe("a folder", function()
    it("is a repository that git clones, with the same ids", function()
      local repository, path = both()
      local first = commit(repository, nil, { ["a b/c"] = "1\n", run = { "#!/bin/sh\n", EXECUTABLE } })
      local second = commit(repository, first, { d = "2\n" })
      assert.is_true(repository:set_reference("refs/heads/main", second))
      assert.is_true(repository:set_reference("refs/heads/feature/x", first))
      assert.is_true(repository:set_reference("refs/tags/v1", first))
      assert.equal("", program.fsck(path))
      program.run(folder, "clone -q r.git copy")
      local copy = folder .. "/copy"
      assert.equal(second, program.run(copy, "rev-parse HEAD"))
      assert.equal("main", program.run(copy, "symbolic-ref --short HEAD"))
      assert.equal(first, program.run(copy, "rev-parse origin/feature/x"))
      assert.equal(first, program.run(copy, "rev-parse v1"))
      assert.equal("", program.run(copy, "status --porcelain"))
      assert.same({ ["refs/heads/main"] = second, ["refs/heads/feature/x"] = first, ["refs/tags/v1"] = first }, repository:references())
    end)

    it("shows what git has pushed into it", function()
      local repository, path = both()
      repository:set_reference("refs/heads/main", commit(repository, nil, { a = "1\n" }))
      program.run(folder, "clone -q r.git copy")
      program.run(folder .. "/copy", "commit -q --allow-empty -m pushed")
      program.run(folder .. "/copy", "tag -a -m annotated v1")
      program.run(folder .. "/copy", "push -q origin main v1")
      local head = program.run(folder .. "/copy", "rev-parse HEAD")
      assert.equal(head, repository:references()["refs/heads/main"])
      assert.equal(head, repository:references()["refs/tags/v1"])
      assert.equal("pushed\n", repository:commit(head).message)
      program.run(path, "gc -q --prune=now")
      assert.equal("pushed\n", repository:commit(head).message)
      local memory = gitdev_git.repository()
      assert.is_true(memory:take(repository))
      assert.equal(repository:size(), memory:size())
    end)

    it("is opened again, moved, listed and removed", function()
      local repository, path = both()
      local id = commit(repository, nil, { a = "1" })
      repository = assert(gitdev_git.repository(path, "other"))
      assert.equal(id, repository:commit(id).sha)
      assert.equal("main", program.run(path, "symbolic-ref --short HEAD"))
      assert.is_true(repository:set_head "other")
      assert.equal("other", program.run(path, "symbolic-ref --short HEAD"))
      assert.equal(path, repository:path())
      assert.same({ path }, gitdev_git.list(folder))
      assert.is_true(gitdev_git.remove(path))
      assert.same({}, gitdev_git.list(folder))
      assert.is_true(gitdev_git.remove(path))
      assert.same({}, gitdev_git.list(folder .. "/nowhere"))
    end)

    it("that was not made here is left alone", function()
      program.run(folder, "init -q --bare theirs.git")
      local repository, problem = gitdev_git.repository(folder .. "/theirs.git", "main")
      assert.is_nil(repository)
      assert.matches("left alone", problem)
      assert.same({}, gitdev_git.list(folder))
      local ok, cause = gitdev_git.remove(folder .. "/theirs.git")
      assert.is_nil(ok)
      assert.matches("left alone", cause)
      assert.is_nil((gitdev_git.remove(folder)))
      assert.equal("true", program.run(folder .. "/theirs.git", "rev-parse --is-bare-repository"))
    end)

    it("that cannot be is a problem", function()
      assert.is_nil((gitdev_git.repository("/dev/null/r.git", "main")))
      assert.is_nil((gitdev_git.folder "/dev/null/x"))
      assert.is_nil((gitdev_git.folder ""))
      assert.equal(folder .. "/a/b", gitdev_git.folder(folder .. "/a/b"))
      assert.equal(folder .. "/a/b", gitdev_git.folder(folder .. "/a/../a/b/"))
    end)

    it("takes no reference that Git does not, and none that leads nowhere", function()
      local repository = both()
      local id = commit(repository, nil, { a = "1" })
      for _, name in ipairs { "main", "refs/heads/", "refs/heads/a..b", "refs/heads/a b", "" } do
        assert.is_nil((repository:set_reference(name, id)), name)
        assert.is_nil((repository:remove_reference(name)), name)
      end
      assert.is_nil((repository:set_reference("refs/heads/a", NOBODY)))
      assert.is_true(repository:set_reference("refs/heads/a", id))
      assert.is_nil((repository:set_reference("refs/heads/a/b", id)))
    end)

    it("is no matter of a repository in memory", function()
      local memory = gitdev_git.repository()
      local id = commit(memory, nil, { a = "1" })
      assert.is_nil((memory:references()))
      assert.is_nil((memory:set_reference("refs/heads/main", id)))
      assert.is_nil((memory:remove_reference "refs/heads/main"))
      assert.is_nil((memory:set_head "main"))
      assert.is_nil((memory:path()))
    end)
  end)

  it("knows names of branches, as git does", function()
    for _, name in ipairs { "main", "a/b", "a.b", "\195\164", "@a", "a@", "-a", "HEAD", "@", "a..b", "a.lock", "a.lock/b", "/a", "a/", "a//b",
      ".a", "a/.b", "a.", "a@{b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a\1", "a\127", "" } do
      local known = program.try(folder, ("check-ref-format --branch '%s'"):format(name)) == 0 and name ~= "@{-1}"
      assert.equal(known, gitdev_git.valid_branch(name), name)
    end
    assert.is_false(gitdev_git.valid_branch "a\0b")
  end)

  it("reads and writes base64", function()
    for _, pair in ipairs { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "\0\255\254", "AP/+" } } do
      assert.equal(pair[2], gitdev_git.base64(pair[1]))
      assert.equal(pair[1], gitdev_git.unbase64(pair[2]))
    end
    for _, text in ipairs { "Z", "Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", " Zg=", "Zm9-", "Zm9_", "Zm\0v", "Zm9v=" } do
      assert.is_nil((gitdev_git.unbase64(text)), text)
    end
    local bytes = {}
    for byte = 0, 255 do
      bytes[byte + 1] = string.char(byte)
    end
    bytes = table.concat(bytes)
    assert.equal(bytes, gitdev_git.unbase64(gitdev_git.base64(bytes)))
  end)

  it("is no object without itself", function()
    local memory = gitdev_git.repository()
    assert.is_nil(memory.close)
    assert.has_error(function()
      memory.dump {}
    end)
  end)
end)
