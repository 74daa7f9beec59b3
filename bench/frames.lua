-- The rows about games: gitdev's share of a frame, against the emulator, whose certificate is trusted beside all that the system trusts: so that
-- loading costs what it costs a player. The game does as docs/games.md advises: it warms gitdev up, and gives tasks 2 ms of a frame.
local programs = require "programs"
local samples = require "samples"

local frames = {}

local SYSTEM = "/etc/ssl/certs/ca-certificates.crt"
local BAR_P99, BAR_LONGEST = 1, 4 -- milliseconds
local GOAL_P99, GOAL_LONGEST = 0.75, 3

local function slurp(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function write_bundle(path, ca_file)
  local file = assert(io.open(path, "wb"))
  assert(file:write(slurp(SYSTEM), slurp(ca_file)))
  assert(file:close())
  return path
end

local function row(what, milliseconds, bar, goal)
  return { what = what, beside = "a frame", ours = ("%.2f ms"):format(milliseconds), theirs = "16.7 ms", unit = " ms",
    value = milliseconds, bar = bar, goal = goal }
end

--- `server` is an emulator: { url, ca_file, api_key }; `root` a folder for the bundle.
function frames.rows(build, size, server, root)
  local modules = ("LUA_CPATH=%s/bench/?.so;%s/lib/lua/5.4/?.so;;"):format(build, build)
  local argv = programs.words({ "env", modules, "GIT_API_URL=" .. server.url, "GIT_API_KEY=" .. server.api_key,
    "GIT_CA_FILE=" .. write_bundle(root .. "/bundle.pem", server.ca_file), "lua5.4", "bench/sdk/frames.lua" }, size.frames)
  local p99, longest = {}, 0
  for i = 1, size.games do
    local sample = samples.of(argv)()
    p99[i], longest = sample.p99_ms, math.max(longest, sample.longest_ms)
  end
  return {
    row("gitdev in a frame, 99 of 100 are shorter", samples.median(p99), BAR_P99, GOAL_P99),
    row("gitdev in a frame, the longest", longest, BAR_LONGEST, GOAL_LONGEST),
  }
end

return frames
