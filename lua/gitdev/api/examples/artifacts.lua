return {
  ["artifacts.download"] = [[
local build = { name = "build", steps = { { run = "make" } } }
build.artifacts = { { name = "app", path = "app.zip" } }
local pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = { build } }
local run = git.runs:create({ pipeline = pipeline }):wait()
local artifact = run:artifacts().data[1]
local file = git.artifacts:download(artifact, { sha256 = artifact.sha256 })
print(file.status, #file.body) --> 200 4096
]],
}
