--- Whether `wanted` is an item of `list`.
return function(list, wanted)
  for _, one in ipairs(list) do
    if one == wanted then
      return true
    end
  end
  return false
end
