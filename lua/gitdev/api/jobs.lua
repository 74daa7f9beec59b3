return { name = "jobs", doc = "…", objects = {}, operations = {} }
