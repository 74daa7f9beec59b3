--- `gitdev webhooks resend`: sends an event once more, to a receiver, or through the platform to the endpoints that it went to.
local arguments = require "gitdev.cli.arguments"
local delivery = require "gitdev.cli.webhooks.delivery"
local exit_code = require "gitdev.cli.exit_code"
local outcome = require "gitdev.cli.webhooks.outcome"
local record = require "gitdev.cli.webhooks.record"
local report = require "gitdev.cli.report"

local resend = {
  summary = "send events once more: to a receiver, or by the platform",
  usage = "resend ID … [--to URL] [options]\n       gitdev webhooks resend --from FILE [ID …] [--to URL] [options]",
  doc = {
    "ID is an event's (evt_…) or a delivery's (dlv_…). With --to the event goes to URL, from here, once.",
    "Without it the platform delivers again: a delivery to its endpoint, an event to each endpoint that",
    "it went to. With --from the events are those of a file that listen --record wrote, and go to where",
    "they went, or to URL.",
  },
  options = {
    { name = "to", read = arguments.text, takes = "URL", doc = "the receiver, such as http://localhost:3000/hooks" },
    { name = "from", read = arguments.text, takes = "FILE", doc = "take the events from this file; IDs choose among them" },
    { name = "failed", value = true, doc = "of the file, only those that were not accepted" },
    { name = "secret", read = arguments.text, takes = "S", doc = "sign with this (default: GIT_WEBHOOK_SECRET, or listen's)" },
    { name = "ca-file", sets = "ca_file", read = arguments.text, takes = "FILE", doc = "trust these certificates at URL" },
  },
  exit_codes = {
    exit_code.OK, exit_code.ERROR, exit_code.USAGE, exit_code.NOT_FOUND, exit_code.NOT_ALLOWED, exit_code.CONFLICT,
    exit_code.NETWORK, exit_code.TIMED_OUT, { exit_code.FAILED, "the receiver answered, but not with a 2xx" },
  },
}

local function client()
  return require("gitdev").client()
end

-- ---- by the platform ----

local function is_missing(err)
  return type(err) == "table" and err.status == 404
end

-- The delivery of an id, with its webhook; nil when no webhook has it.
local function find_delivery(git, id)
  for webhook in git.webhooks:each() do
    local ok, found = pcall(function()
      return git.webhooks.deliveries:get(webhook.id, id)
    end)
    if ok then
      return found, webhook
    elseif not is_missing(found) then
      error(found, 0)
    end
  end
  return nil
end

-- What is in the way of one delivery, its endpoint's state or its own, is no hindrance to others.
local function redeliver(git, webhook, one)
  local ok, made = pcall(function()
    return git.webhooks.deliveries:redeliver(webhook.id, one.id)
  end)
  if ok then
    return report.print(("%s of %s goes to %s again, as %s\n"):format(one.event_type, one.event_id, webhook.url, made.id))
  elseif type(made) ~= "table" or made.type ~= "conflict_error" then
    error(made, 0)
  end
  report.say("webhooks resend: %s of %s does not go to %s: %s", one.event_type, one.event_id, webhook.url, tostring(made))
  return exit_code.CONFLICT
end

local function not_found(id, text)
  report.say("webhooks resend: %s: %s", id, text)
  return exit_code.NOT_FOUND
end

-- Its last delivery to each endpoint.
local function redeliver_event(git, id)
  local code = nil
  for webhook in git.webhooks:each() do
    local last = git.webhooks.deliveries:list(webhook.id, { event = id, limit = 1 }).data[1]
    if last then
      code = math.max(code or exit_code.OK, redeliver(git, webhook, last))
    end
  end
  return code or not_found(id, "it went to no endpoint that is there; --to URL sends it from here")
end

local function redeliver_id(git, id)
  if id:find "^evt_" then
    return redeliver_event(git, id)
  end
  local found, webhook = find_delivery(git, id)
  return found and redeliver(git, webhook, found) or not_found(id, "no endpoint has had such a delivery in the last 30 days")
end

-- ---- from here ----

local function event_of(git, id)
  if id:find "^dlv_" then
    local found = find_delivery(git, id)
    if not found then
      return nil, not_found(id, "no endpoint has had such a delivery in the last 30 days")
    end
    id = found.event_id
  end
  return record.event(git.events:get(id))
end

local function send(event, to, settings)
  local target, problem = delivery.target(to, settings)
  if not target then
    return nil, problem
  end
  return outcome.of(event, delivery.send(target, event, 1))
end

local function send_ids(ids, settings)
  local git, worst = client(), exit_code.OK
  for _, id in ipairs(ids) do
    local code, problem
    if settings.to then
      local event
      event, code = event_of(git, id)
      if event then
        code, problem = send(event, settings.to, settings)
      end
    else
      code = redeliver_id(git, id)
    end
    if not code then
      return nil, problem
    end
    worst = math.max(worst, code)
  end
  return worst
end

-- ---- from a file ----

-- Those of a file that are to be sent, and the ids that it does not have.
local function choose(list, ids, settings)
  local wanted, chosen, missing = {}, {}, {}
  for _, id in ipairs(ids) do
    wanted[id] = true
  end
  for _, one in ipairs(list) do
    if (#ids == 0 or wanted[one.id]) and not (settings.failed and delivery.is_accepted(one)) then
      chosen[#chosen + 1] = one
    end
    wanted[one.id] = nil
  end
  for _, id in ipairs(ids) do
    missing[#missing + 1] = wanted[id] and id or nil
  end
  return chosen, missing
end

local function send_recorded(ids, settings)
  local list, problem = record.read(settings.from)
  if not list then
    return nil, problem
  end
  local chosen, missing = choose(list, ids, settings)
  local worst = exit_code.OK
  for _, one in ipairs(chosen) do
    local code
    code, problem = send({ id = one.id, type = one.type, body = one.body }, settings.to or one.url, settings)
    if not code then
      return nil, problem
    end
    worst = math.max(worst, code)
  end
  for _, id in ipairs(missing) do
    worst = math.max(worst, not_found(settings.from, "it has no event " .. id))
  end
  return (chosen[1] or missing[1]) and worst or not_found(settings.from, "it has no such event")
end

local function fault_of(settings, words)
  if settings.failed and not settings.from then
    return "--failed chooses among the events of a file: say which, with --from FILE"
  elseif not words[1] and not settings.from then
    return "say which: the id of an event or of a delivery, or --from FILE"
  end
  for _, id in ipairs(words) do
    if not id:find "^evt_[0-9a-z]+$" and not id:find "^dlv_[0-9a-z]+$" then
      return ("'%s' is neither the id of an event (evt_…) nor that of a delivery (dlv_…)"):format(id)
    elseif settings.from and not id:find "^evt_" then
      return ("'%s': the file knows events by their ids, evt_…"):format(id)
    end
  end
  return nil
end

--- Carries the command out, in a task. Returns the exit code, or nil and what is wrong with how it was called.
function resend.run(settings, words)
  local fault = fault_of(settings, words)
  if fault then
    return nil, fault
  end
  return (settings.from and send_recorded or send_ids)(words, settings)
end

return resend
