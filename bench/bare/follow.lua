-- A log followed over a bare WebSocket, and cjson.  LINES [HEADER…]
local bare_stream = require "bare_stream"
local cjson = require "cjson"
local followed = require "followed"

local headers = { select(2, ...) }

followed(function(deployment, visit)
  local url = ("%s/deployments/%s/logs/stream"):format(os.getenv "GIT_API_URL", deployment)
  local stream = bare_stream.open(os.getenv "GIT_CA_FILE", url, headers)
  for text in stream.next, stream do
    local message = cjson.decode(text)
    if message.type == "log" then
      visit(message)
    end
  end
end)
