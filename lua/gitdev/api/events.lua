return { name = "events", doc = "…", objects = {}, operations = {} }
