-- The names of `require "gitdev"`.
local gitdev = require "gitdev"

describe("gitdev", function()
  it("has what it offers, in both styles", function()
    for _, module in ipairs { gitdev, (require "gitdev.safe") } do
      for _, name in ipairs { "client", "array", "raw", "answer", "is_error", "hint", "now", "run", "sleep" } do
        assert.equal("function", type(module[name]), name)
      end
      assert.is_string(module.VERSION)
      assert.is_not_nil(module.null)
    end
  end)

  it("names the nearest of what it has not", function()
    local ok, err = pcall(function()
      return gitdev.cleint
    end)
    assert.is_false(ok)
    assert.matches('did you mean "client"', tostring(err))
  end)
end)
