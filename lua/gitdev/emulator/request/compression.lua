--- Whether and how an answer is compressed (contract 1.1, RFC 9110 12.5.3): JSON of some length, for clients that take gzip.
local net = require "gitdev.net"

-- A shorter body hardly gets smaller, and fits one packet anyway.
local SHORTEST = 1024

-- An answer with one of these is bytes that something else names: a range, a digest, another coding.
local OPAQUE = { ["accept-ranges"] = true, ["content-disposition"] = true, ["content-encoding"] = true, ["content-range"] = true, etag = true }

local compression = {}

-- A weight (RFC 9110 12.4.2): a number from 0 to 1 with at most three decimals. One that is malformed counts as 0, which refuses.
local function weight(text)
  local whole, fraction = text:match "^([01])%.(%d*)$"
  whole, fraction = whole or text:match "^[01]$", fraction or ""
  if not whole or #fraction > 3 or whole == "1" and fraction:find "[^0]" then
    return 0
  end
  return tonumber(text)
end

-- "gzip;q=0.5, *" as coding -> weight.
local function weights(header)
  local found = {}
  for member in header:lower():gmatch "[^,]+" do
    local coding, rest = member:match "^[ \t]*([^%s;]+)[ \t]*(.-)[ \t]*$"
    if coding then
      found[coding] = rest == "" and 1 or weight(rest:match "^;[ \t]*q=(.*)$" or "")
    end
  end
  return found
end

--- Whether a client that sends this Accept-Encoding (nil: none) takes gzip, and does not rather have the text as it is.
function compression.is_wanted(header)
  local found = header and weights(header) or {}
  local gzip = found.gzip or found["x-gzip"] or found["*"] or 0
  return gzip > 0 and gzip >= (found.identity or 0)
end

-- Whether an answer is JSON of the API, long enough.
local function is_worth_it(response)
  local kind
  for index = 1, #response.headers, 2 do
    local name = response.headers[index]:lower()
    if OPAQUE[name] then
      return false
    elseif name == "content-type" then
      kind = response.headers[index + 1]
    end
  end
  return kind ~= nil and kind:find "^application/json" ~= nil
end

--- Compresses the body of `response` in place, if it is worth it and `header`, the request's Accept-Encoding, allows it. Whoever keeps such
-- an answer is told that it depends on that header, also where it was not compressed.
function compression.apply(response, header)
  local body, headers = response.body, response.headers
  if not body or #body < SHORTEST or not is_worth_it(response) then
    return
  end
  headers[#headers + 1], headers[#headers + 2] = "Vary", "Accept-Encoding"
  local bytes = compression.is_wanted(header) and net.gzip(body)
  if bytes then
    headers[#headers + 1], headers[#headers + 2] = "Content-Encoding", "gzip"
    response.body = bytes
  end
end

return compression
