---@meta gitdev
-- The types of the SDK, for editors. Made from the API's tables: do not edit, run `./dev docs`.
--
-- What is said of gitdev holds for gitdev.safe too; there a call that fails in the world returns nil and the error instead of raising it.

---A free JSON value.
---@alias gitdev.Json string|number|boolean|table|gitdev.Null

---A file's path, or a function that returns the next bytes, and nil at the end.
---@alias gitdev.Bytes string|fun(): string?

---A file's path, or a function that takes the bytes as they come.
---@alias gitdev.Sink string|fun(bytes: string)

---The types of errors: those of the API, then the SDK's own.
---@alias gitdev.ErrorType
---| "invalid_request_error"
---| "authentication_error"
---| "permission_error"
---| "conflict_error"
---| "idempotency_error"
---| "rate_limit_error"
---| "api_error"
---| "connection_error"
---| "timeout_error"
---| "response_error"
---| "signature_error"
---| "config_error"
---| "canceled_error"
---| "deployment_failed"
---| "run_failed"
---| "wait_failed"

---The API's error codes.
---@alias gitdev.ErrorCode
---| "invalid_json"
---| "parameter_unknown"
---| "parameter_invalid"
---| "cursor_invalid"
---| "cursor_mismatch"
---| "resource_missing"
---| "method_not_allowed"
---| "logs_expired"
---| "artifact_expired"
---| "payload_too_large"
---| "unsupported_media_type"
---| "range_not_satisfiable"
---| "upgrade_required"
---| "parameter_missing"
---| "invalid_type"
---| "invalid_encoding"
---| "name_reserved"
---| "env_too_large"
---| "env_key_reserved"
---| "url_not_allowed"
---| "file_too_large"
---| "path_exists"
---| "path_missing"
---| "nothing_to_commit"
---| "unknown_event_type"
---| "rule_conflict"
---| "api_key_missing"
---| "api_key_invalid"
---| "api_key_expired"
---| "api_key_revoked"
---| "public_key_not_allowed"
---| "ticket_invalid"
---| "https_required"
---| "insufficient_scope"
---| "scope_escalation"
---| "plan_limit_reached"
---| "branch_protected"
---| "repository_archived"
---| "already_exists"
---| "invalid_state"
---| "head_moved"
---| "blob_conflict"
---| "resource_in_use"
---| "version_conflict"
---| "idempotency_key_in_use"
---| "idempotency_key_reused"
---| "rate_limited"
---| "stream_limit"
---| "internal_error"
---| "bad_gateway"
---| "unavailable"
---| "timeout"

---What gitdev.null is: JSON's null, in a call's fields. In answers null reads as nil.
---@class gitdev.Null: userdata

---What a client is made with. What it does not say comes from the environment, then from the default.
---@class gitdev.ClientOptions
---@field api_key? string  `gsk_…` or `gpk_…`; `GIT_API_KEY` by default.
---@field base_url? string  https only; `GIT_API_URL`, then `https://api.git.dev/v2` by default.
---@field ca_file? string  A PEM file to trust instead of the system's; `GIT_CA_FILE` by default. Not for nginx, which has a directive for it, `lua_ssl_trusted_certificate`.
---@field timeout? number  Seconds for a whole call: queue, pacing, tries, waits, body; 120 by default.
---@field try_timeout? number  Seconds for one try; 30 by default.
---@field connect_timeout? number  Seconds to connect; 10 by default.
---@field max_retries? integer  Tries after the first; 2 by default.
---@field body_max? integer  The largest answer accepted, in bytes; 64 MiB by default.
---@field progress? "auto"|"lines"|"off"  What waiting shows on stderr; `GITDEV_PROGRESS`, then `auto` by default.
---@field quiet? boolean  The same as progress = "off".
---@field log? "off"|"info"|"debug"  What is written to stderr of calls; `GITDEV_LOG`, then `off` by default.
---@field traceparent? string  The trace that the calls belong to (W3C Trace Context); `TRACEPARENT` by default.
---@field on_request? fun(moment: gitdev.Moment)  Called when a try is sent.
---@field on_response? fun(moment: gitdev.Moment)  Called after each try, also one that nobody answered.
---@field on_retry? fun(moment: gitdev.Moment)  Called when a try will be repeated.
---@field on_wait? fun(moment: gitdev.Moment)  Called when the rate limit holds a call back.
---@field rate_limit_store? gitdev.Store|gitdev.LimitStore  What the rate limit is shared through with other processes: they spend it together. See docs/fleets.md.
---@field rate_limit_name? string  What the limit is called in that store, for several keys of an organization; by default it is one for each origin and key.
---@field on_store_error? fun(err: gitdev.Error)  Told when that store cannot be reached any more, once until it is back; and when the limit's name turns out to stand for several. By default a line is written to stderr. It must not wait.
---@field driver? table  What sends and sleeps, instead of libcurl.

---Options of one call: the last argument of every operation.
---@class gitdev.CallOptions
---@field timeout? number  Seconds over everything, tries and waits included; the client's by default.
---@field max_retries? integer  Tries after the first; the client's by default.
---@field idempotency_key? string  Of a write: calls with the same key are done once. A fresh one by default, the same on every try.
---@field headers? table<string, string>  More headers of the request.
---@field traceparent? string  The trace that the call belongs to (W3C Trace Context); the client's by default.

---How `wait` waits.
---@class gitdev.WaitOptions
---@field timeout? number  Seconds; 1800 by default.
---@field interval? number  Seconds between two looks; by default from 0.5, growing to 5, and none while a log's stream tells of the status.
---@field on_change? fun(thing: table, previous: string)  Called when the status has changed.
---@field quiet? boolean  No progress on stderr.

---Options of `git:request`.
---@class gitdev.RequestOptions
---@field body? table|string  A table is sent as JSON.
---@field from? gitdev.Bytes  Where the body comes from, instead of `body`.
---@field size? integer  With a function in `from`: how many bytes it gives; without it, the body is sent in chunks.
---@field content_type? string  Of `body` or `from`; application/json by default, application/octet-stream with `from`.
---@field to? gitdev.Sink  Where the answer's body goes; a GET only.
---@field resume? boolean  With a file in `to`, and `sha256`: go on with what an earlier try has left in PATH.part.
---@field sha256? string  What the body must be, in hex digits: else a response_error.
---@field on_progress? fun(done: integer, total?: integer)  Bytes sent (`from`) or received (`to`) so far, and in all.
---@field timeout? number  Seconds over everything; the client's by default.
---@field max_retries? integer  Tries after the first; the client's by default.
---@field idempotency_key? string  Of a write; a fresh one by default.
---@field headers? table<string, string>  More headers of the request.
---@field traceparent? string  The trace that the call belongs to (W3C Trace Context).

---What may be said of a download.
---@class gitdev.DownloadFields
---@field to? gitdev.Sink  Where the bytes go; without it they are in the answer's `body`.
---@field resume? boolean  With a file in `to`: go on with what an earlier try has left in PATH.part.
---@field sha256? string  What the bytes must be, in hex digits; a thing that is downloaded knows its own.
---@field on_progress? fun(done: integer, total?: integer)  Called with the bytes so far, and in all.
---@field range? string  Only a part, as HTTP names it: "0-499", "500-", or "-500" for the last 500 bytes.
---@field if_none_match? string  An etag: if that is what the server has, the answer's status is 304, without bytes.

---What a download returns.
---@class gitdev.Download
---@field status integer  200, 206 for a part, 304 where there is nothing newer.
---@field size integer  How many bytes there are now.
---@field sha256 string|nil  Of a whole download.
---@field body string|nil  The bytes, unless `to` took them.
---@field path string|nil  The file that has them.
---@field content_type string|nil  Their media type.
---@field content_range string|nil  Of a part: "bytes 0-499/1234".
---@field etag string|nil  To be given as `if_none_match` the next time.

---How a log is followed: the fields of `logs` when `follow` is among them.
---@class gitdev.FollowFields
---@field follow boolean  true: to the end of what writes it; false: what is there, and no more.
---@field tail? integer  Begin with so many of the newest lines, 0 to 1000; from the first line by default.
---@field cursor? string  Begin after the line that has this cursor.
---@field level? "debug"|"info"|"warn"|"error"  Only lines of this level or a graver one.
---@field stage? string  Only lines of this stage; of a job, of the step with this name.
---@field ticket? string  A ticket, in place of the key.
---@field on_gap? fun(gap: gitdev.FollowedLine)  Called where lines are missing that nobody has any more, instead of a line that says so.

---How the logs of a run's jobs are read, one after the other.
---@class gitdev.RunLogFields
---@field follow? boolean  true: to the end of the run; by default what is there, and no more.
---@field level? "debug"|"info"|"warn"|"error"  Only lines of this level or a graver one.
---@field stage? string  Only lines of the steps with this name.
---@field on_gap? fun(gap: gitdev.FollowedLine)  Called where lines are missing that nobody has any more, instead of a line that says so.

---A line out of a stream; or what stands where lines are missing that nobody has any more, with a message that says so.
---@class gitdev.FollowedLine: gitdev.LogLine
---@field object "log_line"|"log_gap"  log_gap where lines are missing.
---@field time_ms integer|nil  When it was written, in epoch milliseconds; nil where lines are missing.
---@field truncated boolean|nil  Whether the line was cut; nil where lines are missing.
---@field job? string  Of a run's log: the job's name.
---@field from_seq? integer  Of missing lines: the first.
---@field to_seq? integer  Of missing lines: the last.
---@field reason? string  Of missing lines: why the server did not send them.

---A message of a log's stream. Types that a later version of the API adds are passed over.
---@class gitdev.LogMessage
---@field type "hello"|"log"|"status"|"gap"|"end"  What it is. hello begins each connection, end is the last.
---@field cursor string|nil  Where to go on after it.
---@field seq? integer  log: the line's number, from 1.
---@field time_ms? integer  log, status: when it was, in epoch milliseconds.
---@field stage? string  log: build, deploy or runtime; of a job the step's name.
---@field stream? "stdout"|"stderr"|"system"  log: what wrote it.
---@field level? "debug"|"info"|"warn"|"error"  log: how much it matters.
---@field message? string  log: the line, without its end.
---@field truncated? boolean  log: whether the line was cut.
---@field status? string  hello, status, end: that of what writes the log.
---@field from_seq? integer  gap: the first line that was not sent.
---@field to_seq? integer  gap: the last of them.
---@field reason? string  gap: slow_consumer or expired.
---@field protocol? string  hello: git.logs.v1.
---@field resource? string  hello: the id of what writes the log.
---@field heartbeat_ms? integer  hello: after so much silence the server pings.

---The messages of a log's stream; to be called as the iterator of a for loop, which raises in both styles.
---@class gitdev.LogStream
---@field status string|nil  That of what writes the log, as it was last told.
---@field cursor string|nil  Where to go on after what came last.
---@overload fun(): gitdev.LogMessage|nil
local logStream = {}

---The next one: nil at the end. Once it has failed, it fails the same way again.
---@return gitdev.LogMessage|nil message
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function logStream:next() end

---Closes the stream at once.
function logStream:close() end

---The lines of a log that is followed; to be called as the iterator of a for loop, which raises in both styles.
---@class gitdev.LogLines
---@field status string|nil  That of what writes the log, as it was last told.
---@field cursor string|nil  Where to go on after what came last.
---@overload fun(): gitdev.FollowedLine|nil
local logLines = {}

---The next one: nil at the end. Once it has failed, it fails the same way again.
---@return gitdev.FollowedLine|nil line
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function logLines:next() end

---Closes the stream at once.
function logLines:close() end

---One page of a list. Only `has_more` says whether the list goes on: a page may be short, or empty, before its end.
---@class gitdev.Page
---@field object "list"  Always `list`.
---@field data table[]  The things.
---@field has_more boolean  Whether another page follows.
---@field next_cursor string|nil  Where the next one begins; nil at the end.

---What a hook is told.
---@class gitdev.Moment
---@field method string  The HTTP method.
---@field path string  After the base URL, with its query; secrets masked.
---@field attempt integer  The number of the try that it is about, from 1.
---@field at number  When it was: seconds of gitdev.now().
---@field idempotency_key? string  on_request: the same on every try; secrets masked.
---@field traceparent? string  on_request.
---@field status? integer  on_response, on_retry: absent when there was no answer.
---@field request_id? string  on_response, on_retry.
---@field seconds? number  on_response, on_retry: how long the try took.
---@field verdict? "ok"|"retry"|"error"  on_response, on_retry: what became of it.
---@field dns? number  on_response, on_retry: seconds since the try began.
---@field connect? number  on_response, on_retry: seconds since the try began.
---@field tls? number  on_response, on_retry: seconds since the try began.
---@field first_byte? number  on_response, on_retry: seconds since the try began.
---@field reason? string  on_response, on_retry: why it ended so; on_wait: "rate limit".
---@field wait? number  on_retry, on_wait: seconds until the next try may be sent.

---A try of a call: a row of the ledger.
---@class gitdev.Try
---@field verdict string  "ok", "retry" or "error".
---@field reason? string  Why it ended so.
---@field status? integer  The answer's HTTP status; absent when there was none.
---@field request_id? string  The platform's name for the request.
---@field wait? number  Seconds that were waited before it.
---@field dns? number  Seconds since the try began.
---@field connect? number  Seconds since the try began.
---@field tls? number  Seconds since the try began.
---@field first_byte? number  Seconds since the try began.
---@field total? number  Seconds since the try began.

---One of the fields at fault.
---@class gitdev.Fault
---@field param string  Its place: "env.NODE_ENV".
---@field code gitdev.ErrorCode|string  What is wrong.
---@field message string  The same in a sentence.

---What a call raises, or returns beside nil in gitdev.safe. tostring() gives one line, never with a secret in it.
---@class gitdev.Error
---@field type gitdev.ErrorType  What kind of error.
---@field code gitdev.ErrorCode|string|nil  Finer than the type.
---@field message string  One sentence or more, never with a secret in it.
---@field status integer|nil  The answer's HTTP status; nil when there was none.
---@field param string|nil  The field at fault: "env.NODE_ENV".
---@field request_id string|nil  The platform's name for the request.
---@field retryable boolean  Whether the same call may succeed later.
---@field attempts gitdev.Try[]  A row for each try.
---@field headers table<string, string>  Of the last answer, names in lower case.
---@field errors gitdev.Fault[]|nil  All fields at fault.
---@field close_code? integer  Of a stream: the code that its WebSocket was closed with.
---@field where string|nil  "deploy.lua:12", when the fault is in the calling program.
---@field reason "no_secret"|"malformed_header"|"no_match"|"timestamp_outside_tolerance"|"bad_payload"|string|nil  Of a signature_error: which rule the delivery breaks.
---@field size_bytes? integer  With the code `env_too_large`. How large it is.
---@field limit_bytes? integer  With the code `env_too_large`. How large it may be.
---@field required_scope? string  With the code `insufficient_scope`. The scope that is missing.
---@field limit? integer  With the code `plan_limit_reached`. How many of these the plan allows.
---@field current_status? string|nil  With the code `invalid_state`. The status that the thing has.
---@field allowed_statuses? string[]  With the code `invalid_state`. The statuses in which this would be allowed.
---@field head_sha? string|nil  With the code `head_moved`. The branch's newest commit; null if it has none.
---@field deployment? gitdev.Deployment  What was waited for.
---@field preview? gitdev.Preview  What was waited for.
---@field run? gitdev.Run  What was waited for.
---@field job? gitdev.Job  What was waited for.
---@field domain? gitdev.Domain  What was waited for.
---@field certificate? gitdev.Certificate  What was waited for.
---@field edge_function? gitdev.EdgeFunction  What was waited for.
---@field cache_purge? gitdev.CachePurge  What was waited for.
---@field delivery? gitdev.Delivery  What was waited for.
---@field security_alert? gitdev.SecurityAlert  What was waited for.

---What is known of the answer that a thing came from.
---@class gitdev.Answer
---@field request_id string|nil  The platform's name for the request.
---@field headers table<string, string>  Names in lower case.
---@field attempts gitdev.Try[]  A row for each try.

---What the client knows of its key's rate limit, without asking.
---@class gitdev.KnownRateLimit
---@field per_minute? number  What it is refilled with; absent while it is unknown.
---@field burst? number  What it holds when it is full; absent while it is unknown.
---@field remaining? number  Calls that may be made at once.
---@field paused_for? number  Seconds until the next call may be sent.
---@field retry_budget? number  Retries that are left.
---@field shared? "yes"|"away"  Whether it is shared through a store, and that is there; absent when it is not.

---How `gitdev.webhooks.verify` verifies.
---@class gitdev.VerifyOptions
---@field tolerance? number|false  Seconds that the time signed may be off, before and after; 300 by default, 0 is zero, false for any time.
---@field now? number|fun(): number  Unix seconds, or a clock that tells them; the system's by default.
---@field scheme? "git"|"standard"|"body"  How it was signed: `git`, as the platform signs, by default; Standard Webhooks; or only the body.

---How `gitdev.webhooks.sign` signs.
---@class gitdev.SignOptions
---@field now? number|fun(): number  The time to sign: Unix seconds, or a clock that tells them; the system's by default.
---@field scheme? "git"|"standard"|"body"  `git` by default.
---@field id? string  Of Standard Webhooks: the webhook-id; the `id` in the body by default.

---An event out of a delivery that was verified.
---@class gitdev.VerifiedEvent: gitdev.Event
local verifiedEvent = {}

---Whether it is of a type, or of a family of them.
---@param wanted gitdev.EventType|string  "deployment.completed", "deployment.*", or "*".
---@return boolean is
function verifiedEvent:is(wanted) end

---What gitdev.webhooks is.
---@class gitdev.Webhooks
local webhooks = {}

---The event in a delivery's body, if it is signed under the secret, or one of them. Else a signature_error, whose `reason` says why.
---@param raw_body string  The body as it came, byte for byte.
---@param header string|table<string, string|string[]>|nil  The header with the signature, or the table of all headers.
---@param secret? string|string[]  `whsec_…`, or up to 8 of them; `GIT_WEBHOOK_SECRET` by default.
---@param options? gitdev.VerifyOptions
---@return gitdev.AnyEvent|gitdev.VerifiedEvent event
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function webhooks.verify(raw_body, header, secret, options) end

---What a body is delivered with: the header's value; of Standard Webhooks a table of the three headers.
---@param body string
---@param secret? string|string[]  `whsec_…`, or up to 8 of them; `GIT_WEBHOOK_SECRET` by default.
---@param options? gitdev.SignOptions
---@return string|table<string, string> header
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function webhooks.sign(body, secret, options) end

---Starts a receiver: an HTTP server that takes deliveries, verifies them, and calls functions for their events.
---@param options gitdev.ReceiverOptions
---@return gitdev.Receiver receiver
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function webhooks.serve(options) end

---Takes the delivery that nginx's present request is (content_by_lua): verifies it, calls the function for its event, answers.
---@param options gitdev.NginxReceiverOptions
function webhooks.nginx(options) end

---Options of `gitdev.webhooks.serve`.
---@class gitdev.ReceiverOptions
---@field port integer  0: any that is free.
---@field on table<gitdev.EventType|string, fun(event: gitdev.AnyEvent|gitdev.VerifiedEvent, delivery: gitdev.ReceivedDelivery)>  What handles which event: by type, by family ("deployment.*"), or "*". The most specific one alone is called.
---@field host? string  The address to listen on; 127.0.0.1 by default.
---@field path? string  Where deliveries come to, such as "/webhooks"; anywhere by default.
---@field secret? string|string[]  `whsec_…`, or up to 8 of them; `GIT_WEBHOOK_SECRET` by default.
---@field secrets? string|string[]  The same.
---@field scheme? "git"|"standard"|"body"  See gitdev.VerifyOptions.
---@field tolerance? number|false  See gitdev.VerifyOptions.
---@field clock? number|fun(): number  Unix seconds that signatures are held against; the system's by default.
---@field on_error? fun(err: any, event: gitdev.AnyEvent|gitdev.VerifiedEvent|nil, traceback: string|nil)  Told of each handler that fails, and of a store or spool that does (no event then); by default they are written to stderr.
---@field timeout? number  Seconds for one handler: 13 by default, with a spool 300.
---@field drain? number  Seconds that stopping waits for handlers, 10 by default; then they are canceled.
---@field queue? integer  How many events may wait or be handled; 1,000 by default. One more is answered 503.
---@field store? gitdev.Store  What remembers which events were handled; by default memory, with a spool a file in it.
---@field spool? string  A folder: events are kept there before they are answered, and handled after.
---@field parallel? integer  With a spool: how many handlers may run at once; 16 by default.
---@field tries? integer  With a spool: how often an event is tried before it is put aside; 6 by default.
---@field retry_pause? number  With a spool: seconds after the first failure, four times as many after each further one; 1 by default.
---@field cert_file? string  A PEM file with the server's certificate and those that lead to its authority: HTTPS instead of HTTP.
---@field key_file? string  A PEM file with its private key, without a password.

---Options of `gitdev.webhooks.nginx`. What is wrong with them is logged, and answered with 500.
---@class gitdev.NginxReceiverOptions
---@field on table<gitdev.EventType|string, fun(event: gitdev.AnyEvent|gitdev.VerifiedEvent, delivery: gitdev.ReceivedDelivery)>  What handles which event: by type, by family ("deployment.*"), or "*". The most specific one alone is called.
---@field secret? string|string[]  `whsec_…`, or up to 8 of them; `GIT_WEBHOOK_SECRET` by default.
---@field secrets? string|string[]  The same.
---@field scheme? "git"|"standard"|"body"  See gitdev.VerifyOptions.
---@field tolerance? number|false  See gitdev.VerifyOptions.
---@field clock? number|fun(): number  Unix seconds that signatures are held against; the system's by default.
---@field on_error? fun(err: any, event: gitdev.AnyEvent|gitdev.VerifiedEvent|nil, traceback: string|nil)  Told of each handler that fails, and of a store that does; by default they are written to nginx's log.
---@field timeout? number  Seconds for one handler, 13 by default.
---@field store? gitdev.Store  What remembers which events were handled; by default `gitdev.store.shared "gitdev"`.

---How an event came: what a receiver's handlers get beside it.
---@class gitdev.ReceivedDelivery
---@field id string|nil  `dlv_…`, of the header X-Git-Delivery.
---@field attempt integer|nil  The sender's, from 1, of the header X-Git-Attempt.
---@field try integer  The handler's, from 1: more with a spool only.
---@field received_at integer  Unix seconds.
---@field body string  The body as it came.

---What gitdev.webhooks.serve makes: a task of its own, a child of the task that made it.
---@class gitdev.Receiver
---@field port integer  Where it listens.
---@field url string  Its url on this machine.
local receiver = {}

---Stops: no connection is taken any more, what was asked is answered. Returns when it is over; in one of its handlers at once.
function receiver:stop() end

---Waits until it has stopped. Outside of tasks this turns the loop.
function receiver:wait() end

---How many events wait, or are being handled.
---@return integer count
function receiver:pending() end

---What remembers which events have been handled; those of this library share rate limits too. Its methods raise when the store fails. Whoever
---writes one needs no more than these, and for the events no take.
---@class gitdev.Store
---@field pacing? "open"|"closed"  What holds while take fails: each client paces itself (the default), or nothing is sent.
---@field id? string  Stores of one id lead to the same state. Without it each table is a store of its own.
local store = {}

---Whether an id is marked, or claimed; marks it for `ttl` seconds if not.
---@param id string
---@param ttl number
---@return boolean seen
function store:seen(id, ttl) end

---Takes an id to handle for `lease` seconds, after which another may.
---@param id string
---@param lease number
---@return string|nil token  Nil when it cannot be had.
---@return "done"|"claimed"|nil why  It has been handled, or somebody else is at it.
function store:claim(id, lease) end

---It has been handled: marks it for `ttl` seconds.
---@param id string
---@param ttl number
function store:confirm(id, ttl) end

---It has not been handled, and may be claimed again, if the claim is still the token's.
---@param id string
---@param token string
function store:release(id, token) end

---A visit of a client that shares a rate limit. See gitdev.LimitStore.
---@param name string
---@param report table<string, number|string>
---@return table<string, number> grant
function store:take(name, report) end

---Gives up what it holds open.
function store:close() end

---What rate limits are shared through, where it need not remember events. It keeps a text for each name, and does with it what
---`gitdev.store.bucket` says, by a clock that all who share it have.
---@class gitdev.LimitStore
---@field pacing? "open"|"closed"  What holds while take fails: each client paces itself (the default), or nothing is sent.
---@field id? string  Stores of one id lead to the same state. Without it each table is a store of its own.
---@field take_async? fun(store: gitdev.LimitStore, name: string, report: table<string, number|string>, done: fun(grant: table<string, number>|nil, err: any))  The same as take for a store that has to wait: it returns at once, and done is called later, from the loop's turn, within 3 seconds.
local limitStore = {}

---Does all of a visit at once. It raises when the store cannot be reached, and must not wait, but in nginx.
---@param name string
---@param report table<string, number|string>
---@return table<string, number> grant
function limitStore:take(name, report) end

---Options of `gitdev.store.memory`.
---@class gitdev.MemoryStoreOptions
---@field max? integer  Marks that it keeps, 100,000 by default; then those go first that would end first.
---@field now? fun(): number  A clock in seconds; the loop's by default, which never steps.

---Options of `gitdev.store.file`.
---@class gitdev.FileStoreOptions
---@field path string  The file; it is made if there is none.
---@field max? integer  Marks that it keeps, 100,000 by default; then those go first that would end first.
---@field sync? boolean  Whether each mark is on the disk before the call returns, so that it outlives the machine's crash; true by default.
---@field now? fun(): number  A clock in Unix seconds; the system's by default.

