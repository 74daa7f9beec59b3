-- Stores: what remembers which events were handled, and what rate limits are shared through. See gitdev.describe.classes.
return {
  {
    name = "gitdev.Store",
    words = "What remembers which events have been handled; those of this library share rate limits too. Its methods raise when the store fails. "
      .. "Whoever writes one needs no more than these, and for the events no take.",
    fields = {
      { "pacing?", '"open"|"closed"', "What holds while take fails: each client paces itself (the default), or nothing is sent." },
      { "id?", "string", "Stores of one id lead to the same state. Without it each table is a store of its own." },
    },
    methods = {
      {
        name = "seen",
        words = "Whether an id is marked, or claimed; marks it for `ttl` seconds if not.",
        parameters = { { "id", "string" }, { "ttl", "number" } },
        returns = { { "seen", "boolean" } },
      },
      {
        name = "claim",
        words = "Takes an id to handle for `lease` seconds, after which another may.",
        parameters = { { "id", "string" }, { "lease", "number" } },
        returns = {
          { "token", "string|nil", "Nil when it cannot be had." },
          { "why", '"done"|"claimed"|nil', "It has been handled, or somebody else is at it." },
        },
      },
      { name = "confirm", words = "It has been handled: marks it for `ttl` seconds.", parameters = { { "id", "string" }, { "ttl", "number" } } },
      {
        name = "release",
        words = "It has not been handled, and may be claimed again, if the claim is still the token's.",
        parameters = { { "id", "string" }, { "token", "string" } },
      },
      {
        name = "take",
        words = "A visit of a client that shares a rate limit. See gitdev.LimitStore.",
        parameters = { { "name", "string" }, { "report", "table<string, number|string>" } },
        returns = { { "grant", "table<string, number>" } },
      },
      { name = "close", words = "Gives up what it holds open." },
    },
  },
  {
    name = "gitdev.LimitStore",
    words = "What rate limits are shared through, where it need not remember events. It keeps a text for each name, and does with it what "
      .. "`gitdev.store.bucket` says, by a clock that all who share it have.",
    fields = {
      { "pacing?", '"open"|"closed"', "What holds while take fails: each client paces itself (the default), or nothing is sent." },
      { "id?", "string", "Stores of one id lead to the same state. Without it each table is a store of its own." },
      {
        "take_async?",
        "fun(store: gitdev.LimitStore, name: string, report: table<string, number|string>, done: fun(grant: table<string, number>|nil, err: any))",
        "The same as take for a store that has to wait: it returns at once, and done is called later, from the loop's turn, within 3 seconds.",
      },
    },
    methods = {
      {
        name = "take",
        words = "Does all of a visit at once. It raises when the store cannot be reached, and must not wait, but in nginx.",
        parameters = { { "name", "string" }, { "report", "table<string, number|string>" } },
        returns = { { "grant", "table<string, number>" } },
      },
    },
  },
  {
    name = "gitdev.MemoryStoreOptions",
    words = "Options of `gitdev.store.memory`.",
    fields = {
      { "max?", "integer", "Marks that it keeps, 100,000 by default; then those go first that would end first." },
      { "now?", "fun(): number", "A clock in seconds; the loop's by default, which never steps." },
    },
  },
  {
    name = "gitdev.FileStoreOptions",
    words = "Options of `gitdev.store.file`.",
    fields = {
      { "path", "string", "The file; it is made if there is none." },
      { "max?", "integer", "Marks that it keeps, 100,000 by default; then those go first that would end first." },
      { "sync?", "boolean", "Whether each mark is on the disk before the call returns, so that it outlives the machine's crash; true by default." },
      { "now?", "fun(): number", "A clock in Unix seconds; the system's by default." },
    },
  },
  {
    name = "gitdev.RedisStoreOptions",
    words = "Options of `gitdev.store.redis`.",
    fields = {
      { "host?", "string", "A name or an address, 127.0.0.1 by default." },
      { "port?", "integer", "6379 by default." },
      { "socket?", "string", "The path of a Unix socket instead." },
      { "username?", "string", "Who logs in; without it `password` alone does." },
      { "password?", "string", "It is in no error and no log." },
      { "database?", "integer", "The database's number, 0 by default." },
      { "prefix?", "string", 'What the names of all keys begin with, "gitdev:" by default. Another prefix makes another store.' },
      { "timeout?", "number", "Seconds for each method, connecting included; 1 by default. A share of a rate limit is waited for 2 at most." },
      {
        "replay?",
        '"closed"|"open"',
        "What holds for events while Redis is away: the methods raise (the default), or every event counts as a new one.",
      },
      { "pacing?", '"open"|"closed"', "What holds for rate limits then: each client paces itself (the default), or nothing is sent." },
      {
        "on_error?",
        "fun(err: gitdev.Error)",
        'Told when Redis is away as an event is asked about, once until it is back; by default, with replay = "open", a line is written to stderr.',
      },
    },
  },
  {
    name = "gitdev.Stores",
    words = "What gitdev.store is.",
    fields = {},
    functions = {
      {
        name = "memory",
        words = "A store in the memory of this process.",
        parameters = { { "options?", "gitdev.MemoryStoreOptions" } },
        returns = { { "store", "gitdev.Store" } },
      },
      {
        name = "redis",
        words = "A store on a Redis server, for all processes of all machines that reach it. It connects when it is first used.",
        parameters = { { "options?", "gitdev.RedisStoreOptions" } },
        returns = { { "store", "gitdev.Store" }, { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." } },
      },
      {
        name = "file",
        words = "A store in a file, which all processes of the machine may share, and which outlives them.",
        parameters = { { "options", "gitdev.FileStoreOptions" } },
        returns = { { "store", "gitdev.Store" }, { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." } },
      },
      {
        name = "shared",
        words = "A store in one of nginx's shared dictionaries: for all its workers, over reloads.",
        parameters = { { "name", "string", "Of the `lua_shared_dict`." } },
        returns = { { "store", "gitdev.Store" }, { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." } },
      },
    },
  },
}
