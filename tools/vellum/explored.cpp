// SPDX-License-Identifier: MIT
#include "tools/vellum/explored.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "vellum/words/sentence.hpp"

namespace vellum_tool {

namespace {

using vellum::u64;

constexpr int most_waiting = 8;
constexpr timeval patience{5, 0};
constexpr std::size_t longest_request = 4096;
constexpr u64 longest_read = u64{1} << 20;

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return std::nullopt;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

std::unexpected<Complaint> wrong(const std::string& path, const std::string& why) {
  return std::unexpected(Complaint{"socket " + path + ": " + why, ""});
}

bool send_all(int descriptor, std::string_view answer) {
  const std::string all = std::to_string(answer.size()) + "\n" + std::string(answer);
  for (std::size_t sent = 0; sent < all.size();) {
    const ssize_t count = send(descriptor, all.data() + sent, all.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

std::expected<Descriptor, Complaint> connect_to(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return wrong(path, "its name is too long");
  Descriptor descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!descriptor.is_open() ||
      connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    return wrong(path, std::strerror(errno));
  }
  return descriptor;
}

std::expected<std::unique_ptr<Explored>, Complaint> Explored::listen(Recorder& machine, const Parts& parts,
                                                                     const std::string& path) {
  const auto address = address_of(path);
  if (!address) return wrong(path, "its name is empty or too long");
  struct stat status{};
  if (lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
    if (connect_to(path)) return wrong(path, "another machine listens there");
    unlink(path.c_str());
  }
  std::unique_ptr<Explored> made(new Explored(machine, parts, path));
  made->listener_ = Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  made->all_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  const int listener = made->listener_.get();
  if (bind(listener, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    const std::string why = std::strerror(errno);
    made->path_.clear();  // it is not ours to remove
    return wrong(path, why);
  }
  if (::listen(listener, most_waiting) != 0 || !made->expect(listener)) return wrong(path, std::strerror(errno));
  return made;
}

Explored::~Explored() {
  if (!path_.empty()) unlink(path_.c_str());
}

/// Whether all_ tells of this one from now on.
bool Explored::expect(int descriptor) const {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  return epoll_ctl(all_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Explored::receive_visitors() {
  while (true) {
    epoll_event event{};
    if (epoll_wait(all_.get(), &event, 1, 0) <= 0) return;
    if (event.data.fd == listener_.get()) {
      let_in();
    } else if (const auto found = visitors_.find(event.data.fd); !receive(found->second)) {
      visitors_.erase(found);
    }
  }
}

void Explored::let_in() {
  Descriptor descriptor(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const int number = descriptor.get();
  if (number < 0 || !expect(number)) return;
  setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  visitors_[number].descriptor = std::move(descriptor);
}

/// Answers until the machine may go on. False: the visitor has left, or makes no sense.
bool Explored::receive(Visitor& visitor) const {
  const int number = visitor.descriptor.get();
  while (true) {
    if (const auto end = visitor.received.find('\n'); end != std::string::npos) {
      const std::string request = visitor.received.substr(0, end);
      visitor.received.erase(0, end + 1);
      if (!send_all(number, request == "go" ? "" : answer_to(request))) return false;
      if (request == "go") return true;
      continue;
    }
    std::array<char, 512> buffer{};
    const ssize_t count = recv(number, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;  // silent: it may ask again later
    if (count == 0 || visitor.received.size() > longest_request) return false;
    visitor.received.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

std::string Explored::answer_to(const std::string& request) const {
  std::istringstream words(request);
  std::string what;
  words >> what;
  const auto ram = parts_.ram.bytes();
  if (what == "memory") return std::to_string(ram.size());
  if (what == "recording") return text_of(recorder_.up_to_now());
  std::string answer;
  if (what == "harts") {
    for (unsigned i = 0; i < hart_count(); ++i) {
      const vellum::HartState& hart = hart_state(i);
      answer += vellum::in_hex(hart.satp) + " " + vellum::in_hex(hart.pc) + "\n";
    }
  }
  u64 address = 0, count = 0;
  if (what == "read" && words >> std::hex >> address >> std::dec >> count && count <= longest_read) {
    const u64 offset = address - vellum::map::ram_base;
    if (offset < ram.size() && ram.size() - offset >= count) {
      answer.assign(reinterpret_cast<const char*>(ram.data()) + offset, count);
    }
  }
  return answer;
}

}  // namespace vellum_tool
