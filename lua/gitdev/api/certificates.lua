-- What all events of a certificate carry (contract 4.3).
local DATA = { "certificate_id", "domains", "not_after", "error" }

return {
  name = "certificates",
  doc = "Certificates of domains: issued and renewed by the platform.",
  objects = {
    {
      name = "certificate",
      prefix = "crt",
      doc = "A certificate.",
      fields = {
        { "id", "id<crt>", doc = "The certificate's id." },
        { "object", "str", const = "certificate", doc = "Always `certificate`." },
        { "domains", "[str]", doc = "The names that it is for." },
        { "source", "str", const = "managed", doc = "Always `managed`: the platform gets it and renews it." },
        { "status", "pending|issued|renewing|failed|expired", doc = "How far it is." },
        { "issuer", "str?", doc = "Who signed it; null until it is issued." },
        { "serial", "str?", doc = "Its serial number, in lower-case hexadecimal digits." },
        { "fingerprint_sha256", "str?", doc = "SHA-256 of it, in lower-case hexadecimal digits." },
        { "not_before", "ts?", doc = "From when it is valid." },
        { "not_after", "ts?", doc = "Until when it is valid." },
        {
          "error",
          {
            { "code", "str", doc = "Why: `caa_forbidden` or `traffic_record_wrong`." },
            { "message", "str", doc = "Why, in words." },
          },
          null = true,
          doc = "Why the last attempt to get it failed; null if it did not.",
        },
        { "created_at", "ts", doc = "When it was first asked for." },
      },
    },
  },
  states = {
    -- contract 3.3. A failed attempt is followed by others: a certificate leaves `failed`, and even `expired`, by itself.
    certificate = {
      field = "status",
      initial = "pending",
      terminal = { issued = "ok", failed = "failed", expired = "expired" },
      error = "wait_failed",
      failure = "error",
      transitions = {
        { to = "pending", on = "create", events = {} },
        { from = "pending", to = "issued", on = "issue", events = { "certificate.issued" } },
        { from = "pending", to = "failed", on = "attempt_failed", events = { "certificate.failed" } },
        { from = "failed", to = "pending", on = "retry", events = {}, again = true },
        { from = "issued", to = "renewing", on = "renew", events = {}, again = true },
        { from = "renewing", to = "issued", on = "issue", events = { "certificate.renewed" } },
        { from = "renewing", to = "renewing", on = "attempt_failed", events = { "certificate.failed" } },
        { from = "renewing", to = "renewing", on = "expiring", events = { "certificate.expiring" } },
        { from = "renewing", to = "expired", on = "expire", events = {} },
        { from = "expired", to = "issued", on = "issue", events = { "certificate.renewed" }, again = true },
        { from = "expired", to = "expired", on = "attempt_failed", events = { "certificate.failed" } },
      },
    },
  },
  events = {
    {
      "certificate.issued",
      object = "certificate",
      doc = "A certificate was issued for the first time.",
      data = DATA,
    },
    {
      "certificate.renewed",
      object = "certificate",
      doc = "A certificate was renewed.",
      data = DATA,
    },
    {
      "certificate.failed",
      object = "certificate",
      doc = "An attempt to get or renew a certificate failed; another one follows.",
      data = DATA,
    },
    {
      "certificate.expiring",
      object = "certificate",
      doc = "A certificate that could not be renewed ends in 14, 7 or 1 days.",
      data = DATA,
    },
  },
  operations = {
    {
      op = "certificates.list",
      kind = "list",
      path = "/certificates",
      scope = "edge:r",
      tier = 2,
      doc = "Lists certificates, of one domain or of all that the key sees.",
      query = {
        { "domain", "ref<dom>", doc = "Only that of this domain." },
        { "status", "pending|issued|renewing|failed|expired", doc = "Only those in this status." },
      },
      returns = "certificate",
    },
    {
      op = "certificates.get",
      kind = "get",
      path = "/certificates/{certificate}",
      scope = "edge:r",
      tier = 2,
      doc = "Reads a certificate.",
      returns = "certificate",
    },
  },
}
