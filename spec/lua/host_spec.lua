-- The interpreter host, run as its users run it.
local process = require "spec.lua.support.process"

local gitdev = process.gitdev

local CLIENT = 'local git = require("gitdev").client{ api_key = os.getenv "GIT_API_KEY" } '

-- Runs a chunk against the embedded emulator.
local function emulated(chunk)
  return gitdev { "--emulator", "--quiet", "-e", CLIENT .. chunk }
end

-- Runs the host in some folder.
local function within(folder, words)
  local quoted = {}
  for i, word in ipairs(words) do
    quoted[i] = process.quote(word)
  end
  local host = process.host:sub(1, 1) == "/" and process.host or "$PWD/" .. process.host
  return process.run(('h="%s"; cd %s && "$h" %s'):format(host, folder, table.concat(quoted, " ")))
end

describe("the host as an interpreter", function()
  it("follows lua.c's conventions", function()
    local script = process.file "print(arg[0] ~= nil, #arg, ...)"
    local bang = process.file "#!/usr/bin/env gitdev\nprint('ran')"
    local cases = {
      { { "-e", "print(1)", "-e", "print(2)" }, out = "1\n2\n" },
      { { "-eprint(3)" }, out = "3\n" },
      { { script, "-x", "--emulator", "-" }, out = "true\t3\t-x\t--emulator\t-\n" },
      { { "--", script, "a" }, out = "true\t1\ta\n" },
      { { "-", "a", "b" }, input = "print(arg[0], ...)", out = "-\ta\tb\n" },
      { {}, input = "print 'from stdin'", out = "from stdin\n" },
      { { bang }, out = "ran\n" },
      { { "-l", "cjson", "-e", "print(cjson.encode{1})" }, out = "[1]\n" },
      { { "-l", "j=cjson", "-e", "print(j.encode{1}, cjson)" }, out = "[1]\tnil\n" },
      { { "-e", "print(arg[-2], arg[-1], arg[0])", script }, out_matches = "^%-e\tprint.*\ntrue" },
      { { "-W", "-e", "warn 'careful'" }, err = "Lua warning: careful\n" },
      { { "-e", "warn 'quiet'" }, err = "" },
      { { "-e", "warn('@on'); warn('a', 'b', '@off'); warn '@off'; warn 'quiet'; warn '@other'; warn '@on'; warn '@other'; warn 'c'" },
        err = "Lua warning: ab@off\nLua warning: c\n" },
      { { "-e", "package.preload['gitdev.json'] = function() return 'mine' end print((require 'gitdev.json'))" }, out = "mine\n" },
      { { "-e", "print(select(2, pcall(require, 'gitdev.nosuch')))" },
        out_matches = "^module 'gitdev.nosuch' not found:\n\tno field package.preload%['gitdev.nosuch'%]\n\tno file " },
      { { "-i" }, input = "1 + 1\n=2*3\nlocal x =\n5\nfor i = 1, 2 do\nprint('i' .. i)\nend\nerror 'oops'\nprint 'still here'\n",
        out_matches = "> 2\n> 6\n> >> > >> >> i1\ni2\n> > still here\n", err_matches = "oops" },
      { { "-v", "-e", "print 'x'" }, out_matches = "^gitdev %d.*Lua 5%.4.*libcurl/%d.*\nx\n$" },
      { { "--version" }, out_matches = "^gitdev %d+%.%d+%.%d+ .*\n$" },
      { { "--help" }, out_matches = "^usage: gitdev .*%-%-emulator.*exit codes" },
      { { "-e", "return 7" }, out = "" },
      { { "-e", "os.exit(42)" }, status = 42 },
      { { "-e", "os.exit(true, true)" }, status = 0 },
      { { "-e", "os.exit(false)" }, status = 1 },
    }
    for _, case in ipairs(cases) do
      local name = table.concat(case[1], " ")
      local status, out, err = gitdev(case[1], case.input)
      assert.equal(case.status or 0, status, name .. ": " .. err)
      if case.out then assert.equal(case.out, out, name) end
      if case.err then assert.equal(case.err, err, name) end
      if case.out_matches then assert.matches(case.out_matches, out) end
      if case.err_matches then assert.matches(case.err_matches, err) end
    end
    os.remove(script)
    os.remove(bang)
  end)

  it("reads LUA_INIT and LUA_PATH, and ignores them with -E", function()
    local chunk = { "-e", "print(x, package.path:match 'MARK')" }
    local _, out = gitdev(chunk, nil, "LUA_INIT='x=5' LUA_PATH='MARK/?.lua'")
    assert.equal("5\tMARK\n", out)
    _, out = gitdev({ "-E", chunk[1], chunk[2] }, nil, "LUA_INIT='x=5' LUA_PATH='MARK/?.lua'")
    assert.equal("nil\tnil\n", out)
    local script = process.file "x = 'init'"
    _, out = gitdev({ "-e", "print(x)" }, nil, "LUA_INIT_5_4=@" .. script .. " LUA_INIT='x=1'")
    assert.equal("init\n", out)
    os.remove(script)
  end)

  it("tells usage errors, with exit code 2", function()
    for _, words in ipairs { { "-x" }, { "-e" }, { "-l" }, { "--emulatr" }, { "-ii" }, { "emulator", "--prot", "1" },
      { "emulator", "--port", "x" }, { "emulator", "--port", "65536" }, { "emulator", "--no-rate-limit=5" }, { "emulator", "--plan", "free" } } do
      local status, out, err = gitdev(words)
      assert.equal(2, status, table.concat(words, " "))
      assert.equal("", out)
      assert.matches("help", err)
    end
  end)

  it("hints at what an unknown option was probably meant to be", function()
    for _, case in ipairs {
      { { "--emulatr", "x.lua" }, "there is no option '--emulatr': did you mean '--emulator'? (gitdev --help tells what there is)" },
      { { "-e", "x = 1", "--qiet" }, "there is no option '--qiet': did you mean '--quiet'? (gitdev --help tells what there is)" },
      { { "-x" }, "there is no option '-x' (gitdev --help tells what there is)" },
      { { "-vi" }, "there is no option '-vi' (gitdev --help tells what there is)" },
      { { "--%s" }, "there is no option '--%s' (gitdev --help tells what there is)" },
      { { "-e" }, "the option '-e' needs a value (gitdev --help tells what there is)" },
      { { "-W", "-l", "-v" }, "the option '-l' needs a value (gitdev --help tells what there is)" },
    } do
      local status, out, err = gitdev(case[1])
      assert.same({ 2, "", "gitdev: " .. case[2] .. "\n" }, { status, out, err })
    end
  end)

  it("hints at the command that a missing script was probably meant to be", function()
    for _, case in ipairs {
      { { "emulater" }, "cannot open emulater: No such file or directory: did you mean the command 'emulator'?" },
      { { "--quiet", "webhook", "listen" }, "cannot open webhook: No such file or directory: did you mean the command 'webhooks'?" },
      { { "deploy.lua" }, "cannot open deploy.lua: No such file or directory" },
      { { "./emulater" }, "cannot open ./emulater: No such file or directory" },
    } do
      local status, out, err = within("/", case[1])
      assert.same({ 1, "", "gitdev: " .. case[2] .. "\n" }, { status, out, err })
    end
    local folder = process.file ""
    assert(os.remove(folder))
    for name, text in pairs { emulater = "print 'mine'", emulator = "error 'a command wins'", openapis = "error 'mine too'" } do
      assert.equal(0, (process.run(("mkdir -p %s && printf '%%s' %s >%s/%s"):format(folder, process.quote(text), folder, name))))
    end
    assert.same({ 0, "mine\n", "" }, { within(folder, { "emulater" }) })
    assert.matches("^usage: gitdev emulator", select(2, within(folder, { "emulator", "--help" })))
    assert.matches("a command wins", select(3, within(folder, { "./emulator", "--help" })))
    assert.is_nil(select(3, within(folder, { "openapis" })):find "did you mean")
    os.execute("rm -r " .. folder)
  end)

  it("knows every command that its help lists", function()
    local listed = 0
    for _, row in ipairs(require("gitdev.cli.help").commands) do
      local status, out, err = gitdev { row[1]:match "^%a+", "--help" }
      assert.same({ 0, "" }, { status, err })
      assert.not_equal("", out)
      listed = listed + 1
    end
    assert.equal(5, listed)
  end)

  it("knows every option that its help lists", function()
    local help = require "gitdev.cli.help"
    for _, row in ipairs(help.options) do
      for option in row[1]:gmatch "%-%-?%w+" do
        local value = row[1]:match "stat" and "x = 1" or row[1]:match "mod" and "cjson" or nil
        local words = value and { option, value, "--version" } or { option, "--version" }
        assert.equal(0, (gitdev(words)), option)
      end
    end
  end)

  it("shows where an uncaught Lua error came from", function()
    local script = process.file "local function f()\n  error('boom')\nend\nf()"
    local status, out, err = gitdev { script }
    assert.equal(1, status)
    assert.equal("", out)
    assert.matches("^gitdev: " .. script:gsub("%p", "%%%0") .. ":2: boom\nstack traceback:\n", err)
    assert.matches(":4: in", err)
    assert.is_nil(err:find("cli/init.lua", 1, true))
    os.remove(script)
    for _, case in ipairs { { "error {}", "table value" }, { "error()", "nil value" },
      { "error(setmetatable({}, { __tostring = function() return 'mine' end }))", "mine" }, { "x = = 1", "unexpected symbol" } } do
      status, _, err = gitdev { "-e", case[1] }
      assert.equal(1, status)
      assert.matches(case[2], err)
    end
    assert.equal(1, (gitdev { "/no/such/script.lua" }))
  end)

  it("does not wait for a script that yields to nobody", function()
    local status, _, err = gitdev { "-e", "coroutine.yield()" }
    assert.equal(1, status)
    assert.matches("attempt to yield from outside a coroutine", err)
  end)

  it("stops at the first error, in the interactive mode too", function()
    local status, out = gitdev({ "-i", "-e", "error 'boom'" }, "print 'not reached'")
    assert.equal(1, status)
    assert.is_nil(out:find("not reached", 1, true))
    local _, _, err = gitdev { "-l", "no.such.module" }
    assert.matches("^gitdev: module 'no.such.module' not found", err)
  end)

  it("writes no TLS secrets for SSLKEYLOGFILE", function()
    local keys = process.file ""
    local status = gitdev({ "--emulator", "-e", CLIENT .. "git.organization:get()" }, nil, "SSLKEYLOGFILE=" .. keys)
    local file = assert(io.open(keys))
    local text = file:read "*a"
    file:close()
    os.remove(keys)
    assert.equal(0, status)
    assert.equal("", text)
  end)

  it("runs alone from any folder", function()
    local host = process.host:sub(1, 1) == "/" and process.host or "$PWD/" .. process.host
    local status, out = process.run('h="' .. host .. '"; cd / && env -i "$h" -e "print(type(require[[gitdev]].client))"')
    assert.equal(0, status)
    assert.equal("function\n", out)
  end)
end)

