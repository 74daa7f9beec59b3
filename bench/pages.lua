-- pages: writes a list of deployments as files, one for each page, named after its cursor.
--
--   lua5.4 bench/pages.lua DIRECTORY THINGS

local PER_PAGE = 100

local directory, things = arg[1], tonumber(arg[2])

local DEPLOYMENT = '{"id":"dep_%012d","object":"deployment","project":"my-app",' ..
  '"project_id":"prj_6h4f2d0s8a1k","status":"live","target":"production","url":"https://my-app.git.dev",' ..
  '"permalink_url":"https://my-app--%012d.git.dev","branch":"main","commit_sha":"%040x",' ..
  '"commit_message":"Change number %d","source":"api","parent_id":null,"preview_id":null,"current":false,' ..
  '"regions":["iad"],"env_keys":["NODE_ENV"],"metadata":{},"failure":null,"cancel_reason":null,' ..
  '"created_at":%d,"started_at":%d,"finished_at":%d,"duration_ms":2400,"queued_ms":900}'

local function deployment(number)
  local created = 1718942298 - number
  return DEPLOYMENT:format(number, number, number * 7919, number, created, created + 1, created + 4)
end

local function name(page)
  return page == 1 and "first" or ("cursor%08d"):format(page)
end

local function write(page, last)
  local data = {}
  for i = 1, PER_PAGE do
    data[i] = deployment((page - 1) * PER_PAGE + i)
  end
  local cursor = page == last and "null" or ('"%s"'):format(name(page + 1))
  local file = assert(io.open(directory .. "/" .. name(page), "w"))
  assert(file:write('{"object":"list","data":[', table.concat(data, ","), '],"has_more":',
    tostring(page ~= last), ',"next_cursor":', cursor, "}"))
  assert(file:close())
end

local last = math.ceil(things / PER_PAGE)
for page = 1, last do
  write(page, last)
end
