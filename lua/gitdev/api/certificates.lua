return { name = "certificates", doc = "…", objects = {}, operations = {} }
