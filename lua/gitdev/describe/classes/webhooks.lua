-- Webhooks: what verifies and receives them. See gitdev.describe.classes.
-- What receivers of both kinds take.
local ON = {
  "on",
  "table<gitdev.EventType|string, fun(event: gitdev.AnyEvent|gitdev.VerifiedEvent, delivery: gitdev.ReceivedDelivery)>",
  'What handles which event: by type, by family ("deployment.*"), or "*". The most specific one alone is called.',
}
local SECRET = { "secret?", "string|string[]", "`whsec_…`, or up to 8 of them; `GIT_WEBHOOK_SECRET` by default." }
local SECRETS = { "secrets?", "string|string[]", "The same." }
local SCHEME = { "scheme?", '"git"|"standard"|"body"', "See gitdev.VerifyOptions." }
local TOLERANCE = { "tolerance?", "number|false", "See gitdev.VerifyOptions." }
local CLOCK = { "clock?", "number|fun(): number", "Unix seconds that signatures are held against; the system's by default." }

return {
  {
    name = "gitdev.VerifyOptions",
    words = "How `gitdev.webhooks.verify` verifies.",
    fields = {
      { "tolerance?", "number|false", "Seconds that the time signed may be off, before and after; 300 by default, 0 is zero, false for any time." },
      { "now?", "number|fun(): number", "Unix seconds, or a clock that tells them; the system's by default." },
      { "scheme?", '"git"|"standard"|"body"', "How it was signed: `git`, as the platform signs, by default; Standard Webhooks; or only the body." },
    },
  },
  {
    name = "gitdev.SignOptions",
    words = "How `gitdev.webhooks.sign` signs.",
    fields = {
      { "now?", "number|fun(): number", "The time to sign: Unix seconds, or a clock that tells them; the system's by default." },
      { "scheme?", '"git"|"standard"|"body"', "`git` by default." },
      { "id?", "string", "Of Standard Webhooks: the webhook-id; the `id` in the body by default." },
    },
  },
  {
    name = "gitdev.VerifiedEvent",
    parent = "gitdev.Event",
    words = "An event out of a delivery that was verified.",
    fields = {},
    methods = {
      {
        name = "is",
        words = "Whether it is of a type, or of a family of them.",
        parameters = { { "wanted", "gitdev.EventType|string", '"deployment.completed", "deployment.*", or "*".' } },
        returns = { { "is", "boolean" } },
      },
    },
  },
  {
    name = "gitdev.Webhooks",
    words = "What gitdev.webhooks is.",
    fields = {},
    functions = {
      {
        name = "verify",
        words = "The event in a delivery's body, if it is signed under the secret, or one of them. Else a signature_error, whose `reason` says why.",
        parameters = {
          { "raw_body", "string", "The body as it came, byte for byte." },
          { "header", "string|table<string, string|string[]>|nil", "The header with the signature, or the table of all headers." },
          { "secret?", "string|string[]", "`whsec_…`, or up to 8 of them; `GIT_WEBHOOK_SECRET` by default." },
          { "options?", "gitdev.VerifyOptions" },
        },
        returns = { { "event", "gitdev.AnyEvent|gitdev.VerifiedEvent" }, { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." } },
      },
      {
        name = "sign",
        words = "What a body is delivered with: the header's value; of Standard Webhooks a table of the three headers.",
        parameters = {
          { "body", "string" },
          { "secret?", "string|string[]", "`whsec_…`, or up to 8 of them; `GIT_WEBHOOK_SECRET` by default." },
          { "options?", "gitdev.SignOptions" },
        },
        returns = { { "header", "string|table<string, string>" }, { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." } },
      },
      {
        name = "serve",
        words = "Starts a receiver: an HTTP server that takes deliveries, verifies them, and calls functions for their events.",
        parameters = { { "options", "gitdev.ReceiverOptions" } },
        returns = { { "receiver", "gitdev.Receiver" }, { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." } },
      },
      {
        name = "nginx",
        words = "Takes the delivery that nginx's present request is (content_by_lua): verifies it, calls the function for its event, answers.",
        parameters = { { "options", "gitdev.NginxReceiverOptions" } },
      },
    },
  },
  {
    name = "gitdev.ReceiverOptions",
    words = "Options of `gitdev.webhooks.serve`.",
    fields = {
      { "port", "integer", "0: any that is free." },
      ON,
      { "host?", "string", "The address to listen on; 127.0.0.1 by default." },
      { "path?", "string", 'Where deliveries come to, such as "/webhooks"; anywhere by default.' },
      SECRET,
      SECRETS,
      SCHEME,
      TOLERANCE,
      CLOCK,
      {
        "on_error?",
        "fun(err: any, event: gitdev.AnyEvent|gitdev.VerifiedEvent|nil, traceback: string|nil)",
        "Told of each handler that fails, and of a store or spool that does (no event then); by default they are written to stderr.",
      },
      { "timeout?", "number", "Seconds for one handler: 13 by default, with a spool 300." },
      { "drain?", "number", "Seconds that stopping waits for handlers, 10 by default; then they are canceled." },
      { "queue?", "integer", "How many events may wait or be handled; 1,000 by default. One more is answered 503." },
      { "store?", "gitdev.Store", "What remembers which events were handled; by default memory, with a spool a file in it." },
      { "spool?", "string", "A folder: events are kept there before they are answered, and handled after." },
      { "parallel?", "integer", "With a spool: how many handlers may run at once; 16 by default." },
      { "tries?", "integer", "With a spool: how often an event is tried before it is put aside; 6 by default." },
      { "retry_pause?", "number", "With a spool: seconds after the first failure, four times as many after each further one; 1 by default." },
      { "cert_file?", "string", "A PEM file with the server's certificate and those that lead to its authority: HTTPS instead of HTTP." },
      { "key_file?", "string", "A PEM file with its private key, without a password." },
    },
  },
  {
    name = "gitdev.NginxReceiverOptions",
    words = "Options of `gitdev.webhooks.nginx`. What is wrong with them is logged, and answered with 500.",
    fields = {
      ON,
      SECRET,
      SECRETS,
      SCHEME,
      TOLERANCE,
      CLOCK,
      {
        "on_error?",
        "fun(err: any, event: gitdev.AnyEvent|gitdev.VerifiedEvent|nil, traceback: string|nil)",
        "Told of each handler that fails, and of a store that does; by default they are written to nginx's log.",
      },
      { "timeout?", "number", "Seconds for one handler, 13 by default." },
      { "store?", "gitdev.Store", 'What remembers which events were handled; by default `gitdev.store.shared "gitdev"`.' },
    },
  },
  {
    name = "gitdev.ReceivedDelivery",
    words = "How an event came: what a receiver's handlers get beside it.",
    fields = {
      { "id", "string|nil", "`dlv_…`, of the header X-Git-Delivery." },
      { "attempt", "integer|nil", "The sender's, from 1, of the header X-Git-Attempt." },
      { "try", "integer", "The handler's, from 1: more with a spool only." },
      { "received_at", "integer", "Unix seconds." },
      { "body", "string", "The body as it came." },
    },
  },
  {
    name = "gitdev.Receiver",
    words = "What gitdev.webhooks.serve makes: a task of its own, a child of the task that made it.",
    fields = {
      { "port", "integer", "Where it listens." },
      { "url", "string", "Its url on this machine." },
    },
    methods = {
      {
        name = "stop",
        words = "Stops: no connection is taken any more, what was asked is answered. Returns when it is over; in one of its handlers at once.",
      },
      { name = "wait", words = "Waits until it has stopped. Outside of tasks this turns the loop." },
      { name = "pending", words = "How many events wait, or are being handled.", returns = { { "count", "integer" } } },
    },
  },
}
