return { name = "runs", doc = "…", objects = {}, operations = {} }
