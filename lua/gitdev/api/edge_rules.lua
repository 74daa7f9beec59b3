return { name = "edge_rules", doc = "…", objects = {}, operations = {} }
