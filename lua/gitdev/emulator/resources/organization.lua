--- contract 2.1
local schema = require "gitdev.schema"

-- What a public key may see: the fields that the contract does not mark as private.
local function public_view(organization)
  local view = {}
  for _, field in ipairs(schema.object("organization").fields) do
    if not field.private then
      view[field.name] = organization[field.name]
    end
  end
  return view
end

return {
  operations = {
    ["organization.get"] = function(call)
      local organization = call.tenant.organization
      return call.key.type == "public" and public_view(organization) or organization
    end,
  },
}
