-- Logs that are followed (contract 2.5): in the order of seq, each line once, over as many connections as it takes. Two kinds stand on the same
-- ground: the messages as the protocol has them, and the lines alone.
--
-- A follower takes one message at a time from its connection and keeps none, so that who reads slowly slows the server. What raises in the
-- middle (a task that is canceled while it waits) leaves one that can be read on.
local connections = require "gitdev.logs.connections"
local errors = require "gitdev.error"
local follower = require "gitdev.logs.follower"
local lines = require "gitdev.logs.lines"
local messages = require "gitdev.logs.messages"
local pages = require "gitdev.logs.pages"
local schema = require "gitdev.schema"

local logs = {}

-- `path`: the stream's, escaped; `fields`: checked ones of the operation.
local function new(client, op, path, fields, options, advance)
  if fields.cursor ~= nil and fields.tail ~= nil then
    local message = op.op .. ": cursor and tail both say where to begin: give one of them."
    errors.misuse { code = "parameter_invalid", param = "tail", message = message }
  end
  local home = op.resource:match "^[%l_]+"
  local get = schema.operation(home .. ".get")
  local filters = { stage = fields.stage, level = fields.level }
  return follower.new {
    client = client,
    options = options or {},
    advance = advance,
    on_gap = fields.on_gap,
    -- what is asked for, and of what
    subject = path:match "^(.*)/logs/stream$",
    list = schema.operation(op.resource .. ".list"),
    get = get,
    states = schema.object(get.returns).states,
    query = schema.query(op, { follow = fields.follow, stage = fields.stage, level = fields.level }),
    filters = filters,
    sparse = next(filters) ~= nil, -- whether numbers are left out
    follows = fields.follow ~= false,
    endless = home == "deployments" and fields.stage == "runtime", -- it is written for as long as the deployment is live
    tail = fields.tail,
    ticket = fields.ticket,
    -- where it is
    cursor = fields.cursor,
    begun_at = fields.cursor, -- where the connection began
    fruitless = 0, -- connections in a row that brought nothing
    rests = 0, -- looks in a row for more pages, or jobs
  }
end

---Opens a stream of messages, as the protocol has them: hello, log, status, gap, end.
---@param client table
---@param op table        of the kind stream
---@param path string     escaped
---@param fields table    checked ones
---@param options table|nil  checked ones, of the call; its timeout bounds the whole following
---@return gitdev.LogStream|nil
---@return gitdev.Error|nil
function logs.messages(client, op, path, fields, options)
  local self = new(client, op, path, fields, options, messages.next)
  local connection, err = connections.open(self)
  if not connection then
    return nil, err
  end
  return self
end

---Opens a stream of lines.
---@param client table
---@param op table
---@param path string
---@param fields table    checked ones; with on_gap, told of lines that nobody has any more
---@param options table|nil
---@return gitdev.LogLines|nil
---@return gitdev.Error|nil
function logs.lines(client, op, path, fields, options)
  local self = new(client, op, path, fields, options, lines.next)
  local connection, err = connections.open(self)
  if connection then
    return self
  elseif not pages.is_foreign(err) then
    return nil, err
  end
  self.advance = pages.next
  local ok
  ok, err = pages.turn(self) -- what is wrong is told here, as with a stream
  if not ok then
    return nil, err
  end
  return self
end

---What a for loop takes of a stream: Lua 5.4 closes the fourth when the loop is left, however that is.
function logs.loop(self, err)
  if not self then
    return nil, err
  end
  return self, nil, nil, self
end

return logs
