-- Where lines are missing that nobody has any more.
local missing = {}

---Tells of the lines from `from` to `to`.
---@param self table  the follower
---@param cursor string|nil  where to go on after them
---@param reason string
---@return gitdev.FollowedLine|false  what stands in their place and can be printed as a line; false when on_gap was told instead
function missing.tell(self, from, to, cursor, reason)
  local count = to - from + 1
  local what = count == 1 and "line " .. from .. " is" or ("%d lines, %d to %d, are"):format(count, from, to)
  local note = {
    object = "log_gap",
    cursor = cursor,
    seq = to,
    from_seq = from,
    to_seq = to,
    reason = reason,
    stage = self.filters.stage or "",
    stream = "system",
    level = "warn",
    message = what .. " missing here (" .. reason .. ").",
  }
  if self.on_gap then
    self.on_gap(note)
    return false
  end
  return note
end

return missing
