return { name = "cache_purges", doc = "…", objects = {}, operations = {} }
