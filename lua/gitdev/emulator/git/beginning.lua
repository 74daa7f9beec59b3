--- What a repository of the emulator begins with: a small program in a first commit, and a commit more for each further branch. The
-- ids are the same in every run.
local format = require "gitdev.emulator.git.format"

local FIRST_BRANCH = "main"
local AUTHOR = { name = "Ada Lovelace", email = "ada@example.com", at = 1718900000 }
local FILE, PROGRAM = "100644", "100755"

-- How many beginnings are kept made: emulators come by the thousand, and nearly all begin the same.
local KEPT = 16

local beginning = {}

local function files_of(name)
  return {
    { ".gitignore", FILE, "dist/\nnode_modules/\n" },
    { "README.md", FILE, ("# %s\n\nA small site, built by `script/build` and served from `dist/`.\n"):format(name) },
    { "package.json", FILE, ('{\n  "name": "%s",\n  "private": true,\n  "scripts": { "build": "script/build" }\n}\n'):format(name) },
    { "public/index.html", FILE, ("<!doctype html>\n<title>%s</title>\n<h1>It works.</h1>\n"):format(name) },
    { "script/build", PROGRAM, "#!/bin/sh\nset -e\nmkdir -p dist\ncp -R public/. dist/\n" },
    { "src/index.js", FILE, 'console.log("It works.");\n' },
  }
end

local function put(made, kind, bytes)
  local id = format.id(kind, bytes)
  if not made.known[id] then
    made.known[id] = true
    made.objects[#made.objects + 1] = { kind, bytes }
    made.size = made.size + #bytes
  end
  return id
end

-- Writes the tree that holds `files`, a list of { path, mode, content }; answers its id.
local function put_tree(made, files)
  local entries, directories = {}, {}
  for _, file in ipairs(files) do
    local directory, rest = file[1]:match "^([^/]+)/(.+)$"
    if not directory then
      entries[#entries + 1] = { name = file[1], mode = file[2], id = put(made, "blob", file[3]) }
    else
      if not directories[directory] then
        directories[directory] = {}
        entries[#entries + 1] = { name = directory, mode = "40000" }
      end
      table.insert(directories[directory], { rest, file[2], file[3] })
    end
  end
  for _, entry in ipairs(entries) do
    entry.id = entry.id or put_tree(made, directories[entry.name])
  end
  return put(made, "tree", format.tree(entries))
end

local function put_commit(made, files, parents, message)
  local sha = put(made, "commit", format.commit {
    tree = put_tree(made, files),
    parents = parents,
    message = message,
    author = AUTHOR,
    committer = AUTHOR,
  })
  made.messages[sha] = message
  return sha
end

local function put_branch(made, name, branch, first)
  local files = files_of(name)
  files[#files + 1] = { "CHANGES.md", FILE, ("Begun on %s.\n"):format(branch) }
  return put_commit(made, files, { first }, "Begin " .. branch)
end

local function make(name, branches)
  local made = { objects = {}, known = {}, heads = {}, messages = {}, size = 0 }
  if branches[1] == nil then
    return made
  end
  local first = put_commit(made, files_of(name), {}, "Initial commit")
  for _, branch in ipairs(branches) do
    made.heads[branch] = branch == FIRST_BRANCH and first or put_branch(made, name, branch, first)
  end
  return made
end

local kept, count = {}, 0

--- What a repository of that name and those branches begins with: `objects` (a list of { kind, bytes }), `heads` (branch -> commit id), `messages`
-- (commit id -> message), `size` (bytes). It is shared: not to be changed.
function beginning.of(name, branches)
  local key = name .. "\n" .. table.concat(branches, "\n")
  if not kept[key] then
    if count == KEPT then
      kept, count = {}, 0
    end
    kept[key], count = make(name, branches), count + 1
  end
  return kept[key]
end

return beginning
