// SPDX-License-Identifier: MIT
#include "tools/vellum/gdb_server.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "tools/vellum/gdb_registers.hpp"
#include "tools/vellum/session.hpp"

namespace vellum_tool {

namespace {

using namespace std::chrono_literals;
using vellum::StopReason;
using vellum::u64;
using vellum::u8;
using vellum::WhenIdle;

constexpr u64 steps_between_looks = 1'000'000;
constexpr char interrupt_byte = 3;
// A packet's payload; registers of a hart fit several times.
constexpr std::size_t packet_bytes = 0x4000;

std::string hex(std::span<const u8> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const u8 byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string hex(u64 number) {
  std::array<char, 17> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number, 16).ptr;
  return {text.data(), end};
}

std::string hex_register(u64 value) { return hex({reinterpret_cast<const u8*>(&value), sizeof value}); }

/// Takes a hexadecimal number from the front of the text.
u64 take_number(std::string_view& text) {
  u64 value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc{} ? value : 0;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::vector<u8> bytes_from_hex(std::string_view text) {
  std::vector<u8> bytes;
  for (; text.size() >= 2; text.remove_prefix(2)) {
    std::string_view pair = text.substr(0, 2);
    bytes.push_back(static_cast<u8>(take_number(pair)));
  }
  return bytes;
}

/// The connection: packets with checksums in, answers out.
class Link {
 public:
  static std::expected<Link, Complaint> listen_on(unsigned port) {
    Link link;
    link.listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(link.listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(link.listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(link.listener_, 1) != 0) {
      return std::unexpected(Complaint{"gdb's port " + std::to_string(port) + ": " + std::strerror(errno),
                                       errno == EADDRINUSE ? "another machine waits there; choose another port" : ""});
    }
    return link;
  }
  Link(Link&& other) noexcept : listener_(std::exchange(other.listener_, -1)), peer_(std::exchange(other.peer_, -1)) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  Link& operator=(Link&&) = delete;
  ~Link() {
    if (peer_ >= 0) close(peer_);
    if (listener_ >= 0) close(listener_);
  }

  [[nodiscard]] bool is_connected() const { return peer_ >= 0; }

  /// Waits at most so long for something from the debugger (or a key, if `keys`).
  void wait(std::chrono::milliseconds patience, bool keys) {
    std::array<pollfd, 2> sources{pollfd{peer_ >= 0 ? peer_ : listener_, POLLIN, 0}, pollfd{STDIN_FILENO, POLLIN, 0}};
    if (poll(sources.data(), keys ? 2 : 1, static_cast<int>(patience.count())) <= 0) return;
    if ((sources[0].revents & (POLLIN | POLLHUP | POLLERR)) == 0) return;
    if (peer_ < 0) {
      peer_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      const int on = 1;
      setsockopt(peer_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      is_new_ = peer_ >= 0;
      acknowledges_ = true;
      received_.clear();
      return;
    }
    std::array<char, 4096> buffer{};
    const ssize_t count = read(peer_, buffer.data(), buffer.size());
    if (count > 0) {
      received_.append(buffer.data(), static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      close(std::exchange(peer_, -1));
    }
  }

  bool take_new_connection() { return std::exchange(is_new_, false); }

  /// Whether the debugger wants the machine to stop (Ctrl-C).
  bool take_interrupt() {
    const auto at = received_.find(interrupt_byte);
    if (at == std::string::npos || received_.find('$') < at) return false;
    received_.erase(0, at + 1);
    return true;
  }

  /// The next whole packet. One with a wrong checksum is refused.
  std::optional<std::string> take_packet() {
    const auto begin = received_.find('$');
    if (begin == std::string::npos) return std::nullopt;
    const auto end = received_.find('#', begin);
    if (end == std::string::npos || received_.size() < end + 3) return std::nullopt;
    std::string packet = received_.substr(begin + 1, end - begin - 1);
    std::string_view sum(received_.data() + end + 1, 2);
    const bool is_good = take_number(sum) == checksum(packet);
    received_.erase(0, end + 3);
    if (acknowledges_) send_raw(is_good ? "+" : "-");
    return is_good ? std::optional(unescape(packet)) : std::nullopt;
  }

  void send(std::string_view payload) {
    std::string packet = "$";
    for (const char c : payload) {
      if (c == '$' || c == '#' || c == '}' || c == '*') {
        packet += '}';
        packet += static_cast<char>(c ^ 0x20);
      } else {
        packet += c;
      }
    }
    const unsigned sum = checksum(std::string_view(packet).substr(1));
    packet += '#';
    const u8 byte = static_cast<u8>(sum);
    packet += hex({&byte, 1});
    send_raw(packet);
  }
  void stop_acknowledging() { acknowledges_ = false; }

 private:
  Link() = default;

  static unsigned checksum(std::string_view text) {
    unsigned sum = 0;
    for (const char c : text) sum += static_cast<unsigned char>(c);
    return sum & 0xff;
  }
  static std::string unescape(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool is_escaped = text[i] == '}' && i + 1 < text.size();
      plain += is_escaped ? static_cast<char>(text[++i] ^ 0x20) : text[i];
    }
    return plain;
  }
  void send_raw(std::string_view text) const {
    while (peer_ >= 0 && !text.empty()) {
      const ssize_t count = ::send(peer_, text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  int listener_ = -1, peer_ = -1;
  bool is_new_ = false, acknowledges_ = true;
  std::string received_;
};

/// One debugging session: what the packets mean.
class Server {
 public:
  Server(Debugged& machine, const Settings& settings, Link&& link)
      : machine_(machine), settings_(settings), link_(std::move(link)), is_running_(!settings.wait_for_gdb) {}

  int serve() {
    while (!status_) {
      link_.wait(0ms, false);
      if (link_.take_new_connection()) is_running_ = false;  // as QEMU does
      if (is_running_) {
        go_on();
      } else {
        answer_packets();
      }
    }
    return *status_;
  }

 private:
  void answer_packets() {
    while (const auto packet = link_.take_packet()) {
      answer(*packet);
      if (is_running_ || status_) return;
    }
    if (!link_.is_connected() && was_connected_) {
      // The debugger went without a word: the machine goes on, as it would have without it.
      was_connected_ = false;
      is_running_ = true;
      return;
    }
    was_connected_ |= link_.is_connected();
    link_.wait(50ms, false);
    if (const auto typed = terminal_.read(0ns); typed && !typed->empty()) pending_ += *typed;
    if (terminal_.wants_to_leave()) status_ = status_came_back;
  }

  void go_on() {
    if (link_.take_interrupt()) return stop("T02" + thread());
    if (!pending_.empty()) machine_.feed(std::exchange(pending_, {}));
    const StopReason reason = machine_.run(steps_between_looks, WhenIdle::stop);
    Terminal::write(machine_.take_output());
    switch (reason) {
      case StopReason::powered_off:
        status_ = static_cast<int>(machine_.exit_status() & 0xff);
        return link_.send("W" + hex(static_cast<u64>(*status_)));
      case StopReason::reset:
        if (!machine_.restart()) status_ = status_failed;
        break;
      case StopReason::asked: return report_hit();
      case StopReason::idle: return wait_while_idle();
      default:
        if (const auto typed = terminal_.read(0ns); typed && !typed->empty()) machine_.feed(*typed);
        break;
    }
    if (terminal_.wants_to_leave()) status_ = status_came_back;
  }

  /// Time passes as at the terminal, but the debugger may speak too.
  void wait_while_idle() {
    const auto next = machine_.next_event();
    const u64 now = machine_.schedule().nanoseconds;
    const u64 gap = next ? (*next - now) / 1'000'000 : 100;
    link_.wait(std::chrono::milliseconds(std::min<u64>(gap, 100)), !terminal_.at_end());
    const auto typed = terminal_.read(0ns);
    if (terminal_.wants_to_leave()) status_ = status_came_back;
    if (typed && !typed->empty()) {
      machine_.feed(*typed);
    } else if (next) {
      machine_.advance_to(std::min(*next, now + 100'000'000));
    }
  }

  void stop(const std::string& reply) {
    is_running_ = false;
    link_.send(reply);
  }

  [[nodiscard]] std::string thread() const { return "thread:" + hex(u64{hart_} + 1) + ";"; }

  void report_hit() {
    if (!machine_.hit) return stop("T05" + thread());
    hart_ = machine_.hit->hart;
    std::string reply = "T05" + thread();
    if (machine_.hit->watch) {
      const WatchKind kind = machine_.hit->watch->kind;
      const std::string name = kind == WatchKind::store ? "watch" : kind == WatchKind::load ? "rwatch" : "awatch";
      reply += name + ":" + hex(machine_.hit->watch->address) + ";";
    }
    stop(reply);
  }

  void answer(std::string_view packet) {
    std::string_view rest = packet;
    if (packet == "?") return link_.send("T05" + thread());
    if (take(rest, "q") || take(rest, "Q")) return answer_query(packet);
    if (take(rest, "H")) return select_thread(rest);
    if (take(rest, "T")) return link_.send(take_number(rest) <= settings_.harts ? "OK" : "E01");
    if (packet == "g") return link_.send(all_registers());
    if (take(rest, "G")) return set_all_registers(rest);
    if (take(rest, "p")) return send_register(rest);
    if (take(rest, "P")) return set_register(rest);
    if (take(rest, "m")) return send_memory(rest);
    if (take(rest, "M")) return set_memory(rest);
    if (take(rest, "Z")) return set_point(rest, true);
    if (take(rest, "z")) return set_point(rest, false);
    if (packet == "c" || packet.starts_with("C")) return resume();
    if (packet == "s" || packet.starts_with("S")) return step(hart_);
    if (packet == "bs") return step_back();
    if (packet == "bc") return continue_back();
    if (take(rest, "vCont")) return answer_vcont(rest);
    if (packet == "D" || packet.starts_with("D;")) {
      link_.send("OK");
      is_running_ = true;
      return;
    }
    if (packet == "k" || packet.starts_with("vKill")) {
      if (packet != "k") link_.send("OK");
      status_ = status_came_back;
      return;
    }
    link_.send("");  // not known here
  }

  void answer_query(std::string_view packet) {
    std::string_view rest = packet;
    if (take(rest, "qSupported")) {
      return link_.send("PacketSize=" + hex(u64{packet_bytes}) +
                        ";qXfer:features:read+;QStartNoAckMode+;vContSupported+;ReverseStep+;ReverseContinue+");
    }
    if (packet == "QStartNoAckMode") {
      link_.send("OK");
      return link_.stop_acknowledging();
    }
    if (packet == "qfThreadInfo") {
      std::string list = "m1";
      for (unsigned i = 1; i < settings_.harts; ++i) list += "," + hex(u64{i} + 1);
      return link_.send(list);
    }
    if (packet == "qsThreadInfo") return link_.send("l");
    if (packet == "qC") return link_.send("QC" + hex(u64{hart_} + 1));
    if (packet == "qAttached") return link_.send("1");
    if (take(rest, "qThreadExtraInfo,")) {
      const auto hart = static_cast<unsigned>(take_number(rest) - 1);
      if (hart >= settings_.harts) return link_.send("E01");
      const std::string text = describe_hart(machine_.machine().hart(hart));
      return link_.send(hex({reinterpret_cast<const u8*>(text.data()), text.size()}));
    }
    if (take(rest, "qXfer:features:read:target.xml:")) {
      static const std::string description = target_description();
      const u64 offset = take_number(rest);
      (void)take(rest, ",");
      const u64 wanted = take_number(rest);
      if (offset >= description.size()) return link_.send("l");
      const std::string part = description.substr(offset, wanted);
      return link_.send((offset + part.size() < description.size() ? "m" : "l") + part);
    }
    link_.send("");
  }

  void select_thread(std::string_view rest) {
    rest.remove_prefix(std::min<std::size_t>(rest.size(), 1));  // for which kind of command: one choice serves all
    if (rest.starts_with('-')) return link_.send("OK");
    const u64 wanted = take_number(rest);
    if (wanted > settings_.harts) return link_.send("E01");
    if (wanted != 0) hart_ = static_cast<unsigned>(wanted - 1);
    link_.send("OK");
  }

  std::string all_registers() {
    std::string text;
    for (unsigned i = 0; i < general_registers; ++i) text += hex_register(*read_register(machine_.machine(), hart_, i));
    return text;
  }
  void set_all_registers(std::string_view rest) {
    const std::vector<u8> bytes = bytes_from_hex(rest);
    for (unsigned i = 0; i < general_registers && bytes.size() >= 8 * (u64{i} + 1); ++i) {
      u64 value = 0;
      std::memcpy(&value, bytes.data() + std::size_t{8} * i, 8);
      (void)write_register(machine_.machine(), hart_, i, value);
    }
    link_.send("OK");
  }
  void send_register(std::string_view rest) {
    const auto value = read_register(machine_.machine(), hart_, static_cast<unsigned>(take_number(rest)));
    link_.send(value ? hex_register(*value) : "E14");
  }
  void set_register(std::string_view rest) {
    const auto number = static_cast<unsigned>(take_number(rest));
    (void)take(rest, "=");
    std::vector<u8> bytes = bytes_from_hex(rest);
    bytes.resize(8);
    u64 value = 0;
    std::memcpy(&value, bytes.data(), 8);
    link_.send(write_register(machine_.machine(), hart_, number, value) ? "OK" : "E14");
  }

  void send_memory(std::string_view rest) {
    const u64 address = take_number(rest);
    (void)take(rest, ",");
    std::vector<u8> bytes(std::min<u64>(take_number(rest), packet_bytes / 2));
    link_.send(machine_.read(hart_, address, bytes) ? hex(bytes) : "E14");
  }
  void set_memory(std::string_view rest) {
    const u64 address = take_number(rest);
    (void)take(rest, ",");
    (void)take_number(rest);
    (void)take(rest, ":");
    link_.send(machine_.write(hart_, address, bytes_from_hex(rest)) ? "OK" : "E14");
  }

  void set_point(std::string_view rest, bool is_on) {
    const u64 kind = take_number(rest);
    (void)take(rest, ",");
    const u64 address = take_number(rest);
    (void)take(rest, ",");
    const u64 bytes = take_number(rest);
    if (kind <= 1) {
      machine_.set_break(address, is_on);
    } else if (kind <= 4) {
      machine_.set_watch({static_cast<WatchKind>(kind), address, std::max<u64>(bytes, 1)}, is_on);
    } else {
      return link_.send("");
    }
    link_.send("OK");
  }

  void answer_vcont(std::string_view rest) {
    if (rest == "?") return link_.send("vCont;c;C;s;S");
    // One action for each thread that is named, the last one perhaps for all others. A step of one hart comes first.
    std::optional<unsigned> only;
    while (take(rest, ";")) {
      const char action = rest.empty() ? ' ' : rest.front();
      rest.remove_prefix(std::min(rest.size(), rest.find_first_of(":;")));
      std::optional<unsigned> hart;
      if (take(rest, ":") && !rest.starts_with('-')) {
        hart = std::min(static_cast<unsigned>(take_number(rest) - 1), settings_.harts - 1);
      }
      if (action == 's' || action == 'S') return step(hart.value_or(hart_));
      only = hart;
    }
    resume(only);
  }

  void resume(std::optional<unsigned> only = std::nullopt) {
    machine_.only_hart = only;
    is_running_ = true;
  }

  void step(unsigned hart) {
    hart_ = hart;
    machine_.only_hart = hart;
    const StopReason reason = machine_.step(hart);
    Terminal::write(machine_.take_output());
    if (reason == StopReason::asked && machine_.hit) return report_hit();
    if (reason == StopReason::powered_off || reason == StopReason::reset) {
      is_running_ = true;  // where it is told
      return;
    }
    if (reason == StopReason::idle) {
      // Nothing runs before time has passed: as a step of a real hart in wfi would take.
      is_running_ = true;
      return;
    }
    stop("T05" + thread());
  }

  void step_back() {
    const bool is_done = machine_.step_back(hart_);
    stop("T05" + thread() + (is_done ? "" : "replaylog:begin;"));
  }
  void continue_back() {
    machine_.only_hart.reset();
    if (machine_.continue_back()) return report_hit();
    stop("T05" + thread() + "replaylog:begin;");
  }

  Debugged& machine_;
  const Settings& settings_;
  Link link_;
  Terminal terminal_;
  bool is_running_;
  bool was_connected_ = false;
  unsigned hart_ = 0;
  std::string pending_;  // typed while the machine stood still
  std::optional<int> status_;
};

}  // namespace

std::expected<int, Complaint> serve_gdb(Debugged& machine, const Settings& settings) {
  auto link = Link::listen_on(*settings.gdb_port);
  if (!link) return std::unexpected(link.error());
  Server server(machine, settings, std::move(*link));
  return server.serve();
}

}  // namespace vellum_tool
