--- Months in UTC, from Unix seconds, without the C library's idea of a time zone.
local DAY = 24 * 3600

local calendar = {}

--- Days from 1970-01-01 to the first of a month in the proleptic Gregorian calendar. Years are counted from March, so that leap days come last.
function calendar.days_of(year, month)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  local era = math.floor(year / 400)
  local of_era = year - era * 400
  local of_year = math.floor((153 * (month - 3) + 2) / 5)
  return era * 146097 + of_era * 365 + math.floor(of_era / 4) - math.floor(of_era / 100) + of_year - 719468
end

--- The year and the month that a day is in.
function calendar.date_of(days)
  days = days + 719468
  local era = math.floor(days / 146097)
  local of_era = days - era * 146097
  local year = math.floor((of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524) - math.floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * of_year + 2) / 153) + 3
  year = year + era * 400
  if month > 12 then
    return year + 1, month - 12
  end
  return year, month
end

--- The first second of the month that `seconds` is in.
function calendar.month(seconds)
  return calendar.days_of(calendar.date_of(math.floor(seconds / DAY))) * DAY
end

--- The first second of the month after it.
function calendar.next_month(seconds)
  local year, month = calendar.date_of(math.floor(seconds / DAY))
  if month == 12 then
    return calendar.days_of(year + 1, 1) * DAY
  end
  return calendar.days_of(year, month + 1) * DAY
end

return calendar
