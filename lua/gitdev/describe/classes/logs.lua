-- Logs that are followed. See gitdev.describe.classes.
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

return {
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
}
