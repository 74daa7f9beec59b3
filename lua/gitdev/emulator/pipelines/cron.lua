--- Schedules of pipelines (contract 2.8): the five fields of cron (minute, hour, day of the month, month, day of the week), in UTC.
--
-- A field is a list of items with commas between them: `*`, a number, a range `a-b`, and `*` or a range with a step, `a-b/n`. Months and days
-- of the week have names too, in any case; Sunday is 0 or 7. Where both day fields are restricted, that is, neither begins with `*`, a day fits
-- when one of them does; else it must fit both.
local calendar = require "gitdev.emulator.organization.calendar"
local nearest = require "gitdev.nearest"

local MINUTE, HOUR, DAY = 60, 3600, 86400

-- The sparsest schedule there is, 29 February on one day of the week, comes again within 40 years, also across a year such as 2100.
local HORIZON_YEARS = 41

local FIELDS = {
  { name = "minute", low = 0, high = 59 },
  { name = "hour", low = 0, high = 23 },
  { name = "day of the month", low = 1, high = 31 },
  {
    name = "month",
    low = 1,
    high = 12,
    first = 1,
    names = { "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC" },
  },
  { name = "day of the week", low = 0, high = 7, first = 0, names = { "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT" } },
}

local cron = {}

-- ---- reading ----

-- Faults are raised as tables with a sentence's end, and caught in cron.parse.
local function refuse(field, text, problem)
  error({ problem = ("%s: %s %s"):format(field.name, text == "" and "an empty item" or '"' .. text .. '"', problem) }, 0)
end

local function number_of(field, text)
  for index, name in ipairs(field.names or {}) do
    if name == text:upper() then
      return index - 1 + field.first
    end
  end
  local value = text:find "^%d%d?$" and tonumber(text)
  if not value then
    refuse(field, text, "is not a number" .. (field.names and " or a name" .. nearest.hint(text:upper(), field.names) or "."))
  elseif value < field.low or value > field.high then
    refuse(field, text, ("is not from %d to %d."):format(field.low, field.high))
  end
  return value
end

local function step_of(field, item, text)
  local step = text:find "^%d%d?$" and tonumber(text) or 0
  if step < 1 or step > field.high then
    refuse(field, item, ("has a step that is not from 1 to %d."):format(field.high))
  end
  return step
end

-- First, last and step of an item.
local function range_of(field, item)
  local range, step = item:match "^([^/]*)/(.*)$"
  range = range or item
  if range == "*" then
    return field.low, field.high, step and step_of(field, item, step) or 1
  end
  local from, to = range:match "^([^-]*)%-(.*)$"
  if not from then
    if step then
      refuse(field, item, ("has a step but no range: write %s-%d/%s."):format(range, field.high, step))
    end
    local value = number_of(field, range)
    return value, value, 1
  end
  local first, last = number_of(field, from), number_of(field, to)
  if first > last then
    refuse(field, item, "is a range that ends before it begins.")
  end
  return first, last, step and step_of(field, item, step) or 1
end

-- The set of values of a field; 7 is Sunday too.
local function set_of(field, text)
  local set = {}
  for item in (text .. ","):gmatch "([^,]*)," do
    local first, last, step = range_of(field, item)
    for value = first, last, step do
      set[value] = true
    end
  end
  if field.high == 7 then
    set[0] = set[0] or set[7]
  end
  return set
end

local function split(text)
  local parts = {}
  for part in text:gmatch "[^ \t]+" do
    parts[#parts + 1] = part
  end
  return parts
end

local function read(text)
  local parts = split(text)
  if #parts ~= #FIELDS then
    error({ problem = ("it has %d fields, not the five of cron: minute, hour, day of the month, month, day of the week.")
      :format(#parts) }, 0)
  end
  local spec = {}
  for index, field in ipairs(FIELDS) do
    spec[index] = set_of(field, parts[index])
  end
  spec.either = not (parts[3]:find "^%*" or parts[5]:find "^%*")
  return spec
end

-- ---- the next time; days are counted from 1970-01-01 ----

local function next_month(year, month)
  if month == 12 then
    return year + 1, 1
  end
  return year, month + 1
end

local function day_fits(spec, day, first_of_month)
  local by_date, by_week = spec[3][day - first_of_month + 1], spec[5][(day + 4) % 7]
  if spec.either then
    return by_date or by_week
  end
  return by_date and by_week
end

-- The first day from `day` on that fits, or nil: months that do not fit are passed over whole.
local function next_day(spec, day)
  local year, month = calendar.date_of(day)
  local last_year = year + HORIZON_YEARS
  while year <= last_year do
    local first = calendar.days_of(year, month)
    local after_year, after_month = next_month(year, month)
    local after = calendar.days_of(after_year, after_month)
    for candidate = math.max(first, day), spec[4][month] and after - 1 or -1 do
      if day_fits(spec, candidate, first) then
        return candidate
      end
    end
    year, month = after_year, after_month
  end
  return nil
end

-- The first second of a day, not before `from`, at which hour and minute fit; nil if there is none left.
local function time_of_day(spec, from)
  for hour = math.floor(from / HOUR), 23 do
    local minute_from = hour == math.floor(from / HOUR) and math.floor(from % HOUR / MINUTE) or 0
    for minute = minute_from, spec[2][hour] and 59 or -1 do
      if spec[1][minute] then
        return hour * HOUR + minute * MINUTE
      end
    end
  end
  return nil
end

--- The next time of a schedule after `seconds` (Unix seconds, from 0), in Unix seconds; nil when there is none.
function cron.next(spec, seconds)
  local from = (math.floor(seconds / MINUTE) + 1) * MINUTE
  local today = math.floor(from / DAY)
  local day = next_day(spec, today)
  if not day then
    return nil
  end
  local time = time_of_day(spec, day == today and from % DAY or 0)
  if not time then
    day = next_day(spec, day + 1)
    time = day and time_of_day(spec, 0)
  end
  return day and day * DAY + time
end

--- Reads a schedule. Returns what cron.next takes, or nil and a sentence. One that never comes, such as 30 February, is refused.
function cron.parse(text)
  local ok, spec = pcall(read, text)
  if not ok then
    if type(spec) ~= "table" then
      error(spec, 0)
    end
    return nil, spec.problem
  elseif not cron.next(spec, 0) then
    return nil, "there is no such day in any year."
  end
  return spec
end

return cron
