-- The resources of the API, in the contract's order. Each is a file beside this one, and the first word of its operations' names.
return { "organization", "rate_limit", "projects", "env", "deployments" }
