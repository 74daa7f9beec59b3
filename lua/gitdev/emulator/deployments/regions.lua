--- The regions (contract 2.1). They stand in the order in which they were opened, and never change.
local refusal = require "gitdev.emulator.refusal"

-- code, name, country, whether deployments can run there; edge functions run in all of them.
local ROWS = {
  { "iad", "Ashburn, Virginia", "US", true },
  { "sfo", "San Francisco, California", "US", true },
  { "fra", "Frankfurt", "DE", true },
  { "sin", "Singapore", "SG", true },
  { "lhr", "London", "GB", true },
  { "syd", "Sydney", "AU", true },
  { "gru", "Sao Paulo", "BR", true },
  { "nrt", "Tokyo", "JP", true },
  { "bom", "Mumbai", "IN", true },
  { "cdg", "Paris", "FR", true },
  { "pdx", "Portland, Oregon", "US", true },
  { "yyz", "Toronto", "CA", true },
  { "ams", "Amsterdam", "NL", true },
  { "arn", "Stockholm", "SE", true },
  { "hkg", "Hong Kong", "HK", true },
  { "jnb", "Johannesburg", "ZA", true },
  { "cpt", "Cape Town", "ZA", false },
  { "dub", "Dublin", "IE", false },
  { "icn", "Seoul", "KR", false },
  { "mad", "Madrid", "ES", false },
  { "scl", "Santiago", "CL", false },
  { "waw", "Warsaw", "PL", false },
}

local regions = { list = {} }

local by_id, computing = {}, {}
for place, row in ipairs(ROWS) do
  local region = {
    id = row[1],
    object = "region",
    name = row[2],
    country = row[3],
    status = "operational",
    compute = row[4],
    edge = true,
    place = place,
  }
  regions.list[place], by_id[row[1]] = region, region
  if region.compute then
    computing[#computing + 1] = region.id
  end
end

--- The region with that code, or nil.
function regions.get(id)
  return by_id[id]
end

--- Refuses, with 422, a list of codes (nil: nothing to check) of which some are of no region that deployments can run in. `faults`: what was
-- found wrong with other fields, which is refused with them, or by itself.
function regions.check(codes, faults)
  for place, code in ipairs(codes or {}) do
    local region = by_id[code]
    if not (region and region.compute) then
      local param = ("regions[%d]"):format(place)
      local why = region and ("in %s only edge functions run"):format(code) or ('there is no region "%s"'):format(code)
      local message = ("%s: %s; deployments run in %s."):format(param, why, table.concat(computing, ", "))
      refusal.add(faults, { code = "parameter_invalid", param = param, message = message })
    end
  end
  if faults[1] then
    refusal.unprocessable(faults)
  end
end

return regions
