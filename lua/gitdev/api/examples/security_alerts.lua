return {
  ["security_alerts.list"] = [[
for alert in git.security_alerts:each { state = "open", project = "my-app" } do
  print(alert.severity, alert.package.name, alert.package.fixed_version) --> high lodash 4.17.21
end
]],
  ["security_alerts.get"] = [[
local open = git.security_alerts:list({ state = "open" }).data[1]
local alert = git.security_alerts:get(open.id)
print(alert.summary, alert.advisory_ids[1]) --> Command injection in lodash CVE-2021-23337
]],
  ["security_alerts.update"] = [[
local alert = git.security_alerts:list({ state = "open" }).data[1]
alert:update { state = "dismissed", dismissed_reason = "not_used" }
print(alert.state, alert.dismissed_reason) --> dismissed not_used
alert:update { state = "open" }
print(alert.state, alert.dismissed_reason) --> open nil
]],
}
