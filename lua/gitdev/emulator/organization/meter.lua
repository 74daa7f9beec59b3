--- What was used, and when (contract 2.1, `usage`). A tenant keeps, in `tenant.meters`, for each metric and project a list of moments with the
-- sum until then, so that any period costs two searches. `meters[metric][project id]`; what belongs to no project is under "".
local NONE = ""

local meter = {}

-- The sum before `second`.
local function sum_before(record, second)
  local at, low, high = record.at, 1, #record.at + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if at[middle] < second then
      low = middle + 1
    else
      high = middle
    end
  end
  return record.sum[low - 1] or 0
end

-- Where to count what is of a project, of none (nil), or of several (a list): of those, only one that is alone counts.
local function place_of(project_id)
  if type(project_id) == "table" then
    project_id = #project_id == 1 and project_id[1] or nil
  end
  return project_id or NONE
end

local function record_of(tenant, metric, project_id)
  tenant.meters = tenant.meters or {}
  local meters, place = tenant.meters, place_of(project_id)
  meters[metric] = meters[metric] or {}
  meters[metric][place] = meters[metric][place] or { at = {}, sum = {} }
  return meters[metric][place]
end

--- Counts `quantity` more of a metric, now. `project_id`: nil for what is of no project, a list for what is of several.
function meter.add(tenant, metric, project_id, quantity)
  local record, now = record_of(tenant, metric, project_id), tenant:seconds()
  local count = #record.at
  if record.at[count] ~= now then
    count = count + 1
    record.at[count], record.sum[count] = now, record.sum[count - 1] or 0
  end
  record.sum[count] = record.sum[count] + quantity
end

--- How much of a metric there was from `first` until before `last` (Unix seconds). `counts`: function(project_id) -> whether a project counts;
-- nil: all do, and what is of no project as well.
function meter.between(tenant, metric, first, last, counts)
  local total = 0
  for project_id, record in pairs(tenant.meters and tenant.meters[metric] or {}) do
    if not counts or project_id ~= NONE and counts(project_id) then
      total = total + sum_before(record, last) - sum_before(record, first)
    end
  end
  return total
end

return meter
