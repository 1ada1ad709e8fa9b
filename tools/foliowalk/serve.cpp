// SPDX-License-Identifier: MIT
#include "tools/foliowalk/serve.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <thread>

#include "tools/foliowalk/api.hpp"
#include "tools/foliowalk/live.hpp"

#ifndef FOLIOWALK_WEB_DIRECTORY
#define FOLIOWALK_WEB_DIRECTORY ""
#endif

namespace foliowalk {
namespace {

using httplib::Request;
using httplib::Response;
using nlohmann::json;

void answer(Response& response, const json& value) {
  response.set_content(value.dump(-1, ' ', false, json::error_handler_t::replace), "application/json");
}

void refuse(Response& response, int status, const std::string& why) {
  response.status = status;
  answer(response, json{{"error", why}});
}

// Ended in order, the server switches QEMU's trace off again.
volatile std::sig_atomic_t asked_to_end = 0;
void ask_to_end(int) { asked_to_end = 1; }

class Server {
 public:
  Server(Source& source, const Session& session) : live_(source, session) {
    protect();
    routes();
  }

  Outcome<int> run(const ServeOptions& options, const std::string& web) {
    if (!http_.set_mount_point("/", web))
      return fail(fmt::format("the page is not built: no directory {} (run `./run --explore`)", web));
    port_ = options.port == 0 ? http_.bind_to_any_port("127.0.0.1") : options.port;
    if (port_ < 0) return fail("no port on 127.0.0.1 is free");
    if (options.port != 0 && !http_.bind_to_port("127.0.0.1", port_)) {
      return fail(fmt::format("port {} on 127.0.0.1 is taken: give another with --port (0 takes a free one)", port_));
    }
    fmt::print("foliowalk: http://127.0.0.1:{}/\n", port_);
    std::fflush(stdout);
    std::signal(SIGINT, ask_to_end);
    std::signal(SIGTERM, ask_to_end);
    std::jthread watcher([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        if (!live_.guest_is_gone() && !asked_to_end) continue;
        http_.stop();  // a page that is open takes the silence for the end of the guest, and says so
        return;
      }
    });
    http_.listen_after_bind();
    watcher.request_stop();
    if (live_.guest_is_gone()) fmt::print("foliowalk: the guest is gone\n");
    return 0;
  }

 private:
  /// Guest memory is nobody else's business: the page may load nothing from elsewhere, and a foreign page that has its
  /// name resolve to 127.0.0.1 is turned away by its Host.
  void protect() {
    http_.set_default_headers({{"Content-Security-Policy",
                                "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri "
                                "'none'; frame-ancestors 'none'"},
                               {"X-Content-Type-Options", "nosniff"},
                               {"Referrer-Policy", "no-referrer"},
                               {"Cache-Control", "no-store"}});
    http_.set_pre_routing_handler([this](const Request& request, Response& response) {
      const std::string host = request.get_header_value("Host");
      const bool own = host == fmt::format("127.0.0.1:{}", port_) || host == fmt::format("localhost:{}", port_);
      // A form on a foreign page can post here, but can't set a header of its own.
      if (own && (request.method == "GET" || request.has_header("X-Foliowalk")))
        return httplib::Server::HandlerResponse::Unhandled;
      refuse(response, 403, "only the explorer's own page may ask");
      return httplib::Server::HandlerResponse::Handled;
    });
  }

  void routes() {
    const auto handle = [this](const Request& request, Response& response) {
      Question question{request.path.substr(std::strlen("/api/")), request.method == "POST", {}};
      for (const auto& [name, value] : request.params) question.parameters.emplace(name, value);
      const Answer found = api_.answer(question);
      response.status = found.status;
      answer(response, found.value);
    };
    http_.Get("/api/.*", handle);
    http_.Post("/api/moments", handle);
  }

  Live live_;
  Api api_{live_};
  httplib::Server http_;
  int port_ = 0;
};

/// Where the page lies beside an installed program (`make install`), else where the build put it.
std::string page_directory() {
  std::error_code unknown;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  const auto installed = program.parent_path().parent_path() / "share/foliowalk/web";
  return !unknown && std::filesystem::is_directory(installed, unknown) ? installed.string() : FOLIOWALK_WEB_DIRECTORY;
}

}  // namespace

Outcome<int> command_serve(Source& source, const Session& session, const ServeOptions& options) {
  const std::string web = options.web_directory.empty() ? page_directory() : options.web_directory;
  Server server(source, session);
  return server.run(options, web);
}

}  // namespace foliowalk