---Options of `gitdev.store.redis`.
---@class gitdev.RedisStoreOptions
---@field host? string  A name or an address, 127.0.0.1 by default.
---@field port? integer  6379 by default.
---@field socket? string  The path of a Unix socket instead.
---@field username? string  Who logs in; without it `password` alone does.
---@field password? string  It is in no error and no log.
---@field database? integer  The database's number, 0 by default.
---@field prefix? string  What the names of all keys begin with, "gitdev:" by default. Another prefix makes another store.
---@field timeout? number  Seconds for each method, connecting included; 1 by default. A share of a rate limit is waited for 2 at most.
---@field replay? "closed"|"open"  What holds for events while Redis is away: the methods raise (the default), or every event counts as a new one.
---@field pacing? "open"|"closed"  What holds for rate limits then: each client paces itself (the default), or nothing is sent.
---@field on_error? fun(err: gitdev.Error)  Told when Redis is away as an event is asked about, once until it is back; by default, with replay = "open", a line is written to stderr.

---What gitdev.store is.
---@class gitdev.Stores
local stores = {}

---A store in the memory of this process.
---@param options? gitdev.MemoryStoreOptions
---@return gitdev.Store store
function stores.memory(options) end

---A store on a Redis server, for all processes of all machines that reach it. It connects when it is first used.
---@param options? gitdev.RedisStoreOptions
---@return gitdev.Store store
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function stores.redis(options) end

---A store in a file, which all processes of the machine may share, and which outlives them.
---@param options gitdev.FileStoreOptions
---@return gitdev.Store store
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function stores.file(options) end

---A store in one of nginx's shared dictionaries: for all its workers, over reloads.
---@param name string  Of the `lua_shared_dict`.
---@return gitdev.Store store
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function stores.shared(name) end

---What gitdev.spawn makes.
---@class gitdev.Task
local task = {}

---Waits until it is over. Returns what its function returned, raises what it raised.
---@return any ...
function task:wait() end

---Ends it: its waits raise a canceled_error, or `reason`, from now on.
---@param reason? any
function task:cancel(reason) end

---How it is; running also while it waits.
---@return "running"|"done"|"failed"|"canceled" status
function task:status() end

---Where its error was raised: a traceback; nil without one.
---@return string|nil traceback
function task:where() end

---An organization. A gpk_ key sees its id, object, slug and name only.
---@class gitdev.Organization
---@field id string  The organization's id.
---@field object "organization"  Always `organization`.
---@field slug string  Its name in URLs.
---@field name string  Its name as people read it.
---@field plan "starter"|"pro"|"enterprise"  The plan, which sets the limits.
---@field public_key string  The gpk_ key that names the organization in client apps.
---@field default_region string  Where new projects run unless they say otherwise.
---@field livemode boolean  False with a gsk_test_ key, whose data stand apart.
---@field created_at integer  When it was made. Unix seconds.

---One metric of a usage report.
---@class gitdev.UsageMetric
---@field metric "api_requests"|"deployments"|"build_ms"|"bandwidth_bytes"|"edge_requests"|"edge_compute_ms"|"storage_bytes"|"artifact_bytes"  What is counted.
---@field quantity integer  How much of it there was in the period.
---@field limit integer|nil  What the plan has for a month; null: no limit.

---What was used in a period, metric by metric.
---@class gitdev.Usage
---@field object "usage"  Always `usage`.
---@field period_start integer  The period's first second. Unix seconds.
---@field period_end integer  The second after its last. Unix seconds.
---@field plan "starter"|"pro"|"enterprise"  The plan that sets the limits.
---@field metrics gitdev.UsageMetric[]  Every metric, also those of which nothing was used.

---A region. Its id is its three-letter code.
---@class gitdev.Region
---@field id string  The region's code.
---@field object "region"  Always `region`.
---@field name string  Where it is, as people read it.
---@field country string  The country's two-letter code (ISO 3166).
---@field status "operational"|"degraded"|"down"  How it is.
---@field compute boolean  Whether deployments can run there.
---@field edge boolean  Whether edge functions run there.

---@class gitdev.RegionPage: gitdev.Page
---@field data gitdev.Region[]  The things.
---@field next fun(self: gitdev.RegionPage): gitdev.RegionPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---The token bucket of the organization, as it stands.
---@class gitdev.RateLimit
---@field object "rate_limit"  Always `rate_limit`.
---@field plan "starter"|"pro"|"enterprise"  The plan that sets the limit.
---@field per_minute integer  Requests that a minute gives back.
---@field burst integer  Requests that the full bucket holds.
---@field remaining integer  Requests left now.
---@field reset_at integer  When the bucket is full again if nobody sends. Unix seconds.

---An API key. Its secret is told once, by the operation that made it.
---@class gitdev.ApiKey
---@field id string  The key's id.
---@field object "api_key"  Always `api_key`.
---@field name string  What it is for.
---@field type "secret"|"public"  Whether it authenticates (gsk_), or only names the organization (gpk_).
---@field prefix string  The first 13 characters of its secret.
---@field last4 string  The last 4 characters of its secret.
---@field projects string[]  The ids of the projects that it holds, or `*` for all.
---@field scopes string[]  What it may do, such as `deployments:write`, or `*` for everything.
---@field livemode boolean  Whether it is for the live data.
---@field created_at integer  When it was made. Unix seconds.
---@field last_used_at integer|nil  When it last came with a request. Unix seconds.
---@field expires_at integer|nil  When it stops by itself. Unix seconds.
---@field revoked_at integer|nil  When it was revoked. Unix seconds.
---@field secret? string  The key itself: only in the answer of what made it.
local apiKey = {}

---Revokes a key for good; its record stays.
---
---`DELETE /api_keys/{api_key}`, scope `api_keys:write`. Errors of its own: `resource_in_use`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function apiKey:delete(options) end

---Gives a key a new secret. The key in use must hold all that the other one does.
---
---`POST /api_keys/{api_key}/rotate`, scope `api_keys:write`. Errors of its own: `invalid_state`, `scope_escalation`.
---@param fields? gitdev.fields.api_keys.rotate
---@param options? gitdev.CallOptions
---@return gitdev.ApiKeyWithSecret api_key
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function apiKey:rotate(fields, options) end

---@class gitdev.ApiKeyWithSecret: gitdev.ApiKey
---@field secret string  The key itself: only in the answer of what made it.

---@class gitdev.ApiKeyPage: gitdev.Page
---@field data gitdev.ApiKey[]  The things.
---@field next fun(self: gitdev.ApiKeyPage): gitdev.ApiKeyPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---A project.
---@class gitdev.Project
---@field id string  The project's id.
---@field object "project"  Always `project`.
---@field slug string  Its name in URLs and host names.
---@field name string  Its name as people read it.
---@field framework string|nil  The framework it is built with.
---@field repository_id string|nil  The repository it is built from.
---@field production_branch string  The branch whose deployments go to production.
---@field url string  Where production answers.
---@field root_directory string  Where in the repository the build starts.
---@field build_command string|nil  What builds it, instead of the framework's own command.
---@field output_directory string|nil  Where the build leaves what is served.
---@field regions string[]  Where it runs.
---@field status "active"|"paused"  A paused project takes no deployments.
---@field current_deployment_id string|nil  The deployment that production points to.
---@field created_at integer  When it was made. Unix seconds.
---@field updated_at integer  When it last changed. Unix seconds.
local project = {}

---Deletes a project with its deployments, variables, domains and edge things; its repository stays.
---
---`DELETE /projects/{project}`, scope `projects:write`. Errors of its own: `invalid_state`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function project:delete(options) end

---Reads it anew, into the same table.
---
---`GET /projects/{project}`, scope `projects:read`.
---@param options? gitdev.CallOptions
---@return gitdev.Project project
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function project:refresh(options) end

---Changes a project; fields left out stay as they are, null clears.
---
---`PATCH /projects/{project}`, scope `projects:write`. Errors of its own: `already_exists`, `resource_in_use`, `name_reserved`.
---@param fields? gitdev.fields.projects.update
---@param options? gitdev.CallOptions
---@return gitdev.Project project
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function project:update(fields, options) end

---@class gitdev.ProjectPage: gitdev.Page
---@field data gitdev.Project[]  The things.
---@field next fun(self: gitdev.ProjectPage): gitdev.ProjectPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---An environment variable. Unique by key, target and branch.
---@class gitdev.EnvVar
---@field id string  The variable's id.
---@field object "env_var"  Always `env_var`.
---@field key string  Its name in the process.
---@field value string|nil  Its value, byte for byte; null when it is secret.
---@field secret boolean  Whether its value never comes back.
---@field targets ("production"|"preview"|"development")[]  Where it applies.
---@field branch string|nil  The one branch whose previews it applies to.
---@field size_bytes integer  Bytes of key and value together.
---@field created_at integer  When it was made. Unix seconds.
---@field updated_at integer  When it last changed. Unix seconds.
local envVar = {}

---Deletes a variable; running deployments keep theirs.
---
---`DELETE /projects/{project}/env/{env_var}`, scope `env:write`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function envVar:delete(options) end

---Reads it anew, into the same table.
---
---`GET /projects/{project}/env/{env_var}`, scope `env:read`.
---@param options? gitdev.CallOptions
---@return gitdev.EnvVar env_var
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function envVar:refresh(options) end

---Changes a variable; a secret one stays secret.
---
---`PATCH /projects/{project}/env/{env_var}`, scope `env:write`. Errors of its own: `already_exists`, `env_key_reserved`, `invalid_encoding`,
---`env_too_large`.
---@param fields? gitdev.fields.env.update
---@param options? gitdev.CallOptions
---@return gitdev.EnvVar env_var
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function envVar:update(fields, options) end

---@class gitdev.EnvVarPage: gitdev.Page
---@field data gitdev.EnvVar[]  The things.
---@field next fun(self: gitdev.EnvVarPage): gitdev.EnvVarPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---@class gitdev.Deployment.failure
---@field stage "build"|"deploy"  Where it failed.
---@field code "build_error"|"build_timeout"|"out_of_memory"|"install_error"|"no_output"|"health_check_failed"|"region_unavailable"|"internal"  Why.
---@field message string  Why, in words.

---A deployment.
---@class gitdev.Deployment
---@field id string  The deployment's id.
---@field object "deployment"  Always `deployment`.
---@field project string  The project's slug.
---@field project_id string  The project's id.
---@field status "queued"|"building"|"deploying"|"live"|"failed"|"canceled"  How far it is.
---@field target "production"|"preview"  What it is for.
---@field url string  Where it answers: production's address, or the one its branch's previews share.
---@field permalink_url string  Where this one build always answers.
---@field branch string  The branch it was made from.
---@field commit_sha string|nil  The commit it was made from.
---@field commit_message string|nil  That commit's message.
---@field source "api"|"push"|"redeploy"|"rollback"|"preview"  What made it.
---@field parent_id string|nil  The deployment it repeats.
---@field preview_id string|nil  The preview it belongs to.
---@field current boolean  Whether production points here.
---@field regions string[]  Where it runs.
---@field env_keys string[]  The keys of its environment; values never come back.
---@field metadata table<string, string>  The caller's own notes.
---@field failure gitdev.Deployment.failure|nil  Set if, and only if, it failed.
---@field cancel_reason "user"|"superseded"|"project_deleted"|nil  Set if, and only if, it was canceled.
---@field created_at integer  When it was made. Unix seconds.
---@field started_at integer|nil  When its build began. Unix seconds.
---@field finished_at integer|nil  When it was live, failed or canceled. Unix seconds.
---@field duration_ms integer|nil  From the build's beginning to the end.
---@field queued_ms integer|nil  How long it waited for a builder.
local deployment = {}

---Cancels a deployment that is not finished.
---
---`POST /deployments/{deployment}/cancel`, scope `deployments:write`. Errors of its own: `invalid_state`.
---@param options? gitdev.CallOptions
---@return gitdev.Deployment deployment
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function deployment:cancel(options) end

---Deletes a finished deployment that production does not point to.
---
---`DELETE /deployments/{deployment}`, scope `deployments:write`. Errors of its own: `resource_in_use`, `invalid_state`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function deployment:delete(options) end

---Reads a deployment's log, oldest line first; to poll on, pass the last line's cursor. With `follow` it is a stream of the lines instead.
---
---`GET /deployments/{deployment}/logs`, scope `logs:read`. Errors of its own: `logs_expired`.
---@param fields? gitdev.fields.deployments.logs.list
---@param options? gitdev.CallOptions
---@return gitdev.LogLinePage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
---@overload fun(self: gitdev.Deployment, fields: gitdev.FollowFields, options?: gitdev.CallOptions): gitdev.LogLines, gitdev.Error|nil
function deployment:logs(fields, options) end

---Points production at a live deployment, without a new build.
---
---`POST /deployments/{deployment}/promote`, scope `deployments:write`. Errors of its own: `invalid_state`.
---@param options? gitdev.CallOptions
---@return gitdev.Deployment deployment
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function deployment:promote(options) end

---Deploys the same commit again, with today's variables of the project.
---
---`POST /deployments/{deployment}/redeploy`, scope `deployments:write`. Errors of its own: `invalid_state`, `env_key_reserved`,
---`invalid_encoding`, `env_too_large`.
---@param fields? gitdev.fields.deployments.redeploy
---@param options? gitdev.CallOptions
---@return gitdev.Deployment deployment
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function deployment:redeploy(fields, options) end

---Reads it anew, into the same table.
---
---`GET /deployments/{deployment}`, scope `deployments:read`.
---@param options? gitdev.CallOptions
---@return gitdev.Deployment deployment
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function deployment:refresh(options) end

---Points production back at an old live deployment: the one named.
---
---`POST /deployments/{deployment}/rollback`, scope `deployments:write`. Errors of its own: `invalid_state`.
---@param fields? gitdev.fields.deployments.rollback
---@param options? gitdev.CallOptions
---@return gitdev.Deployment deployment
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function deployment:rollback(fields, options) end

---Waits until it is at rest. Raises `deployment_failed` if it comes to no good end, and a `timeout_error` when the time is over.
---@param options? gitdev.WaitOptions
---@return gitdev.Deployment deployment
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function deployment:wait(options) end

---@class gitdev.DeploymentPage: gitdev.Page
---@field data gitdev.Deployment[]  The things.
---@field next fun(self: gitdev.DeploymentPage): gitdev.DeploymentPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---A line of a deployment's or a job's log.
---@class gitdev.LogLine
---@field object "log_line"  Always `log_line`.
---@field cursor string  Where to go on after this line.
---@field seq integer  Its number, from 1, without holes.
---@field time_ms integer  When it was written, in epoch milliseconds.
---@field stage string  build, deploy or runtime; for jobs the step's name.
---@field stream "stdout"|"stderr"|"system"  What wrote it.
---@field level "debug"|"info"|"warn"|"error"  How much it matters.
---@field message string  The line, without its end; ANSI sequences are kept.
---@field truncated boolean  Whether the line was cut, at 65536 bytes.

---@class gitdev.LogLinePage: gitdev.Page
---@field data gitdev.LogLine[]  The things.
---@field next fun(self: gitdev.LogLinePage): gitdev.LogLinePage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---A ticket. It opens one stream, within 60 seconds.
---@class gitdev.StreamTicket
---@field object "stream_ticket"  Always `stream_ticket`.
---@field ticket string  The ticket itself, a secret.
---@field resource string  The deployment or job whose log it opens.
---@field url string  The stream's address with the ticket in it, ready to open.
---@field expires_at integer  When it can no longer be used. Unix seconds.

---A preview. There is one for each branch of a project that has preview deployments.
---@class gitdev.Preview
---@field id string  The preview's id.
---@field object "preview"  Always `preview`.
---@field project string  The project's slug.
---@field project_id string  The project's id.
---@field branch string  The branch that it shows.
---@field pull_request integer|nil  The number of the pull request that it is for.
---@field url string  Where it answers, with the newest live deployment of the branch.
---@field deployment_id string|nil  Its newest deployment.
---@field status "queued"|"building"|"deploying"|"live"|"failed"|"canceled"|"expired"  The status of its newest deployment, or `expired`.
---@field protection "none"|"password"|"organization"  Who may see it.
---@field expires_at integer|nil  When it ends by itself. Unix seconds.
---@field created_at integer  When it was made. Unix seconds.
---@field updated_at integer  When it last changed. Unix seconds.
local preview = {}

---Deletes a preview; its deployments are canceled and removed.
---
---`DELETE /previews/{preview}`, scope `deployments:write`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function preview:delete(options) end

---Reads it anew, into the same table.
---
---`GET /previews/{preview}`, scope `deployments:read`.
---@param options? gitdev.CallOptions
---@return gitdev.Preview preview
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function preview:refresh(options) end

---Waits until it is at rest. Raises `wait_failed` if it comes to no good end, and a `timeout_error` when the time is over.
---@param options? gitdev.WaitOptions
---@return gitdev.Preview preview
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function preview:wait(options) end

---@class gitdev.PreviewPage: gitdev.Page
---@field data gitdev.Preview[]  The things.
---@field next fun(self: gitdev.PreviewPage): gitdev.PreviewPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---A repository.
---@class gitdev.Repository
---@field id string  The repository's id.
---@field object "repository"  Always `repository`.
---@field name string  Its name, unique in the organization.
---@field description string|nil  What it holds, in words.
---@field visibility "private"|"public"  Who may read it.
---@field default_branch string  The branch that is read where none is named.
---@field empty boolean  Whether it has no commit yet.
---@field archived boolean  An archived repository takes no commits.
---@field size_bytes integer  Bytes of all that it holds.
---@field clone_url string  Where `git clone` finds it.
---@field ssh_url string  Where `git clone` finds it over SSH.
---@field pushed_at integer|nil  When a branch last moved. Unix seconds.
---@field created_at integer  When it was made. Unix seconds.
---@field updated_at integer  When it last changed. Unix seconds.
local repository = {}

---Lists a repository's branches by name.
---
---`GET /repositories/{repository}/branches`, scope `repositories:read`.
---@param fields? gitdev.fields.repositories.branches.list
---@param options? gitdev.CallOptions
---@return gitdev.BranchPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function repository:branches(fields, options) end

---Lists the commits of a branch, newest first.
---
---`GET /repositories/{repository}/commits`, scope `repositories:read`. Errors of its own: `invalid_state`.
---@param fields? gitdev.fields.repositories.commits.list
---@param options? gitdev.CallOptions
---@return gitdev.CommitPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function repository:commits(fields, options) end

---Compares two commits: what head has that base has not.
---
---`GET /repositories/{repository}/compare`, scope `repositories:read`. Errors of its own: `resource_missing`.
---@param fields gitdev.fields.repositories.compare.get
---@param options? gitdev.CallOptions
---@return gitdev.Comparison comparison
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function repository:compare(fields, options) end

---Deletes a repository that no project is built from.
---
---`DELETE /repositories/{repository}`, scope `repositories:write`. Errors of its own: `resource_in_use`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function repository:delete(options) end

---Reads it anew, into the same table.
---
---`GET /repositories/{repository}`, scope `repositories:read`.
---@param options? gitdev.CallOptions
---@return gitdev.Repository repository
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function repository:refresh(options) end

---Lists a directory by path.
---
---`GET /repositories/{repository}/tree`, scope `repositories:read`. Errors of its own: `parameter_invalid`.
---@param fields? gitdev.fields.repositories.tree.list
---@param options? gitdev.CallOptions
---@return gitdev.TreeEntryPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function repository:tree(fields, options) end

---Changes a repository; fields left out stay as they are, null clears.
---
---`PATCH /repositories/{repository}`, scope `repositories:write`. Errors of its own: `already_exists`, `resource_missing`, `name_reserved`.
---@param fields? gitdev.fields.repositories.update
---@param options? gitdev.CallOptions
---@return gitdev.Repository repository
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function repository:update(fields, options) end

---@class gitdev.RepositoryPage: gitdev.Page
---@field data gitdev.Repository[]  The things.
---@field next fun(self: gitdev.RepositoryPage): gitdev.RepositoryPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---A branch of a repository.
---@class gitdev.Branch
---@field object "branch"  Always `branch`.
---@field name string  Its name, which may hold slashes.
---@field commit_sha string  Its newest commit.
---@field ["protected"] boolean  A protected branch takes no commits from the API, and is not deleted.
---@field default boolean  Whether it is the repository's default branch.
---@field updated_at integer  When it last moved. Unix seconds.
local branch = {}

---Deletes a branch that is neither protected nor the default one.
---
---`DELETE /repositories/{repository}/branches/{branch*}`, scope `repositories:write`. Errors of its own: `branch_protected`,
---`resource_in_use`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function branch:delete(options) end

---Reads it anew, into the same table.
---
---`GET /repositories/{repository}/branches/{branch*}`, scope `repositories:read`.
---@param options? gitdev.CallOptions
---@return gitdev.Branch branch
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function branch:refresh(options) end

---@class gitdev.BranchPage: gitdev.Page
---@field data gitdev.Branch[]  The things.
---@field next fun(self: gitdev.BranchPage): gitdev.BranchPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---Who made a commit, and when.
---@class gitdev.Person
---@field name string  The person's name.
---@field email string  The person's address.
---@field at integer  When. Unix seconds.

---What a commit or a comparison does to one file.
---@class gitdev.FileChange
---@field path string  The file's path; of a removed one, where it was.
---@field previous_path string|nil  Where a renamed file was before.
---@field status "added"|"modified"|"removed"|"renamed"  What happened to it.
---@field additions integer  Lines added.
---@field deletions integer  Lines deleted.
---@field binary boolean  Whether it is no text; its lines are not counted then.
---@field patch string|nil  Its hunks as a unified diff; null if it is binary, no UTF-8, or too large.

---@class gitdev.Commit.stats
---@field additions integer  Lines added.
---@field deletions integer  Lines deleted.
---@field files integer  Files changed.

---A commit.
---@class gitdev.Commit
---@field object "commit"  Always `commit`.
---@field sha string  Its id: 40 hexadecimal digits.
---@field tree_sha string  The id of its tree.
---@field parents string[]  The commits that it follows.
---@field message string  Its message.
---@field author gitdev.Person  Who wrote the change.
---@field committer gitdev.Person  Who put it into the repository.
---@field stats gitdev.Commit.stats|nil  Its size, against the first parent; only where a single commit is read.
---@field files gitdev.FileChange[]|nil  The files that it changes, at most 300; only where a single commit is read.
local commit = {}

---Reads it anew, into the same table.
---
---`GET /repositories/{repository}/commits/{sha}`, scope `repositories:read`.
---@param options? gitdev.CallOptions
---@return gitdev.Commit commit
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function commit:refresh(options) end

---@class gitdev.CommitPage: gitdev.Page
---@field data gitdev.Commit[]  The things.
---@field next fun(self: gitdev.CommitPage): gitdev.CommitPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---What stands at a path of a tree.
---@class gitdev.TreeEntry
---@field object "tree_entry"  Always `tree_entry`.
---@field path string  Its path from the top.
---@field name string  The last part of the path.
---@field type "file"|"dir"|"symlink"|"submodule"  What it is.
---@field mode string  Its mode as Git writes it: 100644, 100755, 040000, 120000 or 160000.
---@field sha string  The id of the blob or tree; of a submodule, its commit.
---@field size_bytes integer|nil  The size of a file or symlink.

---@class gitdev.TreeEntryPage: gitdev.Page
---@field data gitdev.TreeEntry[]  The things.
---@field next fun(self: gitdev.TreeEntryPage): gitdev.TreeEntryPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---A file of a repository, with its content.
---@class gitdev.File
---@field object "file"  Always `file`.
---@field path string  Its path from the top.
---@field name string  The last part of the path.
---@field ref string  What it was read from: a branch, a tag or a commit.
---@field commit_sha string  The commit that `ref` named.
---@field sha string  The id of its blob.
---@field size_bytes integer  Its size.
---@field encoding "utf-8"|"base64"  How `content` is written: base64 where the bytes are no UTF-8.
---@field content string  What it holds.
---@field executable boolean  Whether it may be run.

---How two commits stand to each other.
---@class gitdev.Comparison
---@field object "comparison"  Always `comparison`.
---@field base_sha string  The commit that `base` named.
---@field head_sha string  The commit that `head` named.
---@field merge_base_sha string|nil  The newest commit that both have; null if they have none.
---@field status "identical"|"ahead"|"behind"|"diverged"  Where head is, seen from base.
---@field ahead_by integer  How many commits head has that base has not.
---@field behind_by integer  How many commits base has that head has not.
---@field commits gitdev.Commit[]  The commits that head has and base has not, newest first, at most 250.
---@field files gitdev.FileChange[]  What changed from the merge base to head, at most 300 files.
---@field truncated boolean  Whether commits or files were left out.

---What a new commit does to one file.
---@class gitdev.fields.action
---@field action "create"|"update"|"delete"|"move"  What to do.
---@field path string  The file's path from the top, its parts divided by slashes. A path from the top, its parts divided by slashes, none of them empty, `.`, `..` or `.git`.
---@field previous_path? string  With move: where the file is now. A path from the top, its parts divided by slashes, none of them empty, `.`, `..` or `.git`.
---@field content? string  What the file shall hold; a move without it leaves the content as it is.
---@field encoding? "utf-8"|"base64"  How `content` is written. Default: `"utf-8"`.
---@field sha? string  The blob that the file must be now; else nothing is committed. A whole sha: 40 lower-case hexadecimal digits.
---@field executable? boolean  Whether it may be run; as it was, if absent.

---A commit as an event names it.
---@class gitdev.PushedCommit
---@field sha string  Its id.
---@field message string  Its message.
---@field author gitdev.Person  Who wrote the change.

