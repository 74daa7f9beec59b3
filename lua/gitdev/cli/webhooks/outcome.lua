--- What becomes of an event that a command sends once: a line for people, and an exit code.
local delivery = require "gitdev.cli.webhooks.delivery"
local exit_code = require "gitdev.cli.exit_code"
local report = require "gitdev.cli.report"

local outcome = {}

--- Those of a command that sends; 10 is for a receiver that did not accept.
outcome.exit_codes = {
  exit_code.OK, exit_code.ERROR, exit_code.USAGE, { exit_code.NETWORK, "the receiver cannot be reached or trusted" },
  { exit_code.TIMED_OUT, "the receiver did not answer within 15 s" },
  { exit_code.FAILED, "the receiver answered, but not with a 2xx" },
}

--- Says how it went. Returns the exit code.
function outcome.of(event, answer)
  local printed = report.print(delivery.line(event, delivery.describe(answer)))
  if printed ~= exit_code.OK then
    return printed
  elseif delivery.is_accepted(answer) then
    return exit_code.OK
  elseif answer.status then
    return exit_code.FAILED
  end
  return answer.error == "timeout" and exit_code.TIMED_OUT or exit_code.NETWORK
end

return outcome
