return {
  name = "rate_limit",
  doc = "The organization's rate limit.",
  objects = {
    {
      name = "rate_limit",
      doc = "The token bucket of the organization, as it stands.",
      fields = {
        { "object", "str", const = "rate_limit", doc = "Always `rate_limit`." },
        { "plan", "starter|pro|enterprise", doc = "The plan that sets the limit." },
        { "per_minute", "int", doc = "Requests that a minute gives back." },
        { "burst", "int", doc = "Requests that the full bucket holds." },
        { "remaining", "int", doc = "Requests left now." },
        { "reset_at", "ts", doc = "When the bucket is full again if nobody sends." },
      },
    },
  },
  operations = {
    {
      op = "rate_limit.get",
      kind = "get",
      path = "/rate_limit",
      scope = "organization:r",
      free = true,
      tier = 1,
      doc = "Reads the rate limit; costs nothing.",
      returns = "rate_limit",
    },
  },
}
