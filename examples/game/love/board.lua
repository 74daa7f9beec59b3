-- The part of a game that talks to .git: what is deployed, as rows to be drawn, each of which changes as its deployment does. It knows nothing of
-- drawing: the game calls gitdev.step(0) in each frame, and everything here goes on in it.
local board = {}
board.__index = board

local KEPT = 6 -- rows

--- A board over a client.
function board.new(gitdev, git)
  return setmetatable({ gitdev = gitdev, git = git, rows = {}, problem = nil }, board)
end

-- A task that fails says so on the board, and the others go on.
local function start(self, fn, ...)
  local given = { ... }
  return self.gitdev.spawn(function()
    local ok, err = pcall(fn, self, given[1], given[2])
    if not ok then
      self.problem = tostring(err)
    end
  end)
end

local function set_status(row, status)
  if status and status ~= row.status then
    row.status = status
    print(row.id .. " " .. status)
  end
end

local function add(self, deployment)
  local row = { id = deployment.id, name = deployment.project .. " " .. deployment.branch, lines = 0, line = "" }
  set_status(row, deployment.status)
  table.insert(self.rows, 1, row)
  self.rows[KEPT + 1] = nil
  return row
end

-- One stream tells of both, the lines and the statuses. It is taken up again where it breaks off.
local function follow(self, row)
  for message in self.git.deployments.logs:stream(row.id) do
    set_status(row, message.status)
    if message.type == "log" then
      row.lines, row.line = row.lines + 1, message.message
    end
  end
end

local function load_page(self)
  local page = self.git.deployments:list { limit = KEPT }
  for i = #page.data, 1, -1 do
    local row = add(self, page.data[i])
    if not page.data[i].finished_at then
      start(self, follow, row)
    end
  end
end

local function create(self, project, branch)
  follow(self, add(self, self.git.deployments:create { project = project, branch = branch }))
end

--- Shows what there is already, and goes on with what is under way.
function board:load()
  return start(self, load_page)
end

--- Deploys a branch, and follows it to its end.
function board:deploy(project, branch)
  return start(self, create, project, branch)
end

return board
