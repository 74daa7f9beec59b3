--- From an error to the host's exit code. The table is total: every type of the contract (1.8) and of the SDK is in it, and anything else is 1.
local exit_code = {
  OK = 0,
  ERROR = 1, -- any other Lua error
  USAGE = 2, -- usage, configuration, or an invalid request
  NOT_FOUND = 3, -- not found or gone
  NOT_ALLOWED = 4, -- no right to it, or a bad signature
  CONFLICT = 5,
  RATE_LIMITED = 6,
  NETWORK = 7,
  TIMED_OUT = 8,
  SERVER = 9, -- a 5xx, or an answer outside of the contract
  FAILED = 10, -- what was waited for failed or was canceled: a deployment, a run, a domain
  INTERRUPTED = 130,
}

exit_code.by_type = {
  invalid_request_error = exit_code.USAGE,
  authentication_error = exit_code.NOT_ALLOWED,
  permission_error = exit_code.NOT_ALLOWED,
  conflict_error = exit_code.CONFLICT,
  idempotency_error = exit_code.CONFLICT,
  rate_limit_error = exit_code.RATE_LIMITED,
  api_error = exit_code.SERVER,
  connection_error = exit_code.NETWORK,
  timeout_error = exit_code.TIMED_OUT,
  response_error = exit_code.SERVER,
  signature_error = exit_code.NOT_ALLOWED,
  config_error = exit_code.USAGE,
  canceled_error = exit_code.INTERRUPTED,
  deployment_failed = exit_code.FAILED,
  run_failed = exit_code.FAILED,
  wait_failed = exit_code.FAILED,
}

--- Where one type has several statuses, the status says more.
exit_code.by_status = {
  [400] = exit_code.USAGE,
  [404] = exit_code.NOT_FOUND,
  [405] = exit_code.USAGE,
  [409] = exit_code.CONFLICT,
  [410] = exit_code.NOT_FOUND,
  [413] = exit_code.USAGE,
  [415] = exit_code.USAGE,
  [416] = exit_code.USAGE,
  [422] = exit_code.USAGE,
  [426] = exit_code.USAGE,
}

--- The code for an error value, as a script raised it.
function exit_code.of(err)
  local code = require("gitdev.error").is(err) and exit_code.by_type[err.type]
  if not code then return exit_code.ERROR end
  local decided_by_status = err.type == "invalid_request_error" or err.type == "idempotency_error"
  return decided_by_status and exit_code.by_status[err.status] or code
end

return exit_code
