-- Bytes that stand in place of an answer (a fault's `raw`, see docs/emulator.md), read as a client over a socket would read them, up to
-- where the connection is closed.
local raw = {}

-- What is left when the connection is closed is an answer cut short; anything else that cannot be read is none.
local CUT, BAD = "sent", "bad answer"

-- A chunked body from `at` on: its text, and how it fails, if it does.
local function read_chunks(text, at)
  local parts = {}
  while true do
    local size, data = text:match("^(%x+)[^\r\n]*\r\n()", at)
    if not size then
      return table.concat(parts), text:find("\r\n", at, true) and BAD or CUT
    end
    local length = tonumber(size, 16)
    if length == 0 then
      return table.concat(parts), not text:find("\r\n", data, true) and CUT or nil
    end
    parts[#parts + 1] = text:sub(data, data + length - 1)
    at = data + length
    if #text < at + 1 then
      return table.concat(parts), CUT
    elseif text:sub(at, at + 1) ~= "\r\n" then
      return table.concat(parts), BAD
    end
    at = at + 2
  end
end

local function read_body(answer, text, at)
  local length = answer.by_name["content-length"]
  if answer.status == 204 or answer.status == 304 then
    return "", nil
  elseif answer.by_name["transfer-encoding"] then
    return read_chunks(text, at)
  elseif not length then
    return text:sub(at), nil
  elseif not length:find "^%d+$" then
    return "", BAD
  end
  local body = text:sub(at, at + tonumber(length) - 1)
  return body, #body < tonumber(length) and CUT or nil
end

local function fail(answer, failure)
  answer.body, answer.failure = "", failure
  return answer
end

---Reads an answer.
---@param text string
---@param at integer|nil  from where on
---@return table answer  status (nil: it did not come so far), headers = { name, value, … }, body, failure (nil: it is whole)
function raw.read(text, at)
  local status, next_line = text:match("^HTTP/1%.[01] (%d%d%d)[^\r\n]*\r\n()", at or 1)
  local answer = { status = tonumber(status), headers = {}, by_name = {} }
  if not status or status == "101" then
    return fail({}, (status or text:find("\r\n", at or 1, true)) and BAD or CUT)
  end
  while true do
    local line, after = text:match("^([^\r\n]*)\r\n()", next_line)
    if not line then
      return fail(answer, CUT)
    elseif line == "" and status:sub(1, 1) == "1" then
      return raw.read(text, after) -- an interim answer: the real one follows
    elseif line == "" then
      answer.body, answer.failure = read_body(answer, text, after)
      return answer
    end
    local name, value = line:match "^([^:%s]+):[ \t]*(.-)[ \t]*$"
    if not name then
      return fail(answer, BAD)
    end
    answer.headers[#answer.headers + 1] = name
    answer.headers[#answer.headers + 1] = value
    answer.by_name[name:lower()] = value
    next_line = after
  end
end

return raw
