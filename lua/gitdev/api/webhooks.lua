return { name = "webhooks", doc = "…", objects = {}, operations = {} }
