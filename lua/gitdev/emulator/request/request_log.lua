--- The requests of late, for tests that ask what the server saw. Bounded: the oldest give way.
local KEPT = 1000

local request_log = {}
request_log.__index = request_log

function request_log.new()
  return setmetatable({ ring = {}, count = 0 }, request_log)
end

--- Notes a request. Returns its entry, to be completed with `status` and `replayed`; the entry is used again for another request
-- some time later.
function request_log:add(id, request, path, op)
  local place = self.count % KEPT + 1
  self.count = self.count + 1
  local entry = self.ring[place]
  if not entry then
    entry = {}
    self.ring[place] = entry
  end
  entry.id, entry.method, entry.path, entry.op = id, request.method, path, op
  entry.idempotency_key = request.headers["idempotency-key"]
  entry.status, entry.replayed = nil, nil
  return entry
end

--- Copies of the entries, the oldest first.
function request_log:list()
  local list = {}
  for number = math.max(0, self.count - KEPT), self.count - 1 do
    local copy = {}
    for name, value in pairs(self.ring[number % KEPT + 1]) do
      copy[name] = value
    end
    list[#list + 1] = copy
  end
  return list
end

return request_log
