return {
  name = "organization",
  doc = "The organization that the key belongs to.",
  objects = {
    {
      name = "organization",
      prefix = "org",
      doc = "An organization. A gpk_ key sees its id, object, slug and name only.",
      fields = {
        { "id", "id<org>", doc = "The organization's id." },
        { "object", "str", const = "organization", doc = "Always `organization`." },
        { "slug", "str", doc = "Its name in URLs." },
        { "name", "str", doc = "Its name as people read it." },
        { "plan", "starter|pro|enterprise", private = true, doc = "The plan, which sets the limits." },
        { "public_key", "str", private = true, doc = "The gpk_ key that names the organization in client apps." },
        { "default_region", "str", private = true, doc = "Where new projects run unless they say otherwise." },
        { "livemode", "bool", private = true, doc = "False with a gsk_test_ key, whose data stand apart." },
        { "created_at", "ts", private = true, doc = "When it was made." },
      },
    },
  },
  operations = {
    {
      op = "organization.get",
      kind = "get",
      path = "/organization",
      scope = "organization:r",
      public = true,
      tier = 1,
      doc = "Reads the organization that the key belongs to.",
      returns = "organization",
    },
  },
}
