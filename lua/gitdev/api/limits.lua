-- Numbers of the contract that several places need.
return {
  -- contract 1.15: of the API that these tables describe
  version = "2.4.1",
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
  integer_max = 9007199254740991,
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
  stream_message_bytes = 128 * 1024,
  -- contract 2.13, 3.4, 4.1: `timeout` in seconds
  webhook = {
    body_bytes = 65536,
    response_bytes = 4096,
    timeout = 15,
    attempts = 10,
    parallel = 10,
    kept_days = 30,
  },
  -- contract 2.7, 4.3
  git = {
    path_bytes = 4096,
    actions = 500,
    sha_digits = 7,
    file_bytes = 1024 * 1024,
    commit_files = 300,
    compare_commits = 250,
    compare_files = 300,
    pushed_commits = 20,
  },
  -- contract 2.1: the longest period, and what the plans have for a month; a plan has no limit on what it does not name
  usage = {
    days = 92,
    plans = {
      starter = {
        api_requests = 100000,
        deployments = 1000,
        build_ms = 100 * 3600 * 1000,
        bandwidth_bytes = 100 * 1024 * 1024 * 1024,
        edge_requests = 1000000,
        edge_compute_ms = 10 * 3600 * 1000,
        storage_bytes = 10 * 1024 * 1024 * 1024,
        artifact_bytes = 5 * 1024 * 1024 * 1024,
      },
      pro = {
        api_requests = 5000000,
        deployments = 20000,
        build_ms = 1000 * 3600 * 1000,
        bandwidth_bytes = 1024 * 1024 * 1024 * 1024,
        edge_requests = 20000000,
        edge_compute_ms = 100 * 3600 * 1000,
        storage_bytes = 100 * 1024 * 1024 * 1024,
        artifact_bytes = 50 * 1024 * 1024 * 1024,
      },
      enterprise = {},
    },
  },
  -- contract 2.12: keys and values of a store
  edge_config_bytes = 512 * 1024,
  -- contract 1.12: seconds
  timeout = 120,
  wait_timeout = 1800,
}
