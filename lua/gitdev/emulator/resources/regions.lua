--- contract 2.1
local regions = require "gitdev.emulator.deployments.regions"

local function place_of(region)
  return region.place
end

return {
  operations = {
    ["regions.list"] = function(call)
      return call:rows(regions.list, place_of)
    end,
  },
}
