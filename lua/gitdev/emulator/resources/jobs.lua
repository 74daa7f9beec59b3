--- contract 2.9
local job_environment = require "gitdev.emulator.pipelines.job_environment"
local job_log = require "gitdev.emulator.pipelines.job_log"
local log_page = require "gitdev.emulator.deployments.log_page"
local log_stream = require "gitdev.emulator.deployments.log_stream"

local function logs(call)
  local job = call.things.job
  return log_page.of(call, job, job_log)
end

local function show_environment(emulator, _, id)
  local job = emulator:find("job", id)
  if not job then
    return 404, "There is no such job."
  end
  return 200, job_environment.process(job)
end

return {
  collections = {
    job = { indexes = { "project_id", "run_id" } },
  },
  logs = { job = job_log },
  find = {
    job = function(call, id)
      return call.tenant.things.job:get(id)
    end,
  },
  control = {
    { "GET", "^/_emulator/jobs/([^/]+)/environment$", show_environment },
  },
  operations = {
    ["jobs.get"] = function(call)
      return call.things.job
    end,
    ["jobs.logs.list"] = logs,
    ["jobs.logs.stream"] = function(call)
      return log_stream.open(call, call.things.job, job_log)
    end,
  },
}
