--- `gitdev webhooks trigger`: makes an event up, and sends or prints it.
local arguments = require "gitdev.cli.arguments"
local delivery = require "gitdev.cli.webhooks.delivery"
local exit_code = require "gitdev.cli.exit_code"
local outcome = require "gitdev.cli.webhooks.outcome"
local report = require "gitdev.cli.report"
local sample = require "gitdev.webhooks.sample"

local function read_set(text)
  local path, value = text:match "^([^=]+)=(.*)$"
  return path and { path, value }
end

local trigger = {
  summary = "make an event of any type, and send it to a receiver or print it",
  usage = "trigger EVENT [--set PATH=VALUE …] [--to URL | --print] [options]",
  doc = {
    "Makes an event of a type (gitdev help events lists them) with every field that such a one has,",
    "valid by the API's tables, and sends it once to URL, signed; or prints its body. The platform is",
    "not asked. PATH is a field of data, or id or timestamp: project, failure.code, commits.0.message.",
    "A list of plain values is written a,b; other lists and objects as JSON; null where a field may be.",
  },
  options = {
    { name = "set", read = read_set, takes = "PATH=VALUE", many = true, doc = "a field, such as project=shop; may be given several times" },
    { name = "to", read = arguments.text, takes = "URL", doc = "send it there, such as http://localhost:3000/hooks" },
    { name = "print", value = true, doc = "print the body instead, without a line break at its end" },
    { name = "secret", read = arguments.text, takes = "S", doc = "sign with this (default: GIT_WEBHOOK_SECRET, or listen's)" },
    { name = "ca-file", sets = "ca_file", read = arguments.text, takes = "FILE", doc = "trust these certificates at URL" },
  },
  exit_codes = outcome.exit_codes,
}

--- Carries the command out, in a task. Returns the exit code, or nil and what is wrong with how it was called.
function trigger.run(settings, words)
  if not words[1] then
    return nil, "say which event: gitdev webhooks trigger deployment.completed"
  elseif words[2] then
    return nil, ("unknown argument '%s'"):format(words[2])
  elseif settings.to and settings.print then
    return nil, "--to sends the event and --print prints it: say one of them"
  elseif not settings.to and not settings.print then
    return nil, "say where to send it, with --to URL, or --print"
  end
  local event, problem = sample.event(words[1], settings.set)
  if not event then
    report.say("webhooks trigger: %s", problem)
    return exit_code.USAGE
  elseif settings.print then
    return report.print(event.body)
  end
  local target
  target, problem = delivery.target(settings.to, settings)
  if not target then
    return nil, problem
  end
  return outcome.of(event, delivery.send(target, event, 1))
end

return trigger
