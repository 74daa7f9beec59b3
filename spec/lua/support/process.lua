--- Runs programs for specs.
local process = {}

process.host = os.getenv "GITDEV_HOST" or "build/bin/gitdev"

--- A word for the shell, as it is.
function process.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function slurp(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

--- A temporary file with a text in it; the caller removes it.
function process.file(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

--- Runs a shell command with `input` on its stdin. Returns its exit status, stdout and stderr.
function process.run(command, input)
  local stdin, stdout, stderr = process.file(input or ""), os.tmpname(), os.tmpname()
  local wrapped = string.format("(%s) <%s >%s 2>%s; echo $?", command, stdin, stdout, stderr)
  local pipe = assert(io.popen(wrapped))
  local status = tonumber(pipe:read "*l")
  pipe:close()
  local out, err = slurp(stdout), slurp(stderr)
  for _, path in ipairs { stdin, stdout, stderr } do
    os.remove(path)
  end
  return status, out, err
end

--- Runs a process with exactly `variables` (key -> value) as its environment, and returns what the kernel says that it got, as a map.
function process.environ(variables)
  local words = {}
  for key, value in pairs(variables) do
    words[#words + 1] = process.quote(key .. "=" .. value)
  end
  local script = process.file("exec env -i " .. table.concat(words, " ") .. " cat /proc/self/environ\n")
  local status, out, err = process.run("sh " .. script)
  os.remove(script)
  assert(status == 0, err)
  local got = {}
  for entry in out:gmatch "([^%z]*)%z" do
    local key, value = entry:match "^([^=]*)=(.*)$"
    assert(got[key] == nil, "twice: " .. key)
    got[key] = value
  end
  return got
end

--- Runs the host with some words as its arguments; `environment` ("A=1 B=2") stands before it.
function process.gitdev(words, input, environment)
  local quoted = {}
  for i, word in ipairs(words) do
    quoted[i] = process.quote(word)
  end
  return process.run((environment or "") .. " " .. process.host .. " " .. table.concat(quoted, " "), input)
end

return process
