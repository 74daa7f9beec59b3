-- The page's sample verified again and again with the SDK.  CALLS WARM_UP
local gitdev = require "gitdev"
local repeated = require "repeated"
local sample = require "sample"

local body, header, secret, options = sample.body, sample.header, sample.secret, { now = sample.time }

repeated(function()
  assert(gitdev.webhooks.verify(body, header, secret, options).type == "deployment.completed", body)
end)
