--- The items of `list`, each once, where it stood first: for lists that are sets.
return function(list)
  local seen, once = {}, {}
  for _, item in ipairs(list) do
    if not seen[item] then
      seen[item] = true
      once[#once + 1] = item
    end
  end
  return once
end
