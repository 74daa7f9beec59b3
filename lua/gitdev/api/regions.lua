return { name = "regions", doc = "…", objects = {}, operations = {} }
