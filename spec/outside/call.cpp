// The same from C++, with an owner for each object.
#include <gitdev.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>

namespace {

template <typename T, void (*release)(T *)> struct Release {
  void operator()(T *thing) const {
    release(thing);
  }
};

using Loop = std::unique_ptr<gitdev_loop, Release<gitdev_loop, gitdev_loop_free>>;
using Engine = std::unique_ptr<gitdev_engine, Release<gitdev_engine, gitdev_engine_free>>;
using Client = std::unique_ptr<gitdev_client, Release<gitdev_client, gitdev_client_free>>;
using Call = std::unique_ptr<gitdev_call, Release<gitdev_call, gitdev_call_free>>;

void check(int code, const gitdev_problem &problem) {
  if (code != GITDEV_OK)
    throw std::runtime_error(problem.text[0] ? problem.text : gitdev_strerror(code));
}

template <typename Owner, typename Make> Owner make(Make maker) {
  typename Owner::pointer made = nullptr;
  gitdev_problem problem = {{0}};
  check(maker(&made, &problem), problem);
  return Owner(made);
}

int ask() {
  gitdev_client_options options = {};
  options.api_key = std::getenv("GIT_API_KEY");
  options.base_url = std::getenv("GIT_API_URL");
  options.ca_file = std::getenv("GIT_CA_FILE");
  options.log_level = GITDEV_LOG_INFO;
  options.log = [](void *, gitdev_log_level, const char *line) { std::clog << line << '\n'; };
  gitdev_call_options what = {};
  what.method = "GET";
  what.path = "/organization";
  auto loop = make<Loop>([](gitdev_loop **out, gitdev_problem *) { return gitdev_loop_new(out); });
  auto engine = make<Engine>([&](gitdev_engine **out, gitdev_problem *) {
    return gitdev_engine_new(out, loop.get(), nullptr);
  });
  auto client = make<Client>([&](gitdev_client **out, gitdev_problem *problem) {
    return gitdev_client_new(out, &options, problem);
  });
  auto call = make<Call>([&](gitdev_call **out, gitdev_problem *problem) {
    return gitdev_call_new(out, client.get(), &what, gitdev_now(), problem);
  });
  check(gitdev_perform(engine.get(), call.get()), gitdev_problem());
  return gitdev_call_result(call.get())->status;
}

} // namespace

int main() {
  try {
    std::cout << gitdev_version() << ' ' << ask() << '\n';
  } catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
