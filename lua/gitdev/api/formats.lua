-- Named string formats (contract 1.2, 1.10). `pattern` is the contract's own expression (RE2). `lua` and `never` decide the same with
-- Lua's patterns: each of `lua` matches, none of `never` does. `min` and `max` count characters, `max_bytes` bytes; `reserved` lists
-- whole texts, `reserved_prefix` a beginning, that the platform keeps for itself. `codes` has the error codes of those rules that are not
-- parameter_invalid, `says` the rules' own words where "must be <doc>" would not do.
return {
  slug = {
    doc = "made of lower-case letters, digits and single dashes between them, 3 to 40 in all",
    pattern = "^[a-z0-9]+(?:-[a-z0-9]+)*$",
    lua = { "^[a-z0-9-]+$" },
    never = { "^%-", "%-$", "%-%-" },
    min = 3,
    max = 40,
    reserved = { "api", "www", "docs", "status", "dashboard", "repo", "hooks" },
    codes = { reserved = "name_reserved" },
    says = { reserved = "is a name that the platform keeps for itself" },
  },
  sha = {
    doc = "a full commit id: 40 lower-case hexadecimal digits",
    pattern = "^[0-9a-f]{40}$",
    lua = { "^[0-9a-f]+$" },
    min = 40,
    max = 40,
  },
  region = {
    doc = "a region's code: three lower-case letters",
    pattern = "^[a-z]{3}$",
    lua = { "^[a-z][a-z][a-z]$" },
  },
  cursor = {
    doc = "a cursor as the API gave it",
    pattern = "^.{1,512}$",
    lua = { "^[^\n]+$" },
    min = 1,
    max = 512,
  },
  env_key = {
    doc = "made of letters, digits and underscores, at most 128 of them and no digit first",
    pattern = "^[A-Za-z_][A-Za-z0-9_]{0,127}$",
    lua = { "^[A-Za-z_][A-Za-z0-9_]*$" },
    max = 128,
    reserved_prefix = "GIT_",
    codes = { reserved_prefix = "env_key_reserved" },
    says = { reserved_prefix = "begins with GIT_, which is reserved for the platform's own variables" },
  },
  env_value = {
    doc = "any text but one with a NUL in it",
    pattern = "^[^\\x00]*$",
    never = { "%z" },
    max_bytes = 65536,
    codes = { never = "invalid_encoding", max_bytes = "env_too_large" },
    says = { never = "holds a NUL byte, which a process environment cannot" },
  },
}
