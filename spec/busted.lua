-- Runs busted under the interpreter host: gitdev spec/busted.lua [busted's options]
require "busted.runner" { standalone = false }
