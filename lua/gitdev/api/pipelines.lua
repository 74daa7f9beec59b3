return { name = "pipelines", doc = "…", objects = {}, operations = {} }
