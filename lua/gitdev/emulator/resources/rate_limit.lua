--- contract 1.11, 2.1
return {
  operations = {
    ["rate_limit.get"] = function(call)
      local bucket = call.tenant.bucket
      local remaining, full_at = bucket:state(call.emulator.now_ms)
      return {
        object = "rate_limit",
        plan = call.tenant.organization.plan,
        per_minute = bucket.per_minute,
        burst = bucket.burst,
        remaining = remaining,
        reset_at = full_at,
      }
    end,
  },
}
