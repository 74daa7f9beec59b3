--- What a pipeline must obey beyond the types of its fields (contract 2.8): names that are used once, needs that are there and go in no
-- circle, a schedule that can be read. Each rule adds its faults, { code, param, message }, to a list.
local cron = require "gitdev.emulator.pipelines.cron"
local nearest = require "gitdev.nearest"
local refusal = require "gitdev.emulator.refusal"

local rules = {}

local function add(faults, param, text)
  refusal.add(faults, { code = "parameter_invalid", param = param, message = param .. " " .. text })
end

-- Every name in a list of things may stand there once.
local function check_names(faults, place, list, what)
  local seen = {}
  for index, thing in ipairs(list) do
    if seen[thing.name] then
      add(faults, ("%s[%d].name"):format(place, index), ('is "%s", as is %s %d: give it another name.')
        :format(thing.name, what, seen[thing.name]))
    end
    seen[thing.name] = seen[thing.name] or index
  end
end

local function places_of(jobs)
  local places, names = {}, {}
  for index, job in ipairs(jobs) do
    places[job.name] = places[job.name] or index
    names[index] = job.name
  end
  return places, names
end

-- Each need must be another job's name, once. Answers whether all are.
local function check_needs(faults, jobs, places, names)
  local before = #faults
  for index, job in ipairs(jobs) do
    local seen = {}
    for number, need in ipairs(job.needs) do
      local param = ("jobs[%d].needs[%d]"):format(index, number)
      if not places[need] then
        add(faults, param, ('is "%s", which is no job of this pipeline%s'):format(need, nearest.hint(need, names)))
      elseif seen[need] then
        add(faults, param, ('is "%s", which is needed already: name it once.'):format(need))
      elseif need == job.name then
        add(faults, param, "is the job itself: take it out.")
      end
      seen[need] = true
    end
  end
  return #faults == before
end

-- The way from a job back to itself, as "a → b → a": `path` has the names from the first job to the one whose need closes the circle.
local function circle(path, need)
  local from = 1
  while path[from] ~= need do
    from = from + 1
  end
  return table.concat(path, " → ", from) .. " → " .. need
end

-- Walks the needs of each job; one that leads to a job on the way closes a circle. A job is looked at once, so the faults are few.
local function check_circles(faults, jobs, places)
  local done, path = {}, {}
  local function visit(index)
    local job = jobs[index]
    done[index], path[#path + 1] = "open", job.name
    for number, need in ipairs(job.needs) do
      local other = places[need]
      if done[other] == "open" then
        add(faults, ("jobs[%d].needs[%d]"):format(index, number), ("closes a circle, so that none of these could start: %s.")
          :format(circle(path, need)))
      elseif not done[other] then
        visit(other)
      end
    end
    done[index], path[#path] = "closed", nil
  end
  for index = 1, #jobs do
    if not done[index] then
      visit(index)
    end
  end
end

--- The jobs of a definition.
function rules.jobs(faults, jobs)
  check_names(faults, "jobs", jobs, "job")
  local places, names = places_of(jobs)
  if check_needs(faults, jobs, places, names) then
    check_circles(faults, jobs, places)
  end
  for index, job in ipairs(jobs) do
    check_names(faults, ("jobs[%d].artifacts"):format(index), job.artifacts, "artifact")
  end
end

function rules.inputs(faults, inputs)
  check_names(faults, "inputs", inputs, "input")
end

function rules.triggers(faults, triggers)
  if triggers.schedule then
    local spec, problem = cron.parse(triggers.schedule)
    if not spec then
      add(faults, "triggers.schedule", "is no schedule: " .. problem)
    end
  end
end

return rules
