-- Tasks: see gitdev.describe.classes.
return {
  {
    name = "gitdev.Task",
    words = "What gitdev.spawn makes.",
    fields = {},
    methods = {
      { name = "wait", words = "Waits until it is over. Returns what its function returned, raises what it raised.", returns = { { "...", "any" } } },
      {
        name = "cancel",
        words = "Ends it: its waits raise a canceled_error, or `reason`, from now on.",
        parameters = { { "reason?", "any" } },
      },
      { name = "status", words = "How it is; running also while it waits.", returns = { { "status", '"running"|"done"|"failed"|"canceled"' } } },
      { name = "where", words = "Where its error was raised: a traceback; nil without one.", returns = { { "traceback", "string|nil" } } },
    },
  },
}
