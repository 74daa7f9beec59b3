function love.conf(settings)
  settings.identity = "gitdev-board"
  settings.window.title = "Deployments"
  settings.window.width, settings.window.height = 640, 360
  for _, name in ipairs { "audio", "joystick", "physics", "sound", "touch", "video" } do
    settings.modules[name] = false
  end
end
