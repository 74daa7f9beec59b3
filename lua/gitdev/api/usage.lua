local METRICS = "api_requests|deployments|build_ms|bandwidth_bytes|edge_requests|edge_compute_ms|storage_bytes|artifact_bytes"

return {
  name = "usage",
  doc = "What the organization has used in a period.",
  objects = {
    {
      name = "usage_metric",
      embedded = true,
      doc = "One metric of a usage report.",
      fields = {
        { "metric", METRICS, doc = "What is counted." },
        { "quantity", "int", doc = "How much of it there was in the period." },
        { "limit", "int?", doc = "What the plan has for a month; null: no limit." },
      },
    },
    {
      name = "usage",
      doc = "What was used in a period, metric by metric.",
      fields = {
        { "object", "str", const = "usage", doc = "Always `usage`." },
        { "period_start", "ts", doc = "The period's first second." },
        { "period_end", "ts", doc = "The second after its last." },
        { "plan", "starter|pro|enterprise", doc = "The plan that sets the limits." },
        { "metrics", "[usage_metric]", doc = "Every metric, also those of which nothing was used." },
      },
    },
  },
  operations = {
    {
      op = "usage.get",
      kind = "get",
      path = "/usage",
      scope = "organization:r",
      tier = 2,
      doc = "Reads what was used in a period of at most 92 days; the current month unless told.",
      query = {
        { "start", "ts", min = 0, doc = "The period's first second; the beginning of the month if absent." },
        { "end", "ts", min = 1, doc = "The second after its last; the end of the current month if absent." },
        { "project", "ref<prj>", doc = "Only what this project used." },
      },
      returns = "usage",
    },
  },
}
