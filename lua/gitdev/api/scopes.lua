-- The scopes that a key may hold (contract 1.4), in the contract's order. Each comes as `name:read` and, unless it is `read_only`, as `name:write`,
-- which includes the other; `*` is all of them. `all_projects`: only keys of all projects can hold it.
return {
  { "projects", doc = "Projects." },
  { "env", doc = "Environment variables." },
  { "deployments", doc = "Deployments and previews." },
  { "logs", read_only = true, doc = "Deployment and job logs, stream tickets." },
  { "repositories", doc = "Repositories, branches, commits, files." },
  { "pipelines", doc = "Pipelines, runs, jobs, artifacts." },
  { "edge", doc = "Domains, certificates, edge functions, configs, rules, purges." },
  { "webhooks", doc = "Endpoints and deliveries." },
  { "events", read_only = true, doc = "Events." },
  { "security", doc = "Security alerts." },
  { "organization", doc = "Organization, usage, regions, rate limit." },
  { "api_keys", all_projects = true, doc = "API keys." },
}
