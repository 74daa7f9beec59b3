-- The results on a terminal.
local report = {}

local CLIENT = "%-26s  %10s %10s %9s    %10s %10s %9s"
local ROW = "%-40s %10s  %-10s %10s %9s %9s %9s  %s"

local function reached(row, line)
  if row.at_least then
    return row.value >= line
  end
  return row.value <= line
end

--- "goal reached", "bar reached", or "BAR MISSED", with the reason where the number itself does not say it.
function report.verdict(row)
  if row.failed then
    return "BAR MISSED: " .. row.failed
  end
  return reached(row, row.goal) and "goal reached" or reached(row, row.bar) and "bar reached" or "BAR MISSED"
end

--- A row's value, bar and goal as text.
function report.numbers(row)
  local format = "%.2f" .. (row.unit or "")
  local sign = row.at_least and ">= " or "<= "
  local value = (row.unit and "%+.2f" .. row.unit or "%.2f"):format(row.value)
  return value, sign .. format:format(row.bar), sign .. format:format(row.goal)
end

--- calls per second, microseconds of CPU per call, and MB at the peak, as text; blanks where it was not measured.
function report.measured(of)
  if not of then
    return "", "", ""
  end
  return ("%.0f"):format(of.per_second), ("%.1f"):format(of.cpu_us), ("%.1f"):format(of.peak_mb)
end

function report.show(results)
  print(CLIENT:format("", "one after", "another,", "HTTP/1.1", results.at_once .. " at once,", "HTTP/2", ""))
  print(CLIENT:format("create a deployment", "calls/s", "us CPU", "MB peak", "calls/s", "us CPU", "MB peak"))
  for _, client in ipairs(results.clients) do
    local a, b, c = report.measured(client.measured.one)
    print(CLIENT:format(client.label, a, b, c, report.measured(client.measured.many)))
  end
  for _, label in ipairs(results.absent) do
    print("not measured: " .. label)
  end
  print()
  print(ROW:format("what", "gitdev", "beside", "theirs", "measured", "bar", "goal", "verdict"))
  for _, row in ipairs(results.rows) do
    local value, bar, goal = report.numbers(row)
    print(ROW:format(row.what, row.ours, row.beside, row.theirs, value, bar, goal, row.verdict))
  end
end

return report
