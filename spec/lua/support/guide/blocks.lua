--- The blocks of code of a document.
local blocks = {}

--- A list of { language ("" where none is named), text, line (of its first line) }.
function blocks.read(path)
  local list, current, number = {}, nil, 0
  for line in io.lines(path) do
    number = number + 1
    local language = line:match "^```([^`]*)$"
    assert(language or not line:find "^%s*```" and not line:find "^%s*~~~", path .. ":" .. number .. ": a fence is ``` at the left margin")
    if current and language then
      list[#list + 1] = { language = current.language, text = table.concat(current, "\n") .. "\n", line = current.line }
      current = nil
    elseif current then
      current[#current + 1] = line
    elseif language then
      current = { language = language, line = number + 1 }
    end
  end
  assert(not current, path .. ": the last block has no end")
  return list
end

return blocks