---A pipeline: which jobs there are, what they need, and what starts them.
---@class gitdev.Pipeline
---@field id string  The pipeline's id.
---@field object "pipeline"  Always `pipeline`.
---@field project string  The project's slug.
---@field project_id string  The project's id.
---@field name string  Its name, of which a project has only one.
---@field enabled boolean  Whether anything starts its runs.
---@field triggers gitdev.PipelineTriggers  What starts its runs: pushes to branches, a schedule, calls of runs.create.
---@field jobs gitdev.JobDef[]  Its jobs, as they were written.
---@field inputs gitdev.PipelineInput[]  What a run may be given.
---@field created_at integer  When it was made. Unix seconds.
---@field updated_at integer  When it last changed. Unix seconds.
local pipeline = {}

---Deletes a pipeline; its runs stay readable.
---
---`DELETE /pipelines/{pipeline}`, scope `pipelines:write`. Errors of its own: `invalid_state`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function pipeline:delete(options) end

---Reads it anew, into the same table.
---
---`GET /pipelines/{pipeline}`, scope `pipelines:read`.
---@param options? gitdev.CallOptions
---@return gitdev.Pipeline pipeline
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function pipeline:refresh(options) end

---Changes a pipeline, for later runs; fields left out stay as they are, the others are replaced whole.
---
---`PATCH /pipelines/{pipeline}`, scope `pipelines:write`. Errors of its own: `already_exists`, `parameter_invalid`, `env_key_reserved`,
---`invalid_encoding`, `env_too_large`.
---@param fields? gitdev.fields.pipelines.update
---@param options? gitdev.CallOptions
---@return gitdev.Pipeline pipeline
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function pipeline:update(fields, options) end

---@class gitdev.PipelinePage: gitdev.Page
---@field data gitdev.Pipeline[]  The things.
---@field next fun(self: gitdev.PipelinePage): gitdev.PipelinePage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---@class gitdev.PipelineTriggers.push
---@field branches string[]  The branches whose pushes count: `*` stands for any text without a slash, `**` for any, `?` for a character.

---What starts the runs of a pipeline.
---@class gitdev.PipelineTriggers
---@field push gitdev.PipelineTriggers.push|nil  Runs for each push to one of these branches.
---@field schedule string|nil  Runs at these times: five fields as cron has them, in UTC.
---@field manual boolean  Whether runs.create may start it.

---@class gitdev.fields.pipeline_triggers.push
---@field branches string[]  The branches whose pushes count: `*` stands for any text without a slash, `**` for any, `?` for a character. At least 1 item; each a branch's name, where * stands for any text without a slash, ** for any text and ? for one character.

---What starts the runs of a pipeline.
---@class gitdev.fields.pipeline_triggers
---@field push? gitdev.fields.pipeline_triggers.push|gitdev.Null  Runs for each push to one of these branches.
---@field schedule? string|gitdev.Null  Runs at these times: five fields as cron has them, in UTC. 1 to 200 characters.
---@field manual? boolean  Whether runs.create may start it. Default: `true`.

---A job as a pipeline describes it.
---@class gitdev.JobDef
---@field name string  Its name, which no other job of the pipeline has.
---@field needs string[]  Names of jobs that must succeed before it starts.
---@field steps gitdev.StepDef[]  What it does, one after the other.
---@field image string|nil  The container image that it runs in; null: the platform's own.
---@field env table<string, string>  Variables for this job, over the project's own.
---@field timeout_ms integer  How long it may take before it fails.
---@field artifacts gitdev.ArtifactDef[]  Files to keep when it has succeeded.
---@field allow_failure boolean  Whether the run may succeed although this job fails.

---A job as a pipeline describes it.
---@class gitdev.fields.job_def
---@field name string  Its name, which no other job of the pipeline has. 1 to 100 characters.
---@field needs? string[]  Names of jobs that must succeed before it starts. Default: `{}`.
---@field steps gitdev.fields.step_def[]  What it does, one after the other. At least 1 item.
---@field image? string|gitdev.Null  The container image that it runs in; null: the platform's own. Not empty.
---@field env? table<string, string>  Variables for this job, over the project's own. Names made of letters, digits and underscores, at most 128 of them and no digit first; values any text but one with a NUL in it; names and values at most 65536 bytes together. Default: `{}`.
---@field timeout_ms? integer  How long it may take before it fails. At least 1. Default: `3600000`.
---@field artifacts? gitdev.fields.artifact_def[]  Files to keep when it has succeeded. At most 100 items. Default: `{}`.
---@field allow_failure? boolean  Whether the run may succeed although this job fails. Default: `false`.

---A step of a job.
---@class gitdev.StepDef
---@field name string  Its name, which is the stage of its log lines; `step 1` and so on if absent.
---@field run string  The commands; the job fails with the first that does.

---A step of a job.
---@class gitdev.fields.step_def
---@field name? string  Its name, which is the stage of its log lines; `step 1` and so on if absent. 1 to 100 characters.
---@field run string  The commands; the job fails with the first that does. Not empty.

---A file that a job leaves behind.
---@class gitdev.ArtifactDef
---@field name string  Its name, which no other artifact of the job has.
---@field path string  Where the job leaves it.

---A file that a job leaves behind.
---@class gitdev.fields.artifact_def
---@field name string  Its name, which no other artifact of the job has. 1 to 200 characters.
---@field path string  Where the job leaves it. Not empty.

---A value that a run is given.
---@class gitdev.PipelineInput
---@field name string  Its name, which no other input of the pipeline has.
---@field required boolean  Whether a run must be given it, if it has no default.
---@field default string|nil  What it is where a run is not given it.

---A value that a run is given.
---@class gitdev.fields.pipeline_input
---@field name string  Its name, which no other input of the pipeline has. 1 to 64 characters.
---@field required? boolean  Whether a run must be given it, if it has no default. Default: `false`.
---@field default? string|gitdev.Null  What it is where a run is not given it. Any text but one with a NUL in it.

---@class gitdev.Run.failure
---@field job string  The name of the job that failed first.
---@field code "exit_code"|"timeout"|"runner_lost"  Why.
---@field message string  Why, in words.

---A run of a pipeline.
---@class gitdev.Run
---@field id string  The run's id.
---@field object "run"  Always `run`.
---@field number integer  Its number among the pipeline's runs, from 1.
---@field pipeline_id string  The pipeline that it is a run of.
---@field project string  The project's slug.
---@field project_id string  The project's id.
---@field branch string  The branch that it is for.
---@field commit_sha string|nil  The commit that it is for.
---@field trigger "api"|"push"|"schedule"  What started it.
---@field status "queued"|"running"|"succeeded"|"failed"|"canceled"  How far it is.
---@field attempt integer  How often it was started: 1, and one more for each retry.
---@field inputs table<string, string>  What it was given, and the defaults of what it was not given.
---@field failure gitdev.Run.failure|nil  Set if, and only if, it failed.
---@field created_at integer  When it was made. Unix seconds.
---@field started_at integer|nil  When the first job of this attempt started. Unix seconds.
---@field finished_at integer|nil  When this attempt succeeded, failed or was canceled. Unix seconds.
---@field duration_ms integer|nil  From the start of the first job to the end.
local run = {}

---Lists what the jobs of a run left behind, in all its attempts.
---
---`GET /runs/{run}/artifacts`, scope `pipelines:read`.
---@param fields? gitdev.fields.runs.artifacts.list
---@param options? gitdev.CallOptions
---@return gitdev.ArtifactPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function run:artifacts(fields, options) end

---Cancels a run that is not finished, and its jobs.
---
---`POST /runs/{run}/cancel`, scope `pipelines:write`. Errors of its own: `invalid_state`.
---@param options? gitdev.CallOptions
---@return gitdev.Run run
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function run:cancel(options) end

---Lists the jobs of a run's latest attempt, of another one, or of all.
---
---`GET /runs/{run}/jobs`, scope `pipelines:read`.
---@param fields? gitdev.fields.runs.jobs.list
---@param options? gitdev.CallOptions
---@return gitdev.JobPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function run:jobs(fields, options) end

---Reads the logs of its jobs, one after the other, or follows them.
---
---`GET /jobs/{job}/logs/stream`, scope `logs:read`. Errors of its own: `upgrade_required`, `logs_expired`, `stream_limit`, `ticket_invalid`.
---@param fields? gitdev.RunLogFields
---@param options? gitdev.CallOptions
---@return gitdev.LogLines lines
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function run:logs(fields, options) end

---Reads it anew, into the same table.
---
---`GET /runs/{run}`, scope `pipelines:read`.
---@param options? gitdev.CallOptions
---@return gitdev.Run run
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function run:refresh(options) end

---Starts a finished run again, as its next attempt, with new jobs.
---
---`POST /runs/{run}/retry`, scope `pipelines:write`. Errors of its own: `invalid_state`.
---@param fields? gitdev.fields.runs.retry
---@param options? gitdev.CallOptions
---@return gitdev.Run run
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function run:retry(fields, options) end

---Waits until it is at rest. Raises `run_failed` if it comes to no good end, and a `timeout_error` when the time is over.
---@param options? gitdev.WaitOptions
---@return gitdev.Run run
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function run:wait(options) end

---@class gitdev.RunPage: gitdev.Page
---@field data gitdev.Run[]  The things.
---@field next fun(self: gitdev.RunPage): gitdev.RunPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---A job of a run.
---@class gitdev.Job
---@field id string  The job's id.
---@field object "job"  Always `job`.
---@field run_id string  The run that it is part of.
---@field name string  Its name in the pipeline.
---@field attempt integer  The attempt of the run that it was made for.
---@field status "queued"|"running"|"succeeded"|"failed"|"canceled"|"skipped"  How far it is.
---@field needs string[]  Names of jobs that must succeed before it starts.
---@field allow_failure boolean  Whether the run may succeed although this job fails.
---@field steps gitdev.JobStep[]  Its steps, in order.
---@field created_at integer  When it was made. Unix seconds.
---@field started_at integer|nil  When it started. Unix seconds.
---@field finished_at integer|nil  When it succeeded, failed, was canceled or skipped. Unix seconds.
---@field duration_ms integer|nil  From its start to its end.
---@field failure_code "exit_code"|"timeout"|"runner_lost"|"canceled"|nil  Why it did not succeed.
local job = {}

---Reads a job's log, oldest line first; to poll on, pass the last line's cursor. With `follow` it is a stream of the lines instead.
---
---`GET /jobs/{job}/logs`, scope `logs:read`. Errors of its own: `logs_expired`.
---@param fields? gitdev.fields.jobs.logs.list
---@param options? gitdev.CallOptions
---@return gitdev.LogLinePage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
---@overload fun(self: gitdev.Job, fields: gitdev.FollowFields, options?: gitdev.CallOptions): gitdev.LogLines, gitdev.Error|nil
function job:logs(fields, options) end

---Reads it anew, into the same table.
---
---`GET /jobs/{job}`, scope `pipelines:read`.
---@param options? gitdev.CallOptions
---@return gitdev.Job job
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function job:refresh(options) end

---Waits until it is at rest. Raises `run_failed` if it comes to no good end, and a `timeout_error` when the time is over.
---@param options? gitdev.WaitOptions
---@return gitdev.Job job
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function job:wait(options) end

---@class gitdev.JobPage: gitdev.Page
---@field data gitdev.Job[]  The things.
---@field next fun(self: gitdev.JobPage): gitdev.JobPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---A step of a job, as it went.
---@class gitdev.JobStep
---@field name string  Its name, which is the stage of its log lines.
---@field status "queued"|"running"|"succeeded"|"failed"|"canceled"|"skipped"  How far it is.
---@field exit_code integer|nil  What its commands ended with, if they ended by themselves.
---@field started_at integer|nil  When it started. Unix seconds.
---@field finished_at integer|nil  When it ended. Unix seconds.

---A file that a job left behind.
---@class gitdev.Artifact
---@field id string  The artifact's id.
---@field object "artifact"  Always `artifact`.
---@field run_id string  The run that it came from.
---@field job_id string  The job that left it.
---@field name string  Its name.
---@field content_type string  Its media type.
---@field size_bytes integer  Its size.
---@field sha256 string  The SHA-256 of its bytes, in lower-case hexadecimal digits.
---@field expires_at integer  When it goes, 30 days after it was made. Unix seconds.
---@field created_at integer  When it was made. Unix seconds.
local artifact = {}

---Downloads an artifact, or a range of it.
---
---`GET /artifacts/{artifact}/download`, scope `pipelines:read`. Errors of its own: `artifact_expired`, `range_not_satisfiable`.
---@param fields? gitdev.DownloadFields
---@param options? gitdev.CallOptions
---@return gitdev.Download download
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function artifact:download(fields, options) end

---@class gitdev.ArtifactPage: gitdev.Page
---@field data gitdev.Artifact[]  The things.
---@field next fun(self: gitdev.ArtifactPage): gitdev.ArtifactPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---A DNS record that a domain needs, and what was found in its place.
---@class gitdev.VerificationRecord
---@field type "TXT"|"CNAME"|"A"|"AAAA"  The record's type.
---@field name string  Where to set it: a full name, without a dot at the end.
---@field value string  What to set it to.
---@field found string[]  What the last check found there.
---@field ok boolean  Whether the last check found what it should.

---@class gitdev.Domain.error
---@field code string  Why: `name_claimed`, `verification_timeout`, `traffic_record_wrong` or `certificate_failed`.
---@field message string  Why, in words.

---A domain.
---@class gitdev.Domain
---@field id string  The domain's id.
---@field object "domain"  Always `domain`.
---@field project string  The project's slug.
---@field project_id string  The project's id.
---@field name string  Its name: lower case, in punycode; `*.` at the front stands for all names below.
---@field apex_name string  The registered name that it belongs to.
---@field status "pending"|"verified"|"active"|"misconfigured"|"failed"  How far it is.
---@field branch string|nil  The branch that answers under it; null: production.
---@field redirect_to string|nil  The name that it sends its visitors to; null: it answers itself.
---@field redirect_status 301|302|307|308|nil  The status it sends them with; null if it does not.
---@field verification gitdev.VerificationRecord[]  The DNS records to set, and what was found.
---@field certificate_id string|nil  Its certificate; null until it is verified.
---@field error gitdev.Domain.error|nil  What stands in its way; null if nothing does, or nothing is known yet.
---@field created_at integer  When it was added. Unix seconds.
---@field verified_at integer|nil  When it was first proven to be yours. Unix seconds.
---@field last_checked_at integer|nil  When its DNS records were last looked at. Unix seconds.
local domain = {}

---Removes a domain, and its managed certificate with it.
---
---`DELETE /domains/{domain}`, scope `edge:write`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function domain:delete(options) end

---Reads it anew, into the same table.
---
---`GET /domains/{domain}`, scope `edge:read`.
---@param options? gitdev.CallOptions
---@return gitdev.Domain domain
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function domain:refresh(options) end

---Looks at a domain's DNS records now; that nothing has changed is no error.
---
---`POST /domains/{domain}/verify`, scope `edge:write`. Errors of its own: `rate_limited`.
---@param options? gitdev.CallOptions
---@return gitdev.Domain domain
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function domain:verify(options) end

---Waits until it is at rest. Raises `wait_failed` if it comes to no good end, and a `timeout_error` when the time is over.
---@param options? gitdev.WaitOptions
---@return gitdev.Domain domain
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function domain:wait(options) end

---@class gitdev.DomainPage: gitdev.Page
---@field data gitdev.Domain[]  The things.
---@field next fun(self: gitdev.DomainPage): gitdev.DomainPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---@class gitdev.Certificate.error
---@field code string  Why: `caa_forbidden` or `traffic_record_wrong`.
---@field message string  Why, in words.

---A certificate.
---@class gitdev.Certificate
---@field id string  The certificate's id.
---@field object "certificate"  Always `certificate`.
---@field domains string[]  The names that it is for.
---@field source "managed"  Always `managed`: the platform gets it and renews it.
---@field status "pending"|"issued"|"renewing"|"failed"|"expired"  How far it is.
---@field issuer string|nil  Who signed it; null until it is issued.
---@field serial string|nil  Its serial number, in lower-case hexadecimal digits.
---@field fingerprint_sha256 string|nil  SHA-256 of it, in lower-case hexadecimal digits.
---@field not_before integer|nil  From when it is valid. Unix seconds.
---@field not_after integer|nil  Until when it is valid. Unix seconds.
---@field error gitdev.Certificate.error|nil  Why the last attempt to get it failed; null if it did not.
---@field created_at integer  When it was first asked for. Unix seconds.
local certificate = {}

---Reads it anew, into the same table.
---
---`GET /certificates/{certificate}`, scope `edge:read`.
---@param options? gitdev.CallOptions
---@return gitdev.Certificate certificate
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function certificate:refresh(options) end

---Waits until it is at rest. Raises `wait_failed` if it comes to no good end, and a `timeout_error` when the time is over.
---@param options? gitdev.WaitOptions
---@return gitdev.Certificate certificate
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function certificate:wait(options) end

---@class gitdev.CertificatePage: gitdev.Page
---@field data gitdev.Certificate[]  The things.
---@field next fun(self: gitdev.CertificatePage): gitdev.CertificatePage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---@class gitdev.EdgeFunction.error
---@field code string  Why.
---@field message string  Why, in words.

---An edge function.
---@class gitdev.EdgeFunction
---@field id string  The function's id.
---@field object "edge_function"  Always `edge_function`.
---@field project string  The project's slug.
---@field project_id string  The project's id.
---@field name string  Its name, the only one in the project.
---@field status "deploying"|"active"|"failed"|"disabled"  How far its newest version is; an older one serves until then.
---@field runtime "edge-js-1"  What runs it.
---@field routes string[]  The paths that it answers, as patterns.
---@field regions string[]  Where it runs; `["*"]` is everywhere.
---@field env_keys string[]  The keys of its environment, sorted; values never come back.
---@field memory_mb 128|256|512  The memory that it may use, in MiB.
---@field timeout_ms integer  How long an answer may take.
---@field version integer  Counts the changes of its code and its environment, from 1.
---@field code_sha256 string  SHA-256 of the code's UTF-8 bytes, in hexadecimal digits.
---@field code_bytes integer  The code's size in bytes of UTF-8.
---@field error gitdev.EdgeFunction.error|nil  Set if, and only if, its newest version failed.
---@field created_at integer  When it was made. Unix seconds.
---@field updated_at integer  When it last changed. Unix seconds.
---@field code? string  The code itself, where it was asked for.
local edgeFunction = {}

---Deletes an edge function; it answers no more.
---
---`DELETE /edge_functions/{edge_function}`, scope `edge:write`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function edgeFunction:delete(options) end

---Reads it anew, into the same table.
---
---`GET /edge_functions/{edge_function}`, scope `edge:read`.
---@param fields? gitdev.fields.edge_functions.get
---@param options? gitdev.CallOptions
---@return gitdev.EdgeFunction edge_function
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function edgeFunction:refresh(fields, options) end

---Changes an edge function; other code or another environment is a new version, which is deployed.
---
---`PATCH /edge_functions/{edge_function}`, scope `edge:write`. Errors of its own: `version_conflict`, `already_exists`, `rule_conflict`,
---`env_key_reserved`, `invalid_encoding`, `env_too_large`.
---@param fields? gitdev.fields.edge_functions.update
---@param options? gitdev.CallOptions
---@return gitdev.EdgeFunction edge_function
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function edgeFunction:update(fields, options) end

---Waits until it is at rest. Raises `wait_failed` if it comes to no good end, and a `timeout_error` when the time is over.
---@param options? gitdev.WaitOptions
---@return gitdev.EdgeFunction edge_function
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function edgeFunction:wait(options) end

---@class gitdev.EdgeFunctionPage: gitdev.Page
---@field data gitdev.EdgeFunction[]  The things.
---@field next fun(self: gitdev.EdgeFunctionPage): gitdev.EdgeFunctionPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---A store of keys and values: at most 512 KiB.
---@class gitdev.EdgeConfig
---@field id string  The store's id.
---@field object "edge_config"  Always `edge_config`.
---@field name string  Its name, the only one in the organization.
---@field project_ids string[]  The projects that it belongs to; none: it is the organization's.
---@field item_count integer  How many keys it holds.
---@field size_bytes integer  Bytes of all keys and of all values as compact JSON.
---@field digest string  SHA-256 of what it holds: the same for the same keys and values.
---@field version integer  Counts the writes, from 1.
---@field created_at integer  When it was made. Unix seconds.
---@field updated_at integer  When it was last written to. Unix seconds.
local edgeConfig = {}

---Deletes a store with all that it holds.
---
---`DELETE /edge_configs/{edge_config}`, scope `edge:write`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function edgeConfig:delete(options) end

---Lists what a store holds, in the order of the keys.
---
---`GET /edge_configs/{edge_config}/items`, scope `edge:read`.
---@param fields? gitdev.fields.edge_configs.items.list
---@param options? gitdev.CallOptions
---@return gitdev.EdgeConfigItemPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function edgeConfig:items(fields, options) end

---Reads it anew, into the same table.
---
---`GET /edge_configs/{edge_config}`, scope `edge:read`.
---@param options? gitdev.CallOptions
---@return gitdev.EdgeConfig edge_config
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function edgeConfig:refresh(options) end

---@class gitdev.EdgeConfigPage: gitdev.Page
---@field data gitdev.EdgeConfig[]  The things.
---@field next fun(self: gitdev.EdgeConfigPage): gitdev.EdgeConfigPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---A key of a store, and its value.
---@class gitdev.EdgeConfigItem
---@field object "edge_config_item"  Always `edge_config_item`.
---@field key string  The key.
---@field value gitdev.Json|nil  The value: any JSON, null included.
---@field version integer  Counts the writes to this key, from 1.
---@field updated_at integer  When it was last written to. Unix seconds.
local edgeConfigItem = {}

---Deletes a key.
---
---`DELETE /edge_configs/{edge_config}/items/{key}`, scope `edge:write`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function edgeConfigItem:delete(options) end

---Reads it anew, into the same table.
---
---`GET /edge_configs/{edge_config}/items/{key}`, scope `edge:read`.
---@param options? gitdev.CallOptions
---@return gitdev.EdgeConfigItem edge_config_item
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function edgeConfigItem:refresh(options) end

---Sets the value of a key, which need not be there yet.
---
---`PUT /edge_configs/{edge_config}/items/{key}`, scope `edge:write`. Errors of its own: `version_conflict`, `payload_too_large`.
---@param fields gitdev.fields.edge_configs.items.set
---@param options? gitdev.CallOptions
---@return gitdev.EdgeConfigItem edge_config_item
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function edgeConfigItem:set(fields, options) end

---@class gitdev.EdgeConfigItemPage: gitdev.Page
---@field data gitdev.EdgeConfigItem[]  The things.
---@field next fun(self: gitdev.EdgeConfigItemPage): gitdev.EdgeConfigItemPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---A purge of the regions' caches.
---@class gitdev.CachePurge
---@field id string  The purge's id.
---@field object "cache_purge"  Always `cache_purge`.
---@field project string  The project's slug.
---@field project_id string  The project's id.
---@field scope "everything"|"urls"|"prefixes"|"tags"  What `values` are.
---@field values string[]  What was asked to be purged; empty if everything was.
---@field status "queued"|"completed"|"failed"  How far it is.
---@field regions_done integer  How many regions have purged.
---@field regions_total integer  How many regions there are.
---@field created_at integer  When it was asked for. Unix seconds.
---@field finished_at integer|nil  When it was completed or failed. Unix seconds.
local cachePurge = {}

---Reads it anew, into the same table.
---
---`GET /cache_purges/{cache_purge}`, scope `edge:read`.
---@param options? gitdev.CallOptions
---@return gitdev.CachePurge cache_purge
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function cachePurge:refresh(options) end

---Waits until it is at rest. Raises `wait_failed` if it comes to no good end, and a `timeout_error` when the time is over.
---@param options? gitdev.WaitOptions
---@return gitdev.CachePurge cache_purge
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function cachePurge:wait(options) end

---An edge rule.
---@class gitdev.EdgeRule
---@field id string  The rule's id.
---@field object "edge_rule"  Always `edge_rule`.
---@field project string  The project's slug.
---@field project_id string  The project's id.
---@field type "redirect"|"rewrite"|"header"  What it does.
---@field source string  The paths that it is for, as a pattern.
---@field destination string|nil  Where a redirect or a rewrite leads; null for header rules.
---@field status_code 301|302|307|308|nil  What a redirect answers; null for the others.
---@field headers table<string, string>|nil  What a header rule sets; null for the others.
---@field priority integer  Its place among the project's rules; 0 comes first.
---@field enabled boolean  Whether it is heeded.
---@field created_at integer  When it was made. Unix seconds.
---@field updated_at integer  When it last changed, but for the place that others gave it. Unix seconds.
local edgeRule = {}

---Deletes a rule; those after it move up.
---
---`DELETE /edge_rules/{edge_rule}`, scope `edge:write`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function edgeRule:delete(options) end

---Reads it anew, into the same table.
---
---`GET /edge_rules/{edge_rule}`, scope `edge:read`.
---@param options? gitdev.CallOptions
---@return gitdev.EdgeRule edge_rule
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function edgeRule:refresh(options) end

---Changes a rule; a new priority moves the others.
---
---`PATCH /edge_rules/{edge_rule}`, scope `edge:write`. Errors of its own: `rule_conflict`, `parameter_invalid`.
---@param fields? gitdev.fields.edge_rules.update
---@param options? gitdev.CallOptions
---@return gitdev.EdgeRule edge_rule
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function edgeRule:update(fields, options) end

