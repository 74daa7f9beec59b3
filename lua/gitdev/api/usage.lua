return { name = "usage", doc = "…", objects = {}, operations = {} }
