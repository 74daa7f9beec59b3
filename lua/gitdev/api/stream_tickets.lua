return { name = "stream_tickets", doc = "…", objects = {}, operations = {} }
