-- at_once(spawn, many) -> times: what `repeated` is given to have `many` calls under way. times(count, call) makes `count` calls
-- in `many` tasks; spawn(task) starts one and returns what waits for its end.
return function(spawn, many)
  return function(count, call)
    local left, waits = count, {}
    for i = 1, many do
      waits[i] = spawn(function()
        while left > 0 do
          left = left - 1
          call()
        end
      end)
    end
    for _, wait in ipairs(waits) do
      wait()
    end
  end
end
