-- The results as docs/speed.svg.
local report = require "report"

local chart = {}

local WIDTH, LEFT, RIGHT = 920, 24, 24
local BARS = 290 -- where bars begin; their labels end a little before
local LINE, BAR = 26, 16
local INK, FAINT, RULE, GROUND = "#1f2328", "#59636e", "#d1d9e0", "#ffffff"
local OURS, FLOOR, OTHER = "#0969da", "#6e7781", "#b6c2cf"
local GOOD, FAIR, BAD = "#1a7f37", "#9a6700", "#cf222e"

local function escape(text)
  return (tostring(text):gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

local function text(x, y, words, options)
  options = options or {}
  return ('<text x="%.1f" y="%.1f" fill="%s" font-size="%d"%s%s>%s</text>'):format(x, y, options.fill or INK, options.size or 13,
    options.bold and ' font-weight="600"' or "", options.anchor and (' text-anchor="%s"'):format(options.anchor) or "",
    escape(words))
end

local function bar(x, y, width, fill)
  return ('<rect x="%.1f" y="%.1f" width="%.1f" height="%d" rx="2" fill="%s"/>'):format(x, y, math.max(width, 1), BAR, fill)
end

local function rule(x, top, bottom, stroke, dashes)
  return ('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"%s/>'):format(x, top, x, bottom, stroke,
    dashes and ' stroke-dasharray="4 3"' or "")
end

local function thousands(number)
  local digits = ("%.0f"):format(number)
  return (digits:reverse():gsub("(%d%d%d)(%d)", "%1,%2"):gsub("(%d%d%d)(%d)", "%1,%2"):reverse())
end

-- The clients measured that way, the fastest first.
local function ranked(clients, name)
  local list = {}
  for _, client in ipairs(clients) do
    if client.measured[name] then
      list[#list + 1] = { label = client.label, name = client.name, per_second = client.measured[name].per_second }
    end
  end
  table.sort(list, function(a, b)
    return a.per_second > b.per_second
  end)
  return list
end

local FILLS = { sdk = OURS, floor = FLOOR, bare = FLOOR }

-- Bars from `top` down. Returns where they end.
local function draw_clients(out, top, title, list)
  out[#out + 1] = text(LEFT, top + 16, title, { size = 15, bold = true })
  local y, scale = top + 30, (WIDTH - RIGHT - BARS - 80) / (list[1] and list[1].per_second or 1)
  for _, client in ipairs(list) do
    local ours = client.name == "sdk"
    local width = client.per_second * scale
    out[#out + 1] = text(BARS - 10, y + 13, client.label, { anchor = "end", bold = ours })
    out[#out + 1] = bar(BARS, y, width, FILLS[client.name] or OTHER)
    out[#out + 1] = text(BARS + width + 8, y + 13, thousands(client.per_second), { bold = ours })
    y = y + LINE
  end
  return y
end

-- How far a row is beyond its bar: 1 is on it, more is better, whichever way the row counts.
local FURTHEST = 2.2

local function beyond(row, value)
  local ratio
  if row.at_least then
    ratio = value / row.bar
  else
    ratio = value > 0 and row.bar / value or FURTHEST
  end
  return math.max(0, math.min(FURTHEST, ratio))
end

local function colour(row)
  if row.verdict == "goal reached" then
    return GOOD
  end
  return row.verdict == "bar reached" and FAIR or BAD
end

local function plain(words)
  return (words:gsub(">= ", "≥ "):gsub("<= ", "≤ "))
end

-- Where a row's label ends, its bar begins, its value begins, and its bar and goal.
local LABELS, START, VALUES, LINES = 348, 358, 600, 690

local function draw_row(out, y, scale, row)
  local value, due, goal = report.numbers(row)
  local tick = START + beyond(row, row.goal) * scale
  out[#out + 1] = text(LABELS, y + 13, row.what .. ", over " .. row.beside, { anchor = "end", size = 12 })
  out[#out + 1] = bar(START, y, beyond(row, row.value) * scale, colour(row))
  out[#out + 1] = rule(tick, y - 3, y + BAR + 3, INK)
  out[#out + 1] = text(VALUES, y + 13, value, { bold = true })
  out[#out + 1] = text(LINES, y + 13, plain(("bar %s, goal %s"):format(due, goal)), { fill = FAINT, size = 12 })
end

local function draw_rows(out, top, rows)
  out[#out + 1] = text(LEFT, top + 16, "Against the bars", { size = 15, bold = true })
  out[#out + 1] = text(LEFT, top + 36,
    "each row on its own scale: past the dashed line the bar is reached, at the black tick the goal", { fill = FAINT })
  local y, scale = top + 52, (VALUES - START - 12) / FURTHEST
  out[#out + 1] = rule(START + scale, y - 4, y + #rows * LINE - 4, FAINT, true)
  for i, row in ipairs(rows) do
    draw_row(out, y + (i - 1) * LINE, scale, row)
  end
  return y + #rows * LINE
end

--- The picture's text.
function chart.draw(results)
  local out = {}
  local y = draw_clients(out, 20, "Creating deployments one after another, HTTP/1.1: calls per second", ranked(results.clients, "one"))
  y = draw_clients(out, y + 18, ("%d at once, HTTP/2: calls per second"):format(results.at_once), ranked(results.clients, "many"))
  y = draw_rows(out, y + 18, results.rows)
  local height = y + 16
  table.insert(out, 1, ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" ' ..
    'font-family="DejaVu Sans, Verdana, sans-serif">'):format(WIDTH, height, WIDTH, height))
  table.insert(out, 2, ('<rect x="0.5" y="0.5" width="%d" height="%d" rx="6" fill="%s" stroke="%s"/>')
    :format(WIDTH - 1, height - 1, GROUND, RULE))
  out[#out + 1] = "</svg>"
  return table.concat(out, "\n") .. "\n"
end

return chart
