return {
  name = "stream_tickets",
  doc = "Tickets that open a log stream where headers cannot be set, as in browsers.",
  objects = {
    {
      name = "stream_ticket",
      doc = "A ticket. It opens one stream, within 60 seconds.",
      fields = {
        { "object", "str", const = "stream_ticket", doc = "Always `stream_ticket`." },
        { "ticket", "str", doc = "The ticket itself, a secret." },
        { "resource", "id<dep|job>", doc = "The deployment or job whose log it opens." },
        { "url", "str", doc = "The stream's address with the ticket in it, ready to open." },
        { "expires_at", "ts", doc = "When it can no longer be used." },
      },
    },
  },
  operations = {
    {
      op = "stream_tickets.create",
      kind = "create",
      path = "/stream_tickets",
      scope = "logs:r",
      since = "2.4.1",
      tier = 2,
      doc = "Makes a ticket for the log of a deployment or a job.",
      body = {
        { "resource", "id<dep|job>", required = true, doc = "The deployment or job whose log to open." },
      },
      returns = "stream_ticket",
      errors = { { 422, "resource_missing" } },
    },
  },
}
