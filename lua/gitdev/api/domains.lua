return { name = "domains", doc = "…", objects = {}, operations = {} }
