return { name = "security_alerts", doc = "…", objects = {}, operations = {} }
