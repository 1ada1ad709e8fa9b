#include "tools/foliowalk/serve.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "tools/foliowalk/json.hpp"
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
    http_.Get("/api/scene", [this](const Request&, Response& response) {
      json value = json_of_summary(*live_.scene());
      value["gone"] = live_.guest_is_gone();
      answer(response, value);
    });
    http_.Get("/api/map",
              with_space([](const Request& request, Response& response, const Scene& scene, const Space& space) {
                auto ranges = merged_ranges(space, Namer(scene));
                if (request.get_param_value("all") != "1") ranges = own_ranges(std::move(ranges), space);
                answer(response, json_of(ranges));
              }));
    http_.Get("/api/node", with_space([](const Request& request, Response& response, const Scene&, const Space& space) {
                const json node = json_of_node(space.tree, request.get_param_value("path"));
                if (node.is_null()) return refuse(response, 404, "this table is gone");
                answer(response, node);
              }));
    http_.Get("/api/explain",
              with_space([this](const Request& request, Response& response, const Scene& scene, const Space& space) {
                const auto va = parse_number(request.get_param_value("va"));
                if (!va) return refuse(response, 400, "not an address");
                json value = json_of(explain(live_.ram(), space.tree.root, space.tree.mode, *va));
                if (const Leaf* leaf = space.tree.find(*va)) {
                  const Purpose purpose = Namer(scene).purpose(space, *leaf);
                  value["region"] = purpose.region;
                  value["backing"] = purpose.backing;
                }
                answer(response, value);
              }));
    http_.Get("/api/frames",
              [this](const Request&, Response& response) { answer(response, json_of_frames(*live_.scene())); });
    http_.Get("/api/frame", [this](const Request& request, Response& response) {
      const auto scene = live_.scene();
      const auto pa = parse_number(request.get_param_value("pa"));
      if (!pa || !scene->in_ram(*pa)) return refuse(response, 400, "not an address in RAM");
      answer(response, json_of(users_of_frame(*scene, *pa)));
    });
    http_.Get("/api/lint", [this](const Request&, Response& response) { answer(response, json_of(live_.lint_now())); });
    http_.Get("/api/timeline", [this](const Request& request, Response& response) { timeline(request, response); });
    http_.Get("/api/moments", [this](const Request&, Response& response) {
      json list = json::array();
      for (const auto& [number, time] : live_.moments()) list.push_back({{"moment", number}, {"time", time}});
      answer(response, list);
    });
    http_.Post("/api/moments",
               [this](const Request&, Response& response) { answer(response, json{{"moment", live_.keep_moment()}}); });
    http_.Get("/api/diff", [this](const Request& request, Response& response) { diff(request, response); });
  }

  /// Handlers get the newest scene and the space in it that the request names.
  template <typename Handler>
  httplib::Server::Handler with_space(Handler handler) {
    return [this, handler](const Request& request, Response& response) {
      const auto scene = live_.scene();
      const Space* space = scene->find(request.get_param_value("space"));
      if (!space) return refuse(response, 404, "this address space is gone");
      handler(request, response, *scene, *space);
    };
  }

  /// The scene of a kept moment, or the newest when none is named; null when there is no such moment.
  std::shared_ptr<const Scene> scene_of(const std::string& moment) {
    return moment.empty() ? live_.scene() : live_.moment(parse_number(moment).value_or(0));
  }

  void timeline(const Request& request, Response& response) {
    const auto timeline = live_.timeline(parse_number(request.get_param_value("after")).value_or(0),
                                         request.get_param_value("traps") == "1");
    json events = json::array();
    for (const auto& [number, event] : timeline.events) {
      events.push_back({{"n", number},
                        {"time", event.time},
                        {"kind", event.kind},
                        {"space", event.space},
                        {"va", hex(event.va)},
                        {"text", event.text}});
    }
    json traps = json::array();
    // A page that was away for long need not be told all.
    const usize first = timeline.traps.size() > 1500 ? timeline.traps.size() - 1500 : 0;
    for (usize i = first; i < timeline.traps.size(); ++i) {
      const auto& [number, trap] = timeline.traps[i];
      traps.push_back({{"n", number},
                       {"time", trap.time},
                       {"hart", trap.hart},
                       {"interrupt", trap.interrupt},
                       {"cause", trap.cause},
                       {"what", trap.what},
                       {"fault", trap.is_page_fault()},
                       {"epc", hex(trap.epc)},
                       {"tval", hex(trap.tval)}});
    }
    answer(response, json{{"events", events},
                          {"traps", traps},
                          {"next", timeline.next},
                          {"tracing", timeline.tracing},
                          {"skipped", timeline.skipped_bytes}});
  }

  void diff(const Request& request, Response& response) {
    const auto a = scene_of(request.get_param_value("moment_a"));
    const auto b = scene_of(request.get_param_value("moment_b"));
    const Space* from = a ? a->find(request.get_param_value("a")) : nullptr;
    const Space* to = b ? b->find(request.get_param_value("b")) : nullptr;
    if (!from || !to) return refuse(response, 404, "this address space is not there at that moment");
    answer(response, json_of(difference(from->tree, to->tree)));
  }

  Live live_;
  httplib::Server http_;
  int port_ = 0;
};

}  // namespace

Outcome<int> command_serve(Source& source, const Session& session, const ServeOptions& options) {
  const std::string web = options.web_directory.empty() ? FOLIOWALK_WEB_DIRECTORY : options.web_directory;
  Server server(source, session);
  return server.run(options, web);
}

}  // namespace foliowalk
