-- The requests under way that are no calls, on one loop: to anybody's url, see net.poster's send.
local posts = {}
posts.__index = posts

---@param handle userdata  a net.loop
function posts.new(handle)
  return setmetatable({
    poster = require("gitdev.net").poster(handle),
    done = {}, -- by post: the function that is told of its end
    count = 0,
  }, posts)
end

--- Sends a request. done(result) is called from `collect`. Returns the post; nil and why it cannot be sent; or false in a fork's child.
function posts:send(request, done)
  local post, problem = self.poster:send(request)
  if post then
    self.done[post], self.count = done, self.count + 1
  end
  return post, problem
end

-- Nobody waits for it any more. The function that was to be told, or nil.
local function forget(self, post)
  local done = self.done[post]
  if done then
    self.done[post], self.count = nil, self.count - 1
  end
  return done
end

--- Ends one that is under way; nobody is told.
function posts:drop(post)
  if forget(self, post) then
    post:close()
  end
end

--- Tells of those that are over, of which somebody still wants to hear. Whether there were any.
function posts:collect()
  local told = false
  local post, result = self.poster:news()
  while post do
    local done = forget(self, post)
    if done then
      told = true
      done(result)
    end
    post, result = self.poster:news()
  end
  return told
end

function posts:close()
  self.poster:close()
end

return posts
