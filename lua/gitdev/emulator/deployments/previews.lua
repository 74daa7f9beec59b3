--- The life of a preview (contract 2.6, 3.5): there is one for each branch of a project that has preview deployments. Its status is that of its
-- newest deployment; at `expires_at` it is over, and its deployments go.
local hosts = require "gitdev.emulator.deployments.hosts"

local EXPIRED = "expired"

local previews = {}

--- The preview of a branch, also one that has expired; nil if there is none.
function previews.find(tenant, project_id, branch)
  for preview in tenant.things.preview:each("branch", branch) do
    if preview.project_id == project_id then
      return preview
    end
  end
  return nil
end

--- Whether a preview has expired.
function previews.is_over(preview)
  return preview.status == EXPIRED
end

--- Opens the preview of a branch, in the place of one that has expired. `fields`: pull_request, protection, password, expires_in (seconds).
function previews.open(tenant, project, branch, fields)
  local before = previews.find(tenant, project.id, branch)
  if before then
    tenant.things.preview:remove(before)
  end
  local now, lasts = tenant:seconds(), fields.expires_in
  local preview = tenant:add {
    id = tenant:id "prv",
    object = "preview",
    project = project.slug,
    project_id = project.id,
    branch = branch,
    pull_request = fields.pull_request,
    url = hosts.preview(project.slug, branch),
    status = "queued",
    protection = fields.protection or "none",
    expires_at = lasts and now + lasts,
    created_at = now,
    updated_at = now,
    private = { password = fields.password },
  }
  preview.private.timer = lasts and tenant:later(lasts * 1000, "preview.over", preview)
  tenant:emit("preview.created", preview)
  return preview
end

--- The preview that a new deployment of a branch belongs to: the one that is there, or a new one.
function previews.join(tenant, project, branch)
  local preview = previews.find(tenant, project.id, branch)
  if preview and not previews.is_over(preview) then
    return preview
  end
  return previews.open(tenant, project, branch, {})
end

-- ---- following the newest deployment ----

local function newest(tenant, preview)
  return tenant.things.deployment:each("preview_id", preview.id, true)()
end

--- Brings a preview to where its newest deployment is. One whose deployments are all deleted keeps the last status.
function previews.follow(tenant, deployment)
  local preview = tenant.things.preview:get(deployment.preview_id)
  if not preview or previews.is_over(preview) then
    return
  end
  local last = newest(tenant, preview)
  local id, status = last and last.id, last and last.status or preview.status
  if preview.deployment_id ~= id or preview.status ~= status then
    tenant.things.preview:set(preview, "deployment_id", id)
    tenant:set(preview, { status = status, updated_at = tenant:seconds() })
  end
end

-- ---- the end ----

--- Calls fn(deployment) for each deployment of a preview, the oldest first.
function previews.each_deployment(tenant, preview, fn)
  for _, deployment in ipairs(tenant.things.deployment:list("preview_id", preview.id)) do
    fn(deployment)
  end
end

--- Forgets a preview, without an event.
function previews.remove(tenant, preview)
  tenant:cancel(preview.private.timer)
  tenant.things.preview:remove(preview)
end

--- Marks a preview as over, when its deployments have gone.
function previews.expire(tenant, preview)
  tenant.things.preview:set(preview, "deployment_id", nil)
  tenant:set(preview, { status = EXPIRED, updated_at = tenant:seconds() })
  tenant:emit("preview.expired", preview)
end

--- Moves a project's previews to its new slug.
function previews.rename(tenant, project)
  for _, preview in ipairs(tenant.things.preview:list("project_id", project.id)) do
    tenant:set(preview, { project = project.slug, url = hosts.preview(project.slug, preview.branch) })
  end
end

return previews
