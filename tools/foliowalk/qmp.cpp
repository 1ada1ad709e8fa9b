// SPDX-License-Identifier: MIT
#include "tools/foliowalk/qmp.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

namespace foliowalk {

Outcome<std::unique_ptr<Qmp>> Qmp::connect(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) return fail(fmt::format("socket path too long: {}", socket_path));
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail(fmt::format("no socket: {}", std::strerror(errno)));
  std::unique_ptr<Qmp> client(new Qmp(descriptor));
  // A second client of one QMP socket is left waiting for a greeting: give up after a while and say so.
  const timeval patience{3, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(fmt::format("the guest is gone: QMP socket {}: {}", socket_path, std::strerror(errno)));
  }
  const auto greeting = client->receive();
  if (!greeting) return fail(fmt::format("{} (is another client on {}?)", greeting.error().message, socket_path));
  const auto agreed = client->execute("qmp_capabilities");
  if (!agreed) return std::unexpected(agreed.error());
  return client;
}

Qmp::~Qmp() { ::close(descriptor_); }

Outcome<nlohmann::json> Qmp::receive() {
  for (;;) {
    if (const auto end = pending_.find('\n'); end != std::string::npos) {
      const std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      auto message = nlohmann::json::parse(line, nullptr, false);
      if (message.is_discarded()) return fail("QMP sent something that is not JSON");
      if (message.contains("event")) continue;
      return message;
    }
    char chunk[8192];
    const ssize_t count = ::recv(descriptor_, chunk, sizeof chunk, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) return fail("the guest is gone: QEMU closed the QMP connection");
    if (count < 0) return fail(fmt::format("no answer from QMP: {}", std::strerror(errno)));
    pending_.append(chunk, static_cast<usize>(count));
    if (pending_.size() > (16U << 20)) return fail("QMP sent 16 MiB without a line end");
  }
}

Outcome<nlohmann::json> Qmp::execute(const std::string& command, const nlohmann::json& arguments) {
  nlohmann::json request{{"execute", command}};
  if (!arguments.is_null()) request["arguments"] = arguments;
  const std::string line = request.dump() + "\n";
  for (usize sent = 0; sent < line.size();) {
    const ssize_t count = ::send(descriptor_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail("the guest is gone: QMP connection closed");
    sent += static_cast<usize>(count);
  }
  auto answer = receive();
  if (!answer) return answer;
  if (answer->contains("error")) {
    return fail(fmt::format("QMP {}: {}", command, answer->at("error").value("desc", "unknown error")));
  }
  return answer->value("return", nlohmann::json());
}

Outcome<std::vector<Hart>> Qmp::harts() {
  const auto text = execute("human-monitor-command", {{"command-line", "info registers -a"}});
  if (!text) return std::unexpected(text.error());
  if (!text->is_string()) return fail("QMP: `info registers` gave no text");
  return parse_registers(text->get<std::string>());
}

Outcome<void> Qmp::set_trace(const std::string& event, bool on) {
  const auto done = execute("trace-event-set-state", {{"name", event}, {"enable", on}});
  if (!done) return std::unexpected(done.error());
  return {};
}

std::vector<Hart> parse_registers(const std::string& text) {
  std::vector<Hart> harts;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    unsigned index = 0;
    unsigned long long value = 0;
    if (std::sscanf(line.c_str(), "CPU#%u", &index) == 1) {
      harts.push_back({index, {}, 0});
    } else if (harts.empty()) {
      continue;
    } else if (std::sscanf(line.c_str(), " satp %llx", &value) == 1) {
      harts.back().satp.raw = value;
    } else if (std::sscanf(line.c_str(), " pc %llx", &value) == 1) {
      harts.back().pc = value;
    }
  }
  return harts;
}

}  // namespace foliowalk
