return {
  ["env.list"] = [[
git.env:create("my-app", { key = "GREETING", value = "hello" })
for variable in git.env:each("my-app", { target = "production" }) do
  print(variable.key, variable.value) --> GREETING hello
end
]],
  ["env.create"] = [[
local variable = git.env:create("my-app", {
  key = "DATABASE_URL",
  value = "postgres://localhost/test",
  secret = true,
  targets = { "preview" },
  upsert = true,
})
print(variable.value) --> nil
]],
  ["env.get"] = [[
local made = git.env:create("my-app", { key = "GREETING", value = "hello" })
print(git.env:get("my-app", made.id).value) --> hello
]],
  ["env.update"] = [[
local variable = git.env:create("my-app", { key = "GREETING", value = "hello" })
git.env:update("my-app", variable.id, { value = "good morning", targets = { "production" } })
variable:refresh()
print(variable.value, #variable.targets) --> good morning 1
]],
  ["env.delete"] = [[
local variable = git.env:create("my-app", { key = "GREETING", value = "hello" })
git.env:delete("my-app", variable.id)
print(#git.env:list("my-app").data) --> 0
]],
}
