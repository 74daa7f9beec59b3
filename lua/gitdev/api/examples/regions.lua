return {
  ["regions.list"] = [[
for region in git.regions:each() do
  if region.compute and region.country == "DE" then
    print(region.id, region.name) --> fra Frankfurt
  end
end
]],
}
