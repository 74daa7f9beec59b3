--- Answers with bytes (contract 2.9): whole, a range of them, or nothing when the caller has them already (RFC 9110 13 and 14).
local refusal = require "gitdev.emulator.refusal"

local download = {}

-- Whether a list of entity tags names `tag`: weakly, as If-None-Match compares (RFC 9110 13.1.2).
local function names(list, tag)
  if list:find "^%s*%*%s*$" then
    return true
  end
  for quoted in list:gmatch '"[^"]*"' do
    if quoted == tag then
      return true
    end
  end
  return false
end

-- A position as a number. Ones with too many digits to be exact are beyond every file.
local function position(digits)
  return #digits > 15 and math.huge or tonumber(digits)
end

-- First and last byte, from 0, that a Range header asks for of `size` bytes; nil if it asks for nothing that is understood: another unit, several
-- ranges, or one that is malformed, which RFC 9110 14.2 has a server ignore. A range without any byte answers false.
local function range_of(header, size)
  local from, to = header:match "^%s*[Bb][Yy][Tt][Ee][Ss]%s*=%s*(%d*)%s*%-%s*(%d*)%s*$"
  if not from or from == "" and to == "" then
    return nil
  end
  if from == "" then
    local count = math.min(position(to), size)
    return count > 0 and size - count, size - 1
  end
  local first, last = position(from), to == "" and math.huge or position(to)
  if last < first then
    return nil
  end
  return first < size and first, math.min(last, size - 1)
end

-- If-Range lets a range count only as long as the file is the one that the caller knows; that takes a strong tag, and a date never fits, as
-- there is no Last-Modified.
local function wanted_range(headers, tag, size)
  local condition = headers["if-range"]
  if not headers.range or condition and condition ~= tag then
    return nil
  end
  return range_of(headers.range, size)
end

-- A name for Content-Disposition: as it is where it is plain ASCII, and else in UTF-8 as well (RFC 6266 4.3).
local function disposition(name)
  local plain = name:gsub('[%c"\\]', "_"):gsub("[\128-\255]+", "_")
  local text = ('attachment; filename="%s"'):format(plain)
  if plain ~= name then
    text = text .. "; filename*=UTF-8''" .. name:gsub("[^%w._~-]", function(character)
      return ("%%%02X"):format(character:byte())
    end)
  end
  return text
end

local function refuse(size)
  refusal.raise("range_not_satisfiable", {
    message = ("The range lies outside of the file, which has %d bytes."):format(size),
    headers = { "Content-Range", ("bytes */%d"):format(size) },
  })
end

--- The answer to a download: status, body (nil for 304), and the headers that go with it. `headers`: the request's, by lower-case name; `is_get`:
-- false for HEAD, which knows no ranges; `file`: { bytes, content_type, name, sha256 }. Raises 416 `range_not_satisfiable`.
function download.answer(headers, is_get, file)
  local tag, size = '"' .. file.sha256 .. '"', #file.bytes
  local condition = headers["if-none-match"]
  if condition and names(condition, tag) then
    return 304, nil, { "ETag", tag }
  end
  local more = {
    "Content-Type", file.content_type, "Content-Disposition", disposition(file.name), "ETag", tag, "Accept-Ranges", "bytes",
  }
  local first, last = nil, nil
  if is_get then
    first, last = wanted_range(headers, tag, size)
  end
  if first == false then
    refuse(size)
  elseif not first then
    return 200, file.bytes, more
  end
  more[#more + 1] = "Content-Range"
  more[#more + 1] = ("bytes %d-%d/%d"):format(first, last, size)
  return 206, file.bytes:sub(first + 1, last + 1), more
end

return download
