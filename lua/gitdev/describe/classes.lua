-- What the SDK has besides the contract's operations and objects, as data: the classes that programs meet, and the functions of gitdev itself.
-- The editor's types (gitdev.describe.annotations) and the reference are written from it. A field is { name, type, words }; a name that ends in
-- "?" may be absent. A class's `methods` are called with a colon, its `functions` with a full stop. A function has `parameters` and `returns`
-- of the same form, `generic` names of types, and words. Types are LuaCATS's.
-- Where the code has a table of the same options, a spec holds the two against each other.
local classes = {}

classes.aliases = {
  { "gitdev.Json", "string|number|boolean|table|gitdev.Null", "A free JSON value." },
  { "gitdev.Bytes", "string|fun(): string?", "A file's path, or a function that returns the next bytes, and nil at the end." },
  { "gitdev.Sink", "string|fun(bytes: string)", "A file's path, or a function that takes the bytes as they come." },
}

local STREAM_FIELDS = {
  { "status", "string|nil", "That of what writes the log, as it was last told." },
  { "cursor", "string|nil", "Where to go on after what came last." },
}

local function stream_methods(name, kind)
  return {
    {
      name = "next",
      words = "The next one: nil at the end. Once it has failed, it fails the same way again.",
      returns = { { name, kind }, { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." } },
    },
    { name = "close", words = "Closes the stream at once." },
  }
end

classes.list = {
  {
    name = "gitdev.Null",
    parent = "userdata",
    words = "What gitdev.null is: JSON's null, in a call's fields. In answers null reads as nil.",
    fields = {},
  },
  {
    name = "gitdev.ClientOptions",
    words = "What a client is made with. What it does not say comes from the environment, then from the default.",
    fields = {
      { "api_key?", "string", "`gsk_…` or `gpk_…`; `GIT_API_KEY` by default." },
      { "base_url?", "string", "https only; `GIT_API_URL`, then `https://api.git.dev/v2` by default." },
      { "ca_file?", "string", "A PEM file to trust instead of the system's; `GIT_CA_FILE` by default. Not for nginx, which has a directive for it, "
        .. "`lua_ssl_trusted_certificate`." },
      { "timeout?", "number", "Seconds for a whole call: queue, pacing, tries, waits, body; 120 by default." },
      { "try_timeout?", "number", "Seconds for one try; 30 by default." },
      { "connect_timeout?", "number", "Seconds to connect; 10 by default." },
      { "max_retries?", "integer", "Tries after the first; 2 by default." },
      { "body_max?", "integer", "The largest answer accepted, in bytes; 64 MiB by default." },
      { "progress?", '"auto"|"lines"|"off"', "What waiting shows on stderr; `GITDEV_PROGRESS`, then `auto` by default." },
      { "quiet?", "boolean", 'The same as progress = "off".' },
      { "log?", '"off"|"info"|"debug"', "What is written to stderr of calls; `GITDEV_LOG`, then `off` by default." },
      { "traceparent?", "string", "The trace that the calls belong to (W3C Trace Context); `TRACEPARENT` by default." },
      { "on_request?", "fun(moment: gitdev.Moment)", "Called when a try is sent." },
      { "on_response?", "fun(moment: gitdev.Moment)", "Called after each try, also one that nobody answered." },
      { "on_retry?", "fun(moment: gitdev.Moment)", "Called when a try will be repeated." },
      { "on_wait?", "fun(moment: gitdev.Moment)", "Called when the rate limit holds a call back." },
      {
        "rate_limit_store?",
        "gitdev.Store|gitdev.LimitStore",
        "What the rate limit is shared through with other processes: they spend it together. See docs/fleets.md.",
      },
      {
        "rate_limit_name?",
        "string",
        "What the limit is called in that store, for several keys of an organization; by default it is one for each origin and key.",
      },
      {
        "on_store_error?",
        "fun(err: gitdev.Error)",
        "Told when that store cannot be reached any more, once until it is back; by default a line is written to stderr. It must not wait.",
      },
      { "driver?", "table", "What sends and sleeps, instead of libcurl." },
    },
  },
  {
    name = "gitdev.CallOptions",
    words = "Options of one call: the last argument of every operation.",
    fields = {
      { "timeout?", "number", "Seconds over everything, tries and waits included; the client's by default." },
      { "max_retries?", "integer", "Tries after the first; the client's by default." },
      { "idempotency_key?", "string", "Of a write: calls with the same key are done once. A fresh one by default, the same on every try." },
      { "headers?", "table<string, string>", "More headers of the request." },
      { "traceparent?", "string", "The trace that the call belongs to (W3C Trace Context); the client's by default." },
    },
  },
  {
    name = "gitdev.WaitOptions",
    words = "How `wait` waits.",
    fields = {
      { "timeout?", "number", "Seconds; 1800 by default." },
      { "interval?", "number", "Seconds between two looks; by default from 0.5, growing to 5, and none while a log's stream tells of the status." },
      { "on_change?", "fun(thing: table, previous: string)", "Called when the status has changed." },
      { "quiet?", "boolean", "No progress on stderr." },
    },
  },
  {
    name = "gitdev.RequestOptions",
    words = "Options of `git:request`.",
    fields = {
      { "body?", "table|string", "A table is sent as JSON." },
      { "from?", "gitdev.Bytes", "Where the body comes from, instead of `body`." },
      { "size?", "integer", "With a function in `from`: how many bytes it gives; without it, the body is sent in chunks." },
      { "content_type?", "string", "Of `body` or `from`; application/json by default, application/octet-stream with `from`." },
      { "to?", "gitdev.Sink", "Where the answer's body goes; a GET only." },
      { "resume?", "boolean", "With a file in `to`, and `sha256`: go on with what an earlier try has left in PATH.part." },
      { "sha256?", "string", "What the body must be, in hex digits: else a response_error." },
      { "on_progress?", "fun(done: integer, total?: integer)", "Bytes sent (`from`) or received (`to`) so far, and in all." },
      { "timeout?", "number", "Seconds over everything; the client's by default." },
      { "max_retries?", "integer", "Tries after the first; the client's by default." },
      { "idempotency_key?", "string", "Of a write; a fresh one by default." },
      { "headers?", "table<string, string>", "More headers of the request." },
      { "traceparent?", "string", "The trace that the call belongs to (W3C Trace Context)." },
    },
  },
  {
    name = "gitdev.DownloadFields",
    words = "What may be said of a download.",
    fields = {
      { "to?", "gitdev.Sink", "Where the bytes go; without it they are in the answer's `body`." },
      { "resume?", "boolean", "With a file in `to`: go on with what an earlier try has left in PATH.part." },
      { "sha256?", "string", "What the bytes must be, in hex digits; a thing that is downloaded knows its own." },
      { "on_progress?", "fun(done: integer, total?: integer)", "Called with the bytes so far, and in all." },
      { "range?", "string", 'Only a part, as HTTP names it: "0-499", "500-", or "-500" for the last 500 bytes.' },
      { "if_none_match?", "string", "An etag: if that is what the server has, the answer's status is 304, without bytes." },
    },
  },
  {
    name = "gitdev.Download",
    words = "What a download returns.",
    fields = {
      { "status", "integer", "200, 206 for a part, 304 where there is nothing newer." },
      { "size", "integer", "How many bytes there are now." },
      { "sha256", "string|nil", "Of a whole download." },
      { "body", "string|nil", "The bytes, unless `to` took them." },
      { "path", "string|nil", "The file that has them." },
      { "content_type", "string|nil", "Their media type." },
      { "content_range", "string|nil", 'Of a part: "bytes 0-499/1234".' },
      { "etag", "string|nil", "To be given as `if_none_match` the next time." },
    },
  },
  {
    name = "gitdev.FollowFields",
    words = "How a log is followed: the fields of `logs` when `follow` is among them.",
    fields = {
      { "follow", "boolean", "true: to the end of what writes it; false: what is there, and no more." },
      { "tail?", "integer", "Begin with so many of the newest lines, 0 to 1000; from the first line by default." },
      { "cursor?", "string", "Begin after the line that has this cursor." },
      { "level?", '"debug"|"info"|"warn"|"error"', "Only lines of this level or a graver one." },
      { "stage?", "string", "Only lines of this stage; of a job, of the step with this name." },
      { "ticket?", "string", "A ticket, in place of the key." },
      { "on_gap?", "fun(gap: gitdev.FollowedLine)", "Called where lines are missing that nobody has any more, instead of a line that says so." },
    },
  },
  {
    name = "gitdev.RunLogFields",
    words = "How the logs of a run's jobs are read, one after the other.",
    fields = {
      { "follow?", "boolean", "true: to the end of the run; by default what is there, and no more." },
      { "level?", '"debug"|"info"|"warn"|"error"', "Only lines of this level or a graver one." },
      { "stage?", "string", "Only lines of the steps with this name." },
      { "on_gap?", "fun(gap: gitdev.FollowedLine)", "Called where lines are missing that nobody has any more, instead of a line that says so." },
    },
  },
  {
    name = "gitdev.FollowedLine",
    parent = "gitdev.LogLine",
    words = "A line out of a stream; or what stands where lines are missing that nobody has any more, with a message that says so.",
    fields = {
      { "object", '"log_line"|"log_gap"', "log_gap where lines are missing." },
      { "time_ms", "integer|nil", "When it was written, in epoch milliseconds; nil where lines are missing." },
      { "truncated", "boolean|nil", "Whether the line was cut; nil where lines are missing." },
      { "job?", "string", "Of a run's log: the job's name." },
      { "from_seq?", "integer", "Of missing lines: the first." },
      { "to_seq?", "integer", "Of missing lines: the last." },
      { "reason?", "string", "Of missing lines: why the server did not send them." },
    },
  },
  {
    name = "gitdev.LogMessage",
    words = "A message of a log's stream. Types that a later version of the API adds are passed over.",
    fields = {
      { "type", '"hello"|"log"|"status"|"gap"|"end"', "What it is. hello begins each connection, end is the last." },
      { "cursor", "string|nil", "Where to go on after it." },
      { "seq?", "integer", "log: the line's number, from 1." },
      { "time_ms?", "integer", "log, status: when it was, in epoch milliseconds." },
      { "stage?", "string", "log: build, deploy or runtime; of a job the step's name." },
      { "stream?", '"stdout"|"stderr"|"system"', "log: what wrote it." },
      { "level?", '"debug"|"info"|"warn"|"error"', "log: how much it matters." },
      { "message?", "string", "log: the line, without its end." },
      { "truncated?", "boolean", "log: whether the line was cut." },
      { "status?", "string", "hello, status, end: that of what writes the log." },
      { "from_seq?", "integer", "gap: the first line that was not sent." },
      { "to_seq?", "integer", "gap: the last of them." },
      { "reason?", "string", "gap: slow_consumer or expired." },
      { "protocol?", "string", "hello: git.logs.v1." },
      { "resource?", "string", "hello: the id of what writes the log." },
      { "heartbeat_ms?", "integer", "hello: after so much silence the server pings." },
    },
  },
  {
    name = "gitdev.LogStream",
    words = "The messages of a log's stream; to be called as the iterator of a for loop, which raises in both styles.",
    call = "fun(): gitdev.LogMessage|nil",
    fields = STREAM_FIELDS,
    methods = stream_methods("message", "gitdev.LogMessage|nil"),
  },
  {
    name = "gitdev.LogLines",
    words = "The lines of a log that is followed; to be called as the iterator of a for loop, which raises in both styles.",
    call = "fun(): gitdev.FollowedLine|nil",
    fields = STREAM_FIELDS,
    methods = stream_methods("line", "gitdev.FollowedLine|nil"),
  },
  {
    name = "gitdev.Page",
    words = "One page of a list. Only `has_more` says whether the list goes on: a page may be short, or empty, before its end.",
    fields = {
      { "object", '"list"', "Always `list`." },
      { "data", "table[]", "The things." },
      { "has_more", "boolean", "Whether another page follows." },
      { "next_cursor", "string|nil", "Where the next one begins; nil at the end." },
    },
  },
  {
    name = "gitdev.Moment",
    words = "What a hook is told.",
    fields = {
      { "method", "string", "The HTTP method." },
      { "path", "string", "After the base URL, with its query; secrets masked." },
      { "attempt", "integer", "The number of the try that it is about, from 1." },
      { "at", "number", "When it was: seconds of gitdev.now()." },
      { "idempotency_key?", "string", "on_request: the same on every try; secrets masked." },
      { "traceparent?", "string", "on_request." },
      { "status?", "integer", "on_response, on_retry: absent when there was no answer." },
      { "request_id?", "string", "on_response, on_retry." },
      { "seconds?", "number", "on_response, on_retry: how long the try took." },
      { "verdict?", '"ok"|"retry"|"error"', "on_response, on_retry: what became of it." },
      { "dns?", "number", "on_response, on_retry: seconds since the try began." },
      { "connect?", "number", "on_response, on_retry: seconds since the try began." },
      { "tls?", "number", "on_response, on_retry: seconds since the try began." },
      { "first_byte?", "number", "on_response, on_retry: seconds since the try began." },
      { "reason?", "string", 'on_response, on_retry: why it ended so; on_wait: "rate limit".' },
      { "wait?", "number", "on_retry, on_wait: seconds until the next try may be sent." },
    },
  },
  {
    name = "gitdev.Try",
    words = "A try of a call: a row of the ledger.",
    fields = {
      { "verdict", "string", '"ok", "retry" or "error".' },
      { "reason?", "string", "Why it ended so." },
      { "status?", "integer", "The answer's HTTP status; absent when there was none." },
      { "request_id?", "string", "The platform's name for the request." },
      { "wait?", "number", "Seconds that were waited before it." },
      { "dns?", "number", "Seconds since the try began." },
      { "connect?", "number", "Seconds since the try began." },
      { "tls?", "number", "Seconds since the try began." },
      { "first_byte?", "number", "Seconds since the try began." },
      { "total?", "number", "Seconds since the try began." },
    },
  },
  {
    name = "gitdev.Fault",
    words = "One of the fields at fault.",
    fields = {
      { "param", "string", 'Its place: "env.NODE_ENV".' },
      { "code", "gitdev.ErrorCode|string", "What is wrong." },
      { "message", "string", "The same in a sentence." },
    },
  },
  {
    name = "gitdev.Error",
    words = "What a call raises, or returns beside nil in gitdev.safe. tostring() gives one line, never with a secret in it.",
    fields = {
      { "type", "gitdev.ErrorType", "What kind of error." },
      { "code", "gitdev.ErrorCode|string|nil", "Finer than the type." },
      { "message", "string", "One sentence or more, never with a secret in it." },
      { "status", "integer|nil", "The answer's HTTP status; nil when there was none." },
      { "param", "string|nil", 'The field at fault: "env.NODE_ENV".' },
      { "request_id", "string|nil", "The platform's name for the request." },
      { "retryable", "boolean", "Whether the same call may succeed later." },
      { "attempts", "gitdev.Try[]", "A row for each try." },
      { "headers", "table<string, string>", "Of the last answer, names in lower case." },
      { "errors", "gitdev.Fault[]|nil", "All fields at fault." },
      { "close_code?", "integer", "Of a stream: the code that its WebSocket was closed with." },
      { "where", "string|nil", '"deploy.lua:12", when the fault is in the calling program.' },
      {
        "reason",
        '"no_secret"|"malformed_header"|"no_match"|"timestamp_outside_tolerance"|"bad_payload"|string|nil',
        "Of a signature_error: which rule the delivery breaks.",
      },
    },
  },
  {
    name = "gitdev.Answer",
    words = "What is known of the answer that a thing came from.",
    fields = {
      { "request_id", "string|nil", "The platform's name for the request." },
      { "headers", "table<string, string>", "Names in lower case." },
      { "attempts", "gitdev.Try[]", "A row for each try." },
    },
  },
  {
    name = "gitdev.KnownRateLimit",
    words = "What the client knows of its key's rate limit, without asking.",
    fields = {
      { "per_minute?", "number", "What it is refilled with; absent while it is unknown." },
      { "burst?", "number", "What it holds when it is full; absent while it is unknown." },
      { "remaining?", "number", "Calls that may be made at once." },
      { "paused_for?", "number", "Seconds until the next call may be sent." },
      { "retry_budget?", "number", "Retries that are left." },
      { "shared?", '"yes"|"away"', "Whether it is shared through a store, and that is there; absent when it is not." },
    },
  },
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
      {
        "on",
        "table<gitdev.EventType|string, fun(event: gitdev.AnyEvent|gitdev.VerifiedEvent, delivery: gitdev.ReceivedDelivery)>",
        'What handles which event: by type, by family ("deployment.*"), or "*". The most specific one alone is called.',
      },
      { "host?", "string", "The address to listen on; 127.0.0.1 by default." },
      { "path?", "string", 'Where deliveries come to, such as "/webhooks"; anywhere by default.' },
      { "secret?", "string|string[]", "`whsec_…`, or up to 8 of them; `GIT_WEBHOOK_SECRET` by default." },
      { "secrets?", "string|string[]", "The same." },
      { "scheme?", '"git"|"standard"|"body"', "See gitdev.VerifyOptions." },
      { "tolerance?", "number|false", "See gitdev.VerifyOptions." },
      { "clock?", "number|fun(): number", "Unix seconds that signatures are held against; the system's by default." },
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
      {
        "on",
        "table<gitdev.EventType|string, fun(event: gitdev.AnyEvent|gitdev.VerifiedEvent, delivery: gitdev.ReceivedDelivery)>",
        'What handles which event: by type, by family ("deployment.*"), or "*". The most specific one alone is called.',
      },
      { "secret?", "string|string[]", "`whsec_…`, or up to 8 of them; `GIT_WEBHOOK_SECRET` by default." },
      { "secrets?", "string|string[]", "The same." },
      { "scheme?", '"git"|"standard"|"body"', "See gitdev.VerifyOptions." },
      { "tolerance?", "number|false", "See gitdev.VerifyOptions." },
      { "clock?", "number|fun(): number", "Unix seconds that signatures are held against; the system's by default." },
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
  {
    name = "gitdev.Store",
    words = "What remembers which events have been handled; those of this library share rate limits too. Its methods raise when the store fails. "
      .. "Whoever writes one needs no more than these, and for the events no take.",
    fields = {
      { "pacing?", '"open"|"closed"', "What holds while take fails: each client paces itself (the default), or nothing is sent." },
    },
    methods = {
      {
        name = "seen",
        words = "Whether an id is marked, or claimed; marks it for `ttl` seconds if not.",
        parameters = { { "id", "string" }, { "ttl", "number" } },
        returns = { { "seen", "boolean" } },
      },
      {
        name = "claim",
        words = "Takes an id to handle for `lease` seconds, after which another may.",
        parameters = { { "id", "string" }, { "lease", "number" } },
        returns = {
          { "token", "string|nil", "Nil when it cannot be had." },
          { "why", '"done"|"claimed"|nil', "It has been handled, or somebody else is at it." },
        },
      },
      { name = "confirm", words = "It has been handled: marks it for `ttl` seconds.", parameters = { { "id", "string" }, { "ttl", "number" } } },
      {
        name = "release",
        words = "It has not been handled, and may be claimed again, if the claim is still the token's.",
        parameters = { { "id", "string" }, { "token", "string" } },
      },
      {
        name = "take",
        words = "A visit of a client that shares a rate limit. See gitdev.LimitStore.",
        parameters = { { "name", "string" }, { "report", "table<string, number|string>" } },
        returns = { { "grant", "table<string, number>" } },
      },
      { name = "close", words = "Gives up what it holds open." },
    },
  },
  {
    name = "gitdev.LimitStore",
    words = "What rate limits are shared through, where it need not remember events. It keeps a text for each name, and does with it what "
      .. "`gitdev.store.bucket` says, by a clock that all who share it have.",
    fields = {
      { "pacing?", '"open"|"closed"', "What holds while take fails: each client paces itself (the default), or nothing is sent." },
      {
        "take_async?",
        "fun(store: gitdev.LimitStore, name: string, report: table<string, number|string>, done: fun(grant: table<string, number>|nil, err: any))",
        "The same as take for a store that has to wait: it returns at once, and done is called later, from the loop's turn, within 3 seconds.",
      },
    },
    methods = {
      {
        name = "take",
        words = "Does all of a visit at once. It raises when the store cannot be reached, and must not wait, but in nginx.",
        parameters = { { "name", "string" }, { "report", "table<string, number|string>" } },
        returns = { { "grant", "table<string, number>" } },
      },
    },
  },
  {
    name = "gitdev.MemoryStoreOptions",
    words = "Options of `gitdev.store.memory`.",
    fields = {
      { "max?", "integer", "Marks that it keeps, 100,000 by default; then those go first that would end first." },
      { "now?", "fun(): number", "A clock in seconds; the loop's by default, which never steps." },
    },
  },
  {
    name = "gitdev.FileStoreOptions",
    words = "Options of `gitdev.store.file`.",
    fields = {
      { "path", "string", "The file; it is made if there is none." },
      { "max?", "integer", "Marks that it keeps, 100,000 by default; then those go first that would end first." },
      { "sync?", "boolean", "Whether each mark is on the disk before the call returns, so that it outlives the machine's crash; true by default." },
      { "now?", "fun(): number", "A clock in Unix seconds; the system's by default." },
    },
  },
  {
    name = "gitdev.RedisStoreOptions",
    words = "Options of `gitdev.store.redis`.",
    fields = {
      { "host?", "string", "A name or an address, 127.0.0.1 by default." },
      { "port?", "integer", "6379 by default." },
      { "socket?", "string", "The path of a Unix socket instead." },
      { "username?", "string", "Who logs in; without it `password` alone does." },
      { "password?", "string", "It is in no error and no log." },
      { "database?", "integer", "The database's number, 0 by default." },
      { "prefix?", "string", 'What the names of all keys begin with, "gitdev:" by default. Another prefix makes another store.' },
      { "timeout?", "number", "Seconds for each method, connecting included; 1 by default. A share of a rate limit is waited for 2 at most." },
      {
        "replay?",
        '"closed"|"open"',
        "What holds for events while Redis is away: the methods raise (the default), or every event counts as a new one.",
      },
      { "pacing?", '"open"|"closed"', "What holds for rate limits then: each client paces itself (the default), or nothing is sent." },
      {
        "on_error?",
        "fun(err: gitdev.Error)",
        'Told when Redis is away as an event is asked about, once until it is back; by default, with replay = "open", a line is written to stderr.',
      },
    },
  },
  {
    name = "gitdev.Stores",
    words = "What gitdev.store is.",
    fields = {},
    functions = {
      {
        name = "memory",
        words = "A store in the memory of this process.",
        parameters = { { "options?", "gitdev.MemoryStoreOptions" } },
        returns = { { "store", "gitdev.Store" } },
      },
      {
        name = "redis",
        words = "A store on a Redis server, for all processes of all machines that reach it. It connects when it is first used.",
        parameters = { { "options?", "gitdev.RedisStoreOptions" } },
        returns = { { "store", "gitdev.Store" }, { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." } },
      },
      {
        name = "file",
        words = "A store in a file, which all processes of the machine may share, and which outlives them.",
        parameters = { { "options", "gitdev.FileStoreOptions" } },
        returns = { { "store", "gitdev.Store" }, { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." } },
      },
      {
        name = "shared",
        words = "A store in one of nginx's shared dictionaries: for all its workers, over reloads.",
        parameters = { { "name", "string", "Of the `lua_shared_dict`." } },
        returns = { { "store", "gitdev.Store" }, { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." } },
      },
    },
  },
  {
    name = "gitdev.Task",
    words = "What gitdev.spawn makes.",
    fields = {},
    methods = {
      { name = "wait", words = "Waits until it is over. Returns what its function returned, raises what it raised.", returns = { { "...", "any" } } },
      {
        name = "cancel",
        words = "Ends it: its waits raise a canceled_error, or `reason`, from now on.",
        parameters = { { "reason?", "any" } },
      },
      { name = "status", words = "How it is; running also while it waits.", returns = { { "status", '"running"|"done"|"failed"|"canceled"' } } },
      { name = "where", words = "Where its error was raised: a traceback; nil without one.", returns = { { "traceback", "string|nil" } } },
    },
  },
}

-- ---- the client's own methods ----

classes.client_methods = {
  {
    name = "request",
    words = "Makes a request by its method and path: for what there is no operation for, and for bodies that are streamed.",
    parameters = {
      { "method", "string", "In capitals." },
      { "path", "string", 'After the base URL, percent-encoded: "/deployments?limit=2".' },
      { "options?", "gitdev.RequestOptions" },
    },
    returns = {
      { "value", "any", "The decoded body, or its text; of a download { status, size, sha256, path, body }." },
      { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." },
    },
  },
  {
    name = "close",
    words = "Ends the calls and streams that are under way, each with a canceled_error (code client_closed), and forgets the key.",
  },
}

-- ---- gitdev itself ----

classes.module_fields = {
  { "VERSION", "string", "The SDK's version." },
  { "API_VERSION", "string", "The version of the API that it is written for." },
  { "null", "gitdev.Null", "Clears a field, in a call's fields." },
  { "store", "gitdev.Stores", "Stores that remember which events have been handled." },
  { "webhooks", "gitdev.Webhooks", "Receives and verifies what webhooks deliver, and signs." },
}

local ANYTHING = { { "...", "any" } }

classes.module_functions = {
  {
    name = "client",
    words = "Makes a client.",
    parameters = { { "options?", "gitdev.ClientOptions" } },
    returns = { { "git", "gitdev.Client" }, { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." } },
  },
  {
    name = "array",
    words = "Marks a table as a JSON array, which matters where it is empty and the contract leaves the kind open.",
    generic = "T",
    parameters = { { "list?", "T[]" } },
    returns = { { "list", "T[]", "The same." } },
  },
  {
    name = "raw",
    words = "A plain copy of a thing, with all fields that the API sent and no methods.",
    parameters = { { "thing", "table" } },
    returns = { { "copy", "table" } },
  },
  {
    name = "answer",
    words = "What is known of the answer that a thing, or a page, came from; nil for things inside pages.",
    parameters = { { "thing", "table" } },
    returns = { { "answer", "gitdev.Answer|nil" } },
  },
  {
    name = "is_error",
    words = "Whether a value is an error object, and of that type or code if one is given.",
    parameters = { { "value", "any" }, { "kind?", "gitdev.ErrorType|gitdev.ErrorCode|string" } },
    returns = { { "is", "boolean" } },
  },
  {
    name = "hint",
    words = "What to do about an error, in one sentence.",
    parameters = { { "err", "gitdev.Error" } },
    returns = { { "hint", "string|nil" } },
  },
  {
    name = "spawn",
    words = "Makes a task of fn(…), which begins at the next wait: a child of the task that makes it.",
    parameters = { { "fn", "fun(...: any): ...any" }, { "...", "any" } },
    returns = { { "task", "gitdev.Task" } },
  },
  {
    name = "run",
    words = "Runs fn(…) as a task, and all that it spawns. Returns what it returns, raises what it raises.",
    parameters = { { "fn", "fun(...: any): ...any" }, { "...", "any" } },
    returns = ANYTHING,
  },
  {
    name = "all",
    words = "Calls functions at once and waits for all of them. The first error cancels the others and is raised.",
    generic = "K, V",
    parameters = { { "fns", "table<K, fun(): V>" } },
    returns = { { "results", "table<K, V>", "The first result of each, under its key." } },
  },
  {
    name = "race",
    words = "Calls functions at once until the first has returned, or failed: the others are canceled.",
    generic = "K, V",
    parameters = { { "fns", "table<K, fun(): V>" } },
    returns = { { "result", "V", "The first result of the one that was first." }, { "key", "K" } },
  },
  {
    name = "timeout",
    words = "Calls fn(…) with so many seconds for all that it does; then a timeout_error is raised.",
    parameters = { { "seconds", "number" }, { "fn", "fun(...: any): ...any" }, { "...", "any" } },
    returns = ANYTHING,
  },
  {
    name = "pcall",
    words = "pcall, inside which a task can wait: in every Lua but plain 5.1 it is pcall.",
    parameters = { { "fn", "fun(...: any): ...any" }, { "...", "any" } },
    returns = { { "ok", "boolean" }, { "...", "any" } },
  },
  { name = "sleep", words = "Waits: yields in a task, blocks elsewhere.", parameters = { { "seconds", "number" } } },
  { name = "now", words = "Seconds of a clock that never steps.", returns = { { "seconds", "number" } } },
  {
    name = "warm",
    words = "Does what only the first calls pay for, some tens of milliseconds: for a program that owns the frame, while it loads. Sends nothing.",
    parameters = { { "git?", "gitdev.Client", "What is to be called with it; without it the environment says whom to trust." } },
    returns = { { "done", "boolean" } },
  },
  {
    name = "step",
    words = "For a program that owns the frame: lets the tasks go on, and waits at most so long for one that can.",
    parameters = { { "timeout?", "number", "Seconds; 0 by default." } },
    returns = { { "alive", "integer", "Tasks that are not over." } },
  },
}

return classes
