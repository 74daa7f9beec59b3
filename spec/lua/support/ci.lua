-- Pipelines and runs in a spec's world, in few words.
local json = require "gitdev.json"

local ci = {}

--- Jobs out of a short form: { "build", { "test", needs = { "build" }, run = "exit 1", … } }. `run`: a step's commands, or a list of them;
-- other fields go into the job as they are.
function ci.jobs_of(list)
  local jobs = {}
  for index, entry in ipairs(list) do
    entry = type(entry) == "string" and { entry } or entry
    local job = { name = entry[1], steps = {} }
    for name, value in pairs(entry) do
      job[name] = name ~= 1 and name ~= "run" and value or job[name]
    end
    if not entry.steps then
      for place, run in ipairs(type(entry.run) == "table" and entry.run or { entry.run or "true" }) do
        job.steps[place] = { run = run }
      end
    end
    jobs[index] = job
  end
  return jobs
end

--- Makes a pipeline of my-app. `jobs`: see jobs_of; `fields`: more of the request.
function ci.pipeline(w, jobs, fields)
  local body = { project = "my-app", name = "ci", jobs = ci.jobs_of(jobs) }
  for name, value in pairs(fields or {}) do
    body[name] = value
  end
  local answer = w:post("/pipelines", body)
  assert(answer.status == 201, answer.body)
  return answer.json
end

--- Starts a run.
function ci.start(w, pipeline, fields)
  local body = { pipeline = pipeline.id }
  for name, value in pairs(fields or {}) do
    body[name] = value
  end
  local answer = w:post("/runs", body)
  assert(answer.status == 201, answer.body)
  return answer.json
end

--- A run as it is now.
function ci.run(w, run)
  return w:get("/runs/" .. run.id).json
end

--- Makes a pipeline, runs it, waits an hour. Returns the run as it is then.
function ci.ran(w, jobs, fields)
  local run = ci.start(w, ci.pipeline(w, jobs), fields)
  w:wait(3600)
  return ci.run(w, run)
end

--- The jobs of a run. `query`: "?attempt=1".
function ci.jobs(w, run, query)
  local answer = w:get("/runs/" .. run.id .. "/jobs" .. (query or ""))
  assert(answer.status == 200, answer.body)
  return answer.json.data
end

--- One of them, by its name.
function ci.job(w, run, name, query)
  for _, job in ipairs(ci.jobs(w, run, query)) do
    if job.name == name then
      return job
    end
  end
  return nil
end

--- "build succeeded, test failed".
function ci.statuses(w, run, query)
  local parts = {}
  for index, job in ipairs(ci.jobs(w, run, query)) do
    parts[index] = job.name .. " " .. job.status
  end
  return table.concat(parts, ", ")
end

--- "run.created, job.completed build": what happened since event number `from`, jobs with their names.
function ci.events(w, from)
  local parts = {}
  for index, event in ipairs(w.emulator:events()) do
    if index >= (from or 1) and event.type:find "^%a+%." and (event.type:find "^run%." or event.type:find "^job%.") then
      parts[#parts + 1] = event.type .. (event.data.name and " " .. event.data.name or "")
    end
  end
  return table.concat(parts, ", ")
end

--- What a job's process would get.
function ci.environment(w, job)
  local answer = w:send("GET", "/jobs/" .. job.id .. "/environment", nil, { base = "/_emulator" })
  assert(answer.status == 200, answer.body)
  return answer.json
end

--- The messages of a job's log. `query`: "?level=info".
function ci.log(w, job, query)
  local answer, messages = w:get("/jobs/" .. job.id .. "/logs" .. (query or "?limit=1000")), {}
  assert(answer.status == 200, answer.body)
  for index, line in ipairs(answer.json.data) do
    messages[index] = line.message
  end
  return table.concat(messages, "\n")
end

--- A field that may be null, as a value of Lua.
function ci.value(field)
  return field ~= json.null and field or nil
end

return ci
