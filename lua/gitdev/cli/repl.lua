--- The interactive mode, as lua.c has it: an expression's values are printed, an unfinished statement goes on in the next line, SIGINT
-- ends a chunk that runs, and the session where none does.
local compat = require "gitdev.compat"
local loop = require "gitdev.loop"
local report = require "gitdev.cli.report"

local repl = {}

local CHUNK = "=stdin"

local function prompt(name, default)
  local text = _G[name]
  io.write(text == nil and default or tostring(text))
  io.flush()
  return io.read "*l"
end

local function is_unfinished(problem)
  return problem:sub(-5) == "<eof>" or problem:find("'<eof>'$") ~= nil
end

--- Reads one statement or expression; nil at the end of the input.
local function read_chunk()
  local line = prompt("_PROMPT", "> ")
  if not line then return nil end
  line = line:gsub("^=", "return ")
  local fn = compat.load("return " .. line, CHUNK)
  if fn then return fn end
  local problem
  fn, problem = compat.load(line, CHUNK)
  while not fn and is_unfinished(problem) do
    local more = prompt("_PROMPT2", ">> ")
    if not more then break end
    line = line .. "\n" .. more
    fn, problem = compat.load(line, CHUNK)
  end
  return fn or function()
    error(problem, 0)
  end
end

local function show(ok, ...)
  if not ok then
    report.uncaught(...)
  elseif select("#", ...) > 0 then
    print(...)
  end
end

local function same(err)
  return err
end

-- A signal ends the chunk that runs, and not the session.
local function run(host, fn)
  local ok, err = host.interruptible(function()
    show(loop.attempt(fn))
  end, same)
  if ok and not host.signal() then return end
  if not ok then report.uncaught(err) end
  loop.abandon()
  host.rearm()
end

--- Reads and runs until the input ends.
function repl.run(host)
  local fn = read_chunk()
  while fn do
    run(host, fn)
    fn = read_chunk()
  end
  io.write "\n"
end

return repl