describe("the host's exit codes", function()
  it("follow the error's type", function()
    local cases = {
      { 2, "git.deployments:create{ project = 'my-app', brnch = 'main' }", { "brnch", 'did you mean "branch"' } },
      { 2, "git.deployments:create{ project = 'my-app', env = { PORT = 5 } }", { "env.PORT", "string" } },
      { 2, "git.deployments:create{ project = 'nope' }", { "resource_missing", "status      422", "request_id  req_", "what to do" } },
      { 3, "git.projects:get 'nope'", { "resource_missing", "404" } },
      { 4, "require('gitdev').client{ api_key = 'gsk_test_wrong' }.projects:list()", { "api_key_invalid" } },
      { 5, "git.projects:create{ slug = 'my-app' }", { "already_exists" } },
      { 8, "git.projects:list({}, { timeout = 0.0005 })", { "timeout_error" } },
      { 10, "require('gitdev.test').run(function() require('gitdev').client().deployments:create{ project = 'my-app', metadata = "
        .. "{ emulate = 'build_failed' } }:wait() end)", { "deployment_failed", "build" } },
      { 2, "require('gitdev').client{ base_url = 'http://127.0.0.1' }", { "config_error", "https" } },
      { 7, "require('gitdev').client{ ca_file = '/etc/ssl/certs/ca-certificates.crt' }.projects:list()", { "not trusted" } },
    }
    for _, case in ipairs(cases) do
      local status, _, err = emulated(case[2])
      assert.equal(case[1], status, case[2] .. "\n" .. err)
      for _, part in ipairs(case[3]) do
        assert.is_truthy(err:find(part, 1, true), part .. " is not in:\n" .. err)
      end
      assert.is_nil(err:find "gsk_test_%w")
    end
  end)

  it("name the missing or malformed key", function()
    for _, environment in ipairs { "env -u GIT_API_KEY", "GIT_API_KEY=", "GIT_API_KEY=nope", "GIT_API_KEY='gsk_live_abcdef\n'" } do
      local status, _, err = gitdev({ "-e", "require('gitdev').client{}" }, nil, environment)
      assert.equal(2, status, environment)
      assert.matches("config_error", err)
      assert.matches("GIT_API_KEY", err)
      assert.is_nil(err:find("abcdef", 1, true))
    end
  end)

  it("is 7 when the server goes away in the middle of a script", function()
    local script = process.file(CLIENT .. [[
      assert(git.organization:get().id)
      os.execute("kill -9 " .. os.getenv "PEER")
      git.organization:get { max_retries = 1 }
    ]])
    local command = [[
      exec 3< <(%s emulator)
      read -r line <&3
      value() { sed -E "s/.*\"$1\":\"?([^\",}]*).*/\1/" <<<"$line" | sed 's#\\/#/#g'; }
      export GIT_API_URL=$(value url) GIT_CA_FILE=$(value ca_file) GIT_API_KEY=$(value api_key) PEER=$(value pid)
      %s %s; status=$?
      rm -f "$GIT_CA_FILE"
      exit $status
    ]]
    local status, _, err = process.run("bash -c " .. process.quote(command:format(process.host, process.host, script)))
    os.remove(script)
    assert.equal(7, status, err)
    assert.matches("connection_error", err)
  end)

  it("is a total table over the types of the contract and of the SDK", function()
    local exit_code = require "gitdev.cli.exit_code"
    local count = 0
    for _, row in ipairs(require "gitdev.api.errors") do
      count = count + 1
      assert.is_number(exit_code.by_type[row.type], row.type)
    end
    assert.is_true(count >= 15)
    local function code_of(fields)
      return exit_code.of(require("gitdev.error").new(fields))
    end
    assert.equal(1, exit_code.of "text")
    assert.equal(1, exit_code.of { type = "rate_limit_error" }) -- a table of somebody else's
    assert.equal(1, code_of { type = "no such type" })
    assert.equal(3, code_of { type = "invalid_request_error", status = 410 })
    assert.equal(2, code_of { type = "idempotency_error", status = 422 })
    assert.equal(5, code_of { type = "idempotency_error", status = 409 })
    assert.equal(6, code_of { type = "rate_limit_error", status = 429 })
    assert.equal(9, code_of { type = "api_error", status = 503 })
    assert.equal(130, code_of { type = "canceled_error" })
  end)
end)

