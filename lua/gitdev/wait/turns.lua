-- When the waits of a client may ask: together they leave half of the bucket (contract 1.11) to the program's other calls. What is above it may be
-- spent at once, and what refills it then; half of that while others spend as well.
local turns = {}

---Takes the next turn. Those who come later have theirs after it.
---@param client table
---@return number seconds  until it comes; 0 while the limits are not known, which are asked for as soon as they matter
function turns.take(client)
  local limit, now = client.core:rate_limit(), client.driver.now()
  if not (limit.per_minute and limit.burst and limit.remaining) then
    return 0
  end
  local spare = limit.remaining - limit.burst / 2
  local step = (spare < 0 and 2 or 1) * 60 / limit.per_minute
  local at = math.max(now, client.turns_till or now)
  client.turns_till = at + step
  return math.max(0, at - now - math.max(0, spare) * step)
end

return turns
