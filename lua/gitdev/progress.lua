-- Shows on stderr how a wait goes: one line that is kept up to date on a terminal, a line for each change elsewhere, or nothing.
local progress = {}

local HIDE_LINE = "\r\27[K"

-- The view that has the terminal's last line at present; others print whole lines above it.
local owner

-- "4s", "2m 05s".
local function clock(seconds)
  if seconds < 60 then
    return string.format("%ds", math.floor(seconds))
  end
  return string.format("%dm %02ds", math.floor(seconds / 60), math.floor(seconds % 60))
end

local function print_line(text)
  io.stderr:write(owner and HIDE_LINE or "", text, "\n")
  if owner then
    io.stderr:write(owner.text)
  end
  io.stderr:flush()
end

local function draw(view, text)
  view.text = text
  io.stderr:write(HIDE_LINE, text)
  io.stderr:flush()
end

local view_methods = {}

---Shows a status. Call it about once a second on a terminal, so that the seconds run.
---@param status string
---@param seconds number  since the wait began
function view_methods:show(status, seconds)
  local changed = status ~= self.status
  self.status = status
  if self.live and (owner == nil or owner == self) then
    owner = self
    draw(self, self.name .. "  " .. status .. "  " .. clock(seconds))
  elseif changed then
    print_line(self.name .. "  " .. status .. "  " .. clock(seconds))
  end
end

---Ends the view with a last line.
---@param seconds number
---@param note string|nil  the address that is live now, say
function view_methods:close(seconds, note)
  local was_live = owner == self
  if was_live then
    io.stderr:write(HIDE_LINE)
    owner = nil
  end
  if was_live or note then
    print_line(self.name .. "  " .. tostring(self.status) .. "  " .. clock(seconds) .. (note and "  " .. note or ""))
  end
end

local Quiet = { show = function() end, close = function() end }

---@param mode "auto"|"lines"|"off"
---@param driver table  its isatty(descriptor), if it has one, says whether there is a terminal
---@param name string   what is waited for
---@return table view  with show(status, seconds) and close(seconds, note); `live` when it wants to be shown each second
function progress.new(mode, driver, name)
  local live = mode == "auto" and driver.isatty ~= nil and driver.isatty(2)
  if not live and mode ~= "lines" then
    return Quiet
  end
  return setmetatable({ name = name, live = live }, { __index = view_methods })
end

return progress
