-- Things in the order in which they came, of which any can be taken out at once. Each carries its neighbours, as `older` and `younger`, so it is in
-- one chain at a time; whose chain it is has the ends, as `oldest` and `youngest`.
local chain = {}

function chain.add(owner, thing)
  thing.older, owner.youngest = owner.youngest, thing
  if thing.older then
    thing.older.younger = thing
  else
    owner.oldest = thing
  end
end

function chain.remove(owner, thing)
  local older, younger = thing.older, thing.younger
  if older then
    older.younger = younger
  else
    owner.oldest = younger
  end
  if younger then
    younger.older = older
  else
    owner.youngest = older
  end
  thing.older, thing.younger = nil, nil
end

return chain
