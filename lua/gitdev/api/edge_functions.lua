return { name = "edge_functions", doc = "…", objects = {}, operations = {} }
