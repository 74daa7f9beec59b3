return { name = "edge_configs", doc = "…", objects = {}, operations = {} }
