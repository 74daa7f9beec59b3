-- A script that gets a signal, wherever it is at that moment: it ends with 130 (or as it would have, if it was over), says so in one
-- line, and leaves nothing behind: no process of its group, no file. The moments are a grid over the script's length, which is measured
-- first: a slower machine has its grid wider, and nothing is asserted about time.
local process = require "spec.lua.support.process"

-- run DELAY TARGET [COUNT PAUSE]: starts the host in a process group of its own with a fresh TMPDIR, sends SIGINT after so long ("": none),
-- to its group ("-", as a terminal does) or to the process alone (""), and prints what became of it: status, processes left, files left (but
-- for `product`, which a script may have made), stderr.
-- A process that was told to end is given time for it: what is left must be gone in the end, and none here would end soon by itself.
local HARNESS = [==[
  set -m
  left() {
    local file line fields
    for file in /proc/[0-9]*/stat; do
      { read -r line <"$file"; } 2>/dev/null || continue
      fields=(${line##*) })
      [[ ${fields[2]} == "$1" && ${fields[0]} != Z ]] && return 0
    done
    return 1
  }
  run() {
    local directory pid status processes=0 turns=500
    directory=$(mktemp -d)
    TMPDIR=$directory "${command[@]}" >/dev/null 2>"$directory.err" </dev/null &
    pid=$!
    if [[ $1 ]]; then
      sleep "$1"
      kill -INT -- "$2$pid" 2>/dev/null
      for ((again = 1; again < ${3:-1}; again++)); do
        sleep "$4"
        kill -INT -- "$2$pid" 2>/dev/null
      done
    fi
    wait "$pid"
    status=$?
    while left "$pid" && ((turns-- > 0)); do sleep 0.01; done
    left "$pid" && processes=1 && kill -KILL -- "-$pid"
    echo "$1:$2 $status $processes $(ls -A "$directory" | grep -cvx product) $(tr '\n' '|' <"$directory.err")"
    rm -rf "$directory" "$directory.err"
  }
]==]

local function harness(words, script)
  local quoted = { process.quote(process.host) }
  for _, word in ipairs(words) do
    quoted[#quoted + 1] = process.quote(word)
  end
  local text = HARNESS .. "\ncommand=(" .. table.concat(quoted, " ") .. ")\n" .. script
  return select(2, process.run("bash -c " .. process.quote(text)))
end

-- Each outcome must be an interruption, or the script's own good end. Returns how many were interruptions.
local function judge(out)
  local interrupted = 0
  for line in out:gmatch "[^\n]+" do
    local status, processes, files, said = line:match "^%S+ (%d+) (%d+) (%d+) (.*)$"
    assert.is_truthy(status == "130" or status == "0", line)
    assert.equal("0 0", processes .. " " .. files, line)
    assert.is_truthy(said == "" or status == "130" and said == "gitdev: interrupted|", line)
    interrupted = interrupted + (status == "130" and 1 or 0)
  end
  return interrupted
end

local CLIENT = 'local gitdev = require "gitdev" local git = gitdev.client { api_key = os.getenv "GIT_API_KEY" } '

local SCRIPTS = {
  { "loads, connects, creates, waits and lists", CLIENT .. [[
    git.organization:get()
    local deployment = git.deployments:create { project = "my-app" }
    pcall(function() deployment:wait { timeout = 0.1, interval = 0.01 } end)
    for i = 1, 20 do git.projects:create { slug = "project-" .. i } end
    for project in git.projects:each { limit = 3 } do assert(project.id) end
  ]] },
  { "sleeps and computes, in coroutines of its own too", CLIENT .. [[
    local function busy() local t = os.clock() while os.clock() - t < 0.03 do end end
    gitdev.sleep(0.03)
    busy()
    coroutine.wrap(function() busy() git.organization:get() coroutine.wrap(busy)() gitdev.sleep(0.03) end)()
    local co = coroutine.create(function() pcall(busy) coroutine.yield() busy() end)
    while coroutine.resume(co) do end
  ]] },
  { "starts programs", [[
    for _ = 1, 15 do
      assert(os.execute "exit 0")
      local pipe = io.popen "echo text; exec cat /dev/null"
      assert(pipe:read "*l" == "text")
      pipe:close()
    end
  ]] },
  { "downloads", CLIENT .. [[
    for _ = 1, 30 do
      assert(git:request("GET", "/organization", { to = os.getenv "TMPDIR" .. "/product" }).size > 100)
    end
  ]] },
  { "serves emulators of its own", [[
    local server = require "gitdev.emulator.server"
    for _ = 1, 5 do
      local one = assert(server.start {})
      local git = require("gitdev").client { api_key = one.api_key, base_url = one.url, ca_file = one.ca_file }
      coroutine.wrap(function() git.organization:get() end)()
      one:stop()
    end
    server.start {}
  ]] },
}

describe("a script that gets SIGINT", function()
  for _, case in ipairs(SCRIPTS) do
    it("at any moment, while it " .. case[1], function()
      local out = harness({ "--emulator", "--quiet", "-e", case[2] }, [[
        length=
        for ((i = 0; i < 3; i++)); do # the shortest of three: on a busy machine one may take several times as long
          began=$EPOCHREALTIME
          run "" ""
          ended=$EPOCHREALTIME
          taken=$(((${ended/./} - ${began/./})))
          ((length && length < taken)) || length=$taken
        done
        for ((i = 0; i < 14; i++)); do
          delay=$((length * i / 13))
          run "$(printf '0.%06d' "$delay")" "$( ((i % 2)) && echo -)"
        done
      ]])
      assert.matches("^: 0 0 0 \n: 0 0 0 \n: 0 0 0 \n", out)
      assert.equal(17, select(2, out:gsub("\n", "")))
      assert.is_true(judge(out) >= 3, out)
    end)
  end

  -- The same without a clock: an error at the first instruction, at the second, and so on, as a signal raises it.
  it("at any instruction of a download, leaves no part of it", function()
    local sink = require "gitdev.sink"
    local product = os.tmpname()
    local function download()
      local file = sink.open(product)
      file:write "some bytes"
      file:finish()
    end
    local last, over = 0
    repeat
      last = last + 1
      over = pcall(function()
        debug.sethook(function()
          debug.sethook()
          error("interrupted", 0)
        end, "", last)
        download()
        debug.sethook()
      end)
      collectgarbage()
      collectgarbage()
      local _, parts = process.run("ls " .. product .. ".*")
      assert.equal("", parts, "at instruction " .. last)
    until over
    os.remove(product)
    assert.is_true(last > 50)
  end)

  -- What a signal must reach, and would not by itself; none of them would end for 30 seconds.
  local ENDLESS = {
    "os.execute 'sleep 30'",
    "os.execute 'sleep 30; true'",
    "io.popen('sleep 30; true'):read '*a'",
    "io.popen('sleep 30; true'):close()",
    "local pipe = io.popen('cat; sleep 30', 'w') require('gitdev').sleep(30)",
    "coroutine.wrap(function() coroutine.wrap(function() while true do end end)() end)()",
    "while true do pcall(function() while true do end end) end",
    "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "local t <close> = setmetatable({}, { __close = function() for _ = 1, 1000 do end end }) while true do end",
    CLIENT .. "gitdev.all { function() while true do gitdev.sleep(0.001) end end, function() while true do pcall(gitdev.sleep, 30) end end }",
    CLIENT .. "gitdev.spawn(function() while true do end end) gitdev.sleep(30)",
  }

  it("in what would go on for long", function()
    for _, script in ipairs(ENDLESS) do
      local out = harness({ "--emulator", "--quiet", "-e", script }, [[ run 0.25 ""; run 0.25 - ]])
      assert.equal(2, judge(out), script .. "\n" .. out)
    end
  end)

  -- timeout(1) sends it to the process and to its group.
  it("twice at once, as if it were one", function()
    local out = harness({ "--emulator", "--quiet", "-e", "while true do end" }, [[ run 0.25 "" 2 0; run 0.25 - 3 0 ]])
    assert.equal(2, judge(out), out)
  end)

  -- A pattern that backtracks for hours: a C function, which no Lua hook can stop.
  it("again, in a long C function, ends with it and leaves no file", function()
    local script = "(('x'):rep(1000000)):find(('.-'):rep(12) .. 'y')"
    local out = harness({ "--emulator", "--quiet", "-e", script }, [[ run 0.25 "" 2 0.6 ]])
    assert.equal(1, judge(out), out)
  end)

  it("at a terminal, while a program runs that takes Ctrl-C itself, goes on with that", function()
    local script = process.file "os.execute [[trap 'echo caught; exit 0' INT; echo started; while sleep 0.1; do :; done]] print 'and on'"
    local _, out, err = process.run("bash -c " .. process.quote(([==[
      coproc terminal { script -qec '%s %s' /dev/null; }
      exec 4<&"${terminal[0]}" 5>&"${terminal[1]}"
      while read -r line <&4; do
        echo "$line"
        case $line in *started*) printf '\003' >&5 ;; esac
      done
    ]==]):format(process.host, script)))
    os.remove(script)
    assert.matches("caught\r?\nand on", out, err)
  end)
end)