---@class gitdev.EdgeRulePage: gitdev.Page
---@field data gitdev.EdgeRule[]  The things.
---@field next fun(self: gitdev.EdgeRulePage): gitdev.EdgeRulePage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---An endpoint that events are sent to.
---@class gitdev.Webhook
---@field id string  The endpoint's id.
---@field object "webhook"  Always `webhook`.
---@field url string  Where events are sent.
---@field description string|nil  A note of your own.
---@field events string[]  Event types (`deployment.completed`), families of them (`deployment.*`), or `*` for all.
---@field projects string[]  The ids of the projects whose events are sent, or `*`: all that the key which sets it can see.
---@field status "enabled"|"disabled"  Whether events are sent.
---@field disabled_reason "user"|"failing"|"gone"|nil  Why it is disabled: somebody did it, a delivery was given up, or it answered 410. Null while it is enabled.
---@field secret_hint string  The last four characters of its secret.
---@field api_version string  The version of the API that its payloads are made by.
---@field created_at integer  When it was made. Unix seconds.
---@field updated_at integer  When it last changed. Unix seconds.
---@field secret? string  What deliveries are signed with: only in the answers of create and rotate_secret.
local webhook = {}

---Deletes an endpoint; deliveries that are not finished are canceled.
---
---`DELETE /webhooks/{webhook}`, scope `webhooks:write`.
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function webhook:delete(options) end

---Lists an endpoint's deliveries of the last 30 days.
---
---`GET /webhooks/{webhook}/deliveries`, scope `webhooks:read`.
---@param fields? gitdev.fields.webhooks.deliveries.list
---@param options? gitdev.CallOptions
---@return gitdev.DeliveryPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function webhook:deliveries(fields, options) end

---Sends an endpoint a `webhook.ping` event.
---
---`POST /webhooks/{webhook}/ping`, scope `webhooks:write`. Errors of its own: `invalid_state`.
---@param options? gitdev.CallOptions
---@return gitdev.Delivery delivery
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function webhook:ping(options) end

---Reads it anew, into the same table.
---
---`GET /webhooks/{webhook}`, scope `webhooks:read`.
---@param options? gitdev.CallOptions
---@return gitdev.Webhook webhook
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function webhook:refresh(options) end

---Gives an endpoint a new secret, shown this once. Deliveries are signed with both until the old one expires.
---
---`POST /webhooks/{webhook}/rotate_secret`, scope `webhooks:write`.
---@param fields? gitdev.fields.webhooks.rotate_secret
---@param options? gitdev.CallOptions
---@return gitdev.WebhookWithSecret webhook
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function webhook:rotate_secret(fields, options) end

---Changes an endpoint; fields left out stay as they are, null clears. To enable it forgives past failures.
---
---`PATCH /webhooks/{webhook}`, scope `webhooks:write`. Errors of its own: `url_not_allowed`, `unknown_event_type`, `resource_missing`,
---`plan_limit_reached`.
---@param fields? gitdev.fields.webhooks.update
---@param options? gitdev.CallOptions
---@return gitdev.Webhook webhook
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function webhook:update(fields, options) end

---@class gitdev.WebhookWithSecret: gitdev.Webhook
---@field secret string  What deliveries are signed with: only in the answers of create and rotate_secret.

---@class gitdev.WebhookPage: gitdev.Page
---@field data gitdev.Webhook[]  The things.
---@field next fun(self: gitdev.WebhookPage): gitdev.WebhookPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---An event on its way to an endpoint: up to ten attempts, over about three days.
---@class gitdev.Delivery
---@field id string  The delivery's id.
---@field object "delivery"  Always `delivery`.
---@field webhook_id string  The endpoint that it goes to.
---@field event_id string  The event that it carries.
---@field event_type string  That event's type.
---@field status "pending"|"delivering"|"retrying"|"succeeded"|"failed"|"canceled"  How far it is.
---@field attempt_count integer  How many attempts have begun.
---@field max_attempts integer  How many there are at most: 10.
---@field next_attempt_at integer|nil  When the next attempt is due; null while one is under way, and when none will follow. Unix seconds.
---@field redelivery boolean  Whether somebody asked for it, with redeliver.
---@field created_at integer  When it was made. Unix seconds.
---@field finished_at integer|nil  When it was accepted, given up or canceled. Unix seconds.
---@field last_status_code integer|nil  What the endpoint answered last; null if nothing came.
---@field attempts? gitdev.Attempt[]  The attempts that have ended, oldest first: only in the answer of get.
local delivery = {}

---Sends a finished delivery's event again: a new delivery of the same event, signed anew.
---
---`POST /webhooks/{webhook}/deliveries/{delivery}/redeliver`, scope `webhooks:write`. Errors of its own: `invalid_state`.
---@param options? gitdev.CallOptions
---@return gitdev.Delivery delivery
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function delivery:redeliver(options) end

---Reads it anew, into the same table.
---
---`GET /webhooks/{webhook}/deliveries/{delivery}`, scope `webhooks:read`.
---@param options? gitdev.CallOptions
---@return gitdev.DeliveryWithAttempts delivery
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function delivery:refresh(options) end

---Waits until it is at rest. Raises `wait_failed` if it comes to no good end, and a `timeout_error` when the time is over.
---@param options? gitdev.WaitOptions
---@return gitdev.Delivery delivery
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function delivery:wait(options) end

---@class gitdev.DeliveryWithAttempts: gitdev.Delivery
---@field attempts gitdev.Attempt[]  The attempts that have ended, oldest first: only in the answer of get.

---@class gitdev.DeliveryPage: gitdev.Page
---@field data gitdev.Delivery[]  The things.
---@field next fun(self: gitdev.DeliveryPage): gitdev.DeliveryPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---@class gitdev.Attempt.request
---@field headers table<string, string>  The headers that were sent; signatures are masked.
---@field body string  The body that was sent.

---@class gitdev.Attempt.response
---@field headers table<string, string>  The headers that came back.
---@field body string  The beginning of the body that came back: at most 4096 bytes.

---An attempt to deliver an event.
---@class gitdev.Attempt
---@field number integer  Its number, from 1.
---@field at integer  When it began. Unix seconds.
---@field duration_ms integer  How long it took.
---@field status_code integer|nil  What the endpoint answered; null if nothing came.
---@field error "timeout"|"dns"|"tls"|"refused"|"reset"|"redirect"|"too_large"|nil  What kept the endpoint from answering, or was wrong with its answer.
---@field request gitdev.Attempt.request  What was sent.
---@field response gitdev.Attempt.response|nil  What came back, if anything did.

---Something that happened.
---@class gitdev.Event
---@field id string  The event's id, the same in every delivery of it.
---@field type gitdev.EventType|string  What happened, such as `deployment.completed`.
---@field timestamp integer  When it happened. Unix seconds.
---@field data table  What it happened to: an object whose fields follow from the type.
local event = {}

---Reads it anew, into the same table.
---
---`GET /events/{event}`, scope `events:read`.
---@param options? gitdev.CallOptions
---@return gitdev.AnyEvent event
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function event:refresh(options) end

---@class gitdev.EventPage: gitdev.Page
---@field data gitdev.AnyEvent[]  The things.
---@field next fun(self: gitdev.EventPage): gitdev.EventPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---@class gitdev.SecurityAlert.location
---@field path string  The file.
---@field line integer|nil  The line in it, from 1.
---@field commit_sha string|nil  The commit that it was found in.

---@class gitdev.SecurityAlert.package
---@field ecosystem string  Where the package comes from, such as `npm`.
---@field name string  Its name.
---@field version string  The version that is used.
---@field vulnerable_range string  The versions that are vulnerable.
---@field fixed_version string|nil  The first version that is not.

---Something that a scanner found.
---@class gitdev.SecurityAlert
---@field id string  The alert's id.
---@field object "security_alert"  Always `security_alert`.
---@field type "dependency"|"secret"|"code"|"certificate"|"key_exposure"  What was found.
---@field severity "low"|"medium"|"high"|"critical"  How grave it is.
---@field state "open"|"dismissed"|"fixed"  Whether it still stands.
---@field project string|nil  The slug of the project that it is about.
---@field project_id string|nil  That project's id.
---@field repository_id string|nil  The repository that it was found in.
---@field summary string  What it is, in a line.
---@field description string  What it is, and what to do.
---@field location gitdev.SecurityAlert.location|nil  Where it was found.
---@field ["package"] gitdev.SecurityAlert.package|nil  The package at fault, for dependencies.
---@field advisory_ids string[]  Where it is published, such as `CVE-2021-23337`.
---@field dismissed_reason "fix_started"|"inaccurate"|"not_used"|"tolerable_risk"|"wont_fix"|nil  Why it was dismissed.
---@field dismissed_comment string|nil  What was said about it then.
---@field dismissed_at integer|nil  When it was dismissed. Unix seconds.
---@field fixed_at integer|nil  When the scanner no longer found it. Unix seconds.
---@field created_at integer  When it was found. Unix seconds.
---@field updated_at integer  When it last changed. Unix seconds.
local securityAlert = {}

---Reads it anew, into the same table.
---
---`GET /security_alerts/{security_alert}`, scope `security:read`.
---@param options? gitdev.CallOptions
---@return gitdev.SecurityAlert security_alert
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function securityAlert:refresh(options) end

---Dismisses an alert, or reopens one that was dismissed.
---
---`PATCH /security_alerts/{security_alert}`, scope `security:write`. Errors of its own: `invalid_state`.
---@param fields gitdev.fields.security_alerts.update
---@param options? gitdev.CallOptions
---@return gitdev.SecurityAlert security_alert
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function securityAlert:update(fields, options) end

---Waits until it is at rest. Raises `wait_failed` if it comes to no good end, and a `timeout_error` when the time is over.
---@param options? gitdev.WaitOptions
---@return gitdev.SecurityAlert security_alert
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function securityAlert:wait(options) end

---@class gitdev.SecurityAlertPage: gitdev.Page
---@field data gitdev.SecurityAlert[]  The things.
---@field next fun(self: gitdev.SecurityAlertPage): gitdev.SecurityAlertPage|nil, gitdev.Error|nil  The page after this one; nil when there is none.

---A key was made.
---@class gitdev.event.api_key.created: gitdev.Event
---@field type "api_key.created"
---@field data gitdev.data.api_key.created

---@class gitdev.data.api_key.created
---@field api_key_id? string  The api key's id.
---@field name? string  What it is for.
---@field prefix? string  The first 13 characters of its secret.

---A key has a new secret.
---@class gitdev.event.api_key.rotated: gitdev.Event
---@field type "api_key.rotated"
---@field data gitdev.data.api_key.rotated

---@class gitdev.data.api_key.rotated
---@field api_key_id? string  The api key's id.
---@field name? string  What it is for.
---@field prefix? string  The first 13 characters of its secret.

---A key was revoked.
---@class gitdev.event.api_key.revoked: gitdev.Event
---@field type "api_key.revoked"
---@field data gitdev.data.api_key.revoked

---@class gitdev.data.api_key.revoked
---@field api_key_id? string  The api key's id.
---@field name? string  What it is for.
---@field prefix? string  The first 13 characters of its secret.

---A key was sent in clear; a security alert of type key_exposure is open for it.
---@class gitdev.event.api_key.exposed: gitdev.Event
---@field type "api_key.exposed"
---@field data gitdev.data.api_key.exposed

---@class gitdev.data.api_key.exposed
---@field api_key_id? string  The api key's id.
---@field name? string  What it is for.
---@field prefix? string  The first 13 characters of its secret.

---A project was made.
---@class gitdev.event.project.created: gitdev.Event
---@field type "project.created"
---@field data gitdev.data.project.created

---@class gitdev.data.project.created
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field changed? string[]|nil  The fields that changed; null where the event is no change.

---A project was changed.
---@class gitdev.event.project.updated: gitdev.Event
---@field type "project.updated"
---@field data gitdev.data.project.updated

---@class gitdev.data.project.updated
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field changed? string[]|nil  The fields that changed; null where the event is no change.

---A project was deleted, and all that belongs to it.
---@class gitdev.event.project.deleted: gitdev.Event
---@field type "project.deleted"
---@field data gitdev.data.project.deleted

---@class gitdev.data.project.deleted
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field changed? string[]|nil  The fields that changed; null where the event is no change.

---A variable was set.
---@class gitdev.event.env_var.created: gitdev.Event
---@field type "env_var.created"
---@field data gitdev.data.env_var.created

---@class gitdev.data.env_var.created
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field env_var_id? string  The env var's id.
---@field key? string  Its name in the process.
---@field targets? ("production"|"preview"|"development")[]  Where it applies.
---@field secret? boolean  Whether its value never comes back.

---A variable was changed.
---@class gitdev.event.env_var.updated: gitdev.Event
---@field type "env_var.updated"
---@field data gitdev.data.env_var.updated

---@class gitdev.data.env_var.updated
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field env_var_id? string  The env var's id.
---@field key? string  Its name in the process.
---@field targets? ("production"|"preview"|"development")[]  Where it applies.
---@field secret? boolean  Whether its value never comes back.

---A variable was deleted.
---@class gitdev.event.env_var.deleted: gitdev.Event
---@field type "env_var.deleted"
---@field data gitdev.data.env_var.deleted

---@class gitdev.data.env_var.deleted
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field env_var_id? string  The env var's id.
---@field key? string  Its name in the process.
---@field targets? ("production"|"preview"|"development")[]  Where it applies.
---@field secret? boolean  Whether its value never comes back.

---A deployment was made, and waits for a builder.
---@class gitdev.event.deployment.created: gitdev.Event
---@field type "deployment.created"
---@field data gitdev.data.deployment.created

---@class gitdev.data.deployment.created
---@field project string  The project's slug.
---@field status "queued"|"building"|"deploying"|"live"|"failed"|"canceled"  How far it is.
---@field url string  Where it answers: production's address, or the one its branch's previews share.
---@field project_id? string  The project's id.
---@field deployment_id? string  The deployment's id.
---@field target? "production"|"preview"  What it is for.
---@field branch? string  The branch it was made from.
---@field commit_sha? string|nil  The commit it was made from.
---@field permalink_url? string  Where this one build always answers.
---@field created_at? integer  When it was made. Unix seconds.

---A deployment is live.
---@class gitdev.event.deployment.completed: gitdev.Event
---@field type "deployment.completed"
---@field data gitdev.data.deployment.completed

---@class gitdev.data.deployment.completed
---@field project string  The project's slug.
---@field status "live"  Always `live`.
---@field url string  Where it answers: production's address, or the one its branch's previews share.
---@field duration_ms integer  From the build's beginning to the end.
---@field project_id? string  The project's id.
---@field deployment_id? string  The deployment's id.
---@field target? "production"|"preview"  What it is for.
---@field branch? string  The branch it was made from.
---@field commit_sha? string|nil  The commit it was made from.
---@field permalink_url? string  Where this one build always answers.
---@field created_at? integer  When it was made. Unix seconds.

---A deployment failed; the one before stays where it was.
---@class gitdev.event.deployment.failed: gitdev.Event
---@field type "deployment.failed"
---@field data gitdev.data.deployment.failed

---@class gitdev.data.deployment.failed
---@field project string  The project's slug.
---@field status "failed"  Always `failed`.
---@field url string  Where it answers: production's address, or the one its branch's previews share.
---@field duration_ms integer|nil  From the build's beginning to the end.
---@field failure? gitdev.Deployment.failure|nil  Set if, and only if, it failed.
---@field project_id? string  The project's id.
---@field deployment_id? string  The deployment's id.
---@field target? "production"|"preview"  What it is for.
---@field branch? string  The branch it was made from.
---@field commit_sha? string|nil  The commit it was made from.
---@field permalink_url? string  Where this one build always answers.
---@field created_at? integer  When it was made. Unix seconds.

---A deployment was canceled.
---@class gitdev.event.deployment.canceled: gitdev.Event
---@field type "deployment.canceled"
---@field data gitdev.data.deployment.canceled

---@class gitdev.data.deployment.canceled
---@field project string  The project's slug.
---@field status "canceled"  Always `canceled`.
---@field url string  Where it answers: production's address, or the one its branch's previews share.
---@field duration_ms integer|nil  From the build's beginning to the end.
---@field cancel_reason? "user"|"superseded"|"project_deleted"|nil  Set if, and only if, it was canceled.
---@field project_id? string  The project's id.
---@field deployment_id? string  The deployment's id.
---@field target? "production"|"preview"  What it is for.
---@field branch? string  The branch it was made from.
---@field commit_sha? string|nil  The commit it was made from.
---@field permalink_url? string  Where this one build always answers.
---@field created_at? integer  When it was made. Unix seconds.

---Production points to a deployment that was live already.
---@class gitdev.event.deployment.promoted: gitdev.Event
---@field type "deployment.promoted"
---@field data gitdev.data.deployment.promoted

---@class gitdev.data.deployment.promoted
---@field project string  The project's slug.
---@field status "queued"|"building"|"deploying"|"live"|"failed"|"canceled"  How far it is.
---@field url string  Where it answers: production's address, or the one its branch's previews share.
---@field previous_deployment_id? string|nil  Where production pointed before.
---@field project_id? string  The project's id.
---@field deployment_id? string  The deployment's id.
---@field target? "production"|"preview"  What it is for.
---@field branch? string  The branch it was made from.
---@field commit_sha? string|nil  The commit it was made from.
---@field permalink_url? string  Where this one build always answers.
---@field created_at? integer  When it was made. Unix seconds.

---Production points back to an old deployment.
---@class gitdev.event.deployment.rolled_back: gitdev.Event
---@field type "deployment.rolled_back"
---@field data gitdev.data.deployment.rolled_back

---@class gitdev.data.deployment.rolled_back
---@field project string  The project's slug.
---@field status "queued"|"building"|"deploying"|"live"|"failed"|"canceled"  How far it is.
---@field url string  Where it answers: production's address, or the one its branch's previews share.
---@field previous_deployment_id? string|nil  Where production pointed before.
---@field reason? string|nil  Why, as the caller said.
---@field project_id? string  The project's id.
---@field deployment_id? string  The deployment's id.
---@field target? "production"|"preview"  What it is for.
---@field branch? string  The branch it was made from.
---@field commit_sha? string|nil  The commit it was made from.
---@field permalink_url? string  Where this one build always answers.
---@field created_at? integer  When it was made. Unix seconds.

---A deployment was deleted.
---@class gitdev.event.deployment.deleted: gitdev.Event
---@field type "deployment.deleted"
---@field data gitdev.data.deployment.deleted

---@class gitdev.data.deployment.deleted
---@field project string  The project's slug.
---@field status "queued"|"building"|"deploying"|"live"|"failed"|"canceled"  How far it is.
---@field url string  Where it answers: production's address, or the one its branch's previews share.
---@field project_id? string  The project's id.
---@field deployment_id? string  The deployment's id.
---@field target? "production"|"preview"  What it is for.
---@field branch? string  The branch it was made from.
---@field commit_sha? string|nil  The commit it was made from.
---@field permalink_url? string  Where this one build always answers.
---@field created_at? integer  When it was made. Unix seconds.

---A builder took a deployment up.
---@class gitdev.event.build.started: gitdev.Event
---@field type "build.started"
---@field data gitdev.data.build.started

---@class gitdev.data.build.started
---@field project string  The project's slug.
---@field status "building"  Always `building`.
---@field project_id? string  The project's id.
---@field deployment_id? string  The deployment's id.
---@field target? "production"|"preview"  What it is for.
---@field branch? string  The branch it was made from.
---@field commit_sha? string|nil  The commit it was made from.
---@field permalink_url? string  Where this one build always answers.
---@field created_at? integer  When it was made. Unix seconds.

---A deployment is built, and goes out to its regions.
---@class gitdev.event.build.completed: gitdev.Event
---@field type "build.completed"
---@field data gitdev.data.build.completed

---@class gitdev.data.build.completed
---@field project string  The project's slug.
---@field status "deploying"  Always `deploying`.
---@field duration_ms integer|nil  From the build's beginning to the end.
---@field project_id? string  The project's id.
---@field deployment_id? string  The deployment's id.
---@field target? "production"|"preview"  What it is for.
---@field branch? string  The branch it was made from.
---@field commit_sha? string|nil  The commit it was made from.
---@field permalink_url? string  Where this one build always answers.
---@field created_at? integer  When it was made. Unix seconds.

---A build failed.
---@class gitdev.event.build.failed: gitdev.Event
---@field type "build.failed"
---@field data gitdev.data.build.failed

---@class gitdev.data.build.failed
---@field project string  The project's slug.
---@field status "failed"  Always `failed`.
---@field duration_ms integer|nil  From the build's beginning to the end.
---@field failure? gitdev.Deployment.failure|nil  Set if, and only if, it failed.
---@field project_id? string  The project's id.
---@field deployment_id? string  The deployment's id.
---@field target? "production"|"preview"  What it is for.
---@field branch? string  The branch it was made from.
---@field commit_sha? string|nil  The commit it was made from.
---@field permalink_url? string  Where this one build always answers.
---@field created_at? integer  When it was made. Unix seconds.

---A build was canceled.
---@class gitdev.event.build.canceled: gitdev.Event
---@field type "build.canceled"
---@field data gitdev.data.build.canceled

---@class gitdev.data.build.canceled
---@field project string  The project's slug.
---@field status "canceled"  Always `canceled`.
---@field duration_ms integer|nil  From the build's beginning to the end.
---@field project_id? string  The project's id.
---@field deployment_id? string  The deployment's id.
---@field target? "production"|"preview"  What it is for.
---@field branch? string  The branch it was made from.
---@field commit_sha? string|nil  The commit it was made from.
---@field permalink_url? string  Where this one build always answers.
---@field created_at? integer  When it was made. Unix seconds.

---A branch got a preview.
---@class gitdev.event.preview.created: gitdev.Event
---@field type "preview.created"
---@field data gitdev.data.preview.created

---@class gitdev.data.preview.created
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field preview_id? string  The preview's id.
---@field branch? string  The branch that it shows.
---@field pull_request? integer|nil  The number of the pull request that it is for.
---@field url string  Where it answers, with the newest live deployment of the branch.
---@field status "queued"|"building"|"deploying"|"live"|"failed"|"canceled"|"expired"  The status of its newest deployment, or `expired`.

---A preview was deleted, with its deployments.
---@class gitdev.event.preview.deleted: gitdev.Event
---@field type "preview.deleted"
---@field data gitdev.data.preview.deleted

---@class gitdev.data.preview.deleted
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field preview_id? string  The preview's id.
---@field branch? string  The branch that it shows.
---@field pull_request? integer|nil  The number of the pull request that it is for.
---@field url string  Where it answers, with the newest live deployment of the branch.
---@field status "queued"|"building"|"deploying"|"live"|"failed"|"canceled"|"expired"  The status of its newest deployment, or `expired`.

---A preview's time was over; its deployments are gone.
---@class gitdev.event.preview.expired: gitdev.Event
---@field type "preview.expired"
---@field data gitdev.data.preview.expired

---@class gitdev.data.preview.expired
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field preview_id? string  The preview's id.
---@field branch? string  The branch that it shows.
---@field pull_request? integer|nil  The number of the pull request that it is for.
---@field url string  Where it answers, with the newest live deployment of the branch.
---@field status "queued"|"building"|"deploying"|"live"|"failed"|"canceled"|"expired"  The status of its newest deployment, or `expired`.

---A repository was made.
---@class gitdev.event.repository.created: gitdev.Event
---@field type "repository.created"
---@field data gitdev.data.repository.created

---@class gitdev.data.repository.created
---@field repository? string  The repository's name.
---@field repository_id? string  The repository's id.
---@field visibility? "private"|"public"  Who may read it.
---@field default_branch? string  The branch that is read where none is named.

---A repository was changed.
---@class gitdev.event.repository.updated: gitdev.Event
---@field type "repository.updated"
---@field data gitdev.data.repository.updated

---@class gitdev.data.repository.updated
---@field repository? string  The repository's name.
---@field repository_id? string  The repository's id.
---@field visibility? "private"|"public"  Who may read it.
---@field default_branch? string  The branch that is read where none is named.

---A repository was deleted.
---@class gitdev.event.repository.deleted: gitdev.Event
---@field type "repository.deleted"
---@field data gitdev.data.repository.deleted

---@class gitdev.data.repository.deleted
---@field repository? string  The repository's name.
---@field repository_id? string  The repository's id.
---@field visibility? "private"|"public"  Who may read it.
---@field default_branch? string  The branch that is read where none is named.

---A branch was made, moved or deleted.
---@class gitdev.event.repository.pushed: gitdev.Event
---@field type "repository.pushed"
---@field data gitdev.data.repository.pushed

---@class gitdev.data.repository.pushed
---@field repository? string  The repository's name.
---@field repository_id? string  The repository's id.
---@field branch? string  The branch.
---@field before? string  Where it was; forty zeros if it is new.
---@field after? string  Where it is; forty zeros if it is deleted.
---@field forced? boolean  Whether commits were taken off it.
---@field created? boolean  Whether it is new.
---@field deleted? boolean  Whether it is deleted.
---@field commits? gitdev.PushedCommit[]  The commits that came onto it, newest first, at most 20.
---@field total_commits? integer  How many commits came onto it.

---A run was made, or made to start again.
---@class gitdev.event.run.created: gitdev.Event
---@field type "run.created"
---@field data gitdev.data.run.created

---@class gitdev.data.run.created
---@field project string  The project's slug.
---@field status "queued"  Always `queued`.
---@field project_id? string  The project's id.
---@field run_id? string  The run's id.
---@field pipeline_id? string  The pipeline that it is a run of.
---@field number? integer  Its number among the pipeline's runs, from 1.
---@field attempt? integer  How often it was started: 1, and one more for each retry.
---@field branch? string  The branch that it is for.
---@field commit_sha? string|nil  The commit that it is for.

---The first job of a run started.
---@class gitdev.event.run.started: gitdev.Event
---@field type "run.started"
---@field data gitdev.data.run.started

