--- A token bucket (contract 1.11). It counts in whole units, 60,000 to a token, so that one millisecond refills
-- exactly `per_minute` units and no rounding gathers however long it runs.
local bucket = {}
bucket.__index = bucket

local TOKEN = 60000

-- What one that never empties says of itself: more than anybody spends, or a client that mirrors it would hold itself back.
local ENDLESS = { per_minute = 60000000, burst = 1000000 }

--- A full bucket. `endless`: it never empties, whatever the other two are, and is vast.
function bucket.new(per_minute, burst, endless)
  if endless then
    per_minute, burst = ENDLESS.per_minute, ENDLESS.burst
  end
  return setmetatable({
    per_minute = per_minute, burst = burst, endless = endless,
    capacity = burst * TOKEN, units = burst * TOKEN, at = 0,
  }, bucket)
end

local function refill(self, now)
  if now > self.at and not self.endless then
    self.units = math.min(self.capacity, self.units + (now - self.at) * self.per_minute)
    self.at = now
  end
end

--- Takes one token at `now` (milliseconds). Returns true, or false and the whole seconds until there is one.
function bucket:take(now)
  if self.endless then
    return true
  end
  refill(self, now)
  if self.units >= TOKEN then
    self.units = self.units - TOKEN
    return true
  end
  local wait_ms = (TOKEN - self.units) / self.per_minute
  return false, math.max(1, math.ceil(wait_ms / 1000))
end

--- Gives one token back.
function bucket:give()
  self.units = math.min(self.capacity, self.units + TOKEN)
end

--- Whole tokens left, and the Unix second (rounded up) at which the bucket is full again if it is left alone.
function bucket:state(now)
  refill(self, now)
  local full_at_ms = now + (self.capacity - self.units) / self.per_minute
  return math.floor(self.units / TOKEN), math.ceil(full_at_ms / 1000)
end

return bucket
