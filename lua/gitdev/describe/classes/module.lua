-- gitdev itself: what `require "gitdev"` gives. See gitdev.describe.classes.
local module = {}

local ANYTHING = { { "...", "any" } }

module.fields = {
  { "VERSION", "string", "The SDK's version." },
  { "API_VERSION", "string", "The version of the API that it is written for." },
  { "null", "gitdev.Null", "Clears a field, in a call's fields." },
  { "store", "gitdev.Stores", "Stores that remember which events have been handled." },
  { "webhooks", "gitdev.Webhooks", "Receives and verifies what webhooks deliver, and signs." },
}

module.functions = {
  {
    name = "client",
    words = "Makes a client.",
    parameters = { { "options?", "gitdev.ClientOptions" } },
    returns = { { "git", "gitdev.Client" }, { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." } },
  },
  {
    name = "array",
    words = "Marks a table as a JSON array, which matters where it is empty and the contract leaves the kind open.",
    generic = "T",
    parameters = { { "list?", "T[]" } },
    returns = { { "list", "T[]", "The same." } },
  },
  {
    name = "raw",
    words = "A plain copy of a thing, with all fields that the API sent and no methods.",
    parameters = { { "thing", "table" } },
    returns = { { "copy", "table" } },
  },
  {
    name = "answer",
    words = "What is known of the answer that a thing, or a page, came from; nil for things inside pages.",
    parameters = { { "thing", "table" } },
    returns = { { "answer", "gitdev.Answer|nil" } },
  },
  {
    name = "is_error",
    words = "Whether a value is an error object, and of that type or code if one is given.",
    parameters = { { "value", "any" }, { "kind?", "gitdev.ErrorType|gitdev.ErrorCode|string" } },
    returns = { { "is", "boolean" } },
  },
  {
    name = "hint",
    words = "What to do about an error, in one sentence.",
    parameters = { { "err", "gitdev.Error" } },
    returns = { { "hint", "string|nil" } },
  },
  {
    name = "spawn",
    words = "Makes a task of fn(…), which begins at the next wait: a child of the task that makes it.",
    parameters = { { "fn", "fun(...: any): ...any" }, { "...", "any" } },
    returns = { { "task", "gitdev.Task" } },
  },
  {
    name = "run",
    words = "Runs fn(…) as a task, and all that it spawns. Returns what it returns, raises what it raises.",
    parameters = { { "fn", "fun(...: any): ...any" }, { "...", "any" } },
    returns = ANYTHING,
  },
  {
    name = "all",
    words = "Calls functions at once and waits for all of them. The first error cancels the others and is raised.",
    generic = "K, V",
    parameters = { { "fns", "table<K, fun(): V>" } },
    returns = { { "results", "table<K, V>", "The first result of each, under its key." } },
  },
  {
    name = "race",
    words = "Calls functions at once until the first has returned, or failed: the others are canceled.",
    generic = "K, V",
    parameters = { { "fns", "table<K, fun(): V>" } },
    returns = { { "result", "V", "The first result of the one that was first." }, { "key", "K" } },
  },
  {
    name = "timeout",
    words = "Calls fn(…) with so many seconds for all that it does; then a timeout_error is raised.",
    parameters = { { "seconds", "number" }, { "fn", "fun(...: any): ...any" }, { "...", "any" } },
    returns = ANYTHING,
  },
  {
    name = "pcall",
    words = "pcall, inside which a task can wait: in every Lua but plain 5.1 it is pcall.",
    parameters = { { "fn", "fun(...: any): ...any" }, { "...", "any" } },
    returns = { { "ok", "boolean" }, { "...", "any" } },
  },
  { name = "sleep", words = "Waits: yields in a task, blocks elsewhere.", parameters = { { "seconds", "number" } } },
  { name = "now", words = "Seconds of a clock that never steps.", returns = { { "seconds", "number" } } },
  {
    name = "warm",
    words = "Does what only the first calls pay for, some tens of milliseconds: for a program that owns the frame, while it loads. Sends nothing.",
    parameters = { { "git?", "gitdev.Client", "What is to be called with it; without it the environment says whom to trust." } },
    returns = { { "done", "boolean" } },
  },
  {
    name = "step",
    words = "For a program that owns the frame: lets the tasks go on, and waits at most so long for one that can.",
    parameters = {
      { "timeout?", "number", "Seconds; 0 by default." },
      { "budget?", "number", "Seconds, after which no further task goes on in this step, but one at least has; without a limit by default." },
    },
    returns = { { "alive", "integer", "Tasks that are not over." } },
  },
}

return module