---@class gitdev.data.run.started
---@field project string  The project's slug.
---@field status "running"  Always `running`.
---@field project_id? string  The project's id.
---@field run_id? string  The run's id.
---@field pipeline_id? string  The pipeline that it is a run of.
---@field number? integer  Its number among the pipeline's runs, from 1.
---@field attempt? integer  How often it was started: 1, and one more for each retry.
---@field branch? string  The branch that it is for.
---@field commit_sha? string|nil  The commit that it is for.

---A run succeeded.
---@class gitdev.event.run.completed: gitdev.Event
---@field type "run.completed"
---@field data gitdev.data.run.completed

---@class gitdev.data.run.completed
---@field project string  The project's slug.
---@field status "succeeded"  Always `succeeded`.
---@field duration_ms integer|nil  From the start of the first job to the end.
---@field failure? gitdev.Run.failure|nil  Set if, and only if, it failed.
---@field project_id? string  The project's id.
---@field run_id? string  The run's id.
---@field pipeline_id? string  The pipeline that it is a run of.
---@field number? integer  Its number among the pipeline's runs, from 1.
---@field attempt? integer  How often it was started: 1, and one more for each retry.
---@field branch? string  The branch that it is for.
---@field commit_sha? string|nil  The commit that it is for.

---A run failed.
---@class gitdev.event.run.failed: gitdev.Event
---@field type "run.failed"
---@field data gitdev.data.run.failed

---@class gitdev.data.run.failed
---@field project string  The project's slug.
---@field status "failed"  Always `failed`.
---@field duration_ms integer|nil  From the start of the first job to the end.
---@field failure? gitdev.Run.failure|nil  Set if, and only if, it failed.
---@field project_id? string  The project's id.
---@field run_id? string  The run's id.
---@field pipeline_id? string  The pipeline that it is a run of.
---@field number? integer  Its number among the pipeline's runs, from 1.
---@field attempt? integer  How often it was started: 1, and one more for each retry.
---@field branch? string  The branch that it is for.
---@field commit_sha? string|nil  The commit that it is for.

---A run was canceled.
---@class gitdev.event.run.canceled: gitdev.Event
---@field type "run.canceled"
---@field data gitdev.data.run.canceled

---@class gitdev.data.run.canceled
---@field project string  The project's slug.
---@field status "canceled"  Always `canceled`.
---@field duration_ms integer|nil  From the start of the first job to the end.
---@field failure? gitdev.Run.failure|nil  Set if, and only if, it failed.
---@field project_id? string  The project's id.
---@field run_id? string  The run's id.
---@field pipeline_id? string  The pipeline that it is a run of.
---@field number? integer  Its number among the pipeline's runs, from 1.
---@field attempt? integer  How often it was started: 1, and one more for each retry.
---@field branch? string  The branch that it is for.
---@field commit_sha? string|nil  The commit that it is for.

---A job succeeded.
---@class gitdev.event.job.completed: gitdev.Event
---@field type "job.completed"
---@field data gitdev.data.job.completed

---@class gitdev.data.job.completed
---@field project string  The project's slug.
---@field status "succeeded"  Always `succeeded`.
---@field duration_ms integer|nil  From its start to its end.
---@field name? string  Its name in the pipeline.
---@field job_id? string  The job's id.
---@field failure_code? "exit_code"|"timeout"|"runner_lost"|"canceled"|nil  Why it did not succeed.
---@field project_id? string  The project's id.
---@field run_id? string  The run that it is part of.
---@field pipeline_id? string  The pipeline that it is a run of.
---@field number? integer  The run's number among the pipeline's runs, from 1.
---@field attempt? integer  The attempt of the run that it was made for.
---@field branch? string  The branch that it is for.
---@field commit_sha? string|nil  The commit that it is for.

---A job failed.
---@class gitdev.event.job.failed: gitdev.Event
---@field type "job.failed"
---@field data gitdev.data.job.failed

---@class gitdev.data.job.failed
---@field project string  The project's slug.
---@field status "failed"  Always `failed`.
---@field duration_ms integer|nil  From its start to its end.
---@field name? string  Its name in the pipeline.
---@field job_id? string  The job's id.
---@field failure_code? "exit_code"|"timeout"|"runner_lost"|"canceled"|nil  Why it did not succeed.
---@field project_id? string  The project's id.
---@field run_id? string  The run that it is part of.
---@field pipeline_id? string  The pipeline that it is a run of.
---@field number? integer  The run's number among the pipeline's runs, from 1.
---@field attempt? integer  The attempt of the run that it was made for.
---@field branch? string  The branch that it is for.
---@field commit_sha? string|nil  The commit that it is for.

---A job was canceled.
---@class gitdev.event.job.canceled: gitdev.Event
---@field type "job.canceled"
---@field data gitdev.data.job.canceled

---@class gitdev.data.job.canceled
---@field project string  The project's slug.
---@field status "canceled"  Always `canceled`.
---@field duration_ms integer|nil  From its start to its end.
---@field name? string  Its name in the pipeline.
---@field job_id? string  The job's id.
---@field failure_code? "exit_code"|"timeout"|"runner_lost"|"canceled"|nil  Why it did not succeed.
---@field project_id? string  The project's id.
---@field run_id? string  The run that it is part of.
---@field pipeline_id? string  The pipeline that it is a run of.
---@field number? integer  The run's number among the pipeline's runs, from 1.
---@field attempt? integer  The attempt of the run that it was made for.
---@field branch? string  The branch that it is for.
---@field commit_sha? string|nil  The commit that it is for.

---A domain was added; its DNS records wait to be set.
---@class gitdev.event.domain.created: gitdev.Event
---@field type "domain.created"
---@field data gitdev.data.domain.created

---@class gitdev.data.domain.created
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field domain_id? string  The domain's id.
---@field name? string  Its name: lower case, in punycode; `*.` at the front stands for all names below.
---@field status "pending"|"verified"|"active"|"misconfigured"|"failed"  How far it is.
---@field error? gitdev.Domain.error|nil  What stands in its way; null if nothing does, or nothing is known yet.

---A domain is proven to be yours.
---@class gitdev.event.domain.verified: gitdev.Event
---@field type "domain.verified"
---@field data gitdev.data.domain.verified

---@class gitdev.data.domain.verified
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field domain_id? string  The domain's id.
---@field name? string  Its name: lower case, in punycode; `*.` at the front stands for all names below.
---@field status "pending"|"verified"|"active"|"misconfigured"|"failed"  How far it is.
---@field error? gitdev.Domain.error|nil  What stands in its way; null if nothing does, or nothing is known yet.

---A domain answers, or does so again.
---@class gitdev.event.domain.activated: gitdev.Event
---@field type "domain.activated"
---@field data gitdev.data.domain.activated

---@class gitdev.data.domain.activated
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field domain_id? string  The domain's id.
---@field name? string  Its name: lower case, in punycode; `*.` at the front stands for all names below.
---@field status "pending"|"verified"|"active"|"misconfigured"|"failed"  How far it is.
---@field error? gitdev.Domain.error|nil  What stands in its way; null if nothing does, or nothing is known yet.

---A domain's traffic no longer comes here: three checks found its record wrong.
---@class gitdev.event.domain.misconfigured: gitdev.Event
---@field type "domain.misconfigured"
---@field data gitdev.data.domain.misconfigured

---@class gitdev.data.domain.misconfigured
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field domain_id? string  The domain's id.
---@field name? string  Its name: lower case, in punycode; `*.` at the front stands for all names below.
---@field status "pending"|"verified"|"active"|"misconfigured"|"failed"  How far it is.
---@field error? gitdev.Domain.error|nil  What stands in its way; null if nothing does, or nothing is known yet.

---Nobody proved a domain to be theirs within 72 hours.
---@class gitdev.event.domain.failed: gitdev.Event
---@field type "domain.failed"
---@field data gitdev.data.domain.failed

---@class gitdev.data.domain.failed
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field domain_id? string  The domain's id.
---@field name? string  Its name: lower case, in punycode; `*.` at the front stands for all names below.
---@field status "pending"|"verified"|"active"|"misconfigured"|"failed"  How far it is.
---@field error? gitdev.Domain.error|nil  What stands in its way; null if nothing does, or nothing is known yet.

---A domain was removed, and its certificate with it.
---@class gitdev.event.domain.deleted: gitdev.Event
---@field type "domain.deleted"
---@field data gitdev.data.domain.deleted

---@class gitdev.data.domain.deleted
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field domain_id? string  The domain's id.
---@field name? string  Its name: lower case, in punycode; `*.` at the front stands for all names below.
---@field status "pending"|"verified"|"active"|"misconfigured"|"failed"  How far it is.
---@field error? gitdev.Domain.error|nil  What stands in its way; null if nothing does, or nothing is known yet.

---A certificate was issued for the first time.
---@class gitdev.event.certificate.issued: gitdev.Event
---@field type "certificate.issued"
---@field data gitdev.data.certificate.issued

---@class gitdev.data.certificate.issued
---@field certificate_id? string  The certificate's id.
---@field domains? string[]  The names that it is for.
---@field not_after? integer|nil  Until when it is valid. Unix seconds.
---@field error? gitdev.Certificate.error|nil  Why the last attempt to get it failed; null if it did not.

---A certificate was renewed.
---@class gitdev.event.certificate.renewed: gitdev.Event
---@field type "certificate.renewed"
---@field data gitdev.data.certificate.renewed

---@class gitdev.data.certificate.renewed
---@field certificate_id? string  The certificate's id.
---@field domains? string[]  The names that it is for.
---@field not_after? integer|nil  Until when it is valid. Unix seconds.
---@field error? gitdev.Certificate.error|nil  Why the last attempt to get it failed; null if it did not.

---An attempt to get or renew a certificate failed; another one follows.
---@class gitdev.event.certificate.failed: gitdev.Event
---@field type "certificate.failed"
---@field data gitdev.data.certificate.failed

---@class gitdev.data.certificate.failed
---@field certificate_id? string  The certificate's id.
---@field domains? string[]  The names that it is for.
---@field not_after? integer|nil  Until when it is valid. Unix seconds.
---@field error? gitdev.Certificate.error|nil  Why the last attempt to get it failed; null if it did not.

---A certificate that could not be renewed ends in 14, 7 or 1 days.
---@class gitdev.event.certificate.expiring: gitdev.Event
---@field type "certificate.expiring"
---@field data gitdev.data.certificate.expiring

---@class gitdev.data.certificate.expiring
---@field certificate_id? string  The certificate's id.
---@field domains? string[]  The names that it is for.
---@field not_after? integer|nil  Until when it is valid. Unix seconds.
---@field error? gitdev.Certificate.error|nil  Why the last attempt to get it failed; null if it did not.

---A version of an edge function serves.
---@class gitdev.event.edge_function.completed: gitdev.Event
---@field type "edge_function.completed"
---@field data gitdev.data.edge_function.completed

---@class gitdev.data.edge_function.completed
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field edge_function_id? string  The edge function's id.
---@field name? string  Its name, the only one in the project.
---@field version? integer  Counts the changes of its code and its environment, from 1.
---@field status "active"  Always `active`.
---@field error? gitdev.EdgeFunction.error|nil  Set if, and only if, its newest version failed.

---A version of an edge function could not be deployed; the one before goes on to serve.
---@class gitdev.event.edge_function.failed: gitdev.Event
---@field type "edge_function.failed"
---@field data gitdev.data.edge_function.failed

---@class gitdev.data.edge_function.failed
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field edge_function_id? string  The edge function's id.
---@field name? string  Its name, the only one in the project.
---@field version? integer  Counts the changes of its code and its environment, from 1.
---@field status "failed"  Always `failed`.
---@field error? gitdev.EdgeFunction.error|nil  Set if, and only if, its newest version failed.

---An edge function was deleted.
---@class gitdev.event.edge_function.deleted: gitdev.Event
---@field type "edge_function.deleted"
---@field data gitdev.data.edge_function.deleted

---@class gitdev.data.edge_function.deleted
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field edge_function_id? string  The edge function's id.
---@field name? string  Its name, the only one in the project.
---@field version? integer  Counts the changes of its code and its environment, from 1.
---@field status "deploying"|"active"|"failed"|"disabled"  How far its newest version is; an older one serves until then.
---@field error? gitdev.EdgeFunction.error|nil  Set if, and only if, its newest version failed.

---Keys of a store were set or deleted.
---@class gitdev.event.edge_config.updated: gitdev.Event
---@field type "edge_config.updated"
---@field data gitdev.data.edge_config.updated

---@class gitdev.data.edge_config.updated
---@field edge_config_id? string  The edge config's id.
---@field name? string  Its name, the only one in the organization.
---@field version? integer  Counts the writes, from 1.
---@field keys? string[]  The keys that were set or deleted, at most 50 of them.

---All regions have purged.
---@class gitdev.event.cache_purge.completed: gitdev.Event
---@field type "cache_purge.completed"
---@field data gitdev.data.cache_purge.completed

---@class gitdev.data.cache_purge.completed
---@field project string  The project's slug.
---@field project_id? string  The project's id.
---@field cache_purge_id? string  The cache purge's id.
---@field scope? "everything"|"urls"|"prefixes"|"tags"  What `values` are.
---@field duration_ms integer  From the request to the last region.

---An endpoint was disabled by the platform; the other endpoints are told.
---@class gitdev.event.webhook.disabled: gitdev.Event
---@field type "webhook.disabled"
---@field data gitdev.data.webhook.disabled

---@class gitdev.data.webhook.disabled
---@field webhook_id? string  The webhook's id.
---@field url string  Where events are sent.
---@field disabled_reason? "failing"|"gone"  Why it was disabled.

---Somebody wants to see whether an endpoint answers; only that endpoint is told.
---@class gitdev.event.webhook.ping: gitdev.Event
---@field type "webhook.ping"
---@field data gitdev.data.webhook.ping

---@class gitdev.data.webhook.ping
---@field webhook_id? string  The webhook's id.
---@field events? string[]  Event types (`deployment.completed`), families of them (`deployment.*`), or `*` for all.

---A scanner found something.
---@class gitdev.event.security_alert.created: gitdev.Event
---@field type "security_alert.created"
---@field data gitdev.data.security_alert.created

---@class gitdev.data.security_alert.created
---@field project string|nil  The slug of the project that it is about.
---@field project_id? string|nil  That project's id.
---@field alert_id? string  The alert's id.
---@field type? "dependency"|"secret"|"code"|"certificate"|"key_exposure"  What was found.
---@field severity? "low"|"medium"|"high"|"critical"  How grave it is.
---@field state? "open"|"dismissed"|"fixed"  Whether it still stands.
---@field summary? string  What it is, in a line.
---@field repository_id? string|nil  The repository that it was found in.
---@field location? gitdev.SecurityAlert.location|nil  Where it was found.
---@field ["package"]? gitdev.SecurityAlert.package|nil  The package at fault, for dependencies.

---An alert was dismissed.
---@class gitdev.event.security_alert.dismissed: gitdev.Event
---@field type "security_alert.dismissed"
---@field data gitdev.data.security_alert.dismissed

---@class gitdev.data.security_alert.dismissed
---@field project string|nil  The slug of the project that it is about.
---@field project_id? string|nil  That project's id.
---@field alert_id? string  The alert's id.
---@field type? "dependency"|"secret"|"code"|"certificate"|"key_exposure"  What was found.
---@field severity? "low"|"medium"|"high"|"critical"  How grave it is.
---@field state? "open"|"dismissed"|"fixed"  Whether it still stands.
---@field summary? string  What it is, in a line.
---@field repository_id? string|nil  The repository that it was found in.
---@field location? gitdev.SecurityAlert.location|nil  Where it was found.
---@field ["package"]? gitdev.SecurityAlert.package|nil  The package at fault, for dependencies.

---An alert stands again: somebody reopened it, or it came back.
---@class gitdev.event.security_alert.reopened: gitdev.Event
---@field type "security_alert.reopened"
---@field data gitdev.data.security_alert.reopened

---@class gitdev.data.security_alert.reopened
---@field project string|nil  The slug of the project that it is about.
---@field project_id? string|nil  That project's id.
---@field alert_id? string  The alert's id.
---@field type? "dependency"|"secret"|"code"|"certificate"|"key_exposure"  What was found.
---@field severity? "low"|"medium"|"high"|"critical"  How grave it is.
---@field state? "open"|"dismissed"|"fixed"  Whether it still stands.
---@field summary? string  What it is, in a line.
---@field repository_id? string|nil  The repository that it was found in.
---@field location? gitdev.SecurityAlert.location|nil  Where it was found.
---@field ["package"]? gitdev.SecurityAlert.package|nil  The package at fault, for dependencies.

---A scanner no longer finds what an alert is about.
---@class gitdev.event.security_alert.fixed: gitdev.Event
---@field type "security_alert.fixed"
---@field data gitdev.data.security_alert.fixed

---@class gitdev.data.security_alert.fixed
---@field project string|nil  The slug of the project that it is about.
---@field project_id? string|nil  That project's id.
---@field alert_id? string  The alert's id.
---@field type? "dependency"|"secret"|"code"|"certificate"|"key_exposure"  What was found.
---@field severity? "low"|"medium"|"high"|"critical"  How grave it is.
---@field state? "open"|"dismissed"|"fixed"  Whether it still stands.
---@field summary? string  What it is, in a line.
---@field repository_id? string|nil  The repository that it was found in.
---@field location? gitdev.SecurityAlert.location|nil  Where it was found.
---@field ["package"]? gitdev.SecurityAlert.package|nil  The package at fault, for dependencies.

---The types of events.
---@alias gitdev.EventType
---| "api_key.created"
---| "api_key.rotated"
---| "api_key.revoked"
---| "api_key.exposed"
---| "project.created"
---| "project.updated"
---| "project.deleted"
---| "env_var.created"
---| "env_var.updated"
---| "env_var.deleted"
---| "deployment.created"
---| "deployment.completed"
---| "deployment.failed"
---| "deployment.canceled"
---| "deployment.promoted"
---| "deployment.rolled_back"
---| "deployment.deleted"
---| "build.started"
---| "build.completed"
---| "build.failed"
---| "build.canceled"
---| "preview.created"
---| "preview.deleted"
---| "preview.expired"
---| "repository.created"
---| "repository.updated"
---| "repository.deleted"
---| "repository.pushed"
---| "run.created"
---| "run.started"
---| "run.completed"
---| "run.failed"
---| "run.canceled"
---| "job.completed"
---| "job.failed"
---| "job.canceled"
---| "domain.created"
---| "domain.verified"
---| "domain.activated"
---| "domain.misconfigured"
---| "domain.failed"
---| "domain.deleted"
---| "certificate.issued"
---| "certificate.renewed"
---| "certificate.failed"
---| "certificate.expiring"
---| "edge_function.completed"
---| "edge_function.failed"
---| "edge_function.deleted"
---| "edge_config.updated"
---| "cache_purge.completed"
---| "webhook.disabled"
---| "webhook.ping"
---| "security_alert.created"
---| "security_alert.dismissed"
---| "security_alert.reopened"
---| "security_alert.fixed"

---Any of the events: its `type` says which.
---@alias gitdev.AnyEvent
---| gitdev.event.api_key.created
---| gitdev.event.api_key.rotated
---| gitdev.event.api_key.revoked
---| gitdev.event.api_key.exposed
---| gitdev.event.project.created
---| gitdev.event.project.updated
---| gitdev.event.project.deleted
---| gitdev.event.env_var.created
---| gitdev.event.env_var.updated
---| gitdev.event.env_var.deleted
---| gitdev.event.deployment.created
---| gitdev.event.deployment.completed
---| gitdev.event.deployment.failed
---| gitdev.event.deployment.canceled
---| gitdev.event.deployment.promoted
---| gitdev.event.deployment.rolled_back
---| gitdev.event.deployment.deleted
---| gitdev.event.build.started
---| gitdev.event.build.completed
---| gitdev.event.build.failed
---| gitdev.event.build.canceled
---| gitdev.event.preview.created
---| gitdev.event.preview.deleted
---| gitdev.event.preview.expired
---| gitdev.event.repository.created
---| gitdev.event.repository.updated
---| gitdev.event.repository.deleted
---| gitdev.event.repository.pushed
---| gitdev.event.run.created
---| gitdev.event.run.started
---| gitdev.event.run.completed
---| gitdev.event.run.failed
---| gitdev.event.run.canceled
---| gitdev.event.job.completed
---| gitdev.event.job.failed
---| gitdev.event.job.canceled
---| gitdev.event.domain.created
---| gitdev.event.domain.verified
---| gitdev.event.domain.activated
---| gitdev.event.domain.misconfigured
---| gitdev.event.domain.failed
---| gitdev.event.domain.deleted
---| gitdev.event.certificate.issued
---| gitdev.event.certificate.renewed
---| gitdev.event.certificate.failed
---| gitdev.event.certificate.expiring
---| gitdev.event.edge_function.completed
---| gitdev.event.edge_function.failed
---| gitdev.event.edge_function.deleted
---| gitdev.event.edge_config.updated
---| gitdev.event.cache_purge.completed
---| gitdev.event.webhook.disabled
---| gitdev.event.webhook.ping
---| gitdev.event.security_alert.created
---| gitdev.event.security_alert.dismissed
---| gitdev.event.security_alert.reopened
---| gitdev.event.security_alert.fixed

---Fields of `usage.get`.
---@class gitdev.fields.usage.get
---@field start? integer  The period's first second; the beginning of the month if absent. Unix seconds. At least 0.
---@field end? integer  The second after its last; the end of the current month if absent. Unix seconds. At least 1.
---@field project? string|gitdev.Project  Only what this project used.

---Fields of `regions.list`.
---@class gitdev.fields.regions.list
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `api_keys.list`.
---@class gitdev.fields.api_keys.list
---@field type? "secret"|"public"  Only those of this type.
---@field include_revoked? boolean  Those that were revoked, too. Default: `false`.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `api_keys.create`.
---@class gitdev.fields.api_keys.create
---@field name string  What it is for. 1 to 80 characters.
---@field type? "secret"|"public"  A public one only names the organization. Default: `"secret"`.
---@field projects? (string|gitdev.Project)[]  The projects that it shall hold, or `*` for all. At least 1 item. Default: `{ "*" }`.
---@field scopes? string[]  What it shall be allowed, such as `deployments:write`, or `*` for everything. At least 1 item. Default: `{ "*" }`.
---@field expires_at? integer  When it shall stop by itself. Unix seconds.

---Fields of `api_keys.rotate`.
---@class gitdev.fields.api_keys.rotate
---@field expire_previous_in? integer  How many seconds the old secret goes on beside the new one. 0 to 604800. Default: `0`.

---Fields of `projects.list`.
---@class gitdev.fields.projects.list
---@field search? string  Text in the slug or the name.
---@field repository? string|gitdev.Repository  Only those built from this repository.
---@field status? "active"|"paused"  Only those in this status.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `projects.create`.
---@class gitdev.fields.projects.create
---@field slug string  Its name in URLs and host names. Made of lower-case letters, digits and single dashes between them, 3 to 40 in all.
---@field name? string  Its name as people read it; the slug if absent. Not empty.
---@field repository? string|gitdev.Repository  The repository to build from.
---@field production_branch? string  The branch whose deployments go to production. Not empty; at most 244 bytes. Default: `"main"`.
---@field framework? string  The framework it is built with.
---@field root_directory? string  Where in the repository the build starts. Default: `"/"`.
---@field build_command? string  What builds it, instead of the framework's own command.
---@field output_directory? string  Where the build leaves what is served.
---@field regions? string[]  Where it shall run. At least 1 item; each a region's code: three lower-case letters. Default: `{ "iad" }`.

---Fields of `projects.update`.
---@class gitdev.fields.projects.update
---@field slug? string  A new slug; production moves to its host name. Made of lower-case letters, digits and single dashes between them, 3 to 40 in all.
---@field name? string  A new name. Not empty.
---@field repository? string|gitdev.Repository|gitdev.Null  The repository to build from; null unlinks it.
---@field production_branch? string  The branch whose deployments go to production. Not empty; at most 244 bytes.
---@field framework? string|gitdev.Null  The framework it is built with.
---@field root_directory? string  Where in the repository the build starts.
---@field build_command? string|gitdev.Null  What builds it; null: the framework's own command.
---@field output_directory? string|gitdev.Null  Where the build leaves what is served.
---@field regions? string[]  Where it shall run. At least 1 item; each a region's code: three lower-case letters.
---@field status? "active"|"paused"  A paused project takes no deployments.

---Fields of `env.list`.
---@class gitdev.fields.env.list
---@field target? "production"|"preview"|"development"  Only those that apply there.
---@field branch? string  Only those of this branch.
---@field key? string  Only those with this key.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `env.create`.
---@class gitdev.fields.env.create
---@field key string  Its name in the process. Made of letters, digits and underscores, at most 128 of them and no digit first.
---@field value string  Its value, kept byte for byte. Any text but one with a NUL in it.
---@field secret? boolean  Whether its value shall never come back. Default: `false`.
---@field targets? ("production"|"preview"|"development")[]  Where it applies. At least 1 item. Default: `{ "production", "preview", "development" }`.
---@field branch? string  The one branch whose previews it applies to. Not empty; at most 244 bytes.
---@field upsert? boolean  Change the variable of that key, target and branch, if there is one. Default: `false`.

---Fields of `env.update`.
---@class gitdev.fields.env.update
---@field value? string  The new value, kept byte for byte. Any text but one with a NUL in it.
---@field secret? boolean  True makes it secret; there is no way back.
---@field targets? ("production"|"preview"|"development")[]  Where it applies. At least 1 item.
---@field branch? string|gitdev.Null  The one branch whose previews it applies to; null: all. Not empty; at most 244 bytes.

