-- Numbers of the contract that several places need.
return {
  -- contract 1.11: a bucket per organization, refilled at per_minute / 60 tokens a second up to burst
  plans = {
    starter = { per_minute = 60, burst = 10 },
    pro = { per_minute = 600, burst = 50 },
    enterprise = { per_minute = 6000, burst = 200 },
  },
  -- contract 1.1, 1.2
  body_bytes = 10 * 1024 * 1024,
  id_chars = 64,
  ref_chars = 100,
  cursor_chars = 512,
  integer_max = 9007199254740992,
  -- contract 1.6
  page = { default = 20, max = 100 },
  log_page = { default = 100, max = 1000 },
  -- contract 1.9
  idempotency = { key_chars = 255, hours = 24 },
  -- contract 1.10
  env_bytes = 65536,
  env_reserved = {
    "GIT_DEPLOYMENT_ID",
    "GIT_PROJECT",
    "GIT_BRANCH",
    "GIT_COMMIT_SHA",
    "GIT_URL",
    "GIT_REGION",
    "GIT_TARGET",
  },
  mask_min_chars = 4,
  -- contract 2.4
  metadata = { pairs = 20, key_chars = 64, value_chars = 500 },
  -- contract 2.5
  log_message_bytes = 65536,
  -- contract 1.12: seconds
  timeout = 120,
  wait_timeout = 1800,
}
