-- What the packages say of themselves is true: one version everywhere, files that exist, a manual page that the tables give. That they build, install
-- and work is the business of ./dev test packages.
local core = require "gitdev.core"
local help = require "gitdev.cli.help"
local man_page = require "gitdev.cli.man_page"
local document = require "gitdev.describe.document"
local roff = require "gitdev.describe.roff"

local function slurp(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function exists(path)
  return os.execute("test -e '" .. path .. "'") == true or os.execute("test -e '" .. path .. "'") == 0
end

describe("the manual page", function()
  it("is docs/gitdev.1: else run ./dev docs", function()
    assert.is_true(slurp "docs/gitdev.1" == man_page.text())
  end)

  it("says all that the host's help says, in plain ASCII", function()
    local text = man_page.text()
    assert.is_nil(text:find "[\128-\255]")
    local plain = text:gsub("\\f[BIR]", ""):gsub("\\%-", "-"):gsub("\\&", ""):gsub("\\e", "\\"):gsub("\\%(aq", "'")
    for _, list in ipairs { help.options, help.commands, help.environment, help.exit_codes } do
      for _, row in ipairs(list) do
        local words = row[2]:match "^[\1-\127]*"
        assert.is_truthy(plain:find("\n.TP\n" .. tostring(row[1]) .. "\n" .. words, 1, true), row[1])
      end
    end
    for _, name in ipairs { "emulator", "webhooks listen", "webhooks trigger", "webhooks resend", "webhooks verify" } do
      assert.is_truthy(plain:find("\n.SS gitdev " .. name .. "\n.PP\n.EX\ngitdev " .. name .. " ", 1, true), name)
    end
  end)

  it("has each way to use a command in a line of its own, and what an exit status means to it alone", function()
    local text = man_page.text():gsub("\\%-", "-")
    assert.is_truthy(text:find "\ngitdev webhooks resend ID [^\n]*\ngitdev webhooks resend %-%-from FILE [^\n]*\n%.EE\n")
    assert.is_truthy(text:find("\nIts exit status 10: the receiver answered, but not with a 2xx.\n", 1, true))
  end)

  it("shows what is typed as it is", function()
    local doc = document.new():code "grep '^a-b' ~/x\n.x\n'y \\n"
    assert.equal(
      ".PP\n.EX\ngrep \\(aq\\(haa\\-b\\(aq \\(ti/x\n\\&.x\n\\(aqy \\en\n.EE\n",
      roff.write(doc, { name = "x", section = 1, source = "", manual = "" }):match "%.PP.*"
    )
  end)

  it("has no line that roff would take for a request by mistake", function()
    local requests = { TH = true, SH = true, SS = true, PP = true, TP = true, EX = true, EE = true, nh = true, ad = true }
    for line in man_page.text():gmatch "[^\n]+" do
      local request = line:match "^[.'](%S*)"
      assert.is_true(request == nil or requests[request] ~= nil, line)
    end
  end)
end)

describe("the version", function()
  it("is the same wherever it stands", function()
    assert.equal(core.version, slurp("CMakeLists.txt"):match "project%(gitdev VERSION (%S+)")
    assert.equal(core.version, slurp("rockspec/debian/changelog"):match "^gitdev %(([^)]+)%)")
    assert.equal(core.version, slurp("dist.ini"):match "\nversion = (%S+)")
    assert.is_truthy(exists("rockspec/gitdev-" .. core.version .. "-1.rockspec"))
  end)
end)

describe("the rockspec", function()
  -- LuaRocks runs it with nothing in reach.
  local rock = {}
  local file = "rockspec/gitdev-" .. core.version .. "-1.rockspec"
  local chunk = assert(loadfile(file, "t", rock))
  if setfenv then -- luacheck: ignore 113
    setfenv(chunk, rock) -- luacheck: ignore 113
  end
  chunk()

  it("names itself as its file is named", function()
    assert.equal("gitdev", rock.package)
    assert.equal(core.version .. "-1", rock.version)
  end)

  it("asks for libraries and for no header, which Debian may have where LuaRocks does not look", function()
    for name, wanted in pairs(rock.external_dependencies) do
      assert.is_string(wanted.library, name)
      assert.is_nil(wanted.header, name)
      assert.is_truthy(rock.build.build_command:find("$(" .. name .. "_DIR)", 1, true), name)
    end
  end)

  it("builds with what is there", function()
    assert.is_truthy(exists(rock.build.build_command:match "%-P (%S+)"))
    for _, folder in ipairs(rock.build.copy_directories) do
      assert.is_truthy(exists(folder))
    end
  end)
end)

-- The rules of `opm build`, by opm's own source (bin/opm, 0.0.7).
describe("opm's manifest", function()
  local MUST = { "name", "abstract", "author", "is_original", "license", "repo_link" }
  local MAY = { "version", "requires", "exclude_files", "lib_dir", "main_module", "doc_dir" }
  local keys = {}
  for line in slurp("dist.ini"):gmatch "[^\n]+" do
    if not line:find "^%s*[#;]" then
      local name, value = line:match "^%s*([%w_]+)%s*=%s*(.-)%s*$"
      assert(name and not keys[name], line)
      keys[name] = value
    end
  end

  it("has the keys that it must have, and no unknown ones", function()
    local known = {}
    for _, list in ipairs { MUST, MAY } do
      for _, name in ipairs(list) do
        known[name] = true
      end
    end
    for name in pairs(keys) do
      assert.is_true(known[name], name)
    end
    for _, name in ipairs(MUST) do
      assert.is_string(keys[name], name)
    end
  end)

  it("has values that opm takes", function()
    assert.is_truthy(keys.name:find "^[%w_-]+$" and #keys.name >= 3)
    assert.is_truthy(keys.version:find "^[%w_.]+$")
    assert.is_truthy(keys.author:find "%a")
    assert.is_truthy(keys.is_original == "yes" or keys.is_original == "no")
    assert.is_truthy(keys.repo_link:find "^https?://[^%s\"'<>{}]+$")
    for requirement in keys.requires:gmatch "[^,]+" do
      local name = requirement:match "^%s*([%w_/-]+)%s*$" or requirement:match "^%s*([%w_/-]+)%s*[>=]=?%s*[%w.-]+%s*$"
      assert.is_truthy(name and (name:find "^[%w_-]+/[%w_-]+$" or ({ luajit = 1, nginx = 1, openresty = 1, ngx_http_lua = 1 })[name]), requirement)
    end
  end)

  it("names files and folders that exist, below this one", function()
    for _, name in ipairs { "lib_dir", "main_module", "doc_dir" } do
      assert.is_truthy(exists(keys[name]), name)
      assert.is_nil(keys[name]:find "^/" or keys[name]:find("..", 1, true), name)
    end
    assert.equal(keys.lib_dir .. "/", keys.main_module:sub(1, #keys.lib_dir + 1))
    for pattern in keys.exclude_files:gmatch "[^,%s]+" do
      local pipe = assert(io.popen("ls " .. pattern .. " 2>/dev/null"))
      assert.is_string(pipe:read "*l", pattern)
      pipe:close()
    end
  end)

  it("has a main module from which opm reads no other version", function()
    local text = slurp(keys.main_module)
    assert.is_nil(text:find "VERSION%s*=%s*%S*%d" or text:find "version%s*=%s*%S*%d")
  end)
end)
