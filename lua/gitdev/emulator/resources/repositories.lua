return { collections = { repository = { unique = { "name" } } }, operations = {} }
