-- The nine kinds of operation (contract 6). A row of a resource takes from its kind whatever it does not name itself.
return {
  list = {
    method = "GET",
    status = { 200 },
    query = {
      { "limit", "int", min = 1, max = 100, default = 20, doc = "The most things a page may hold." },
      { "cursor", "str", format = "cursor", doc = "Where to go on: `next_cursor` of the page before." },
      { "order", "desc|asc", default = "desc", doc = "Newest first, or oldest first." },
    },
  },
  get = { method = "GET", status = { 200 } },
  create = { method = "POST", status = { 201 } },
  update = { method = "PATCH", status = { 200 } },
  replace = { method = "PUT", status = { 200, 201 } },
  delete = { method = "DELETE", status = { 204 } },
  action = { method = "POST", status = { 200 } },
  download = { method = "GET", status = { 200, 206, 304 } },
  stream = { method = "GET", status = { 101 } },
}
