--- `gitdev webhooks verify`: whether a body was signed with a secret.
local arguments = require "gitdev.cli.arguments"
local exit_code = require "gitdev.cli.exit_code"
local json = require "gitdev.json"
local report = require "gitdev.cli.report"

local function read_tolerance(text)
  local number = arguments.whole(text)
  if text == "off" then
    return false
  end
  return number
end

local verify = {
  summary = "check the signature of a body",
  usage = "verify (--header H | --headers FILE) [options] [FILE]",
  doc = {
    "Reads the body, byte for byte as it came, from FILE or from stdin, and checks its signature by the",
    "rules of gitdev.webhooks.verify. Says which event it is, or why it is refused and what to do.",
  },
  options = {
    { name = "header", read = arguments.text, takes = "H", doc = "the X-Git-Signature header's value: t=…,v1=…" },
    { name = "headers", read = arguments.text, takes = "FILE", doc = "all headers: lines of Name: value, or a JSON object" },
    { name = "secret", read = arguments.text, takes = "S", many = true,
      doc = "the endpoint's secret, several if need be (default: GIT_WEBHOOK_SECRET)" },
    { name = "tolerance", read = read_tolerance, takes = "N", doc = "seconds between signing and now (300 if not said); off: any" },
    { name = "at", read = arguments.whole, takes = "TIME", doc = "check as of this time, Unix seconds, instead of now" },
    { name = "scheme", read = arguments.one_of("git", "standard", "body"), takes = "NAME",
      doc = "git (default), standard (Standard Webhooks: needs --headers) or body" },
  },
  exit_codes = { exit_code.OK, exit_code.ERROR, exit_code.USAGE, { exit_code.NOT_ALLOWED, "the signature is refused" } },
}

-- The whole of a file, or of stdin; nil and a problem.
local function slurp(path)
  if not path or path == "-" then
    return io.stdin:read "*a" or ""
  end
  local file, problem = io.open(path, "rb")
  if not file then
    return nil, problem
  end
  local text
  text, problem = file:read "*a"
  file:close()
  return text, problem and path .. ": " .. problem
end

-- Headers by their names, of which one that comes twice has a list. Lines may begin as `curl -v` writes them.
local function parse_headers(text)
  if text:find "^%s*{" then
    return json.read(text)
  end
  local headers = {}
  for line in text:gmatch "[^\r\n]+" do
    local name, value = line:match "^[<>]?%s*([^%s:]+):%s*(.-)%s*$"
    if name then
      local before = headers[name]
      headers[name] = before and { type(before) == "table" and before[1] or before, value } or value
    end
  end
  return next(headers) and headers
end

-- What verify takes as the header: a value or a table; nil and a problem.
local function read_header(settings)
  if settings.header then
    return (settings.header:gsub("^[Xx]%-[Gg]it%-[Ss]ignature:%s*", ""))
  end
  local text, problem = slurp(settings.headers)
  if not text then
    return nil, problem
  end
  local headers = parse_headers(text)
  if type(headers) ~= "table" then
    return nil, settings.headers .. " holds no headers: lines of Name: value, or a JSON object"
  end
  return headers
end

local function describe(event, settings)
  local known = require("gitdev.schema").event(event.type)
  return ("%s %s: the signature is good%s%s\n"):format(event.type, event.id, settings.tolerance == false and " (its time was not checked)" or "",
    known and "" or "; this version does not know the type")
end

local function check(body, header, settings)
  local options = { tolerance = settings.tolerance, now = settings.at, scheme = settings.scheme }
  return require("gitdev.safe").webhooks.verify(body, header, settings.secret, options)
end

local function fault_of(settings, words)
  if words[2] then
    return ("unknown argument '%s'"):format(words[2])
  elseif not settings.header and not settings.headers then
    return "say what the body was signed with: --header 't=…,v1=…', or --headers FILE"
  elseif settings.header and settings.headers then
    return "--header and --headers both say how the body was signed: say one of them"
  elseif settings.headers == "-" and (words[1] or "-") == "-" then
    return "the headers and the body cannot both come from stdin: name a FILE for the body"
  elseif settings.scheme == "standard" and settings.header then
    return "scheme standard reads three headers: give them with --headers FILE"
  end
  return nil
end

-- What people get wrong, and what it says: a change of the body, or of each secret, with which the signature is good.
local MISTAKES = {
  { "without the line break at its end the body would be good: whoever wrote the file has added it", body = function(body)
    return (body:gsub("\r?\n$", ""))
  end },
  { "without the byte order mark at its beginning the body would be good: whoever wrote the file has added it", body = function(body)
    return (body:gsub("^\239\187\191", ""))
  end },
  { "without the blanks around it the secret would be right", secret = function(secret)
    return secret:match "^%s*(.-)%s*$"
  end },
  { "with whsec_ at its beginning the secret would be right: that is part of it", secret = function(secret)
    return "whsec_" .. secret
  end },
}

local function same(value)
  return value
end

-- Says what was probably meant, where something else was checked than what was signed.
local function advise(err, body, header, settings)
  if err.reason == "timestamp_outside_tolerance" then
    report.say "webhooks verify: --tolerance off leaves the time out, --at TIME checks as of then"
  elseif err.reason == "no_match" and body == "" then
    report.say "webhooks verify: the body is empty"
  end
  local given = settings.secret or { os.getenv "GIT_WEBHOOK_SECRET" }
  for _, mistake in ipairs(err.reason == "no_match" and MISTAKES or {}) do
    local other = { tolerance = false, scheme = settings.scheme, secret = {} }
    for index, secret in ipairs(given) do
      other.secret[index] = (mistake.secret or same)(secret)
    end
    if check((mistake.body or same)(body), header, other) then
      report.say("webhooks verify: %s", mistake[1])
    end
  end
end

--- Carries the command out. Returns the exit code, or nil and what is wrong with how it was called.
function verify.run(settings, words)
  local problem = fault_of(settings, words)
  local header, body, event, err
  if not problem then
    header, problem = read_header(settings)
  end
  if header then
    body, problem = slurp(words[1])
  end
  if not body then
    return nil, problem
  end
  event, err = check(body, header, settings)
  if event then
    return report.print(describe(event, settings))
  end
  advise(err, body, header, settings)
  error(err, 0)
end

return verify
