--- The addresses of deployments (contract 2.4).
local core = require "gitdev.core"

local BRANCH_CHARS = 16

local hosts = {}

--- The address of a project's production.
function hosts.production(slug)
  return ("https://%s.git.dev"):format(slug)
end

--- A branch's name as the part of a host name. Where that loses something, four digits of the name's SHA-1 keep two
-- branches apart.
function hosts.branch_slug(branch)
  local slug = branch:lower():gsub("[^a-z0-9]+", "-"):gsub("^%-", ""):gsub("%-$", ""):sub(1, BRANCH_CHARS)
  if slug ~= branch then
    slug = slug .. "-" .. core.sha1(branch):sub(1, 4)
  end
  return slug
end

--- The address that all previews of a branch share.
function hosts.preview(slug, branch)
  return ("https://%s--%s.git.dev"):format(slug, hosts.branch_slug(branch))
end

--- The address of one build, for good.
function hosts.permalink(slug, deployment_id)
  return ("https://%s--%s.git.dev"):format(slug, deployment_id:match("_(.*)$"))
end

return hosts
