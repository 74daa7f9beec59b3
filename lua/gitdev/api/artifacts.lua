return { name = "artifacts", doc = "…", objects = {}, operations = {} }
