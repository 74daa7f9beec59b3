--- How deliveries leave an emulator that has a loop: real requests (contract 4.1) to this machine and, if its user says so, to public
-- addresses, by a deliver function as gitdev.emulator.webhooks.deliveries wants it.
local destination = require "gitdev.emulator.webhooks.destination"
local loop = require "gitdev.loop"

local sender = {}

-- Flat headers, as they came, as a map; what came several times stands in one, as HTTP has it.
local function map_of(headers)
  local map, spelling = {}, {}
  for index = 1, #headers, 2 do
    local name, value = headers[index], headers[index + 1]
    local known = spelling[name:lower()]
    spelling[name:lower()] = known or name
    map[known or name] = known and map[known] .. ", " .. value or value
  end
  return map
end

local function result_of(answer)
  local result = { error = answer.error, duration_ms = math.floor(answer.seconds * 1000 + 0.5) }
  if answer.status then
    result.status, result.headers, result.body = answer.status, map_of(answer.headers), answer.body
  end
  return result
end

--- Makes a sender. `options`: ca_file, a PEM file to trust instead of the system's certificates; public, whether deliveries may leave this
-- machine: what happens in an emulator is no news for anybody's real receiver, so else those are accepted without being sent. Its `deliver`
-- is the emulator's option of that name; its `close` ends what is under way, of which nobody hears any more.
function sender.new(options)
  local under_way = {}
  local self = {}

  function self.deliver(request, done)
    if not options.public and not destination.is_loopback(request.url) then
      done { status = 200, duration_ms = 0 }
      return
    end
    local post, problem
    post, problem = loop.post({
      url = request.url,
      headers = request.headers,
      body = request.body,
      timeout = request.timeout,
      ca_file = options.ca_file,
      loopback = true,
    }, function(answer)
      under_way[post] = nil
      done(result_of(answer))
    end)
    if not post then
      error(problem, 0)
    end
    under_way[post] = true
  end

  function self.close()
    for post in pairs(under_way) do
      loop.unpost(post)
    end
    under_way = {}
  end

  return self
end

return sender
