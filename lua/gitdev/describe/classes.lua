-- What the SDK has besides the contract's operations and objects, as data: the classes that programs meet, and the functions of gitdev itself.
-- The editor's types (gitdev.describe.annotations) and the reference are written from it. A field is { name, type, words }; a name that ends in
-- "?" may be absent. A class's `methods` are called with a colon, its `functions` with a full stop. A function has `parameters` and `returns`
-- of the same form, `generic` names of types, and words. Types are LuaCATS's.
-- Where the code has a table of the same options, a spec holds the two against each other.
local module = require "gitdev.describe.classes.module"

local classes = {}

classes.aliases = {
  { "gitdev.Json", "string|number|boolean|table|gitdev.Null", "A free JSON value." },
  { "gitdev.Bytes", "string|fun(): string?", "A file's path, or a function that returns the next bytes, and nil at the end." },
  { "gitdev.Sink", "string|fun(bytes: string)", "A file's path, or a function that takes the bytes as they come." },
}

-- The rooms beside this file, in the order in which they are told of.
local ROOMS = { "calls", "logs", "answers", "webhooks", "stores", "tasks" }

classes.list = {}
for _, room in ipairs(ROOMS) do
  for _, class in ipairs(require("gitdev.describe.classes." .. room)) do
    classes.list[#classes.list + 1] = class
  end
end

-- The client's own methods.
classes.client_methods = {
  {
    name = "request",
    words = "Makes a request by its method and path: for what there is no operation for, and for bodies that are streamed.",
    parameters = {
      { "method", "string", "In capitals." },
      { "path", "string", 'After the base URL, percent-encoded: "/deployments?limit=2".' },
      { "options?", "gitdev.RequestOptions" },
    },
    returns = {
      { "value", "any", "The decoded body, or its text; of a download { status, size, sha256, path, body }." },
      { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." },
    },
  },
  {
    name = "close",
    words = "Ends the calls and streams that are under way, each with a canceled_error (code client_closed), and forgets the key.",
  },
}

classes.module_fields, classes.module_functions = module.fields, module.functions

return classes
