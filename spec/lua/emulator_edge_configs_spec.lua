-- Edge configs and their items (contract 2.12).
local core = require "gitdev.core"
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes

describe("the emulator's edge configs", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function post(fields)
    return w:post("/edge_configs", fields)
  end

  local function make(fields)
    fields = fields or {}
    fields.name = fields.name or "flags"
    local answer = post(fields)
    assert(answer.status == 201, answer.body)
    return answer.json
  end

  local function path_of(config, key)
    return "/edge_configs/" .. config.id .. (key and "/items/" .. key or "")
  end

  local function get(config)
    return w:get(path_of(config)).json
  end

  local function put(config, key, fields, extra)
    return w:send("PUT", path_of(config, key), fields, extra)
  end

  local function names(path, extra)
    local list = {}
    for index, thing in ipairs(w:get(path, extra).json.data) do
      list[index] = thing.name or thing.key
    end
    return table.concat(list, " ")
  end

  local function events()
    local list = {}
    for _, event in ipairs(w.emulator:events()) do
      if event.type:find "^edge_config" then
        list[#list + 1] = event
      end
    end
    return list
  end

  local function project_id(slug)
    return w:get("/projects/" .. slug).json.id
  end

  describe("are created", function()
    it("empty, with the contract's fields", function()
      local made = make()
      assert.equal("", world.misfit(made, "edge_config"))
      assert.matches("^ecf_%w+$", made.id)
      assert.same({ "flags", {}, 0, 0, 1 }, { made.name, made.project_ids, made.item_count, made.size_bytes, made.version })
      assert.same({ core.sha256 "{}", world.START, world.START }, { made.digest, made.created_at, made.updated_at })
      assert.equal(0, #events())
    end)

    it("with what they hold at first, and an event that names it", function()
      local made = make { items = { b = { x = true }, a = "\195\164" } }
      local text = '{"a":"\195\164","b":{"x":true}}'
      assert.same({ 2, 16, 1, core.sha256(text) }, { made.item_count, made.size_bytes, made.version, made.digest })
      assert.equal("a b", names(path_of(made) .. "/items"))
      assert.equal(1, #events())
      assert.same({ edge_config_id = made.id, name = "flags", version = 1, keys = { "a", "b" } }, events()[1].data)
    end)

    it("with an event of at most 50 keys", function()
      local items = {}
      for index = 1, 60 do
        items[("k%02d"):format(index)] = index
      end
      assert.equal(60, make({ items = items }).item_count)
      local keys = events()[1].data.keys
      assert.same({ 50, "k01", "k50" }, { #keys, keys[1], keys[50] })
    end)

    it("for projects, each once, by id or slug", function()
      w:post("/projects", { slug = "other" })
      local mine, theirs = project_id "my-app", project_id "other"
      assert.same({ theirs, mine }, make({ projects = { "other", mine, "my-app" } }).project_ids)
    end)

    it("once for one idempotency key", function()
      local extra = { headers = { ["idempotency-key"] = "k" } }
      local first = w:post("/edge_configs", { name = "flags" }, extra)
      local again = w:post("/edge_configs", { name = "flags" }, extra)
      assert.same({ 201, first.body, "true" }, { again.status, again.body, again.headers["idempotent-replayed"] })
      assert.equal("flags", names "/edge_configs")
    end)

    local large = ("x"):rep(524285)
    local cases = {
      { '{}', "422 parameter_missing name" },
      { '{"name":"Flags"}', "422 parameter_invalid name" },
      { '{"name":"a","projects":["none","my-app","nil"]}', "422 resource_missing projects[1], resource_missing projects[3]" },
      { '{"name":"a","projects":null}', "422 invalid_type projects" },
      { '{"name":"a","items":{".a":1}}', "422 parameter_invalid items..a" },
      { '{"name":"a","items":{"a b":1,"c/d":2}}', "422 parameter_invalid items.a b, parameter_invalid items.c/d" },
      { '{"name":"a","items":[]}', "422 invalid_type items" },
      { '{"name":"a","items":{"a":"\\ud800"}}', "400 invalid_json" },
      { '{"name":"a","items":{"a":"' .. large .. 'x"}}', "413 payload_too_large items" },
      { '{"name":"a","version":1}', "422 parameter_unknown version" },
    }
    for _, case in ipairs(cases) do
      it("never with " .. case[1]:sub(1, 50) .. ": " .. case[2], function()
        assert.equal(case[2], codes(post(case[1])))
        assert.equal("", names "/edge_configs")
      end)
    end

    it("with 512 KiB to the byte", function()
      assert.equal(524288, make({ items = { a = large } }).size_bytes)
    end)

    it("never with a name that another has", function()
      make()
      assert.equal("409 already_exists name", codes(post { name = "flags" }))
    end)

    it("never beyond the quota, which the error names", function()
      w = world.new { quotas = { edge_configs = 1 } }
      make()
      local answer = post { name = "two" }
      assert.same({ "403 plan_limit_reached", 1 }, { codes(answer), answer.json.error.limit })
    end)
  end)

  describe("are listed", function()
    it("newest first, by project, and paged", function()
      w:post("/projects", { slug = "other" })
      make { name = "one", projects = { "my-app" } }
      make { name = "two", projects = { "other", "my-app" } }
      make { name = "three" }
      assert.equal("three two one", names "/edge_configs")
      assert.equal("one two three", names "/edge_configs?order=asc")
      assert.equal("two one", names "/edge_configs?project=my-app")
      assert.equal("two", names "/edge_configs?project=other")
      assert.equal("", names "/edge_configs?project=none")
      local found = w:walk("/edge_configs?limit=1", function(page)
        make { name = "more-" .. page }
      end)
      assert.same({ 3, "one" }, { #found, found[3].name })
    end)

    it("with digests of the day", function()
      local made = make { items = { a = 1 } }
      put(made, "a", { value = 2 })
      assert.equal(core.sha256 '{"a":2}', w:get("/edge_configs").json.data[1].digest)
      assert.equal(core.sha256 '{"a":2}', get(made).digest)
      put(made, "a", { value = 1 })
      assert.equal(made.digest, get(made).digest)
    end)
  end)

  describe("hold values", function()
    -- A value as it is sent, and as it comes back where that is another text for the same.
    local values = {
      { "null" }, { "true" }, { "false" }, { "0" }, { "-1.5" }, { "1e300", "1e+300" }, { "9007199254740991" }, { '""' },
      { '"a\\u0001\\n\\"\\\\"' }, { '"\240\159\152\128"' }, { '"\\ud83d\\ude00"', '"\240\159\152\128"' }, { "[]" }, { "{}" },
      { "[null,[],{}]" }, { '{"a":null,"b":[{"c":[]}]}' }, { '{ "b": 1, "a": [ ] }', '{"a":[],"b":1}' },
    }
    for _, case in ipairs(values) do
      it("as they were given: " .. case[1], function()
        local made, sent = make(), '{"value":' .. case[1] .. "}"
        local answer = put(made, "k", sent)
        assert.equal(201, answer.status)
        assert.truthy(answer.body:find('"key":"k","value":' .. (case[2] or case[1]) .. ',"version":1,', 1, true), answer.body)
        assert.equal(answer.body, w:get(path_of(made, "k")).body)
        local filled = w:post("/edge_configs", '{"name":"two","items":{"k":' .. case[1] .. "}}").json
        assert.equal(answer.body, w:get(path_of(filled, "k")).body)
        assert.equal(get(made).digest, filled.digest)
        assert.equal(200, put(made, "k", sent).status)
        assert.equal(2, get(made).version)
      end)
    end

    it("in items that have the contract's fields", function()
      assert.equal("", world.misfit(put(make(), "k", { value = 1 }).json, "edge_config_item"))
    end)

    it("as deep as everybody can read, and no deeper", function()
      local made = make()
      local function nested(levels)
        return ("["):rep(levels) .. ("]"):rep(levels)
      end
      assert.equal(201, put(made, "k", '{"value":' .. nested(61) .. "}").status)
      assert.equal(nested(61), json.encode(w:get(path_of(made) .. "/items").json.data[1].value))
      assert.equal("422 parameter_invalid value", codes(put(made, "k", '{"value":' .. nested(62) .. "}")))
      assert.equal("422 parameter_invalid items.b", codes(post('{"name":"x","items":{"a":1,"b":' .. nested(62) .. "}}")))
      assert.equal("400 invalid_json", codes(put(made, "k", '{"value":' .. nested(64) .. "}")))
    end)

    it("but no numbers that JSON has no other end for", function()
      assert.equal("422 invalid_type value", codes(put(make(), "k", '{"value":[1e999]}')))
    end)

    it("under every key that the contract allows", function()
      local made = make()
      for _, key in ipairs { "a", "_", "0", "A.b:c-d_e", ("k"):rep(256) } do
        assert.equal(201, put(made, key, { value = 1 }).status, key)
        assert.equal(key, w:get(path_of(made, key)).json.key)
      end
      assert.equal(200, w:get(path_of(made, "A.b%3Ac-d_e")).status)
    end)

    it("under no other key", function()
      local made = make()
      for _, key in ipairs { ".a", "-a", ":a", "a%20b", "a%2Fb", "%C3%A4", ("k"):rep(257) } do
        assert.equal("422 parameter_invalid key", codes(put(made, key, { value = 1 })), key)
        assert.equal("404 resource_missing", codes(w:get(path_of(made, key))), key)
        assert.equal("404 resource_missing", codes(w:delete(path_of(made, key))), key)
      end
      assert.equal(0, get(made).item_count)
    end)
  end)

  describe("are written to", function()
    it("with 201 for a new key and 200 for one that is there; each write is a version", function()
      local made = make { items = { a = 1 } }
      w:wait(7)
      local answer = put(made, "b", { value = "x" })
      assert.same({ 201, 1, world.START + 7 }, { answer.status, answer.json.version, answer.json.updated_at })
      answer = put(made, "b", { value = "xy" })
      assert.same({ 200, 2, "xy" }, { answer.status, answer.json.version, answer.json.value })
      local now = get(made)
      assert.same({ 3, 2, 7, world.START + 7 }, { now.version, now.item_count, now.size_bytes, now.updated_at })
      assert.equal(3, #events())
      assert.same({ edge_config_id = made.id, name = "flags", version = 3, keys = { "b" } }, events()[3].data)
    end)

    it("without a trace when the value is the same", function()
      local made = make { items = { a = { x = 1, y = {} } } }
      w:wait(3)
      local answer = put(made, "a", '{"value":{"y":{},"x":1.0}}')
      assert.same({ 200, 1, world.START }, { answer.status, answer.json.version, answer.json.updated_at })
      assert.same({ 1, made.digest }, { get(made).version, get(made).digest })
      assert.equal(1, #events())
    end)

    local conflicts = {
      { "new", 1, "409 version_conflict expected_version" },
      { "old", 0, "409 version_conflict expected_version" },
      { "old", 2, "409 version_conflict expected_version" },
      { "old", -1, "422 parameter_invalid expected_version" },
    }
    for _, case in ipairs(conflicts) do
      it(("never with another version expected: %s, %d"):format(case[1], case[2]), function()
        local made = make { items = { old = 1 } }
        assert.equal(case[3], codes(put(made, case[1], { value = 2, expected_version = case[2] })))
        assert.equal(1, w:get(path_of(made, "old")).json.value)
        assert.equal(1, get(made).version)
      end)
    end

    it("with the version that is expected", function()
      local made = make()
      assert.equal(201, put(made, "a", { value = 1, expected_version = 0 }).status)
      assert.equal(200, put(made, "a", { value = 2, expected_version = 1 }).status)
      assert.equal("409 version_conflict expected_version", codes(put(made, "a", { value = 3, expected_version = 1 })))
    end)

    it("with no version that a deleted key had", function()
      local made = make { items = { a = 1 } }
      put(made, "a", { value = 2 })
      w:delete(path_of(made, "a"))
      assert.equal("409 version_conflict expected_version", codes(put(made, "a", { value = 9, expected_version = 2 })))
      assert.equal(3, put(made, "a", { value = 9 }).json.version)
    end)

    it("until they are full", function()
      local made = make()
      assert.equal(201, put(made, "a", { value = ("x"):rep(524280) }).status)
      assert.equal(524283, get(made).size_bytes)
      assert.equal("413 payload_too_large value", codes(put(made, "b", { value = "xxx" })))
      assert.equal(201, put(made, "b", { value = "xx" }).status)
      assert.equal("413 payload_too_large value", codes(put(made, "b", { value = "xxx" })))
      assert.equal(524288, get(made).size_bytes)
      assert.equal(200, put(made, "a", { value = "" }).status)
      assert.equal(8, get(made).size_bytes)
    end)

    it("never without a value, or with more", function()
      local made = make()
      assert.equal("422 parameter_missing value", codes(put(made, "a", "{}")))
      assert.equal("422 parameter_unknown key", codes(put(made, "a", '{"value":1,"key":"a"}')))
      assert.equal("400 invalid_json", codes(put(made, "a", "1")))
      assert.equal("405 method_not_allowed", codes(w:patch(path_of(made, "a"), { value = 1 })))
    end)
  end)

  describe("list their items", function()
    local made

    before_each(function()
      made = make { items = { b = 1, a = 2, ["a.b"] = 3, ["a-b"] = 4, A = 5, a_b = 6, ["a:b"] = 7, ["10"] = 8, ["9"] = 9 } }
    end)

    it("by key, and by prefix", function()
      local path = path_of(made) .. "/items"
      assert.equal("10 9 A a a-b a.b a:b a_b b", names(path))
      assert.equal("b a_b a:b a.b a-b a A 9 10", names(path .. "?order=desc"))
      assert.equal("a a-b a.b a:b a_b", names(path .. "?prefix=a"))
      assert.equal("a.b", names(path .. "?prefix=a."))
      assert.equal("", names(path .. "?prefix=%25"))
      assert.equal("", names(path .. "?prefix=c"))
      assert.equal("400 parameter_unknown search", codes(w:get(path .. "?search=a")))
    end)

    it("by pages that keep their place while keys come and go", function()
      local seen = {}
      local found = w:walk(path_of(made) .. "/items?limit=2", function(page)
        if page == 1 then
          put(made, "0", { value = 0 })
          put(made, "a--", { value = 0 })
          w:delete(path_of(made, "9"))
        end
      end)
      for index, item in ipairs(found) do
        seen[index] = item.key
      end
      assert.equal("10 9 A a a-- a-b a.b a:b a_b b", table.concat(seen, " "))
    end)

    it("with cursors that are bound to the store and the filters", function()
      local cursor = w:get(path_of(made) .. "/items?limit=1").json.next_cursor
      local other = make { name = "other" }
      assert.equal("400 cursor_mismatch cursor", codes(w:get(path_of(other) .. "/items?cursor=" .. cursor)))
      assert.equal("400 cursor_mismatch cursor", codes(w:get(path_of(made) .. "/items?prefix=a&cursor=" .. cursor)))
      assert.equal("400 cursor_mismatch cursor", codes(w:get(path_of(made) .. "/items?order=desc&cursor=" .. cursor)))
    end)

    it("of their own only", function()
      local other = make { name = "other", items = { a = "other" } }
      assert.equal("a", names(path_of(other) .. "/items"))
      assert.equal("other", w:get(path_of(other, "a")).json.value)
      assert.equal(2, w:get(path_of(made, "a")).json.value)
    end)
  end)

  describe("lose", function()
    it("an item that is deleted, once", function()
      local made = make { items = { a = "1", b = 2 } }
      assert.equal(204, w:delete(path_of(made, "a")).status)
      assert.equal("404 resource_missing", codes(w:delete(path_of(made, "a"))))
      assert.equal("404 resource_missing", codes(w:get(path_of(made, "a"))))
      local now = get(made)
      assert.same({ 1, 2, 2, core.sha256 '{"b":2}' }, { now.item_count, now.size_bytes, now.version, now.digest })
      assert.same({ "edge_config.updated", { "a" }, 2 }, { events()[2].type, events()[2].data.keys, events()[2].data.version })
    end)

    it("everything when they are deleted, and free their name", function()
      local made = make { items = { a = 1 } }
      assert.equal(204, w:delete(path_of(made)).status)
      for _, answer in ipairs { w:delete(path_of(made)), w:get(path_of(made)), w:get(path_of(made, "a")), put(made, "a", { value = 1 }) } do
        assert.equal("404 resource_missing", codes(answer))
      end
      assert.equal(0, make().item_count)
      assert.equal(1, #events())
    end)

    it("a project that is deleted, and go with the last one", function()
      w:post("/projects", { slug = "other" })
      local other = project_id "other"
      local shared, own, free = make { projects = { "my-app", "other" } }, make { name = "own", projects = { "my-app" } }, make { name = "free" }
      w:delete "/projects/my-app"
      assert.same({ other }, get(shared).project_ids)
      assert.equal(404, w:get(path_of(own)).status)
      assert.equal(200, w:get(path_of(free)).status)
      assert.equal("free flags", names "/edge_configs")
      assert.equal(201, post({ name = "own" }).status)
    end)
  end)

  describe("are for keys", function()
    it("with the scope edge, to read or to write", function()
      local made = make { items = { a = 1 } }
      local reader = { key = w.emulator:issue_key { scopes = { "edge:read" } } }
      local none = { key = w.emulator:issue_key { scopes = { "env:write" } } }
      local reads = { "/edge_configs", path_of(made), path_of(made) .. "/items", path_of(made, "a") }
      for _, path in ipairs(reads) do
        assert.equal(200, w:get(path, reader).status, path)
        assert.equal("403 insufficient_scope", codes(w:get(path, none)), path)
      end
      for _, answer in ipairs {
        w:post("/edge_configs", { name = "b" }, reader), put(made, "a", { value = 2 }, reader), w:delete(path_of(made, "a"), reader),
        w:delete(path_of(made), reader),
      } do
        assert.same({ "403 insufficient_scope", "edge:write" }, { codes(answer), answer.json.error.required_scope })
      end
      assert.equal(1, get(made).version)
    end)

    it("that hold all their projects; for others they are not there", function()
      w:post("/projects", { slug = "other" })
      local extra = { key = w.emulator:issue_key { projects = { "other" } } }
      local theirs = make { name = "theirs", projects = { "other" } }
      local shared = make { name = "shared", projects = { "other", "my-app" }, items = { a = 1 } }
      local free = make { name = "free" }
      assert.equal("free theirs", names("/edge_configs", extra))
      assert.equal("theirs", names("/edge_configs?project=other", extra))
      assert.equal("", names("/edge_configs?project=my-app", extra))
      assert.equal(200, w:get(path_of(theirs), extra).status)
      assert.equal(200, w:get(path_of(free), extra).status)
      for _, answer in ipairs {
        w:get(path_of(shared), extra), w:get(path_of(shared) .. "/items", extra), w:get(path_of(shared, "a"), extra),
        put(shared, "a", { value = 2 }, extra), w:delete(path_of(shared, "a"), extra), w:delete(path_of(shared), extra),
      } do
        assert.equal("404 resource_missing", codes(answer))
      end
      assert.equal("422 resource_missing projects[2]",
        codes(w:post("/edge_configs", { name = "x", projects = { "other", "my-app" } }, extra)))
    end)

    it("that hold all their projects, also where an answer is repeated", function()
      w:post("/projects", { slug = "other" })
      local theirs = w.emulator:issue_key { projects = { "other" } }
      local fields = { name = "shared", projects = { "other", "my-app" } }
      local function again(key)
        return w:post("/edge_configs", fields, { key = key, headers = { ["idempotency-key"] = "k" } })
      end
      assert.equal(201, again().status)
      assert.equal("422 resource_missing", codes(again(theirs)))
      assert.equal("true", again().headers["idempotent-replayed"])
    end)
  end)

  it("go on after their state was saved and loaded", function()
    local made = make { items = { a = json.null, b = json.array {}, c = { d = { {} } } } }
    local before = w:get(path_of(made) .. "/items").body
    put(made, "e", { value = 1 })
    w:delete(path_of(made, "e"))
    local digest = made.digest
    local other = world.new()
    assert(other.emulator:restore(w.emulator:dump()))
    other.key = w.key
    assert.equal(before, other:get(path_of(made) .. "/items").body)
    assert.same({ digest, 3 }, { other:get(path_of(made)).json.digest, other:get(path_of(made)).json.version })
    assert.equal(2, other:send("PUT", path_of(made, "e"), { value = 1 }).json.version)
  end)
end)
