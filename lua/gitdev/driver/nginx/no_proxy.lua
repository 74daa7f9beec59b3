-- What no_proxy says: names, domains, addresses and ranges of addresses, read as libcurl 7.86 and later read them.
local no_proxy = {}

local function of_ipv4(text)
  local bytes = { text:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)$" }
  for i = 1, #bytes do
    bytes[i] = tonumber(bytes[i])
    if bytes[i] > 255 then
      return nil
    end
  end
  return #bytes == 4 and bytes or nil
end

-- The groups between colons as bytes; an IPv4 address may be the last.
local function groups(text)
  local bytes = {}
  for group in text:gmatch "[^:]+" do
    local last = of_ipv4(group)
    local number = #group <= 4 and tonumber(group, 16)
    if last then
      for i = 1, 4 do
        bytes[#bytes + 1] = last[i]
      end
    elseif number then
      bytes[#bytes + 1], bytes[#bytes + 2] = math.floor(number / 256), number % 256
    else
      return nil
    end
  end
  return bytes
end

local function of_ipv6(text)
  local left, right = text:match "^(.-)::(.*)$"
  local head, tail = groups(left or text), groups(right or "")
  if not text:find ":" or not head or not tail or #head + #tail > 16 or not left and #head ~= 16 then
    return nil
  end
  while #head + #tail < 16 do
    head[#head + 1] = 0
  end
  for _, byte in ipairs(tail) do
    head[#head + 1] = byte
  end
  return head
end

local function bytes_of(text)
  return of_ipv4(text) or of_ipv6(text)
end

-- Whether an address is in a range, "192.0.2.0/24", or is the one that is named. libcurl takes 0 bits for all of them.
local function is_in(address, range)
  local name, bits = range:match "^(.*)/(%d+)$"
  local network = bytes_of(name or range)
  bits = tonumber(bits) or 0
  if not network or #network ~= #address or bits > 8 * #address then
    return false
  end
  local left = bits == 0 and 8 * #address or bits
  for i = 1, #address do
    local unit = 2 ^ math.max(0, 8 - left)
    if left > 0 and math.floor(address[i] / unit) ~= math.floor(network[i] / unit) then
      return false
    end
    left = left - 8
  end
  return true
end

---Whether no proxy is to be used for a host.
---@param list string  the variable's value
---@param host string  IPv6 in brackets
---@return boolean
function no_proxy.names(list, host)
  if list == "*" then
    return true
  end
  host = host:lower():gsub("[%[%]]", ""):gsub("%.$", "")
  local address = bytes_of(host)
  for entry in list:lower():gmatch "[^,%s]+" do
    local name = entry:gsub("^%.", ""):gsub("%.$", ""):gsub("[%[%]]", "")
    if address then
      if is_in(address, name) then
        return true
      end
    elseif host == name or host:sub(-#name - 1) == "." .. name then
      return true
    end
  end
  return false
end

return no_proxy
