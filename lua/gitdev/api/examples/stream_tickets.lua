return {
  ["stream_tickets.create"] = [[
local deployment = git.deployments:create { project = "my-app" }
local ticket = git.stream_tickets:create { resource = deployment }
print(ticket.url:match "^%a+") --> wss
]],
}
