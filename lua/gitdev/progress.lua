-- Shows on stderr how a wait goes: one line that is kept up to date on a terminal, a line for each change elsewhere,
-- or nothing.
local progress = {}

local HIDE_LINE = "\r\27[K"

-- `view`: the one that has the terminal's last line at present; others print whole lines above it. Weak, because a wait whose coroutine is
-- never resumed does not give it back.
local owner = setmetatable({}, { __mode = "v" })

-- "4s", "2m 05s".
local function clock(seconds)
  if seconds < 60 then
    return string.format("%ds", math.floor(seconds))
  end
  return string.format("%dm %02ds", math.floor(seconds / 60), math.floor(seconds % 60))
end

---Writes a whole line: above the live one, if there is one.
---@param text string
function progress.print(text)
  local view = owner.view
  io.stderr:write((view and HIDE_LINE or "") .. text .. "\n" .. (view and view.text or ""))
  io.stderr:flush()
end

---Takes the live line away, whose ever it is, before something else may print. Its view brings it back when it is shown next.
function progress.hide()
  if owner.view then
    owner.view:hide()
  end
end

local view_methods = {}

function view_methods:line(status, seconds)
  return self.name .. "  " .. tostring(status) .. "  " .. clock(seconds)
end

---Shows a status. Call it about once a second on a terminal, so that the seconds run.
---@param status string
---@param seconds number  since the wait began
function view_methods:show(status, seconds)
  local text, changed = self:line(status, seconds), status ~= self.status
  self.status = status
  if self.live and (owner.view == nil or owner.view == self) then
    owner.view, self.text = self, text
    io.stderr:write(HIDE_LINE, text)
    io.stderr:flush()
  elseif changed then
    progress.print(text)
  end
end

---Takes the live line away, before something else is printed.
function view_methods:hide()
  if owner.view == self then
    owner.view = nil
    io.stderr:write(HIDE_LINE)
    io.stderr:flush()
  end
end

---Ends the view with a last line.
---@param status string
---@param seconds number
---@param note string|nil  the address that is live now, say
function view_methods:close(status, seconds, note)
  self:hide()
  progress.print(self:line(status, seconds) .. (note and "  " .. note or ""))
end

local function nothing() end

local quiet = { show = nothing, hide = nothing, close = nothing }

---@param mode "auto"|"lines"|"off"  auto: live on a terminal, lines elsewhere, nothing where the driver knows of no terminals
---@param driver table  its isatty(descriptor), if it has one, says whether there is a terminal
---@param name string   what is waited for
---@return table view  with show, hide and close; `live` when it wants to be shown each second
function progress.new(mode, driver, name)
  if mode == "off" or mode == "auto" and not driver.isatty then
    return quiet
  end
  local live = mode == "auto" and driver.isatty(2)
  return setmetatable({ name = name, live = live }, { __index = view_methods })
end

return progress
