--- The streams of logs (contract 2.5), up to where they would open: what is wrong is said in an ordinary answer. A deployment's and a job's
-- are the same.
local log_page = require "gitdev.emulator.deployments.log_page"
local refusal = require "gitdev.emulator.refusal"

local log_stream = {}

local function check_start(call, thing)
  local query = call.query
  if query.cursor and query.tail then
    refusal.raise("parameter_invalid", {
      status = 400,
      param = "tail",
      message = "cursor and tail both say where to begin: give one of them.",
    })
  elseif query.cursor then
    log_page.read_cursor(call, thing, query.cursor)
  end
end

--- What deployments.logs.stream and jobs.logs.stream do. `thing`: the deployment or the job. Raises 400, 410 and 426.
function log_stream.open(call, thing)
  check_start(call, thing)
  log_page.refuse_expired(call, thing)
  refusal.raise("upgrade_required", {
    message = "A log stream is a WebSocket: open this path with Upgrade: websocket, or read the log with logs.list.",
    headers = { "Upgrade", "websocket", "Connection", "Upgrade" },
  })
end

return log_stream