describe("an interrupted host", function()
  -- The script says when it has begun; the signal is sent then, so nothing depends on how fast the machine is.
  local function interrupted(signal, words)
    local command = [[
      exec 3< <(exec %s)
      pid=$!
      read -r line <&3
      kill -%s "$pid"
      wait "$pid"
    ]]
    local quoted = { process.host }
    for _, word in ipairs(words) do
      quoted[#quoted + 1] = process.quote(word)
    end
    return process.run("bash -c " .. process.quote(command:format(table.concat(quoted, " "), signal)))
  end

  local STARTED = "io.write 'started\\n' io.flush() "

  it("stops a wait, a busy loop and a call at once", function()
    local cases = {
      "require('gitdev.loop').sleep(1000)",
      "while true do end",
      "require('gitdev.test').run(function() end) while true do end",
      CLIENT .. "git.deployments:create{ project = 'my-app', metadata = { emulate = 'hang' } }:wait()",
      CLIENT .. "coroutine.wrap(function() git.deployments:create{ project = 'my-app', metadata = { emulate = 'hang' } }:wait() end)()",
      "coroutine.wrap(function() require('gitdev.loop').sleep(1000) end)()",
    }
    for _, chunk in ipairs(cases) do
      local status, _, err = interrupted("INT", { "--emulator", "--quiet", "-e", STARTED .. chunk })
      assert.equal(130, status, chunk .. "\n" .. err)
      assert.matches("interrupted", err)
    end
    assert.equal(143, (interrupted("TERM", { "-e", STARTED .. "while true do end" })))
  end)

  it("stops a thousand tasks, whatever each waits for", function()
    local status, out, err = interrupted("INT", { "--emulator", "--quiet", "-e", CLIENT .. [[
      local gitdev = require "gitdev"
      local waits = {
        function() gitdev.sleep(1000) end,
        function() git.deployments:create({ project = "my-app", metadata = { emulate = "hang" } }):wait() end,
        function() gitdev.all { function() gitdev.sleep(1000) end } end,
        function() gitdev.timeout(1000, gitdev.sleep, 1000) end,
      }
      for i = 1, 1000 do
        gitdev.spawn(function()
          pcall(waits[i % #waits + 1])
          print "went on"
        end)
      end
      gitdev.sleep(0.01)
    ]] .. STARTED .. "gitdev.sleep(1000)" })
    assert.equal(130, status, err)
    assert.is_nil(out:find("went on", 1, true))
    assert.matches("interrupted", err)
  end)

  -- The busy chunk is ended by the signal, the waiting one by another; then the session goes on.
  it("ends a chunk of the interactive mode, and not the session", function()
    local input = process.file(table.concat({
      "io.write 'started\\n' io.flush() while true do end",
      "io.write 'started\\n' io.flush() require('gitdev.loop').sleep(1000)",
      "print 'still here'",
      "",
    }, "\n"))
    local command = [[
      exec 3< <(exec %s -i <%s)
      pid=$!
      while read -r line <&3; do
        echo "$line"
        case $line in *started*) kill -INT "$pid" ;; esac
      done
      wait "$pid"
    ]]
    local status, out, err = process.run("bash -c " .. process.quote(command:format(process.host, input)))
    os.remove(input)
    assert.equal(0, status, err)
    assert.matches("still here", out)
    assert.equal(2, select(2, err:gsub("interrupted", "")))
  end)

  it("leaves no file behind", function()
    local directory = os.tmpname()
    os.remove(directory)
    os.execute("mkdir " .. directory)
    local status = process.run(string.format(
      "TMPDIR=%s %s --emulator --quiet -e %s", directory, process.host, process.quote(CLIENT .. "git.organization:get() os.exit(3)")))
    assert.equal(3, status)
    local _, listing = process.run("ls -A " .. directory)
    assert.equal("", listing)
    os.execute("rmdir " .. directory)
  end)

  it("ends the emulator in good order", function()
    local status, _, err = interrupted("TERM", { "emulator" })
    assert.equal(0, status, err)
  end)
end)
