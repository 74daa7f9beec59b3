--- What jobs leave behind (contract 2.9). Only the size and what the bytes follow from are stored.
local artifact_bytes = require "gitdev.emulator.pipelines.artifact_bytes"
local core = require "gitdev.core"

local KEPT_SECONDS = 30 * 24 * 3600

local artifacts = {}

--- The bytes of an artifact.
function artifacts.bytes(artifact)
  local private = artifact.private
  return artifact_bytes.make(private.seed, private.size, artifact.content_type)
end

-- The sizes that the steps of a job gave to files: path -> size.
local function sizes_of(job)
  local sizes = {}
  for _, step in ipairs(job.private.steps) do
    for path, size in pairs(step.plan.files) do
      sizes[path] = size
    end
  end
  return sizes
end

local function add(tenant, run, job, row, size)
  local artifact = {
    id = tenant:id "art",
    object = "artifact",
    run_id = run.id,
    job_id = job.id,
    project_id = run.project_id,
    name = row.name,
    content_type = artifact_bytes.content_type(row.path),
    created_at = tenant:seconds(),
    expires_at = tenant:seconds() + KEPT_SECONDS,
    private = {
      seed = table.concat({ run.commit_sha or run.branch, job.name, row.name, row.path }, "\n"),
      size = size or artifact_bytes.SIZE,
      job = job.name,
    },
  }
  local bytes = artifacts.bytes(artifact)
  artifact.size_bytes, artifact.sha256 = #bytes, core.sha256(bytes)
  tenant:add(artifact)
end

--- Stores what a job that succeeds leaves behind.
function artifacts.collect(tenant, run, job)
  local sizes = sizes_of(job)
  for _, row in ipairs(job.private.definition.artifacts) do
    add(tenant, run, job, row, sizes[row.path])
  end
end

return artifacts
