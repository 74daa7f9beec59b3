-- Loads a server with GETs over HTTP/1.1, TLS and connections that stay open: with h2load (nghttp2), which is faster than what it asks.
local programs = require "programs"
local samples = require "samples"

local load = {}

local CONNECTIONS = 16

--- What can be said of the program, or nil where it is not on this machine.
function load.version()
  return programs.output "h2load --version"
end

--- A function that sends `count` requests to `url` and returns the sample: { calls, wall }. Any answer but 2xx ends the run.
function load.of(url, count, headers)
  local argv = programs.words({ "h2load", "--h1" }, "-c", CONNECTIONS, "-n", count)
  for _, line in ipairs(headers) do
    argv = programs.words(argv, "-H", line)
  end
  argv = programs.words(argv, url)
  return function()
    local text = samples.run(argv)
    local good = tonumber(text:match "status codes: (%d+) 2xx")
    local rate = tonumber(text:match "finished in %S+, ([%d.]+) req/s")
    if good ~= count or not rate then
      error(("h2load: %s of %d requests to %s were answered with 2xx:\n%s"):format(tostring(good), count, url, text), 0)
    end
    return { calls = count, wall = count / rate }
  end
end

return load
