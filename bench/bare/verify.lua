-- The page's sample verified again and again: OpenSSL's HMAC, and cjson.  CALLS WARM_UP
local bare_hmac = require "bare_hmac"
local cjson = require "cjson"
local repeated = require "repeated"
local sample = require "sample"

local signer = bare_hmac.open(sample.secret)
local body, header, now, tolerance = sample.body, sample.header, sample.time, 300

repeated(function()
  local time = assert(signer:verify(header, body), "the signature is wrong")
  assert(math.abs(now - time) <= tolerance, "the signature is too old")
  assert(cjson.decode(body).type == "deployment.completed", body)
end)