---Fields of `deployments.list`.
---@class gitdev.fields.deployments.list
---@field project? string|gitdev.Project  Only those of this project.
---@field status? "queued"|"building"|"deploying"|"live"|"failed"|"canceled"|("queued"|"building"|"deploying"|"live"|"failed"|"canceled")[]  Only those in this status, or in one of several.
---@field target? "production"|"preview"  Only those for this target.
---@field branch? string  Only those of this branch.
---@field commit_sha? string  Only those of this commit. A whole sha: 40 lower-case hexadecimal digits.
---@field current? boolean  Only those that production points to, or does not.
---@field created_after? integer  Only those made after this time. Unix seconds.
---@field created_before? integer  Only those made before this time. Unix seconds.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `deployments.create`.
---@class gitdev.fields.deployments.create
---@field project string|gitdev.Project  The project to deploy.
---@field branch? string  The branch to deploy; the production branch if absent. Not empty; at most 244 bytes.
---@field commit_sha? string  The commit to deploy; the branch's newest if absent. A whole sha: 40 lower-case hexadecimal digits.
---@field env? table<string, string|gitdev.Null>  Variables for this deployment, over the project's own; null drops an inherited one. Names made of letters, digits and underscores, at most 128 of them and no digit first; values any text but one with a NUL in it; names and values at most 65536 bytes together.
---@field target? "production"|"preview"  What it is for; production if the branch is the production branch, else preview.
---@field regions? string[]  Where it shall run; the project's regions if absent. At least 1 item; each a region's code: three lower-case letters.
---@field skip_cache? boolean  Build from scratch. Default: `false`.
---@field metadata? table<string, string>  Notes of your own. At most 20 pairs; names of at most 64 characters; values at most 500 characters.

---Fields of `deployments.rollback`.
---@class gitdev.fields.deployments.rollback
---@field reason? string  Why, for the record. At most 500 characters.

---Fields of `deployments.redeploy`.
---@class gitdev.fields.deployments.redeploy
---@field skip_cache? boolean  Build from scratch. Default: `false`.
---@field env? table<string, string|gitdev.Null>  Variables for this deployment, over the project's own; null drops an inherited one. Names made of letters, digits and underscores, at most 128 of them and no digit first; values any text but one with a NUL in it; names and values at most 65536 bytes together.

---Fields of `deployments.logs.list`.
---@class gitdev.fields.deployments.logs.list
---@field stage? "build"|"deploy"|"runtime"  Only lines of this stage.
---@field level? "debug"|"info"|"warn"|"error"  Only lines of this level or a graver one.
---@field since_ms? integer  Only lines written at or after this time.
---@field until_ms? integer  Only lines written before this time.
---@field limit? integer  The most lines a page may hold. 1 to 1000. Default: `100`.
---@field cursor? string  Where to go on: a line's `cursor`, or the page's `next_cursor`. A cursor as the API gave it.
---@field order? "asc"|"desc"  Oldest first, or newest first. Default: `"asc"`.

---Fields of `deployments.logs.stream`.
---@class gitdev.fields.deployments.logs.stream
---@field cursor? string  Begin after this line or message; not with tail. A cursor as the API gave it.
---@field tail? integer  Begin with so many of the newest lines, 0: with new ones only; not with cursor. 0 to 1000.
---@field follow? boolean  False: what is there, and no more. Default: `true`.
---@field stage? "build"|"deploy"|"runtime"  Only lines of this stage.
---@field level? "debug"|"info"|"warn"|"error"  Only lines of this level or a graver one.
---@field ticket? string  A ticket, in place of the Authorization header. 1 to 64 characters.

---Fields of `stream_tickets.create`.
---@class gitdev.fields.stream_tickets.create
---@field resource string|gitdev.Deployment|gitdev.Job  The deployment or job whose log to open.

---Fields of `previews.list`.
---@class gitdev.fields.previews.list
---@field project? string|gitdev.Project  Only those of this project.
---@field branch? string  Only those of this branch.
---@field pull_request? integer  Only those for this pull request. At least 1.
---@field status? "queued"|"building"|"deploying"|"live"|"failed"|"canceled"|"expired"  Only those in this status.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `previews.create`.
---@class gitdev.fields.previews.create
---@field project string|gitdev.Project  The project.
---@field branch string  The branch to show; any but the production branch. Not empty; at most 244 bytes.
---@field pull_request? integer  The number of the pull request that it is for. At least 1.
---@field protection? "none"|"password"|"organization"  Who may see it. Default: `"none"`.
---@field password? string  What visitors must know; with protection `password`, which needs it. Not empty.
---@field expires_in? integer  How many seconds it lasts; for good if absent. 300 to 2592000.
---@field env? table<string, string>  Variables for the first deployment, over the project's own. Names made of letters, digits and underscores, at most 128 of them and no digit first; values any text but one with a NUL in it; names and values at most 65536 bytes together.

---Fields of `repositories.list`.
---@class gitdev.fields.repositories.list
---@field search? string  Text in the name or the description.
---@field visibility? "private"|"public"  Only those of this visibility.
---@field archived? boolean  Only those that are archived, or are not.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `repositories.create`.
---@class gitdev.fields.repositories.create
---@field name string  Its name, unique in the organization. Made of letters, digits, dots, dashes and underscores, a letter or digit first, at most 100 in all.
---@field description? string  What it holds, in words.
---@field visibility? "private"|"public"  Who may read it. Default: `"private"`.
---@field default_branch? string  The branch that is read where none is named. A branch's name: no blanks, no control characters, none of ~ ^ : ? * [ \. Default: `"main"`.
---@field init? boolean  Begin with a commit that holds a README. Default: `false`.

---Fields of `repositories.update`.
---@class gitdev.fields.repositories.update
---@field name? string  A new name; its addresses change with it. Made of letters, digits, dots, dashes and underscores, a letter or digit first, at most 100 in all.
---@field description? string|gitdev.Null  What it holds, in words.
---@field visibility? "private"|"public"  Who may read it.
---@field default_branch? string  A branch that is there. A branch's name: no blanks, no control characters, none of ~ ^ : ? * [ \.
---@field archived? boolean  Whether it takes no more commits.

---Fields of `repositories.branches.list`.
---@class gitdev.fields.repositories.branches.list
---@field search? string  Text in the name.
---@field ["protected"]? boolean  Only those that are protected, or are not.
---@field order? "asc"|"desc"  By name, rising or falling. Default: `"asc"`.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.

---Fields of `repositories.branches.create`.
---@class gitdev.fields.repositories.branches.create
---@field name string  Its name. A branch's name: no blanks, no control characters, none of ~ ^ : ? * [ \.
---@field from string  A branch, or a commit's id, where it begins. Not empty.
---@field ["protected"]? boolean  A protected branch takes no commits from the API, and is not deleted. Default: `false`.

---Fields of `repositories.commits.list`.
---@class gitdev.fields.repositories.commits.list
---@field ref? string  A branch, a tag or a commit's id to begin at; the default branch if absent. Not empty.
---@field path? string  Only commits that change this file, or something in this directory.
---@field author? string  Text in the author's name or address.
---@field since? integer  Only commits made at or after this time. Unix seconds.
---@field until? integer  Only commits made before this time. Unix seconds.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---@class gitdev.fields.repositories.commits.create.author
---@field name string  The person's name. A name: no control characters, no < or >, and not punctuation alone.
---@field email string  The person's address. An address with one @ in it, and no blanks, control characters, < or >.

---Fields of `repositories.commits.create`.
---@class gitdev.fields.repositories.commits.create
---@field branch string  The branch to commit to. A branch's name: no blanks, no control characters, none of ~ ^ : ? * [ \.
---@field message string  The commit's message. Any text but one with a NUL in it; not empty.
---@field actions gitdev.fields.action[]  What to do, in this order. 1 to 500 items.
---@field expected_head? string  Where the branch must be now; else nothing is committed. A whole sha: 40 lower-case hexadecimal digits.
---@field start_ref? string  Opens `branch` as a new one at this branch, tag or commit. Not empty.
---@field author? gitdev.fields.repositories.commits.create.author  Who wrote the change; the organization if absent.

---Fields of `repositories.tree.list`.
---@class gitdev.fields.repositories.tree.list
---@field ref? string  A branch, a tag or a commit's id; the default branch if absent. Not empty.
---@field path? string  The directory; the top if empty. Default: `""`.
---@field recursive? boolean  Whether to list what is in its directories too. Default: `false`.
---@field order? "asc"|"desc"  By path, rising or falling. Default: `"asc"`.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.

---Fields of `repositories.files.get`.
---@class gitdev.fields.repositories.files.get
---@field ref? string  A branch, a tag or a commit's id; the default branch if absent. Not empty.

---Fields of `repositories.compare.get`.
---@class gitdev.fields.repositories.compare.get
---@field base string  A branch, a tag or a commit's id. Not empty.
---@field head string  A branch, a tag or a commit's id. Not empty.

---Fields of `pipelines.list`.
---@class gitdev.fields.pipelines.list
---@field project? string|gitdev.Project  Only those of this project.
---@field enabled? boolean  Only those that are enabled, or are not.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `pipelines.create`.
---@class gitdev.fields.pipelines.create
---@field project string|gitdev.Project  The project that it belongs to.
---@field name string  Its name, of which a project has only one. 1 to 100 characters.
---@field jobs gitdev.fields.job_def[]  Its jobs; those that need no other start at once, side by side. 1 to 50 items.
---@field triggers? gitdev.fields.pipeline_triggers  What starts its runs: pushes to branches, a schedule, calls of runs.create. Default: `{ manual = true }`.
---@field inputs? gitdev.fields.pipeline_input[]  What a run may be given. Default: `{}`.
---@field enabled? boolean  Whether anything starts its runs. Default: `true`.

---Fields of `pipelines.update`.
---@class gitdev.fields.pipelines.update
---@field name? string  Its name, of which a project has only one. 1 to 100 characters.
---@field jobs? gitdev.fields.job_def[]  Its jobs; those that need no other start at once, side by side. 1 to 50 items.
---@field triggers? gitdev.fields.pipeline_triggers  What starts its runs: pushes to branches, a schedule, calls of runs.create.
---@field inputs? gitdev.fields.pipeline_input[]  What a run may be given.
---@field enabled? boolean  Whether anything starts its runs.

---Fields of `runs.list`.
---@class gitdev.fields.runs.list
---@field project? string|gitdev.Project  Only those of this project.
---@field pipeline? string|gitdev.Pipeline  Only those of this pipeline.
---@field branch? string  Only those of this branch.
---@field status? "queued"|"running"|"succeeded"|"failed"|"canceled"|("queued"|"running"|"succeeded"|"failed"|"canceled")[]  Only those in this status, or in one of several.
---@field trigger? "api"|"push"|"schedule"  Only those that this started.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `runs.create`.
---@class gitdev.fields.runs.create
---@field pipeline string|gitdev.Pipeline  The pipeline to run.
---@field branch? string  The branch to run it for; the production branch if absent. A branch's name: no blanks, no control characters, none of ~ ^ : ? * [ \.
---@field commit_sha? string  The commit to run it for; the branch's newest if absent. A whole sha: 40 lower-case hexadecimal digits.
---@field inputs? table<string, string>  Values for the pipeline's inputs, and for any others. Names of at most 64 characters; values any text but one with a NUL in it.
---@field env? table<string, string>  Variables for this run, over those of the jobs and of the project. Names made of letters, digits and underscores, at most 128 of them and no digit first; values any text but one with a NUL in it; names and values at most 65536 bytes together.

---Fields of `runs.retry`.
---@class gitdev.fields.runs.retry
---@field failed_only? boolean  Keep the jobs that succeeded, and start only the others again. Default: `false`.

---Fields of `runs.jobs.list`.
---@class gitdev.fields.runs.jobs.list
---@field attempt? string|integer  The number of an attempt, or `all`; the latest if absent. An attempt's number, or "all".
---@field status? "queued"|"running"|"succeeded"|"failed"|"canceled"|"skipped"  Only those in this status.
---@field order? "asc"|"desc"  Oldest first, or newest first. Default: `"asc"`.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.

---Fields of `runs.artifacts.list`.
---@class gitdev.fields.runs.artifacts.list
---@field name? string  Only those with this name.
---@field job? string|gitdev.Job  Only those of this job, by its id or its name.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `jobs.logs.list`.
---@class gitdev.fields.jobs.logs.list
---@field stage? string  Only lines of the step with this name. Not empty.
---@field level? "debug"|"info"|"warn"|"error"  Only lines of this level or a graver one.
---@field since_ms? integer  Only lines written at or after this time.
---@field until_ms? integer  Only lines written before this time.
---@field limit? integer  The most lines a page may hold. 1 to 1000. Default: `100`.
---@field cursor? string  Where to go on: a line's `cursor`, or the page's `next_cursor`. A cursor as the API gave it.
---@field order? "asc"|"desc"  Oldest first, or newest first. Default: `"asc"`.

---Fields of `jobs.logs.stream`.
---@class gitdev.fields.jobs.logs.stream
---@field cursor? string  Begin after this line or message; not with tail. A cursor as the API gave it.
---@field tail? integer  Begin with so many of the newest lines, 0: with new ones only; not with cursor. 0 to 1000.
---@field follow? boolean  False: what is there, and no more. Default: `true`.
---@field stage? string  Only lines of the step with this name. Not empty.
---@field level? "debug"|"info"|"warn"|"error"  Only lines of this level or a graver one.
---@field ticket? string  A ticket, in place of the Authorization header. 1 to 64 characters.

---Fields of `domains.list`.
---@class gitdev.fields.domains.list
---@field project? string|gitdev.Project  Only those of this project.
---@field status? "pending"|"verified"|"active"|"misconfigured"|"failed"  Only those in this status.
---@field search? string  Text in the name.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `domains.create`.
---@class gitdev.fields.domains.create
---@field project string|gitdev.Project  The project that shall answer.
---@field name string  The name; `*.example.com` for all names below example.com. A domain name of at least two labels, such as www.example.com or *.example.com; other scripts in punycode (xn--).
---@field branch? string  The branch that shall answer; production if absent. A branch's name: no blanks, no control characters, none of ~ ^ : ? * [ \.
---@field redirect_to? string  The name to send its visitors to, instead of answering. A host name of at least two labels, such as www.example.com; other scripts in punycode (xn--).
---@field redirect_status? 301|302|307|308  The status to send them with, if redirect_to is given. Default: `308`.

---Fields of `certificates.list`.
---@class gitdev.fields.certificates.list
---@field domain? string|gitdev.Domain  Only that of this domain.
---@field status? "pending"|"issued"|"renewing"|"failed"|"expired"  Only those in this status.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `edge_functions.list`.
---@class gitdev.fields.edge_functions.list
---@field project? string|gitdev.Project  Only those of this project.
---@field status? "deploying"|"active"|"failed"|"disabled"  Only those in this status.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `edge_functions.create`.
---@class gitdev.fields.edge_functions.create
---@field project string|gitdev.Project  The project that it belongs to.
---@field name string  Its name, the only one in the project. Made of lower-case letters, digits and single dashes between them, at most 40 in all.
---@field code string  A module of JavaScript, at most 1 MiB of UTF-8. Not empty; at most 1048576 bytes.
---@field routes string[]  The paths that it answers, as patterns; no other function of the project may have one of them. At least 1 item; each a path, whose segments may be :name, and the last one *.
---@field regions? string[]  Where it shall run; `["*"]` is everywhere. At least 1 item; each a region's code, three lower-case letters, or "*". Default: `{ "*" }`.
---@field env? table<string, string>  Its environment, byte for byte; values never come back. Names made of letters, digits and underscores, at most 128 of them and no digit first; values any text but one with a NUL in it; names and values at most 65536 bytes together.
---@field memory_mb? 128|256|512  The memory that it may use, in MiB. Default: `128`.
---@field timeout_ms? integer  How long an answer may take. 1 to 30000. Default: `10000`.

---Fields of `edge_functions.get`.
---@class gitdev.fields.edge_functions.get
---@field include_code? boolean  Whether to answer the code as well.

---Fields of `edge_functions.update`.
---@class gitdev.fields.edge_functions.update
---@field name? string  Its name, the only one in the project. Made of lower-case letters, digits and single dashes between them, at most 40 in all.
---@field code? string  A module of JavaScript, at most 1 MiB of UTF-8. Not empty; at most 1048576 bytes.
---@field routes? string[]  The paths that it answers, as patterns; no other function of the project may have one of them. At least 1 item; each a path, whose segments may be :name, and the last one *.
---@field regions? string[]  Where it shall run; `["*"]` is everywhere. At least 1 item; each a region's code, three lower-case letters, or "*".
---@field env? table<string, string>  Its whole environment, byte for byte; what is not in it is dropped. Names made of letters, digits and underscores, at most 128 of them and no digit first; values any text but one with a NUL in it; names and values at most 65536 bytes together.
---@field memory_mb? 128|256|512  The memory that it may use, in MiB.
---@field timeout_ms? integer  How long an answer may take. 1 to 30000.
---@field enabled? boolean  False disables it, true enables it again.
---@field expected_version? integer  Change it only if this is its version. At least 1.

---Fields of `edge_configs.list`.
---@class gitdev.fields.edge_configs.list
---@field project? string|gitdev.Project  Only those that belong to this project.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `edge_configs.create`.
---@class gitdev.fields.edge_configs.create
---@field name string  Its name, the only one in the organization. Made of lower-case letters, digits and single dashes between them, at most 40 in all.
---@field projects? (string|gitdev.Project)[]  The projects that it belongs to; none: it is the organization's.
---@field items? table<string, gitdev.Json>  What it holds at first: at most 512 KiB. Names made of letters, digits and _ . : - (none of the last three first), at most 256 of them.

---Fields of `edge_configs.items.list`.
---@class gitdev.fields.edge_configs.items.list
---@field prefix? string  Only keys that begin with this.
---@field order? "asc"|"desc"  The keys' order, or the reverse. Default: `"asc"`.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.

---Fields of `edge_configs.items.set`.
---@class gitdev.fields.edge_configs.items.set
---@field value gitdev.Json  The value: any JSON, null included.
---@field expected_version? integer  Set it only if this is the item's version; 0: only if the key is not there. At least 0.

---Fields of `cache_purges.create`.
---@class gitdev.fields.cache_purges.create
---@field project string|gitdev.Project  The project whose answers to purge.
---@field everything? true  True: all that the regions keep of the project.
---@field urls? string[]  These addresses: on the project's own host, on one of its previews, or on an active domain of it. 1 to 100 items; each an https address, made of visible ASCII characters.
---@field prefixes? string[]  All that begins so: an address as in `urls`, or a path on every host of the project. 1 to 30 items; each made of visible ASCII characters, at most 2048 of them.
---@field tags? string[]  All answers whose Cache-Tag header names one of these. 1 to 30 items; each made of visible ASCII characters but no comma, at most 256 of them.

---Fields of `edge_rules.list`.
---@class gitdev.fields.edge_rules.list
---@field project string|gitdev.Project  The project whose rules to list.
---@field type? "redirect"|"rewrite"|"header"  Only those of this type.
---@field order? "asc"|"desc"  The first in priority first, or last. Default: `"asc"`.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.

---Fields of `edge_rules.create`.
---@class gitdev.fields.edge_rules.create
---@field project string|gitdev.Project  The project that it is for.
---@field type "redirect"|"rewrite"|"header"  What it does.
---@field source string  The paths that it is for, as a pattern. A path, whose segments may be :name, and the last one *.
---@field destination? string  Where a redirect (a path, or an https address) or a rewrite (a path) leads; required for these two. Made of visible ASCII characters, at most 2048 of them.
---@field status_code? 301|302|307|308  What a redirect answers. Default: `308`.
---@field headers? table<string, string>  What a header rule sets; required for it. At least 1 pair; names the name of a header; values a header's text: ASCII without control characters.
---@field priority? integer  Its place among the project's rules, which moves the others on; the last if absent. At least 0.
---@field enabled? boolean  Whether it is heeded. Default: `true`.

---Fields of `edge_rules.update`.
---@class gitdev.fields.edge_rules.update
---@field source? string  The paths that it is for, as a pattern. A path, whose segments may be :name, and the last one *.
---@field destination? string|gitdev.Null  Where a redirect (a path, or an https address) or a rewrite (a path) leads. Made of visible ASCII characters, at most 2048 of them.
---@field status_code? 301|302|307|308|gitdev.Null  What a redirect answers; null: 308.
---@field headers? table<string, string>|gitdev.Null  All that a header rule sets; what is not in it is dropped. At least 1 pair; names the name of a header; values a header's text: ASCII without control characters.
---@field priority? integer  Its new place among the project's rules. At least 0.
---@field enabled? boolean  Whether it is heeded.

---Fields of `webhooks.list`.
---@class gitdev.fields.webhooks.list
---@field status? "enabled"|"disabled"  Only those in this status.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `webhooks.create`.
---@class gitdev.fields.webhooks.create
---@field url string  Where events shall be sent: https, without credentials, not a private address. 1 to 2048 characters.
---@field events string[]  Event types (`deployment.completed`), families of them (`deployment.*`), or `*` for all. At least 1 item; each 1 to 100 characters.
---@field projects? string[]  The ids of the projects whose events are sent, or `*`: all that the key which sets it can see. At least 1 item; each 1 to 64 characters. Default: `{ "*" }`.
---@field description? string  A note of your own.
---@field status? "enabled"|"disabled"  Whether events shall be sent. Default: `"enabled"`.

---Fields of `webhooks.update`.
---@class gitdev.fields.webhooks.update
---@field url? string  Where events shall be sent. 1 to 2048 characters.
---@field events? string[]  Event types (`deployment.completed`), families of them (`deployment.*`), or `*` for all. At least 1 item; each 1 to 100 characters.
---@field projects? string[]  The ids of the projects whose events are sent, or `*`: all that the key which sets it can see. At least 1 item; each 1 to 64 characters.
---@field description? string|gitdev.Null  A note of your own; null removes it.
---@field status? "enabled"|"disabled"  Whether events shall be sent; disabling cancels what is under way.

---Fields of `webhooks.rotate_secret`.
---@class gitdev.fields.webhooks.rotate_secret
---@field expire_previous_in? integer  Seconds for which the old secret still signs. 0 to 86400. Default: `86400`.

---Fields of `webhooks.deliveries.list`.
---@class gitdev.fields.webhooks.deliveries.list
---@field status? "pending"|"delivering"|"retrying"|"succeeded"|"failed"|"canceled"  Only those in this status.
---@field event_type? string  Only those of events of this type.
---@field event? string|gitdev.Event  Only those of this event.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `events.list`.
---@class gitdev.fields.events.list
---@field type? string  Only those of this type, or of a family (`deployment.*`).
---@field project? string|gitdev.Project  Only those of this project.
---@field since? integer  Only those from this time on. Unix seconds.
---@field until? integer  Only those before this time. Unix seconds.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `security_alerts.list`.
---@class gitdev.fields.security_alerts.list
---@field state? "open"|"dismissed"|"fixed"  Only those in this state.
---@field severity? "low"|"medium"|"high"|"critical"  Only those of this severity.
---@field type? "dependency"|"secret"|"code"|"certificate"|"key_exposure"  Only those of this type.
---@field project? string|gitdev.Project  Only those of this project.
---@field repository? string|gitdev.Repository  Only those of this repository.
---@field limit? integer  The most things a page may hold. 1 to 100. Default: `20`.
---@field cursor? string  Where to go on: `next_cursor` of the page before. A cursor as the API gave it.
---@field order? "desc"|"asc"  Newest first, or oldest first. Default: `"desc"`.

---Fields of `security_alerts.update`.
---@class gitdev.fields.security_alerts.update
---@field state "open"|"dismissed"  What it shall be.
---@field dismissed_reason? "fix_started"|"inaccurate"|"not_used"|"tolerable_risk"|"wont_fix"|gitdev.Null  Why it is dismissed: required then.
---@field dismissed_comment? string|gitdev.Null  What else there is to say about it. At most 280 characters.

---The organization that the key belongs to.
---@class gitdev.resource.organization
local resource_organization = {}

---Reads the organization that the key belongs to.
---
---`GET /organization`, scope `organization:read`.
---@param options? gitdev.CallOptions
---@return gitdev.Organization organization
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_organization:get(options) end

---What the organization has used in a period.
---@class gitdev.resource.usage
local resource_usage = {}

---Reads what was used in a period of at most 92 days; the current month unless told.
---
---`GET /usage`, scope `organization:read`.
---@param fields? gitdev.fields.usage.get
---@param options? gitdev.CallOptions
---@return gitdev.Usage usage
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_usage:get(fields, options) end

---The regions that deployments and edge functions run in.
---@class gitdev.resource.regions
local resource_regions = {}

---Lists the regions.
---
---`GET /regions`, scope `organization:read`.
---@param fields? gitdev.fields.regions.list
---@param options? gitdev.CallOptions
---@return gitdev.RegionPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_regions:list(fields, options) end

---Walks over all that `regions.list` lists, page by page. It raises in both styles.
---
---`GET /regions`, scope `organization:read`.
---@param fields? gitdev.fields.regions.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Region|nil iterator
function resource_regions:each(fields, options) end

---The organization's rate limit.
---@class gitdev.resource.rate_limit
---@overload fun(): gitdev.KnownRateLimit
local resource_rate_limit = {}

---Reads the rate limit; costs nothing.
---
---`GET /rate_limit`, scope `organization:read`.
---@param options? gitdev.CallOptions
---@return gitdev.RateLimit rate_limit
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_rate_limit:get(options) end

---API keys: who may do what, in which projects.
---@class gitdev.resource.api_keys
local resource_api_keys = {}

