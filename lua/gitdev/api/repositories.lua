return { name = "repositories", doc = "…", objects = {}, operations = {} }
