return {
  name = "events",
  doc = "Events: what has happened, as webhooks deliver it.",
  objects = {
    {
      name = "event",
      prefix = "evt",
      -- Exactly the four keys of a delivered body, and no `object` (contract 1.6).
      bare = true,
      doc = "Something that happened.",
      fields = {
        { "id", "id<evt>", doc = "The event's id, the same in every delivery of it." },
        { "type", "str", doc = "What happened, such as `deployment.completed`." },
        { "timestamp", "ts", doc = "When it happened." },
        { "data", "json", doc = "What it happened to: an object whose fields follow from the type." },
      },
    },
  },
  operations = {
    {
      op = "events.list",
      kind = "list",
      path = "/events",
      scope = "events:r",
      tier = 1,
      doc = "Lists the events of the last 30 days.",
      query = {
        { "type", "str", doc = "Only those of this type, or of a family (`deployment.*`)." },
        { "project", "ref<prj>", doc = "Only those of this project." },
        { "since", "ts", doc = "Only those from this time on." },
        { "until", "ts", doc = "Only those before this time." },
      },
      returns = "event",
    },
    {
      op = "events.get",
      kind = "get",
      path = "/events/{event}",
      scope = "events:r",
      tier = 1,
      doc = "Reads an event.",
      returns = "event",
    },
  },
}