---Lists the keys, without their secrets.
---
---`GET /api_keys`, scope `api_keys:read`.
---@param fields? gitdev.fields.api_keys.list
---@param options? gitdev.CallOptions
---@return gitdev.ApiKeyPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_api_keys:list(fields, options) end

---Walks over all that `api_keys.list` lists, page by page. It raises in both styles.
---
---`GET /api_keys`, scope `api_keys:read`.
---@param fields? gitdev.fields.api_keys.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.ApiKey|nil iterator
function resource_api_keys:each(fields, options) end

---Makes a key. It may do no more than the key that makes it.
---
---`POST /api_keys`, scope `api_keys:write`. Errors of its own: `scope_escalation`.
---@param fields gitdev.fields.api_keys.create
---@param options? gitdev.CallOptions
---@return gitdev.ApiKeyWithSecret api_key
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_api_keys:create(fields, options) end

---Gives a key a new secret. The key in use must hold all that the other one does.
---
---`POST /api_keys/{api_key}/rotate`, scope `api_keys:write`. Errors of its own: `invalid_state`, `scope_escalation`.
---@param api_key string|gitdev.ApiKey
---@param fields? gitdev.fields.api_keys.rotate
---@param options? gitdev.CallOptions
---@return gitdev.ApiKeyWithSecret api_key
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_api_keys:rotate(api_key, fields, options) end

---Revokes a key for good; its record stays.
---
---`DELETE /api_keys/{api_key}`, scope `api_keys:write`. Errors of its own: `resource_in_use`.
---@param api_key string|gitdev.ApiKey
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_api_keys:delete(api_key, options) end

---Projects: what is deployed, from which repository, and how it is built.
---@class gitdev.resource.projects
local resource_projects = {}

---Lists the projects that the key holds.
---
---`GET /projects`, scope `projects:read`.
---@param fields? gitdev.fields.projects.list
---@param options? gitdev.CallOptions
---@return gitdev.ProjectPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_projects:list(fields, options) end

---Walks over all that `projects.list` lists, page by page. It raises in both styles.
---
---`GET /projects`, scope `projects:read`.
---@param fields? gitdev.fields.projects.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Project|nil iterator
function resource_projects:each(fields, options) end

---Makes a project.
---
---`POST /projects`, scope `projects:write`. Errors of its own: `already_exists`, `name_reserved`, `plan_limit_reached`.
---@param fields gitdev.fields.projects.create
---@param options? gitdev.CallOptions
---@return gitdev.Project project
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_projects:create(fields, options) end

---Reads a project.
---
---`GET /projects/{project}`, scope `projects:read`.
---@param project string|gitdev.Project
---@param options? gitdev.CallOptions
---@return gitdev.Project project
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_projects:get(project, options) end

---Changes a project; fields left out stay as they are, null clears.
---
---`PATCH /projects/{project}`, scope `projects:write`. Errors of its own: `already_exists`, `resource_in_use`, `name_reserved`.
---@param project string|gitdev.Project
---@param fields? gitdev.fields.projects.update
---@param options? gitdev.CallOptions
---@return gitdev.Project project
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_projects:update(project, fields, options) end

---Deletes a project with its deployments, variables, domains and edge things; its repository stays.
---
---`DELETE /projects/{project}`, scope `projects:write`. Errors of its own: `invalid_state`.
---@param project string|gitdev.Project
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_projects:delete(project, options) end

---Environment variables of a project. Changes touch later deployments only.
---@class gitdev.resource.env
local resource_env = {}

---Lists a project's variables.
---
---`GET /projects/{project}/env`, scope `env:read`.
---@param project string|gitdev.Project
---@param fields? gitdev.fields.env.list
---@param options? gitdev.CallOptions
---@return gitdev.EnvVarPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_env:list(project, fields, options) end

---Walks over all that `env.list` lists, page by page. It raises in both styles.
---
---`GET /projects/{project}/env`, scope `env:read`.
---@param project string|gitdev.Project
---@param fields? gitdev.fields.env.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.EnvVar|nil iterator
function resource_env:each(project, fields, options) end

---Sets a variable; with upsert it may replace one that exists.
---
---`POST /projects/{project}/env`, scope `env:write`. Errors of its own: `already_exists`, `env_key_reserved`, `invalid_encoding`,
---`env_too_large`.
---@param project string|gitdev.Project
---@param fields gitdev.fields.env.create
---@param options? gitdev.CallOptions
---@return gitdev.EnvVar env_var
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_env:create(project, fields, options) end

---Reads a variable.
---
---`GET /projects/{project}/env/{env_var}`, scope `env:read`.
---@param project string|gitdev.Project
---@param env_var string|gitdev.EnvVar
---@param options? gitdev.CallOptions
---@return gitdev.EnvVar env_var
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_env:get(project, env_var, options) end

---Changes a variable; a secret one stays secret.
---
---`PATCH /projects/{project}/env/{env_var}`, scope `env:write`. Errors of its own: `already_exists`, `env_key_reserved`, `invalid_encoding`,
---`env_too_large`.
---@param project string|gitdev.Project
---@param env_var string|gitdev.EnvVar
---@param fields? gitdev.fields.env.update
---@param options? gitdev.CallOptions
---@return gitdev.EnvVar env_var
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_env:update(project, env_var, fields, options) end

---Deletes a variable; running deployments keep theirs.
---
---`DELETE /projects/{project}/env/{env_var}`, scope `env:write`.
---@param project string|gitdev.Project
---@param env_var string|gitdev.EnvVar
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_env:delete(project, env_var, options) end

---Deployments: a commit of a project, built and served.
---@class gitdev.resource.deployments
---@field logs gitdev.resource.deployments.logs
local resource_deployments = {}

---Lists deployments, of one project or of all that the key holds.
---
---`GET /deployments`, scope `deployments:read`.
---@param fields? gitdev.fields.deployments.list
---@param options? gitdev.CallOptions
---@return gitdev.DeploymentPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_deployments:list(fields, options) end

---Walks over all that `deployments.list` lists, page by page. It raises in both styles.
---
---`GET /deployments`, scope `deployments:read`.
---@param fields? gitdev.fields.deployments.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Deployment|nil iterator
function resource_deployments:each(fields, options) end

---Deploys a branch or a commit of a project.
---
---`POST /deployments`, scope `deployments:write`. Errors of its own: `resource_missing`, `invalid_state`, `env_key_reserved`,
---`invalid_encoding`, `env_too_large`, `plan_limit_reached`.
---@param fields gitdev.fields.deployments.create
---@param options? gitdev.CallOptions
---@return gitdev.Deployment deployment
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_deployments:create(fields, options) end

---Reads a deployment.
---
---`GET /deployments/{deployment}`, scope `deployments:read`.
---@param deployment string|gitdev.Deployment
---@param options? gitdev.CallOptions
---@return gitdev.Deployment deployment
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_deployments:get(deployment, options) end

---Cancels a deployment that is not finished.
---
---`POST /deployments/{deployment}/cancel`, scope `deployments:write`. Errors of its own: `invalid_state`.
---@param deployment string|gitdev.Deployment
---@param options? gitdev.CallOptions
---@return gitdev.Deployment deployment
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_deployments:cancel(deployment, options) end

---Points production at a live deployment, without a new build.
---
---`POST /deployments/{deployment}/promote`, scope `deployments:write`. Errors of its own: `invalid_state`.
---@param deployment string|gitdev.Deployment
---@param options? gitdev.CallOptions
---@return gitdev.Deployment deployment
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_deployments:promote(deployment, options) end

---Points production back at an old live deployment: the one named.
---
---`POST /deployments/{deployment}/rollback`, scope `deployments:write`. Errors of its own: `invalid_state`.
---@param deployment string|gitdev.Deployment
---@param fields? gitdev.fields.deployments.rollback
---@param options? gitdev.CallOptions
---@return gitdev.Deployment deployment
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_deployments:rollback(deployment, fields, options) end

---Deploys the same commit again, with today's variables of the project.
---
---`POST /deployments/{deployment}/redeploy`, scope `deployments:write`. Errors of its own: `invalid_state`, `env_key_reserved`,
---`invalid_encoding`, `env_too_large`.
---@param deployment string|gitdev.Deployment
---@param fields? gitdev.fields.deployments.redeploy
---@param options? gitdev.CallOptions
---@return gitdev.Deployment deployment
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_deployments:redeploy(deployment, fields, options) end

---Deletes a finished deployment that production does not point to.
---
---`DELETE /deployments/{deployment}`, scope `deployments:write`. Errors of its own: `resource_in_use`, `invalid_state`.
---@param deployment string|gitdev.Deployment
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_deployments:delete(deployment, options) end

---@class gitdev.resource.deployments.logs
local resource_deployments_logs = {}

---Reads a deployment's log, oldest line first; to poll on, pass the last line's cursor.
---
---`GET /deployments/{deployment}/logs`, scope `logs:read`. Errors of its own: `logs_expired`.
---@param deployment string|gitdev.Deployment
---@param fields? gitdev.fields.deployments.logs.list
---@param options? gitdev.CallOptions
---@return gitdev.LogLinePage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_deployments_logs:list(deployment, fields, options) end

---Walks over all that `deployments.logs.list` lists, page by page. It raises in both styles.
---
---`GET /deployments/{deployment}/logs`, scope `logs:read`. Errors of its own: `logs_expired`.
---@param deployment string|gitdev.Deployment
---@param fields? gitdev.fields.deployments.logs.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.LogLine|nil iterator
function resource_deployments_logs:each(deployment, fields, options) end

---Follows a deployment's log over a WebSocket, from its first line unless told.
---
---`GET /deployments/{deployment}/logs/stream`, scope `logs:read`. Errors of its own: `upgrade_required`, `logs_expired`, `stream_limit`,
---`ticket_invalid`.
---@param deployment string|gitdev.Deployment
---@param fields? gitdev.fields.deployments.logs.stream
---@param options? gitdev.CallOptions
---@return gitdev.LogStream stream
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_deployments_logs:stream(deployment, fields, options) end

---Tickets that open a log stream where headers cannot be set, as in browsers.
---@class gitdev.resource.stream_tickets
local resource_stream_tickets = {}

---Makes a ticket for the log of a deployment or a job.
---
---`POST /stream_tickets`, scope `logs:read`. Errors of its own: `resource_missing`.
---@param fields gitdev.fields.stream_tickets.create
---@param options? gitdev.CallOptions
---@return gitdev.StreamTicket stream_ticket
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_stream_tickets:create(fields, options) end

---Previews: what a branch looks like, at an address of its own.
---@class gitdev.resource.previews
local resource_previews = {}

---Lists previews, of one project or of all that the key holds.
---
---`GET /previews`, scope `deployments:read`.
---@param fields? gitdev.fields.previews.list
---@param options? gitdev.CallOptions
---@return gitdev.PreviewPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_previews:list(fields, options) end

---Walks over all that `previews.list` lists, page by page. It raises in both styles.
---
---`GET /previews`, scope `deployments:read`.
---@param fields? gitdev.fields.previews.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Preview|nil iterator
function resource_previews:each(fields, options) end

---Makes a preview of a branch, and queues its first deployment.
---
---`POST /previews`, scope `deployments:write`. Errors of its own: `already_exists`, `parameter_invalid`, `resource_missing`, `invalid_state`,
---`env_key_reserved`, `invalid_encoding`, `env_too_large`, `plan_limit_reached`.
---@param fields gitdev.fields.previews.create
---@param options? gitdev.CallOptions
---@return gitdev.Preview preview
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_previews:create(fields, options) end

---Reads a preview.
---
---`GET /previews/{preview}`, scope `deployments:read`.
---@param preview string|gitdev.Preview
---@param options? gitdev.CallOptions
---@return gitdev.Preview preview
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_previews:get(preview, options) end

---Deletes a preview; its deployments are canceled and removed.
---
---`DELETE /previews/{preview}`, scope `deployments:write`.
---@param preview string|gitdev.Preview
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_previews:delete(preview, options) end

---Repositories: branches, commits, trees and files, as a REST view of Git.
---@class gitdev.resource.repositories
---@field branches gitdev.resource.repositories.branches
---@field commits gitdev.resource.repositories.commits
---@field tree gitdev.resource.repositories.tree
---@field files gitdev.resource.repositories.files
---@field compare gitdev.resource.repositories.compare
local resource_repositories = {}

---Lists the organization's repositories.
---
---`GET /repositories`, scope `repositories:read`.
---@param fields? gitdev.fields.repositories.list
---@param options? gitdev.CallOptions
---@return gitdev.RepositoryPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories:list(fields, options) end

---Walks over all that `repositories.list` lists, page by page. It raises in both styles.
---
---`GET /repositories`, scope `repositories:read`.
---@param fields? gitdev.fields.repositories.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Repository|nil iterator
function resource_repositories:each(fields, options) end

---Makes a repository.
---
---`POST /repositories`, scope `repositories:write`. Errors of its own: `already_exists`, `name_reserved`.
---@param fields gitdev.fields.repositories.create
---@param options? gitdev.CallOptions
---@return gitdev.Repository repository
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories:create(fields, options) end

---Reads a repository.
---
---`GET /repositories/{repository}`, scope `repositories:read`.
---@param repository string|gitdev.Repository
---@param options? gitdev.CallOptions
---@return gitdev.Repository repository
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories:get(repository, options) end

---Changes a repository; fields left out stay as they are, null clears.
---
---`PATCH /repositories/{repository}`, scope `repositories:write`. Errors of its own: `already_exists`, `resource_missing`, `name_reserved`.
---@param repository string|gitdev.Repository
---@param fields? gitdev.fields.repositories.update
---@param options? gitdev.CallOptions
---@return gitdev.Repository repository
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories:update(repository, fields, options) end

---Deletes a repository that no project is built from.
---
---`DELETE /repositories/{repository}`, scope `repositories:write`. Errors of its own: `resource_in_use`.
---@param repository string|gitdev.Repository
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories:delete(repository, options) end

---@class gitdev.resource.repositories.branches
local resource_repositories_branches = {}

---Lists a repository's branches by name.
---
---`GET /repositories/{repository}/branches`, scope `repositories:read`.
---@param repository string|gitdev.Repository
---@param fields? gitdev.fields.repositories.branches.list
---@param options? gitdev.CallOptions
---@return gitdev.BranchPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories_branches:list(repository, fields, options) end

---Walks over all that `repositories.branches.list` lists, page by page. It raises in both styles.
---
---`GET /repositories/{repository}/branches`, scope `repositories:read`.
---@param repository string|gitdev.Repository
---@param fields? gitdev.fields.repositories.branches.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Branch|nil iterator
function resource_repositories_branches:each(repository, fields, options) end

---Makes a branch at a commit.
---
---`POST /repositories/{repository}/branches`, scope `repositories:write`. Errors of its own: `already_exists`, `resource_missing`.
---@param repository string|gitdev.Repository
---@param fields gitdev.fields.repositories.branches.create
---@param options? gitdev.CallOptions
---@return gitdev.Branch branch
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories_branches:create(repository, fields, options) end

---Reads a branch.
---
---`GET /repositories/{repository}/branches/{branch*}`, scope `repositories:read`.
---@param repository string|gitdev.Repository
---@param branch string|gitdev.Branch
---@param options? gitdev.CallOptions
---@return gitdev.Branch branch
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories_branches:get(repository, branch, options) end

---Deletes a branch that is neither protected nor the default one.
---
---`DELETE /repositories/{repository}/branches/{branch*}`, scope `repositories:write`. Errors of its own: `branch_protected`,
---`resource_in_use`.
---@param repository string|gitdev.Repository
---@param branch string|gitdev.Branch
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories_branches:delete(repository, branch, options) end

---@class gitdev.resource.repositories.commits
local resource_repositories_commits = {}

---Lists the commits of a branch, newest first.
---
---`GET /repositories/{repository}/commits`, scope `repositories:read`. Errors of its own: `invalid_state`.
---@param repository string|gitdev.Repository
---@param fields? gitdev.fields.repositories.commits.list
---@param options? gitdev.CallOptions
---@return gitdev.CommitPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories_commits:list(repository, fields, options) end

---Walks over all that `repositories.commits.list` lists, page by page. It raises in both styles.
---
---`GET /repositories/{repository}/commits`, scope `repositories:read`. Errors of its own: `invalid_state`.
---@param repository string|gitdev.Repository
---@param fields? gitdev.fields.repositories.commits.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Commit|nil iterator
function resource_repositories_commits:each(repository, fields, options) end

---Commits changes of many files to a branch, all of them or none.
---
---`POST /repositories/{repository}/commits`, scope `repositories:write`. Errors of its own: `resource_missing`, `head_moved`, `blob_conflict`,
---`path_exists`, `path_missing`, `nothing_to_commit`, `branch_protected`, `repository_archived`.
---@param repository string|gitdev.Repository
---@param fields gitdev.fields.repositories.commits.create
---@param options? gitdev.CallOptions
---@return gitdev.Commit commit
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories_commits:create(repository, fields, options) end

---Reads a commit, with its size and the files it changes; seven digits of its id are enough.
---
---`GET /repositories/{repository}/commits/{sha}`, scope `repositories:read`.
---@param repository string|gitdev.Repository
---@param sha string|gitdev.Commit
---@param options? gitdev.CallOptions
---@return gitdev.Commit commit
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories_commits:get(repository, sha, options) end

---@class gitdev.resource.repositories.tree
local resource_repositories_tree = {}

---Lists a directory by path.
---
---`GET /repositories/{repository}/tree`, scope `repositories:read`. Errors of its own: `parameter_invalid`.
---@param repository string|gitdev.Repository
---@param fields? gitdev.fields.repositories.tree.list
---@param options? gitdev.CallOptions
---@return gitdev.TreeEntryPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories_tree:list(repository, fields, options) end

---Walks over all that `repositories.tree.list` lists, page by page. It raises in both styles.
---
---`GET /repositories/{repository}/tree`, scope `repositories:read`. Errors of its own: `parameter_invalid`.
---@param repository string|gitdev.Repository
---@param fields? gitdev.fields.repositories.tree.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.TreeEntry|nil iterator
function resource_repositories_tree:each(repository, fields, options) end

---@class gitdev.resource.repositories.files
local resource_repositories_files = {}

---Reads a file of at most 1 MiB.
---
---`GET /repositories/{repository}/files/{path*}`, scope `repositories:read`. Errors of its own: `file_too_large`, `parameter_invalid`.
---@param repository string|gitdev.Repository
---@param path string
---@param fields? gitdev.fields.repositories.files.get
---@param options? gitdev.CallOptions
---@return gitdev.File file
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories_files:get(repository, path, fields, options) end

---@class gitdev.resource.repositories.compare
local resource_repositories_compare = {}

---Compares two commits: what head has that base has not.
---
---`GET /repositories/{repository}/compare`, scope `repositories:read`. Errors of its own: `resource_missing`.
---@param repository string|gitdev.Repository
---@param fields gitdev.fields.repositories.compare.get
---@param options? gitdev.CallOptions
---@return gitdev.Comparison comparison
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_repositories_compare:get(repository, fields, options) end

---Pipelines: jobs that run when a branch is pushed, on a schedule, or when asked to.
---@class gitdev.resource.pipelines
local resource_pipelines = {}

---Lists pipelines, of one project or of all that the key holds.
---
---`GET /pipelines`, scope `pipelines:read`.
---@param fields? gitdev.fields.pipelines.list
---@param options? gitdev.CallOptions
---@return gitdev.PipelinePage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_pipelines:list(fields, options) end

---Walks over all that `pipelines.list` lists, page by page. It raises in both styles.
---
---`GET /pipelines`, scope `pipelines:read`.
---@param fields? gitdev.fields.pipelines.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Pipeline|nil iterator
function resource_pipelines:each(fields, options) end

---Makes a pipeline.
---
---`POST /pipelines`, scope `pipelines:write`. Errors of its own: `already_exists`, `parameter_invalid`, `resource_missing`,
---`env_key_reserved`, `invalid_encoding`, `env_too_large`.
---@param fields gitdev.fields.pipelines.create
---@param options? gitdev.CallOptions
---@return gitdev.Pipeline pipeline
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_pipelines:create(fields, options) end

---Reads a pipeline.
---
---`GET /pipelines/{pipeline}`, scope `pipelines:read`.
---@param pipeline string|gitdev.Pipeline
---@param options? gitdev.CallOptions
---@return gitdev.Pipeline pipeline
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_pipelines:get(pipeline, options) end

---Changes a pipeline, for later runs; fields left out stay as they are, the others are replaced whole.
---
---`PATCH /pipelines/{pipeline}`, scope `pipelines:write`. Errors of its own: `already_exists`, `parameter_invalid`, `env_key_reserved`,
---`invalid_encoding`, `env_too_large`.
---@param pipeline string|gitdev.Pipeline
---@param fields? gitdev.fields.pipelines.update
---@param options? gitdev.CallOptions
---@return gitdev.Pipeline pipeline
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_pipelines:update(pipeline, fields, options) end

---Deletes a pipeline; its runs stay readable.
---
---`DELETE /pipelines/{pipeline}`, scope `pipelines:write`. Errors of its own: `invalid_state`.
---@param pipeline string|gitdev.Pipeline
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_pipelines:delete(pipeline, options) end

---Runs: a pipeline at work on a commit.
---@class gitdev.resource.runs
---@field jobs gitdev.resource.runs.jobs
---@field artifacts gitdev.resource.runs.artifacts
local resource_runs = {}

---Lists runs, of one pipeline or project, or of all that the key holds.
---
---`GET /runs`, scope `pipelines:read`.
---@param fields? gitdev.fields.runs.list
---@param options? gitdev.CallOptions
---@return gitdev.RunPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_runs:list(fields, options) end

---Walks over all that `runs.list` lists, page by page. It raises in both styles.
---
---`GET /runs`, scope `pipelines:read`.
---@param fields? gitdev.fields.runs.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Run|nil iterator
function resource_runs:each(fields, options) end

---Runs a pipeline.
---
---`POST /runs`, scope `pipelines:write`. Errors of its own: `invalid_state`, `parameter_missing`, `resource_missing`, `env_key_reserved`,
---`invalid_encoding`, `env_too_large`.
---@param fields gitdev.fields.runs.create
---@param options? gitdev.CallOptions
---@return gitdev.Run run
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_runs:create(fields, options) end

---Reads a run.
---
---`GET /runs/{run}`, scope `pipelines:read`.
---@param run string|gitdev.Run
---@param options? gitdev.CallOptions
---@return gitdev.Run run
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_runs:get(run, options) end

---Cancels a run that is not finished, and its jobs.
---
---`POST /runs/{run}/cancel`, scope `pipelines:write`. Errors of its own: `invalid_state`.
---@param run string|gitdev.Run
---@param options? gitdev.CallOptions
---@return gitdev.Run run
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_runs:cancel(run, options) end

---Starts a finished run again, as its next attempt, with new jobs.
---
---`POST /runs/{run}/retry`, scope `pipelines:write`. Errors of its own: `invalid_state`.
---@param run string|gitdev.Run
---@param fields? gitdev.fields.runs.retry
---@param options? gitdev.CallOptions
---@return gitdev.Run run
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_runs:retry(run, fields, options) end

---@class gitdev.resource.runs.jobs
local resource_runs_jobs = {}

---Lists the jobs of a run's latest attempt, of another one, or of all.
---
---`GET /runs/{run}/jobs`, scope `pipelines:read`.
---@param run string|gitdev.Run
---@param fields? gitdev.fields.runs.jobs.list
---@param options? gitdev.CallOptions
---@return gitdev.JobPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_runs_jobs:list(run, fields, options) end

---Walks over all that `runs.jobs.list` lists, page by page. It raises in both styles.
---
---`GET /runs/{run}/jobs`, scope `pipelines:read`.
---@param run string|gitdev.Run
---@param fields? gitdev.fields.runs.jobs.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Job|nil iterator
function resource_runs_jobs:each(run, fields, options) end

---@class gitdev.resource.runs.artifacts
local resource_runs_artifacts = {}

---Lists what the jobs of a run left behind, in all its attempts.
---
---`GET /runs/{run}/artifacts`, scope `pipelines:read`.
---@param run string|gitdev.Run
---@param fields? gitdev.fields.runs.artifacts.list
---@param options? gitdev.CallOptions
---@return gitdev.ArtifactPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_runs_artifacts:list(run, fields, options) end

---Walks over all that `runs.artifacts.list` lists, page by page. It raises in both styles.
---
---`GET /runs/{run}/artifacts`, scope `pipelines:read`.
---@param run string|gitdev.Run
---@param fields? gitdev.fields.runs.artifacts.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Artifact|nil iterator
function resource_runs_artifacts:each(run, fields, options) end

---Jobs: the parts of a run, each with its steps and its log.
---@class gitdev.resource.jobs
---@field logs gitdev.resource.jobs.logs
local resource_jobs = {}

---Reads a job.
---
---`GET /jobs/{job}`, scope `pipelines:read`.
---@param job string|gitdev.Job
---@param options? gitdev.CallOptions
---@return gitdev.Job job
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_jobs:get(job, options) end

---@class gitdev.resource.jobs.logs
local resource_jobs_logs = {}

---Reads a job's log, oldest line first; to poll on, pass the last line's cursor.
---
---`GET /jobs/{job}/logs`, scope `logs:read`. Errors of its own: `logs_expired`.
---@param job string|gitdev.Job
---@param fields? gitdev.fields.jobs.logs.list
---@param options? gitdev.CallOptions
---@return gitdev.LogLinePage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_jobs_logs:list(job, fields, options) end

