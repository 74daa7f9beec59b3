local TYPE = "dependency|secret|code|certificate|key_exposure"
local SEVERITY = "low|medium|high|critical"
local STATE = "open|dismissed|fixed"
local REASON = "fix_started|inaccurate|not_used|tolerable_risk|wont_fix"

local function alert_event(verb, doc)
  return {
    "security_alert." .. verb,
    object = "security_alert",
    family = "security alerts",
    doc = doc,
    data = {
      "project",
      "project_id",
      { "alert_id", "id<alr>", doc = "The alert's id." },
      "type",
      "severity",
      "state",
      "summary",
      "repository_id",
      "location",
      "package",
    },
  }
end

return {
  name = "security_alerts",
  doc = "Security alerts: vulnerable dependencies, leaked secrets and keys, and what else a scanner found.",
  objects = {
    {
      name = "security_alert",
      prefix = "alr",
      doc = "Something that a scanner found.",
      fields = {
        { "id", "id<alr>", doc = "The alert's id." },
        { "object", "str", const = "security_alert", doc = "Always `security_alert`." },
        { "type", TYPE, doc = "What was found." },
        { "severity", SEVERITY, doc = "How grave it is." },
        { "state", STATE, doc = "Whether it still stands." },
        { "project", "str?", doc = "The slug of the project that it is about." },
        { "project_id", "id<prj>?", doc = "That project's id." },
        { "repository_id", "id<repo>?", doc = "The repository that it was found in." },
        { "summary", "str", doc = "What it is, in a line." },
        { "description", "str", doc = "What it is, and what to do." },
        {
          "location",
          {
            { "path", "str", doc = "The file." },
            { "line", "int?", doc = "The line in it, from 1." },
            { "commit_sha", "str?", doc = "The commit that it was found in." },
          },
          null = true,
          doc = "Where it was found.",
        },
        {
          "package",
          {
            { "ecosystem", "str", doc = "Where the package comes from, such as `npm`." },
            { "name", "str", doc = "Its name." },
            { "version", "str", doc = "The version that is used." },
            { "vulnerable_range", "str", doc = "The versions that are vulnerable." },
            { "fixed_version", "str?", doc = "The first version that is not." },
          },
          null = true,
          doc = "The package at fault, for dependencies.",
        },
        { "advisory_ids", "[str]", doc = "Where it is published, such as `CVE-2021-23337`." },
        { "dismissed_reason", REASON .. "?", doc = "Why it was dismissed." },
        { "dismissed_comment", "str?", doc = "What was said about it then." },
        { "dismissed_at", "ts?", doc = "When it was dismissed." },
        { "fixed_at", "ts?", doc = "When the scanner no longer found it." },
        { "created_at", "ts", doc = "When it was found." },
        { "updated_at", "ts", doc = "When it last changed." },
      },
    },
  },
  states = {
    -- contract 3.5
    security_alert = {
      field = "state",
      initial = "open",
      terminal = { fixed = "ok", dismissed = "dismissed" },
      error = "wait_failed",
      reason = "dismissed_reason",
      transitions = {
        { to = "open", on = "found", events = { "security_alert.created" } },
        { from = "open", to = "dismissed", on = "dismiss", events = { "security_alert.dismissed" } },
        { from = "dismissed", to = "open", on = "reopen", again = true, events = { "security_alert.reopened" } },
        { from = "open", to = "fixed", on = "fix", events = { "security_alert.fixed" } },
        { from = "dismissed", to = "fixed", on = "fix", again = true, events = { "security_alert.fixed" } },
        { from = "fixed", to = "open", on = "come_back", again = true, events = { "security_alert.reopened" } },
      },
    },
  },
  events = {
    alert_event("created", "A scanner found something."),
    alert_event("dismissed", "An alert was dismissed."),
    alert_event("reopened", "An alert stands again: somebody reopened it, or it came back."),
    alert_event("fixed", "A scanner no longer finds what an alert is about."),
  },
  operations = {
    {
      op = "security_alerts.list",
      kind = "list",
      path = "/security_alerts",
      scope = "security:r",
      tier = 1,
      doc = "Lists alerts.",
      query = {
        { "state", STATE, doc = "Only those in this state." },
        { "severity", SEVERITY, doc = "Only those of this severity." },
        { "type", TYPE, doc = "Only those of this type." },
        { "project", "ref<prj>", doc = "Only those of this project." },
        { "repository", "ref<repo>", doc = "Only those of this repository." },
      },
      returns = "security_alert",
    },
    {
      op = "security_alerts.get",
      kind = "get",
      path = "/security_alerts/{security_alert}",
      scope = "security:r",
      tier = 1,
      doc = "Reads an alert.",
      returns = "security_alert",
    },
    {
      op = "security_alerts.update",
      kind = "update",
      path = "/security_alerts/{security_alert}",
      scope = "security:w",
      tier = 1,
      doc = "Dismisses an alert, or reopens one that was dismissed.",
      body = {
        { "state", "open|dismissed", required = true, doc = "What it shall be." },
        { "dismissed_reason", REASON .. "?", doc = "Why it is dismissed: required then." },
        { "dismissed_comment", "str?", max = 280, doc = "What else there is to say about it." },
      },
      returns = "security_alert",
      errors = { { 409, "invalid_state" } },
    },
  },
}
