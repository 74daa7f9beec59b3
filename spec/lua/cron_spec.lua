-- Schedules (contract 2.8): what they mean, and when they come next.
local cron = require "gitdev.emulator.pipelines.cron"

-- "2024-06-21 03:58" as Unix seconds, in UTC, without the C library's time zone.
local function seconds(text)
  local year, month, day, hour, minute = text:match "^(%d+)-(%d+)-(%d+) (%d+):(%d+)$"
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  local days = 0
  local lengths = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
  local function leap(y)
    return y % 4 == 0 and (y % 100 ~= 0 or y % 400 == 0)
  end
  for y = 1970, year - 1 do
    days = days + (leap(y) and 366 or 365)
  end
  for m = 1, month - 1 do
    days = days + lengths[m] + (m == 2 and leap(year) and 1 or 0)
  end
  return ((days + day - 1) * 24 + hour) * 3600 + minute * 60
end

local function next_after(schedule, text)
  local spec = assert(cron.parse(schedule))
  return cron.next(spec, seconds(text))
end

describe("a schedule", function()
  -- From when, the schedule, and when it comes. 2024-06-21 is a Friday.
  local cases = {
    { "2024-06-21 03:58", "* * * * *", "2024-06-21 03:59" },
    { "2024-06-21 23:59", "* * * * *", "2024-06-22 00:00" },
    { "2024-06-21 03:58", "58 3 * * *", "2024-06-22 03:58" },
    { "2024-06-21 03:57", "58 3 * * *", "2024-06-21 03:58" },
    { "2024-06-21 03:58", "0 4 * * *", "2024-06-21 04:00" },
    { "2024-06-21 03:58", "0 3 * * *", "2024-06-22 03:00" },
    { "2024-06-21 03:58", "*/15 * * * *", "2024-06-21 04:00" },
    { "2024-06-21 04:00", "*/15 * * * *", "2024-06-21 04:15" },
    { "2024-06-21 03:58", "5-20/5 * * * *", "2024-06-21 04:05" },
    { "2024-06-21 04:20", "5-20/5 * * * *", "2024-06-21 05:05" },
    { "2024-06-21 03:58", "7,3,5 * * * *", "2024-06-21 04:03" },
    { "2024-06-21 03:58", "0 9-17 * * *", "2024-06-21 09:00" },
    { "2024-06-21 17:00", "0 9-17 * * *", "2024-06-22 09:00" },
    { "2024-06-21 03:58", "30 */6 * * *", "2024-06-21 06:30" },
    -- names, in any case, alone, in ranges and in lists
    { "2024-06-21 03:58", "0 0 1 JAN *", "2025-01-01 00:00" },
    { "2024-06-21 03:58", "0 0 1 jan,Sep *", "2024-09-01 00:00" },
    { "2024-06-21 03:58", "0 9 * * MON-FRI", "2024-06-21 09:00" },
    { "2024-06-21 09:00", "0 9 * * mon-fri", "2024-06-24 09:00" },
    -- Sunday is 0 and 7
    { "2024-06-21 03:58", "0 0 * * 0", "2024-06-23 00:00" },
    { "2024-06-21 03:58", "0 0 * * 7", "2024-06-23 00:00" },
    { "2024-06-21 03:58", "0 0 * * SUN", "2024-06-23 00:00" },
    { "2024-06-22 03:58", "0 0 * * 5-7", "2024-06-23 00:00" },
    { "2024-06-23 03:58", "0 0 * * 5-7", "2024-06-28 00:00" },
    -- both day fields: one of them is enough, unless one begins with a star
    { "2024-06-21 03:58", "0 0 13 * 5", "2024-06-28 00:00" },
    { "2024-07-12 03:58", "0 0 13 * 5", "2024-07-13 00:00" },
    { "2024-06-21 03:58", "0 0 13 * *", "2024-07-13 00:00" },
    { "2024-06-21 03:58", "0 0 * * 5", "2024-06-28 00:00" },
    { "2024-06-21 03:58", "0 0 */2 * 5", "2024-07-05 00:00" },
    { "2024-06-21 03:58", "0 0 1-7 * */7", "2024-07-07 00:00" },
    -- short months and leap years
    { "2024-06-21 03:58", "0 0 31 * *", "2024-07-31 00:00" },
    { "2024-08-31 00:00", "0 0 31 * *", "2024-10-31 00:00" },
    { "2024-06-21 03:58", "0 0 29 2 *", "2028-02-29 00:00" },
    { "2096-03-01 00:00", "0 0 29 2 *", "2104-02-29 00:00" },
    { "2024-02-28 23:59", "0 0 * * *", "2024-02-29 00:00" },
    { "2023-02-28 23:59", "0 0 * * *", "2023-03-01 00:00" },
    { "2024-12-31 23:59", "* * * * *", "2025-01-01 00:00" },
    { "2024-06-21 03:58", "0 0 */28 2 MON", "2027-02-01 00:00" },
    { "2024-06-21 03:58", "59 23 31 12 *", "2024-12-31 23:59" },
    { "1970-01-01 00:00", "0 0 1 3 *", "1970-03-01 00:00" },
    -- blanks between and around
    { "2024-06-21 03:58", "  0\t4  *  *  * ", "2024-06-21 04:00" },
  }
  for _, case in ipairs(cases) do
    it(('"%s" comes after %s at %s'):format(case[2], case[1], case[3]), function()
      assert.equal(seconds(case[3]), next_after(case[2], case[1]))
    end)
  end

  it("counts from the second that it is given", function()
    local spec = cron.parse "* * * * *"
    local at = seconds "2024-06-21 03:58"
    for _, second in ipairs { 0, 1, 30, 59 } do
      assert.equal(at + 60, cron.next(spec, at + second))
    end
    assert.equal(at, cron.next(spec, at - 1))
  end)

  -- A field and the sentence's part that names it.
  local refused = {
    { "", "0 fields" },
    { "* * * *", "4 fields" },
    { "* * * * * *", "6 fields" },
    { "@daily", "1 fields" },
    { "60 * * * *", 'minute: "60" is not from 0 to 59' },
    { "* 24 * * *", 'hour: "24"' },
    { "* * 0 * *", 'day of the month: "0" is not from 1 to 31' },
    { "* * 32 * *", 'day of the month: "32"' },
    { "* * * 13 *", 'month: "13" is not from 1 to 12' },
    { "* * * 0 *", 'month: "0"' },
    { "* * * * 8", 'day of the week: "8"' },
    { "* * * JNA *", 'did you mean "JAN"' },
    { "* * * * MONDAY", 'day of the week: "MONDAY" is not a number or a name' },
    { "MON * * * *", 'minute: "MON" is not a number.' },
    { "-1 * * * *", "minute" },
    { "1.5 * * * *", 'minute: "1.5"' },
    { "+1 * * * *", 'minute: "+1"' },
    { "0x1 * * * *", 'minute: "0x1"' },
    { "001 * * * *", 'minute: "001"' },
    { "5- * * * *", "minute: an empty item" },
    { "9-5 * * * *", 'minute: "9-5" is a range that ends before it begins' },
    { "* * * * FRI-MON", "ends before it begins" },
    { "1-2-3 * * * *", "minute" },
    { "*/0 * * * *", "step that is not from 1 to 59" },
    { "*/60 * * * *", "step that is not from 1 to 59" },
    { "*/ * * * *", "step" },
    { "*/x * * * *", "step" },
    { "5/15 * * * *", "write 5-59/15" },
    { "1,,2 * * * *", "an empty item" },
    { ", * * * *", "an empty item" },
    { "1, * * * *", "an empty item" },
    { "** * * * *", 'minute: "**"' },
    { "? * * * *", 'minute: "?"' },
    { "0 0 L * *", 'day of the month: "L"' },
    { "0 0 30 2 *", "no such day" },
    { "0 0 31 2,4,6,9,11 *", "no such day" },
  }
  for _, case in ipairs(refused) do
    it(('is refused as "%s"'):format(case[1]), function()
      local spec, problem = cron.parse(case[1])
      assert.is_nil(spec)
      assert.truthy(problem:find(case[2], 1, true), problem)
      assert.truthy(problem:find "[.?]$", problem)
    end)
  end

  -- The same answers as walking minute by minute, which is slow and plain.
  describe("finds what a walk over all minutes finds:", function()
    local MARCH = seconds "2024-03-01 00:00"

    -- Whether a time in February or March of 2024 fits.
    local function matches(spec, at)
      local month = at < MARCH and 2 or 3
      local date = math.floor((at - (month == 2 and MARCH - 29 * 86400 or MARCH)) / 86400) + 1
      local by_date, by_week = spec[3][date] or false, spec[5][(math.floor(at / 86400) + 4) % 7] or false
      local day_fits = by_date and by_week
      if spec.either then
        day_fits = by_date or by_week
      end
      return day_fits and spec[4][month] and spec[2][math.floor(at % 86400 / 3600)] and spec[1][math.floor(at % 3600 / 60)]
    end

    for _, schedule in ipairs { "7 */5 * * *", "0 0 1 * MON", "59 23 28-31 2 *", "13 4 */4 2,3 TUE", "*/17 22-23 29 2 *" } do
      it(schedule, function()
        local spec = assert(cron.parse(schedule))
        local from = seconds "2024-02-20 00:00"
        local expected, found = {}, {}
        for at = from + 60, from + 20 * 86400, 60 do
          if matches(spec, at) then
            expected[#expected + 1] = at
          end
        end
        local at = cron.next(spec, from)
        while at <= from + 20 * 86400 do
          found[#found + 1] = at
          at = cron.next(spec, at)
        end
        assert.truthy(#expected > 0)
        assert.same(expected, found)
      end)
    end
  end)
end)
