-- The messages of a log's stream (contract 2.5), as texts. Each is written whole: of a million lines most of the time would go into a general
-- encoder. `self` is the stream, see log_stream.
local json = require "gitdev.json"
local stream_request = require "gitdev.emulator.deployments.stream_request"

local quote, format = json.quote, string.format

local messages = {}

function messages.hello(self, heartbeat_ms)
  return format(
    '{"type":"hello","protocol":"%s","resource":"%s","status":"%s","cursor":"%s","heartbeat_ms":%d}',
    stream_request.PROTOCOL, self.thing.id, self.thing.status, self.cursor(self.at), heartbeat_ms
  )
end

-- What follows the number of a line; lines come in runs that share all of it.
local function attributes(self, line)
  local run = self.run
  if not run or line.time_ms ~= run.time_ms or line.stage ~= run.stage or line.stream ~= run.stream or line.level ~= run.level then
    self.run = line
    self.attributes = format(
      ',"time_ms":%d,"stage":%s,"stream":"%s","level":"%s","message":', line.time_ms, quote(line.stage), line.stream, line.level
    )
  end
  return self.attributes
end

function messages.line(self, line)
  return '{"type":"log","cursor":"' .. self.cursor(line.seq) .. format('","seq":%d', line.seq) .. attributes(self, line)
    .. quote(line.message) .. (line.truncated and ',"truncated":true}' or ',"truncated":false}')
end

function messages.gap(self, to_seq, reason)
  return format(
    '{"type":"gap","cursor":"%s","from_seq":%d,"to_seq":%d,"reason":"%s"}', self.cursor(to_seq), self.at + 1, to_seq, reason
  )
end

function messages.change(self, change)
  return format(
    '{"type":"status","cursor":"%s","status":"%s","time_ms":%d}', self.cursor(self.at), change.status, change.time_ms
  )
end

function messages.ping(id, time_ms)
  return format('{"type":"ping","id":"%s","time_ms":%d}', id, time_ms)
end

function messages.refusal(self, refused)
  return '{"type":"error",' .. refused:body(self.request_id):sub(2)
end

function messages.last(self)
  return format('{"type":"end","cursor":"%s","status":"%s"}', self.cursor(self.at), self.thing.status)
end

return messages
