--- The host's commands, in the order of its help: usage, what it does; name, and the module whose main(host, arguments) runs it.
local commands = {
  { "help [name]", "the reference: of a resource, an operation, an event or an error code", name = "help", module = "gitdev.cli.manual" },
  { "emulator", "serve the API's emulator until interrupted (gitdev emulator --help)", name = "emulator", module = "gitdev.cli.emulator" },
  { "openapi", "print the API's OpenAPI document", name = "openapi", module = "gitdev.cli.openapi" },
  { "webhooks", "try out what receives events (gitdev webhooks --help)", name = "webhooks", module = "gitdev.cli.webhooks" },
  { "types", "print the types of the SDK for editors, as LuaCATS annotations", name = "types", module = "gitdev.cli.types" },
}

return commands
