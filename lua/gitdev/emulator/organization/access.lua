--- What a key may do: scopes and projects (contract 1.4). A key is a thing, an `api_key`; its `private.sees` and `private.holds` are the sets of
-- its projects and of its scopes.
local refusal = require "gitdev.emulator.refusal"
local scopes = require "gitdev.api.scopes"

local ALL = "*"
local ACCESS = { r = "read", w = "write" }

local access = {}

-- Every scope there is, by its full name: whether only keys of all projects can hold it.
local known = { [ALL] = false }
access.scopes = { ALL }
for _, row in ipairs(scopes) do
  for _, word in ipairs { "read", not row.read_only and "write" or nil } do
    local name = row[1] .. ":" .. word
    known[name] = row.all_projects or false
    table.insert(access.scopes, name)
  end
end

local function set_of(list)
  local set = {}
  for _, item in ipairs(list) do
    set[item] = true
  end
  return set
end

--- Makes the sets of a key out of its lists.
function access.prepare(key)
  key.private.sees, key.private.holds = set_of(key.projects), set_of(key.scopes)
  return key
end

--- Whether there is a scope of that name.
function access.is_scope(name)
  return known[name] ~= nil
end

--- Whether a scope is only for keys of all projects.
function access.is_for_all_projects(scope)
  return known[scope] or false
end

--- What an operation asks for, from the contract's notation ("deployments:w"): the scope by its full name, the scopes of which holding one is
-- enough, and whether the key must hold all projects. Nil stays nil: any key may.
function access.requirement(scope)
  if not scope then
    return nil
  end
  local name, letter = scope:match "^([%l_]+):(%l)$"
  local enough = { ALL, name .. ":write" }
  if letter == "r" then
    enough[3] = name .. ":read"
  end
  local full = name .. ":" .. ACCESS[letter]
  return { scope = full, enough = enough, all_projects = access.is_for_all_projects(full) }
end

function access.permits(key, requirement)
  if not requirement then
    return true
  elseif requirement.all_projects and not access.sees_all(key) then
    return false
  end
  for _, scope in ipairs(requirement.enough) do
    if key.private.holds[scope] then
      return true
    end
  end
  return false
end

--- The refusal of a key that does not permit what `requirement` asks for: 403 `insufficient_scope`.
function access.refusal(key, requirement)
  local only = requirement.all_projects and not access.sees_all(key) and ", which only keys of all projects can hold" or ""
  return refusal.new("insufficient_scope", {
    message = ("This key lacks the scope %s%s."):format(requirement.scope, only),
    required_scope = requirement.scope,
  })
end

--- Raises 403 `insufficient_scope` if the key does not permit what `requirement` asks for.
function access.require(key, requirement)
  if not access.permits(key, requirement) then
    error(access.refusal(key, requirement), 0)
  end
end

--- Whether the key holds a scope, by its full name, itself or as a part of another.
function access.covers(key, scope)
  local holds, name = key.private.holds, scope:match "^([%l_]+):read$"
  return holds[ALL] or holds[scope] or name ~= nil and holds[name .. ":write"] or false
end

function access.sees_all(key)
  return key.private.sees[ALL] == true
end

--- Whether the key holds the project; things of no project are seen by every key of the organization. `project_id` may be a list: of what
-- belongs to several projects the key must hold them all, as who sees it learns of each of them.
function access.sees(key, project_id)
  local sees = key.private.sees
  if type(project_id) ~= "table" or sees[ALL] then
    return project_id == nil or sees[ALL] or sees[project_id] or false
  end
  for _, one in ipairs(project_id) do
    if not sees[one] then
      return false
    end
  end
  return true
end

--- Adds a project to what the key sees.
function access.admit(key, project_id)
  if not access.sees(key, project_id) then
    key.projects[#key.projects + 1] = project_id
    key.private.sees[project_id], key.private.encoded = true, nil
  end
end

return access
