return { name = "api_keys", doc = "…", objects = {}, operations = {} }
