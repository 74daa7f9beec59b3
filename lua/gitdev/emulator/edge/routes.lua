--- Which edge function answers a path: routes are patterns, and of those that match the one that says it most exactly has it.
local deployer = require "gitdev.emulator.edge.deployer"
local patterns = require "gitdev.emulator.edge.patterns"

local edge_routes = {}

--- The functions of the project, other than `itself`, by the shapes of their routes.
function edge_routes.holders(tenant, project_id, itself)
  local holders = {}
  for edge_function in tenant.things.edge_function:each("project_id", project_id) do
    for _, route in ipairs(edge_function ~= itself and edge_function.private.routes or {}) do
      holders[route.shape] = edge_function
    end
  end
  return holders
end

--- The function that answers a path of the project: the function, what of it serves ({ version, env }), and the route's text; nil if
-- none does.
function edge_routes.find(tenant, project_id, path)
  local best, found, text
  for edge_function in tenant.things.edge_function:each("project_id", project_id) do
    for index, route in ipairs(deployer.live(edge_function) and edge_function.private.routes or {}) do
      if patterns.match(route, path) and (not best or patterns.is_closer(route, best)) then
        best, found, text = route, edge_function, edge_function.routes[index]
      end
    end
  end
  return found, found and deployer.live(found), text
end

return edge_routes
