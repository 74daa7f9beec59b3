--- contract 2.9
local artifacts = require "gitdev.emulator.pipelines.artifacts"
local refusal = require "gitdev.emulator.refusal"

local function download(call)
  local artifact = call.things.artifact
  if call.emulator:seconds() >= artifact.expires_at then
    refusal.raise("artifact_expired", { message = "The artifact is no longer kept: 30 days have passed since it was made." })
  end
  return {
    bytes = artifacts.bytes(artifact),
    content_type = artifact.content_type,
    name = artifact.name,
    sha256 = artifact.sha256,
  }
end

return {
  collections = {
    artifact = { indexes = { "project_id", "run_id" } },
  },
  find = {
    artifact = function(call, id)
      return call.tenant.things.artifact:get(id)
    end,
  },
  operations = {
    ["artifacts.download"] = download,
  },
}
