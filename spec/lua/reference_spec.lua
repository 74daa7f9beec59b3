-- The reference is made from the tables: its pages are those that they give, lead where they say, and have all there is.
local document = require "gitdev.describe.document"
local examples = require "gitdev.describe.examples"
local markdown = require "gitdev.describe.markdown"
local pages = require "gitdev.describe.pages"
local schema = require "gitdev.schema"
local terminal = require "gitdev.describe.terminal"
local topics = require "gitdev.describe.topics"

local FOLDER = "docs/reference/"

local all = pages.all()

local function columns(line)
  return select(2, line:gsub("[^\128-\191]", ""))
end

local function names_of(map)
  local names = {}
  for name in pairs(map) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- A page's text without its blocks of code.
local function prose(text)
  return (text:gsub("```.-```", ""))
end

describe("the pages of the reference", function()
  it("are those in docs/reference: else run ./dev docs", function()
    local found = {}
    local list = assert(io.popen("ls " .. FOLDER))
    for name in list:lines() do
      local file = assert(io.open(FOLDER .. name, "rb"))
      found[name] = file:read "*a"
      file:close()
    end
    list:close()
    assert.same(names_of(all), names_of(found))
    for name, text in pairs(all) do
      assert.is_true(found[name] == text, FOLDER .. name .. " is stale: run ./dev docs")
    end
  end)

  it("have a heading for every operation and object, and name every event and error", function()
    for _, op in ipairs(schema.operations()) do
      local page = all[op:match "^[%l_]+" .. ".md"]
      assert.is_truthy(page:find("\n## " .. op .. "\n", 1, true), op)
      local operation = schema.operation(op)
      assert.is_truthy(page:find("`" .. operation.method .. " " .. operation.path .. "`", 1, true), op)
    end
    for _, name in ipairs(schema.objects()) do
      local object = schema.object(name)
      local page = all[object.resource .. ".md"]
      assert.is_truthy(page:find("\n## Object: " .. name .. "\n", 1, true), name)
      for _, field in ipairs(object.fields) do
        assert.is_truthy(page:find("\n| `" .. field.name .. "` |", 1, true), name .. "." .. field.name)
      end
    end
    for _, kind in ipairs(schema.events()) do
      assert.is_truthy(all[schema.event(kind).resource .. ".md"]:find("\n| `" .. kind .. "` |", 1, true), kind)
      assert.is_truthy(all["events.md"]:find("`" .. kind .. "`", 1, true), kind)
    end
    for _, group in ipairs(require "gitdev.api.errors") do
      for _, row in ipairs(group.codes or {}) do
        assert.is_truthy(all["errors.md"]:find("\n| `" .. row[1] .. "` |", 1, true), row[1])
      end
    end
  end)

  it("lead to headings that are there, one of each name", function()
    local anchors = {}
    for name, text in pairs(all) do
      anchors[name] = {}
      for heading in prose(text):gmatch "\n#+ ([^\n]+)" do
        local anchor = markdown.anchor((heading:gsub("\\", "")))
        assert.is_nil(anchors[name][anchor], name .. anchor .. " is there twice")
        anchors[name][anchor] = true
      end
    end
    for name, text in pairs(all) do
      for target, anchor in prose(text):gmatch "%]%(([^)#]*)(#?[^)]*)%)" do
        local page = anchors[target == "" and name or target]
        assert.is_truthy(page, name .. " leads to " .. target)
        assert.is_true(anchor == "" or page[anchor] == true, name .. " leads to " .. target .. anchor)
      end
    end
  end)

  it("have tables whose rows are as wide as their heads", function()
    for name, text in pairs(all) do
      local width
      for line in text:gmatch "[^\n]*" do
        local cells = line:sub(1, 1) == "|" and select(2, line:gsub("\\|", ""):gsub("|", "")) or nil
        assert.is_true(not cells or not width or cells == width, name .. ": " .. line)
        width = cells
      end
    end
  end)
end)

describe("a document", function()
  local doc = document.new()
  doc:heading(1, "a_b *c*")
  doc:text { "Some `code_x` and ", { to = "there", text = "a `link`" }, ", 2 < 3 | _x_." }
  doc:label "seen in a terminal"
  doc:fields("field", {
    { name = "one", type = "text; `a|b`", need = "required", words = "The first." },
    { name = "a_name_that_is_longer_than_the_column", type = "integer", words = "The other." },
  })
  doc:table({ "x", "y" }, { { "1", ("word "):rep(40) } })
  doc:list { "item" }
  doc:code('print "|"', "lua")
  doc:table({ "none" }, {})

  it("is written as Markdown", function()
    local text = markdown.write(doc, function(topic)
      return topic .. ".md"
    end)
    assert.equal([[
# a_b \*c\*

Some `code_x` and [a `link`](there.md), 2 \< 3 \| \_x_.

| field | type | | |
|---|---|---|---|
| `one` | text; `a\|b` | required | The first. |
| `a_name_that_is_longer_than_the_column` | integer | | The other. |

| x | y |
|---|---|
| 1 | ]] .. ("word "):rep(40) .. [[ |

- item

```lua
print "|"
```
]], text)
  end)

  it("is written for a terminal", function()
    assert.equal([[
a_b *c*

  Some code_x and a link, 2 < 3 | _x_.

SEEN IN A TERMINAL
  one                       text; a|b; required
                            The first.
  a_name_that_is_longer_than_the_column
                            integer
                            The other.

  x  y
  1  word word word word word word word word word word word word word word word word word word word
     word word word word word word word word word word word word word word word word word word word
     word word

  - item

    print "|"
]], terminal.write(doc))
  end)
end)

describe("the topics of gitdev help", function()
  it("all have something to say, in lines of at most 100 columns, without Markdown", function()
    for _, name in ipairs(topics.names()) do
      local text = terminal.write(assert(topics.of(name), name))
      assert.is_true(#text > 40, name)
      for line in text:gmatch "[^\n]+" do
        assert.is_true(columns(line) <= 100, name .. ": " .. line)
        assert.is_nil(line:find("%s$"), name .. ": " .. line)
      end
      assert.is_nil(text:find("`", 1, true), name)
    end
  end)

  it("are known by what a program calls them", function()
    for asked, title in pairs {
      ["git.deployments:create"] = "deployments.create",
      ["deployments:create(fields)"] = "deployments.create",
      ["deployments.logs"] = "deployments.logs",
      ["deployment"] = "deployment",
      ["deployment:cancel"] = "deployments.cancel",
      ["deployment:wait"] = "waiting",
      ["deployment.completed"] = "deployment.completed",
      ["invalid_state"] = "invalid_state",
      ["timeout_error"] = "timeout_error",
      ["errors"] = "errors",
    } do
      assert.equal(title .. "\n", terminal.write(topics.of(asked)):match "^[^\n]*\n", asked)
    end
    assert.is_nil(topics.of "deployments.crate")
    assert.is_nil(topics.of "")
  end)
end)

describe("the examples", function()
  it("stand with their operations", function()
    local seen = 0
    for _, op in ipairs(schema.operations()) do
      local example = examples.of(op)
      if example then
        seen = seen + 1
        local page = all[op:match "^[%l_]+" .. ".md"]
        assert.is_truthy(page:find("```lua\n" .. example .. "\n```", 1, true), op)
      end
    end
    assert.equal(#schema.operations() - #examples.missing(), seen)
  end)
end)
