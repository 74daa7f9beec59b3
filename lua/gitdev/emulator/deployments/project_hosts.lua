--- The hosts that a project answers on: production's, those of its previews and permanent addresses, its active domains.
local project_hosts = {}

-- Whether a host is one that a domain's name stands for; `*.` stands for one label.
local function is_under(name, host)
  if name:sub(1, 2) == "*." then
    local label, rest = host:match "^([^.]+)(%..+)$"
    return label ~= nil and rest == name:sub(2)
  end
  return host == name
end

--- Whether `host` (lower-case, without a port) is one of the project's.
function project_hosts.owns(tenant, project, host)
  local label = host:match "^([a-z0-9-]+)%.git%.dev$"
  if label == project.slug or label and label:sub(1, #project.slug + 2) == project.slug .. "--" then
    return true
  end
  for domain in tenant.things.domain:each("project_id", project.id) do
    if domain.status == "active" and is_under(domain.name, host) then
      return true
    end
  end
  return false
end

--- The host of an https address, lower-case and without the port 443; nil if it has none, or another port, or names a user.
function project_hosts.of(address)
  local host = address:match "^https://([^/?#]+)"
  host = host and host:lower():gsub(":443$", "")
  return host and host:find "^[a-z0-9.-]+$" and host or nil
end

return project_hosts
