-- All deployments, page by page, over bare libcurl and cjson.  [HEADER…]
local bare = require "bare"
local cjson = require "cjson"
local walked = require "walked"

local url = os.getenv "GIT_API_URL" .. "/deployments?limit=100"
local http = bare.open(os.getenv "GIT_CA_FILE", { ... })

walked(function(visit)
  local cursor, page = ""
  repeat
    local status, body = http:send(url .. cursor)
    assert(status == 200, body)
    page = cjson.decode(body)
    for _, deployment in ipairs(page.data) do
      visit(deployment)
    end
    cursor = "&cursor=" .. tostring(page.next_cursor)
  until not page.has_more
end)
