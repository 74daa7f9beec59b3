--- What this process holds, over time, and whether that is flat.
--
-- A run is cut into fifths by its samples. The first warms up: connections, buffers, the allocator's arenas, methods that are made on first use.
-- The median of the last is held against the median of the second: what leaks grows by the same amount with every call, whereas what
-- is merely uneven (a collection earlier or later) moves no median. Between the two lie three fifths of all calls.
local usage = {}
usage.__index = usage

-- What may be gained all the same. RSS is counted in pages, and the allocator's arenas fill their gaps late (LuaJIT's machine code, later
-- still); the heap is measured after a full collection, and tables keep the room they once needed; connections rest and are closed as it
-- comes. Of 20,000 calls, 1024 KB are 87 bytes each, and 4 descriptors one in 3,000; of a million, next to nothing. (What is lost for good, to
-- the byte, the address sanitizer says.)
usage.SLACK = { rss = 1024, heap = 64, descriptors = 4 }
usage.UNITS = { rss = "KB", heap = "KB", descriptors = "" }
usage.KINDS = { "rss", "heap", "descriptors" }

local PAGE_KB = 4

local function read_rss()
  local file = assert(io.open "/proc/self/statm")
  local resident = file:read "*l":match "^%d+ (%d+)"
  file:close()
  return tonumber(resident) * PAGE_KB
end

-- The shell's parent is this process.
local function count_descriptors()
  local pipe = assert(io.popen "ls /proc/$PPID/fd")
  local count = 0
  for _ in pipe:lines() do
    count = count + 1
  end
  pipe:close()
  return count
end

function usage.new()
  return setmetatable({ samples = {} }, usage)
end

--- Takes a sample: { rss, heap, descriptors }, the first two in KB. A full collection comes before, of LuaJIT's machine code too, which it
-- makes for each new path for as long as it meets any.
function usage:sample()
  if type(jit) == "table" then -- luacheck: ignore 113
    jit.flush() -- luacheck: ignore 113
  end
  collectgarbage()
  collectgarbage()
  local sample = { heap = collectgarbage "count", descriptors = count_descriptors(), rss = read_rss() }
  self.samples[#self.samples + 1] = sample
  return sample
end

local function median(samples, kind, from, to)
  local values = {}
  for index = from, to do
    values[#values + 1] = samples[index][kind]
  end
  table.sort(values)
  return values[math.floor((#values + 1) / 2)]
end

--- Whether it was flat: a list of sentences about what was not, empty if all was.
function usage:complaints()
  local count, list = #self.samples, {}
  assert(count >= 10, "there are too few samples")
  local fifth = math.floor(count / 5)
  for _, kind in ipairs(usage.KINDS) do
    local before = median(self.samples, kind, fifth + 1, 2 * fifth)
    local after = median(self.samples, kind, count - fifth + 1, count)
    if after - before > usage.SLACK[kind] then
      list[#list + 1] = ("%s grew from %.0f to %.0f %s"):format(kind, before, after, usage.UNITS[kind])
    end
  end
  return list
end

return usage
