return { name = "previews", doc = "…", objects = {}, operations = {} }
