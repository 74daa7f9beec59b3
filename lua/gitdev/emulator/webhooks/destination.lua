--- Where a webhook may be sent to (contract 2.13, 4.1): a public https address without credentials. Loopback is allowed here, by http too, since
-- what receives stands beside the emulator.
local MAX_LABEL, MAX_NAME = 63, 253

local destination = {}

local function not_a_url(text)
  return "parameter_invalid", "must be a URL such as https://example.com/hooks: " .. text
end

local function not_allowed(text)
  return "url_not_allowed", text
end

-- ---- IPv4 ----

-- Networks that are not public, as first address and length of the prefix (RFC 6890).
local PRIVATE = {
  { "0.0.0.0", 8 },
  { "10.0.0.0", 8 },
  { "100.64.0.0", 10 },
  { "169.254.0.0", 16 },
  { "172.16.0.0", 12 },
  { "192.0.0.0", 24 },
  { "192.168.0.0", 16 },
  { "198.18.0.0", 15 },
  { "224.0.0.0", 3 },
}
local LOOPBACK = { "127.0.0.0", 8 }

-- Four numbers as one; nil if it is no address as the standard writes it. "0177.0.0.1" and "127.1" are addresses to some programs only.
local function ipv4(text)
  local sum, count = 0, 0
  for part in (text .. "."):gmatch "([^.]*)%." do
    local number = part:find "^%d%d?%d?$" and not part:find "^0%d" and tonumber(part)
    if not number or number > 255 then
      return nil
    end
    sum, count = sum * 256 + number, count + 1
  end
  return count == 4 and sum or nil
end

local function is_in(address, network)
  local size = 2 ^ (32 - network[2])
  return math.floor(address / size) == math.floor(ipv4(network[1]) / size)
end

-- "loopback", "private" or "public".
local function ipv4_kind(address)
  if is_in(address, LOOPBACK) then
    return "loopback"
  end
  for _, network in ipairs(PRIVATE) do
    if is_in(address, network) then
      return "private"
    end
  end
  return "public"
end

-- ---- IPv6 ----

-- The groups of one side of "::", the last of which may be an IPv4 address; nil if they are none.
local function groups_of(text)
  local groups = {}
  for part in text:gmatch "[^:]+" do
    local address = part:find(".", 1, true) and ipv4(part)
    if address then
      groups[#groups + 1] = math.floor(address / 65536)
      groups[#groups + 1] = address % 65536
    elseif part:find "^%x%x?%x?%x?$" then
      groups[#groups + 1] = tonumber(part, 16)
    else
      return nil
    end
  end
  return groups
end

-- The eight groups of an address, or nil.
local function ipv6(text)
  local head, tail = text:match "^(.-)::(.*)$"
  local groups, after = groups_of(head or text), groups_of(tail or "")
  if not groups or not after or text:find ":::" or (tail or ""):find "::" then
    return nil
  end
  local missing = 8 - #groups - #after
  if head and missing < 1 or not head and missing ~= 0 then
    return nil
  end
  for _ = 1, missing do
    groups[#groups + 1] = 0
  end
  for _, group in ipairs(after) do
    groups[#groups + 1] = group
  end
  return groups
end

local function ipv6_kind(groups)
  local sum = 0
  for index = 1, 6 do
    sum = sum + (index == 6 and groups[6] == 65535 and 0 or groups[index])
  end
  local embedded = groups[7] * 65536 + groups[8]
  if sum == 0 and embedded == 1 and groups[6] == 0 then
    return "loopback"
  elseif sum == 0 then
    return ipv4_kind(embedded) -- an IPv4 address in IPv6's clothes
  end
  return (groups[1] < 8192 or groups[1] >= 16384) and "private" or "public" -- 2000::/3 is what is public
end

-- ---- names ----

local function is_name(host)
  if #host > MAX_NAME or not host:find "^[%w.-]+$" then
    return false
  end
  for label in (host .. "."):gmatch "([^.]*)%." do
    if label == "" or #label > MAX_LABEL or label:find "^%-" or label:find "%-$" then
      return false
    end
  end
  return true
end

-- What kind of host it is, or nil and a code with its sentence.
local function kind_of(host)
  local inner = host:match "^%[(.*)%]$"
  if inner then
    local groups = ipv6(inner)
    if not groups then
      return nil, not_a_url("it has no valid IPv6 address between the brackets.")
    end
    return ipv6_kind(groups)
  end
  host = host:lower():gsub("%.$", "")
  if not is_name(host) then
    return nil, not_a_url("it has no valid host name.")
  elseif host == "localhost" or host:find "%.localhost$" then
    return "loopback"
  end
  local last = host:match "[^.]*$"
  if last:find "^%d+$" or last:find "^0x%x*$" then
    local address = ipv4(host)
    if not address then
      return nil, not_allowed("must write an address as four decimal numbers, such as 192.0.2.7.")
    end
    return ipv4_kind(address)
  end
  return "public"
end

-- The parts of a URL that matter, or nil and a code with its sentence.
local function split(url)
  local scheme, rest = url:match "^(%a[%w+.-]*)://(.*)$"
  if url:find "[^\33-\126]" or url:find '[\\"<>^`{|}]' then
    return nil, not_a_url("blanks and what is not ASCII must be percent-encoded.")
  elseif not scheme then
    return nil, not_a_url("it needs a scheme and a host.")
  elseif rest:find("#", 1, true) then
    return nil, not_a_url("a fragment is never sent, leave it out.")
  end
  local authority = rest:match "^[^/?]*"
  local host, port = authority:gsub("^.*@", ""):match "^(%[.*%]):?(%d*)$"
  if not host then
    host, port = authority:gsub("^.*@", ""):match "^([^:]*):?(%d*)$"
  end
  if not host or host == "" or #port > 5 or port ~= "" and (tonumber(port) < 1 or tonumber(port) > 65535) then
    return nil, not_a_url("it has no valid host and port.")
  end
  return { scheme = scheme:lower(), host = host, has_credentials = authority:find("@", 1, true) ~= nil }
end

--- Whether a URL that nothing is wrong with leads to this machine.
function destination.is_loopback(url)
  return kind_of(split(url).host) == "loopback"
end

--- What is wrong with a URL as a destination: a code of the contract and the end of a sentence about it; nil if nothing is.
function destination.problem(url)
  local parts, code, text = split(url)
  if not parts then
    return code, text
  elseif parts.has_credentials then
    return not_allowed("must not hold credentials: deliveries are signed, verify that instead.")
  end
  local kind
  kind, code, text = kind_of(parts.host)
  if not kind then
    return code, text
  elseif kind == "private" then
    return not_allowed("must be a public address.")
  elseif parts.scheme ~= "https" and not (parts.scheme == "http" and kind == "loopback") then
    return not_allowed("must begin with https://.")
  end
  return nil
end

return destination