---Walks over all that `jobs.logs.list` lists, page by page. It raises in both styles.
---
---`GET /jobs/{job}/logs`, scope `logs:read`. Errors of its own: `logs_expired`.
---@param job string|gitdev.Job
---@param fields? gitdev.fields.jobs.logs.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.LogLine|nil iterator
function resource_jobs_logs:each(job, fields, options) end

---Follows a job's log over a WebSocket, from its first line unless told.
---
---`GET /jobs/{job}/logs/stream`, scope `logs:read`. Errors of its own: `upgrade_required`, `logs_expired`, `stream_limit`, `ticket_invalid`.
---@param job string|gitdev.Job
---@param fields? gitdev.fields.jobs.logs.stream
---@param options? gitdev.CallOptions
---@return gitdev.LogStream stream
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_jobs_logs:stream(job, fields, options) end

---Artifacts: files that jobs leave behind, kept for 30 days.
---@class gitdev.resource.artifacts
local resource_artifacts = {}

---Downloads an artifact, or a range of it.
---
---`GET /artifacts/{artifact}/download`, scope `pipelines:read`. Errors of its own: `artifact_expired`, `range_not_satisfiable`.
---@param artifact string|gitdev.Artifact
---@param fields? gitdev.DownloadFields
---@param options? gitdev.CallOptions
---@return gitdev.Download download
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_artifacts:download(artifact, fields, options) end

---Domains: names of your own under which a project answers.
---@class gitdev.resource.domains
local resource_domains = {}

---Lists domains, of one project or of all that the key holds.
---
---`GET /domains`, scope `edge:read`.
---@param fields? gitdev.fields.domains.list
---@param options? gitdev.CallOptions
---@return gitdev.DomainPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_domains:list(fields, options) end

---Walks over all that `domains.list` lists, page by page. It raises in both styles.
---
---`GET /domains`, scope `edge:read`.
---@param fields? gitdev.fields.domains.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Domain|nil iterator
function resource_domains:each(fields, options) end

---Adds a domain to a project, and says which DNS records it needs.
---
---`POST /domains`, scope `edge:write`. Errors of its own: `already_exists`, `name_reserved`.
---@param fields gitdev.fields.domains.create
---@param options? gitdev.CallOptions
---@return gitdev.Domain domain
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_domains:create(fields, options) end

---Reads a domain, by its id or its name.
---
---`GET /domains/{domain}`, scope `edge:read`.
---@param domain string|gitdev.Domain
---@param options? gitdev.CallOptions
---@return gitdev.Domain domain
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_domains:get(domain, options) end

---Looks at a domain's DNS records now; that nothing has changed is no error.
---
---`POST /domains/{domain}/verify`, scope `edge:write`. Errors of its own: `rate_limited`.
---@param domain string|gitdev.Domain
---@param options? gitdev.CallOptions
---@return gitdev.Domain domain
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_domains:verify(domain, options) end

---Removes a domain, and its managed certificate with it.
---
---`DELETE /domains/{domain}`, scope `edge:write`.
---@param domain string|gitdev.Domain
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_domains:delete(domain, options) end

---Certificates of domains: issued and renewed by the platform.
---@class gitdev.resource.certificates
local resource_certificates = {}

---Lists certificates, of one domain or of all that the key sees.
---
---`GET /certificates`, scope `edge:read`.
---@param fields? gitdev.fields.certificates.list
---@param options? gitdev.CallOptions
---@return gitdev.CertificatePage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_certificates:list(fields, options) end

---Walks over all that `certificates.list` lists, page by page. It raises in both styles.
---
---`GET /certificates`, scope `edge:read`.
---@param fields? gitdev.fields.certificates.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Certificate|nil iterator
function resource_certificates:each(fields, options) end

---Reads a certificate.
---
---`GET /certificates/{certificate}`, scope `edge:read`.
---@param certificate string|gitdev.Certificate
---@param options? gitdev.CallOptions
---@return gitdev.Certificate certificate
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_certificates:get(certificate, options) end

---Edge functions: code that answers requests in the regions, before a deployment does.
---@class gitdev.resource.edge_functions
local resource_edge_functions = {}

---Lists edge functions, of one project or of all that the key holds.
---
---`GET /edge_functions`, scope `edge:read`.
---@param fields? gitdev.fields.edge_functions.list
---@param options? gitdev.CallOptions
---@return gitdev.EdgeFunctionPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_functions:list(fields, options) end

---Walks over all that `edge_functions.list` lists, page by page. It raises in both styles.
---
---`GET /edge_functions`, scope `edge:read`.
---@param fields? gitdev.fields.edge_functions.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.EdgeFunction|nil iterator
function resource_edge_functions:each(fields, options) end

---Makes an edge function, and deploys it.
---
---`POST /edge_functions`, scope `edge:write`. Errors of its own: `already_exists`, `rule_conflict`, `env_key_reserved`, `invalid_encoding`,
---`env_too_large`.
---@param fields gitdev.fields.edge_functions.create
---@param options? gitdev.CallOptions
---@return gitdev.EdgeFunction edge_function
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_functions:create(fields, options) end

---Reads an edge function, and its code if that is asked for.
---
---`GET /edge_functions/{edge_function}`, scope `edge:read`.
---@param edge_function string|gitdev.EdgeFunction
---@param fields? gitdev.fields.edge_functions.get
---@param options? gitdev.CallOptions
---@return gitdev.EdgeFunction edge_function
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_functions:get(edge_function, fields, options) end

---Changes an edge function; other code or another environment is a new version, which is deployed.
---
---`PATCH /edge_functions/{edge_function}`, scope `edge:write`. Errors of its own: `version_conflict`, `already_exists`, `rule_conflict`,
---`env_key_reserved`, `invalid_encoding`, `env_too_large`.
---@param edge_function string|gitdev.EdgeFunction
---@param fields? gitdev.fields.edge_functions.update
---@param options? gitdev.CallOptions
---@return gitdev.EdgeFunction edge_function
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_functions:update(edge_function, fields, options) end

---Deletes an edge function; it answers no more.
---
---`DELETE /edge_functions/{edge_function}`, scope `edge:write`.
---@param edge_function string|gitdev.EdgeFunction
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_functions:delete(edge_function, options) end

---Edge configs: small stores of keys and values, which are read in every region. A write reaches all of them within 10 seconds.
---@class gitdev.resource.edge_configs
---@field items gitdev.resource.edge_configs.items
local resource_edge_configs = {}

---Lists the stores whose projects the key all holds, and those of the organization.
---
---`GET /edge_configs`, scope `edge:read`.
---@param fields? gitdev.fields.edge_configs.list
---@param options? gitdev.CallOptions
---@return gitdev.EdgeConfigPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_configs:list(fields, options) end

---Walks over all that `edge_configs.list` lists, page by page. It raises in both styles.
---
---`GET /edge_configs`, scope `edge:read`.
---@param fields? gitdev.fields.edge_configs.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.EdgeConfig|nil iterator
function resource_edge_configs:each(fields, options) end

---Makes a store, with what it holds at first.
---
---`POST /edge_configs`, scope `edge:write`. Errors of its own: `already_exists`, `plan_limit_reached`.
---@param fields gitdev.fields.edge_configs.create
---@param options? gitdev.CallOptions
---@return gitdev.EdgeConfig edge_config
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_configs:create(fields, options) end

---Reads how large a store is, and in which version.
---
---`GET /edge_configs/{edge_config}`, scope `edge:read`.
---@param edge_config string|gitdev.EdgeConfig
---@param options? gitdev.CallOptions
---@return gitdev.EdgeConfig edge_config
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_configs:get(edge_config, options) end

---Deletes a store with all that it holds.
---
---`DELETE /edge_configs/{edge_config}`, scope `edge:write`.
---@param edge_config string|gitdev.EdgeConfig
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_configs:delete(edge_config, options) end

---@class gitdev.resource.edge_configs.items
local resource_edge_configs_items = {}

---Lists what a store holds, in the order of the keys.
---
---`GET /edge_configs/{edge_config}/items`, scope `edge:read`.
---@param edge_config string|gitdev.EdgeConfig
---@param fields? gitdev.fields.edge_configs.items.list
---@param options? gitdev.CallOptions
---@return gitdev.EdgeConfigItemPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_configs_items:list(edge_config, fields, options) end

---Walks over all that `edge_configs.items.list` lists, page by page. It raises in both styles.
---
---`GET /edge_configs/{edge_config}/items`, scope `edge:read`.
---@param edge_config string|gitdev.EdgeConfig
---@param fields? gitdev.fields.edge_configs.items.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.EdgeConfigItem|nil iterator
function resource_edge_configs_items:each(edge_config, fields, options) end

---Reads the value of a key.
---
---`GET /edge_configs/{edge_config}/items/{key}`, scope `edge:read`.
---@param edge_config string|gitdev.EdgeConfig
---@param key string|gitdev.EdgeConfigItem
---@param options? gitdev.CallOptions
---@return gitdev.EdgeConfigItem edge_config_item
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_configs_items:get(edge_config, key, options) end

---Sets the value of a key, which need not be there yet.
---
---`PUT /edge_configs/{edge_config}/items/{key}`, scope `edge:write`. Errors of its own: `version_conflict`, `payload_too_large`.
---@param edge_config string|gitdev.EdgeConfig
---@param key string|gitdev.EdgeConfigItem
---@param fields gitdev.fields.edge_configs.items.set
---@param options? gitdev.CallOptions
---@return gitdev.EdgeConfigItem edge_config_item
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_configs_items:set(edge_config, key, fields, options) end

---Deletes a key.
---
---`DELETE /edge_configs/{edge_config}/items/{key}`, scope `edge:write`.
---@param edge_config string|gitdev.EdgeConfig
---@param key string|gitdev.EdgeConfigItem
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_configs_items:delete(edge_config, key, options) end

---Cache purges: what the regions keep of a project's answers is thrown away.
---@class gitdev.resource.cache_purges
local resource_cache_purges = {}

---Purges everything of a project, or the URLs, prefixes or tags named: exactly one of the four.
---
---`POST /cache_purges`, scope `edge:write`. Errors of its own: `parameter_invalid`.
---@param fields gitdev.fields.cache_purges.create
---@param options? gitdev.CallOptions
---@return gitdev.CachePurge cache_purge
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_cache_purges:create(fields, options) end

---Reads how far a purge is.
---
---`GET /cache_purges/{cache_purge}`, scope `edge:read`.
---@param cache_purge string|gitdev.CachePurge
---@param options? gitdev.CallOptions
---@return gitdev.CachePurge cache_purge
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_cache_purges:get(cache_purge, options) end

---Edge rules: redirects, rewrites and headers by path. The first redirect or rewrite that matches wins; header rules all apply.
---@class gitdev.resource.edge_rules
local resource_edge_rules = {}

---Lists the rules of a project, the first in priority first.
---
---`GET /edge_rules`, scope `edge:read`.
---@param fields gitdev.fields.edge_rules.list
---@param options? gitdev.CallOptions
---@return gitdev.EdgeRulePage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_rules:list(fields, options) end

---Walks over all that `edge_rules.list` lists, page by page. It raises in both styles.
---
---`GET /edge_rules`, scope `edge:read`.
---@param fields gitdev.fields.edge_rules.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.EdgeRule|nil iterator
function resource_edge_rules:each(fields, options) end

---Makes a rule. A source may hold `:name` segments and end in `*`, which the destination may use.
---
---`POST /edge_rules`, scope `edge:write`. Errors of its own: `rule_conflict`, `parameter_invalid`.
---@param fields gitdev.fields.edge_rules.create
---@param options? gitdev.CallOptions
---@return gitdev.EdgeRule edge_rule
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_rules:create(fields, options) end

---Reads a rule.
---
---`GET /edge_rules/{edge_rule}`, scope `edge:read`.
---@param edge_rule string|gitdev.EdgeRule
---@param options? gitdev.CallOptions
---@return gitdev.EdgeRule edge_rule
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_rules:get(edge_rule, options) end

---Changes a rule; a new priority moves the others.
---
---`PATCH /edge_rules/{edge_rule}`, scope `edge:write`. Errors of its own: `rule_conflict`, `parameter_invalid`.
---@param edge_rule string|gitdev.EdgeRule
---@param fields? gitdev.fields.edge_rules.update
---@param options? gitdev.CallOptions
---@return gitdev.EdgeRule edge_rule
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_rules:update(edge_rule, fields, options) end

---Deletes a rule; those after it move up.
---
---`DELETE /edge_rules/{edge_rule}`, scope `edge:write`.
---@param edge_rule string|gitdev.EdgeRule
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_edge_rules:delete(edge_rule, options) end

---Webhooks: endpoints of your own that events are sent to, signed, and sent again until they are accepted.
---@class gitdev.resource.webhooks
---@field deliveries gitdev.resource.webhooks.deliveries
local resource_webhooks = {}

---Lists endpoints.
---
---`GET /webhooks`, scope `webhooks:read`.
---@param fields? gitdev.fields.webhooks.list
---@param options? gitdev.CallOptions
---@return gitdev.WebhookPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_webhooks:list(fields, options) end

---Walks over all that `webhooks.list` lists, page by page. It raises in both styles.
---
---`GET /webhooks`, scope `webhooks:read`.
---@param fields? gitdev.fields.webhooks.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Webhook|nil iterator
function resource_webhooks:each(fields, options) end

---Makes an endpoint. Its secret is shown this once: keep it, deliveries are verified with it.
---
---`POST /webhooks`, scope `webhooks:write`. Errors of its own: `url_not_allowed`, `unknown_event_type`, `resource_missing`,
---`plan_limit_reached`.
---@param fields gitdev.fields.webhooks.create
---@param options? gitdev.CallOptions
---@return gitdev.WebhookWithSecret webhook
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_webhooks:create(fields, options) end

---Reads an endpoint.
---
---`GET /webhooks/{webhook}`, scope `webhooks:read`.
---@param webhook string|gitdev.Webhook
---@param options? gitdev.CallOptions
---@return gitdev.Webhook webhook
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_webhooks:get(webhook, options) end

---Changes an endpoint; fields left out stay as they are, null clears. To enable it forgives past failures.
---
---`PATCH /webhooks/{webhook}`, scope `webhooks:write`. Errors of its own: `url_not_allowed`, `unknown_event_type`, `resource_missing`,
---`plan_limit_reached`.
---@param webhook string|gitdev.Webhook
---@param fields? gitdev.fields.webhooks.update
---@param options? gitdev.CallOptions
---@return gitdev.Webhook webhook
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_webhooks:update(webhook, fields, options) end

---Deletes an endpoint; deliveries that are not finished are canceled.
---
---`DELETE /webhooks/{webhook}`, scope `webhooks:write`.
---@param webhook string|gitdev.Webhook
---@param options? gitdev.CallOptions
---@return true done
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_webhooks:delete(webhook, options) end

---Gives an endpoint a new secret, shown this once. Deliveries are signed with both until the old one expires.
---
---`POST /webhooks/{webhook}/rotate_secret`, scope `webhooks:write`.
---@param webhook string|gitdev.Webhook
---@param fields? gitdev.fields.webhooks.rotate_secret
---@param options? gitdev.CallOptions
---@return gitdev.WebhookWithSecret webhook
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_webhooks:rotate_secret(webhook, fields, options) end

---Sends an endpoint a `webhook.ping` event.
---
---`POST /webhooks/{webhook}/ping`, scope `webhooks:write`. Errors of its own: `invalid_state`.
---@param webhook string|gitdev.Webhook
---@param options? gitdev.CallOptions
---@return gitdev.Delivery delivery
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_webhooks:ping(webhook, options) end

---@class gitdev.resource.webhooks.deliveries
local resource_webhooks_deliveries = {}

---Lists an endpoint's deliveries of the last 30 days.
---
---`GET /webhooks/{webhook}/deliveries`, scope `webhooks:read`.
---@param webhook string|gitdev.Webhook
---@param fields? gitdev.fields.webhooks.deliveries.list
---@param options? gitdev.CallOptions
---@return gitdev.DeliveryPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_webhooks_deliveries:list(webhook, fields, options) end

---Walks over all that `webhooks.deliveries.list` lists, page by page. It raises in both styles.
---
---`GET /webhooks/{webhook}/deliveries`, scope `webhooks:read`.
---@param webhook string|gitdev.Webhook
---@param fields? gitdev.fields.webhooks.deliveries.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.Delivery|nil iterator
function resource_webhooks_deliveries:each(webhook, fields, options) end

---Reads a delivery with its attempts.
---
---`GET /webhooks/{webhook}/deliveries/{delivery}`, scope `webhooks:read`.
---@param webhook string|gitdev.Webhook
---@param delivery string|gitdev.Delivery
---@param options? gitdev.CallOptions
---@return gitdev.DeliveryWithAttempts delivery
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_webhooks_deliveries:get(webhook, delivery, options) end

---Sends a finished delivery's event again: a new delivery of the same event, signed anew.
---
---`POST /webhooks/{webhook}/deliveries/{delivery}/redeliver`, scope `webhooks:write`. Errors of its own: `invalid_state`.
---@param webhook string|gitdev.Webhook
---@param delivery string|gitdev.Delivery
---@param options? gitdev.CallOptions
---@return gitdev.Delivery delivery
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_webhooks_deliveries:redeliver(webhook, delivery, options) end

---Events: what has happened, as webhooks deliver it.
---@class gitdev.resource.events
local resource_events = {}

---Lists the events of the last 30 days.
---
---`GET /events`, scope `events:read`.
---@param fields? gitdev.fields.events.list
---@param options? gitdev.CallOptions
---@return gitdev.EventPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_events:list(fields, options) end

---Walks over all that `events.list` lists, page by page. It raises in both styles.
---
---`GET /events`, scope `events:read`.
---@param fields? gitdev.fields.events.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.AnyEvent|nil iterator
function resource_events:each(fields, options) end

---Reads an event.
---
---`GET /events/{event}`, scope `events:read`.
---@param event string|gitdev.Event
---@param options? gitdev.CallOptions
---@return gitdev.AnyEvent event
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_events:get(event, options) end

---Security alerts: vulnerable dependencies, leaked secrets and keys, and what else a scanner found.
---@class gitdev.resource.security_alerts
local resource_security_alerts = {}

---Lists alerts.
---
---`GET /security_alerts`, scope `security:read`.
---@param fields? gitdev.fields.security_alerts.list
---@param options? gitdev.CallOptions
---@return gitdev.SecurityAlertPage page
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_security_alerts:list(fields, options) end

---Walks over all that `security_alerts.list` lists, page by page. It raises in both styles.
---
---`GET /security_alerts`, scope `security:read`.
---@param fields? gitdev.fields.security_alerts.list
---@param options? gitdev.CallOptions
---@return fun(): gitdev.SecurityAlert|nil iterator
function resource_security_alerts:each(fields, options) end

---Reads an alert.
---
---`GET /security_alerts/{security_alert}`, scope `security:read`.
---@param security_alert string|gitdev.SecurityAlert
---@param options? gitdev.CallOptions
---@return gitdev.SecurityAlert security_alert
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_security_alerts:get(security_alert, options) end

---Dismisses an alert, or reopens one that was dismissed.
---
---`PATCH /security_alerts/{security_alert}`, scope `security:write`. Errors of its own: `invalid_state`.
---@param security_alert string|gitdev.SecurityAlert
---@param fields gitdev.fields.security_alerts.update
---@param options? gitdev.CallOptions
---@return gitdev.SecurityAlert security_alert
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function resource_security_alerts:update(security_alert, fields, options) end

---A client: its fields are the resources.
---@class gitdev.Client
---@field organization gitdev.resource.organization  The organization that the key belongs to.
---@field usage gitdev.resource.usage  What the organization has used in a period.
---@field regions gitdev.resource.regions  The regions that deployments and edge functions run in.
---@field rate_limit gitdev.resource.rate_limit  The organization's rate limit.
---@field api_keys gitdev.resource.api_keys  API keys: who may do what, in which projects.
---@field projects gitdev.resource.projects  Projects: what is deployed, from which repository, and how it is built.
---@field env gitdev.resource.env  Environment variables of a project. Changes touch later deployments only.
---@field deployments gitdev.resource.deployments  Deployments: a commit of a project, built and served.
---@field stream_tickets gitdev.resource.stream_tickets  Tickets that open a log stream where headers cannot be set, as in browsers.
---@field previews gitdev.resource.previews  Previews: what a branch looks like, at an address of its own.
---@field repositories gitdev.resource.repositories  Repositories: branches, commits, trees and files, as a REST view of Git.
---@field pipelines gitdev.resource.pipelines  Pipelines: jobs that run when a branch is pushed, on a schedule, or when asked to.
---@field runs gitdev.resource.runs  Runs: a pipeline at work on a commit.
---@field jobs gitdev.resource.jobs  Jobs: the parts of a run, each with its steps and its log.
---@field artifacts gitdev.resource.artifacts  Artifacts: files that jobs leave behind, kept for 30 days.
---@field domains gitdev.resource.domains  Domains: names of your own under which a project answers.
---@field certificates gitdev.resource.certificates  Certificates of domains: issued and renewed by the platform.
---@field edge_functions gitdev.resource.edge_functions  Edge functions: code that answers requests in the regions, before a deployment does.
---@field edge_configs gitdev.resource.edge_configs  Edge configs: small stores of keys and values, which are read in every region. A write reaches all of them within 10 seconds.
---@field cache_purges gitdev.resource.cache_purges  Cache purges: what the regions keep of a project's answers is thrown away.
---@field edge_rules gitdev.resource.edge_rules  Edge rules: redirects, rewrites and headers by path. The first redirect or rewrite that matches wins; header rules all apply.
---@field webhooks gitdev.resource.webhooks  Webhooks: endpoints of your own that events are sent to, signed, and sent again until they are accepted.
---@field events gitdev.resource.events  Events: what has happened, as webhooks deliver it.
---@field security_alerts gitdev.resource.security_alerts  Security alerts: vulnerable dependencies, leaked secrets and keys, and what else a scanner found.
local client = {}

---Makes a request by its method and path: for what there is no operation for, and for bodies that are streamed.
---@param method string  In capitals.
---@param path string  After the base URL, percent-encoded: "/deployments?limit=2".
---@param options? gitdev.RequestOptions
---@return any value  The decoded body, or its text; of a download { status, size, sha256, path, body }.
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function client:request(method, path, options) end

---Ends the calls and streams that are under way, each with a canceled_error (code client_closed), and forgets the key.
function client:close() end

---What `require "gitdev"` gives.
---@class gitdev
---@field VERSION string  The SDK's version.
---@field API_VERSION string  The version of the API that it is written for.
---@field null gitdev.Null  Clears a field, in a call's fields.
---@field store gitdev.Stores  Stores that remember which events have been handled.
---@field webhooks gitdev.Webhooks  Receives and verifies what webhooks deliver, and signs.
local gitdev = {}

---Makes a client.
---@param options? gitdev.ClientOptions
---@return gitdev.Client git
---@return gitdev.Error|nil err  From gitdev.safe alone, beside nil.
function gitdev.client(options) end

---Marks a table as a JSON array, which matters where it is empty and the contract leaves the kind open.
---@generic T
---@param list? T[]
---@return T[] list  The same.
function gitdev.array(list) end

---A plain copy of a thing, with all fields that the API sent and no methods.
---@param thing table
---@return table copy
function gitdev.raw(thing) end

---What is known of the answer that a thing, or a page, came from; nil for things inside pages.
---@param thing table
---@return gitdev.Answer|nil answer
function gitdev.answer(thing) end

---Whether a value is an error object, and of that type or code if one is given.
---@param value any
---@param kind? gitdev.ErrorType|gitdev.ErrorCode|string
---@return boolean is
function gitdev.is_error(value, kind) end

---What to do about an error, in one sentence.
---@param err gitdev.Error
---@return string|nil hint
function gitdev.hint(err) end

---Makes a task of fn(…), which begins at the next wait: a child of the task that makes it.
---@param fn fun(...: any): ...any
---@param ... any
---@return gitdev.Task task
function gitdev.spawn(fn, ...) end

---Runs fn(…) as a task, and all that it spawns. Returns what it returns, raises what it raises.
---@param fn fun(...: any): ...any
---@param ... any
---@return any ...
function gitdev.run(fn, ...) end

---Calls functions at once and waits for all of them. The first error cancels the others and is raised.
---@generic K, V
---@param fns table<K, fun(): V>
---@return table<K, V> results  The first result of each, under its key.
function gitdev.all(fns) end

---Calls functions at once until the first has returned, or failed: the others are canceled.
---@generic K, V
---@param fns table<K, fun(): V>
---@return V result  The first result of the one that was first.
---@return K key
function gitdev.race(fns) end

---Calls fn(…) with so many seconds for all that it does; then a timeout_error is raised.
---@param seconds number
---@param fn fun(...: any): ...any
---@param ... any
---@return any ...
function gitdev.timeout(seconds, fn, ...) end

---pcall, inside which a task can wait: in every Lua but plain 5.1 it is pcall.
---@param fn fun(...: any): ...any
---@param ... any
---@return boolean ok
---@return any ...
function gitdev.pcall(fn, ...) end

---Waits: yields in a task, blocks elsewhere.
---@param seconds number
function gitdev.sleep(seconds) end

---Seconds of a clock that never steps.
---@return number seconds
function gitdev.now() end

---Does what only the first calls pay for, some tens of milliseconds: for a program that owns the frame, while it loads. Sends nothing.
---@param git? gitdev.Client  What is to be called with it; without it the environment says whom to trust.
---@return boolean done
function gitdev.warm(git) end

---For a program that owns the frame: lets the tasks go on, and waits at most so long for one that can.
---@param timeout? number  Seconds; 0 by default.
---@param budget? number  Seconds, after which no further task goes on in this step, but one at least has; without a limit by default.
---@return integer alive  Tasks that are not over.
function gitdev.step(timeout, budget) end

return gitdev
