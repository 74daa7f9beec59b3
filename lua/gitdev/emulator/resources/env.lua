--- contract 2.3, 1.10
local core = require "gitdev.core"
local environment = require "gitdev.emulator.deployments.environment"
local refusal = require "gitdev.emulator.refusal"
local schema = require "gitdev.schema"

local TARGETS = schema.object("env_var").fields.by_name.targets.item.values
local DEFAULT_TARGETS = schema.operation("env.create").body.by_name.targets.default
local PREVIEW = "preview"

-- Targets once each, in the contract's order.
local function in_order(targets)
  local wanted, ordered = {}, {}
  for _, target in ipairs(targets) do
    wanted[target] = true
  end
  for _, target in ipairs(TARGETS) do
    ordered[#ordered + 1] = wanted[target] and target or nil
  end
  return ordered
end

local function invalid(param, message)
  refusal.unprocessable { { code = "parameter_invalid", param = param, message = message } }
end

local function check_targets(targets, branch)
  if not targets[1] then
    invalid("targets", "targets must name at least one target.")
  elseif branch and not (#targets == 1 and targets[1] == PREVIEW) then
    invalid("branch", "branch is for variables whose only target is preview.")
  end
end

-- Two variables of one key collide if they are for the same branch and share a target. One for all targets is a slot of its own,
-- behind the others: contract 1.10 has it give way to one for a target, so both may be there.
local function collide(a, b)
  if a.key ~= b.key or a.branch ~= b.branch then
    return false
  end
  local all_a, all_b = #a.targets == #TARGETS, #b.targets == #TARGETS
  if all_a or all_b then
    return all_a and all_b
  end
  for _, target in ipairs(a.targets) do
    for _, other in ipairs(b.targets) do
      if target == other then
        return true
      end
    end
  end
  return false
end

local function variables_of(call)
  return call.tenant.things.env_var:list("project_id", call.things.project.id)
end

-- A variable other than `itself` that `wanted` collides with, or nil. If one has its very targets there is no second.
local function find_rival(variables, wanted, itself)
  for _, variable in ipairs(variables) do
    if variable ~= itself and collide(variable, wanted) then
      return variable
    end
  end
  return nil
end

local function same_targets(a, b)
  return table.concat(a, " ") == table.concat(b, " ")
end

-- `advice`: what else there is to do, if the two have the same targets.
local function refuse_rival(rival, wanted, advice)
  local same = same_targets(rival.targets, wanted.targets)
  local message = same and "%s is set for %s already, by %s: change that%s."
    or "%s is set for %s already, by %s, whose targets are not the same: change or delete that one, or leave its targets out."
  refusal.raise("already_exists", {
    param = "key",
    message = message:format(rival.key, table.concat(rival.targets, ", "), rival.id, advice),
  })
end

-- Refuses a variable that no deployment of one of its targets could hold. `wanted`: key, value, targets, branch.
local function check_size(variables, wanted, itself)
  local after = { { key = wanted.key, targets = wanted.targets, branch = wanted.branch, private = { value = wanted.value } } }
  for _, variable in ipairs(variables) do
    if variable ~= itself then
      after[#after + 1] = variable
    end
  end
  for _, target in ipairs(wanted.targets) do
    environment.check_size(environment.resolve(after, target, wanted.branch), "value")
  end
end

local function size_of(key, value)
  return #key + #value
end

local function store(call, wanted)
  local tenant = call.tenant
  local variable = tenant:add {
    id = tenant:id "env",
    object = "env_var",
    project_id = call.things.project.id,
    key = wanted.key,
    value = not wanted.secret and wanted.value or nil,
    secret = wanted.secret,
    targets = wanted.targets,
    branch = wanted.branch,
    size_bytes = size_of(wanted.key, wanted.value),
    created_at = tenant:seconds(),
    updated_at = tenant:seconds(),
    private = { value = wanted.value },
  }
  tenant:emit("env_var.created", variable, { project = call.things.project.slug })
  return variable
end

local function is_as(variable, wanted)
  return variable.private.value == wanted.value
    and variable.secret == wanted.secret
    and variable.branch == wanted.branch
    and same_targets(variable.targets, wanted.targets)
end

-- Brings a variable to what `wanted` says: value, secret, targets, branch. One that is so already was not updated.
local function change(call, variable, wanted)
  if is_as(variable, wanted) then
    return variable
  end
  local tenant = call.tenant
  local things = tenant.things.env_var
  variable.private.value = wanted.value
  things:set(variable, "branch", wanted.branch)
  things:set(variable, "value", not wanted.secret and wanted.value or nil)
  tenant:set(variable, {
    secret = wanted.secret,
    targets = wanted.targets,
    size_bytes = size_of(variable.key, wanted.value),
    updated_at = tenant:seconds(),
  })
  tenant:emit("env_var.updated", variable, { project = call.things.project.slug })
  return variable
end

local function list(call)
  local query = call.query
  local where = { project_id = call.things.project.id, branch = query.branch, key = query.key }
  return call:page(call.tenant.things.env_var, where, query.target and function(variable)
    for _, target in ipairs(variable.targets) do
      if target == query.target then
        return true
      end
    end
    return false
  end)
end

local function create(call)
  local body = call.body
  -- A variable of one branch is for previews: a request that names a branch and no targets means them. The default itself, not
  -- a list like it, shows that none were named.
  local targets = body.branch and body.targets == DEFAULT_TARGETS and { PREVIEW } or in_order(body.targets)
  check_targets(targets, body.branch)
  local wanted = { key = body.key, value = body.value, secret = body.secret, targets = targets, branch = body.branch }
  local variables = variables_of(call)
  local rival = find_rival(variables, wanted)
  -- One that shares only some of the targets stays: to give it these would take its value away from the others.
  if rival and not (body.upsert and same_targets(rival.targets, targets)) then
    refuse_rival(rival, wanted, ", or set upsert")
  end
  check_size(variables, wanted, rival)
  if not rival then
    return store(call, wanted)
  end
  wanted.secret = wanted.secret or rival.secret
  return change(call, rival, wanted), 200
end

-- The value of a field after a merge: absent leaves it, null clears it.
local function merged(present, given)
  if given == nil then
    return present
  elseif given == core.null then
    return nil
  end
  return given
end

local function update(call)
  local body, variable = call.body, call.things.env_var
  if variable.secret and body.secret == false then
    invalid("secret", "A secret variable stays secret: delete it and create another.")
  end
  local wanted = {
    key = variable.key,
    value = merged(variable.private.value, body.value),
    secret = merged(variable.secret, body.secret),
    targets = body.targets and in_order(body.targets) or variable.targets,
    branch = merged(variable.branch, body.branch),
  }
  check_targets(wanted.targets, wanted.branch)
  local variables = variables_of(call)
  local rival = find_rival(variables, wanted, variable)
  if rival then
    refuse_rival(rival, wanted, ", or give this one other targets")
  end
  check_size(variables, wanted, variable)
  return change(call, variable, wanted)
end

local function delete(call)
  local variable = call.things.env_var
  call.tenant.things.env_var:remove(variable)
  call.tenant:emit("env_var.deleted", variable, { project = call.things.project.slug })
end

-- A project takes its variables along.
local function forget(tenant, project)
  tenant:drop("env_var", "project_id", project.id)
end

return {
  collections = {
    env_var = { indexes = { "project_id" } },
  },
  reactions = {
    ["project.deleted"] = forget,
  },
  find = {
    env_var = function(call, id)
      local variable = call.tenant.things.env_var:get(id)
      return variable and variable.project_id == call.things.project.id and variable or nil
    end,
  },
  operations = {
    ["env.list"] = list,
    ["env.create"] = create,
    ["env.get"] = function(call)
      return call.things.env_var
    end,
    ["env.update"] = update,
    ["env.delete"] = delete,
  },
}
