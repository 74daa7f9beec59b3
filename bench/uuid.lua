-- uuid() -> a version 4 UUID, for the clients that bring none.
local source = assert(io.open("/dev/urandom", "rb"))

return function()
  local a, b, c, d, e = string.unpack(">I4I2I2I2I6", source:read(16))
  return ("%08x-%04x-%04x-%04x-%012x"):format(a, b, c & 0x0fff | 0x4000, d & 0x3fff | 0x8000, e)
end
