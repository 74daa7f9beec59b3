--- Where a repository's objects are: in libgit2's hands, from when they are first asked for. `private.objects` holds them, and is dumped with the
-- state; until then `private.begun` says what they begin with.
local beginning = require "gitdev.emulator.git.beginning"
local refusal = require "gitdev.emulator.refusal"

local store = {}

-- Trying again would not help: the answer says so.
local HEADERS = { "X-Should-Retry", "false" }

local function missing(cause)
  local message = "The emulator's repositories need the module gitdev.git, which cannot be loaded: build it, with libgit2 there, or install it "
    .. "beside gitdev.core. (%s)"
  refusal.raise("internal_error", { message = message:format(cause:match "^[^\n]*"), headers = HEADERS })
end

--- The module gitdev.git. Raises a refusal that says what is missing.
function store.module()
  local ok, found = pcall(require, "gitdev.git")
  if not ok then
    missing(tostring(found))
  end
  return found
end

--- Passes on what gitdev.git returned; raises what it could not do, which is the emulator's failure.
function store.sound(value, problem, ...)
  if value == nil and problem ~= nil then
    error("git: " .. problem, 0)
  end
  return value, problem, ...
end

local function make(begun)
  local made = store.sound(store.module().repository())
  for _, object in ipairs(begun and beginning.of(begun.name, begun.branches).objects or {}) do
    store.sound(made:write(object[1], object[2]))
  end
  return made
end

--- The objects of a repository, see core/lua/git.c.
function store.objects(repository)
  local private = repository.private
  private.objects = private.objects or make(private.begun)
  return private.objects
end

return store
