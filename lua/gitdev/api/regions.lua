return {
  name = "regions",
  doc = "The regions that deployments and edge functions run in.",
  objects = {
    {
      name = "region",
      doc = "A region. Its id is its three-letter code.",
      fields = {
        { "id", "str", format = "region", doc = "The region's code." },
        { "object", "str", const = "region", doc = "Always `region`." },
        { "name", "str", doc = "Where it is, as people read it." },
        { "country", "str", min = 2, max = 2, doc = "The country's two-letter code (ISO 3166)." },
        { "status", "operational|degraded|down", doc = "How it is." },
        { "compute", "bool", doc = "Whether deployments can run there." },
        { "edge", "bool", doc = "Whether edge functions run there." },
      },
    },
  },
  operations = {
    {
      op = "regions.list",
      kind = "list",
      path = "/regions",
      scope = "organization:r",
      public = true,
      tier = 2,
      doc = "Lists the regions.",
      returns = "region",
    },
  },
}
