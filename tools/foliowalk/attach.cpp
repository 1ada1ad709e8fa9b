// SPDX-License-Identifier: MIT
#include "tools/foliowalk/attach.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace foliowalk {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view qemu = "qemu-system-riscv64";
constexpr const char* usual_memory = "128M";
// QEMU starts in a moment; on a loaded machine the moment is longer.
constexpr auto patience = std::chrono::seconds(60);

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Words as a shell makes them, as far as Makefiles need it: blanks, quotes, backslashes.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (usize i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
      word += line[++i];
      in_word = true;
    } else if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '"' || c == '\'') {
      quote = c;
      in_word = true;
    } else if (!is_blank(c)) {
      word += c;
      in_word = true;
    } else if (in_word) {
      words.push_back(std::move(word));
      word.clear();
      in_word = false;
    }
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

/// Becomes the command, in a directory. For the child of a fork: returns only to end it.
[[noreturn]] void become(const std::string& directory, std::vector<std::string>& command) {
  std::vector<char*> words;
  for (std::string& word : command) words.push_back(word.data());
  words.push_back(nullptr);
  if (::chdir(directory.c_str()) == 0) ::execvp(words[0], words.data());
  std::fprintf(stderr, "foliowalk: cannot start %s: %s\n", words[0], std::strerror(errno));
  ::_exit(127);
}

/// What a command prints on its standard output; nothing when it cannot be started or fails.
std::optional<std::string> output_of(const std::string& directory, std::vector<std::string> command) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(nowhere, STDIN_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    become(directory, command);
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 4096> piece{};
  for (ssize_t got = 0; child > 0 && (got = ::read(ends[0], piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<usize>(got));
  ::close(ends[0]);
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return std::nullopt;
  return text;
}

/// QEMU, on this terminal.
pid_t start(const std::string& folder, std::vector<std::string> command) {
  const pid_t child = ::fork();
  if (child == 0) become(folder, command);
  return child;
}

/// A directory that goes when we do.
class Scratch {
 public:
  Scratch() {
    std::error_code ignored;
    std::string pattern = fs::is_directory("/dev/shm", ignored) && ::access("/dev/shm", W_OK) == 0
                              ? "/dev/shm/foliowalk-XXXXXX"
                              : (fs::temp_directory_path(ignored) / "foliowalk-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) place_.directory = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    if (!place_.directory.empty()) fs::remove_all(place_.directory, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] const MeetingPlace& place() const { return place_; }

 private:
  MeetingPlace place_;
};

/// How a folder's Makefile starts its kernel.
struct Start {
  std::vector<std::string> command;
  std::string kernel;  // an absolute path
};

Outcome<Start> start_of(const std::string& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) return fail(fmt::format("{} is no folder", folder));
  if (!fs::exists(fs::path(folder) / "Makefile", ignored))
    return fail(fmt::format("{} has no Makefile: give the folder of an xv6, where `make qemu` works", folder));
  const auto printed = output_of(folder, {"make", "-n", "qemu"});
  if (!printed) return fail(fmt::format("`make -n qemu` fails in {}: try it there by hand", folder));
  std::vector<std::string> command = qemu_command_in(*printed);
  if (command.empty()) return fail(fmt::format("`make -n qemu` in {} names no {}", folder, qemu));
  const auto kernel = std::ranges::find(command, "-kernel");
  if (kernel == command.end() || kernel + 1 == command.end())
    return fail(fmt::format("the QEMU command of {} has no -kernel", folder));
  const fs::path path = fs::path(folder) / kernel[1];
  if (!fs::exists(path, ignored))
    return fail(fmt::format("{} is not there: run `make` in {} first", path.string(), folder));
  return Start{std::move(command), fs::absolute(path).string()};
}

/// The explorer, as soon as the guest is there; an error when it ends before.
Outcome<int> serve_beside(pid_t guest, Session session, const ServeOptions& options) {
  const auto end = std::chrono::steady_clock::now() + patience;
  session.wait_seconds = 0.2;
  for (;;) {
    auto source = open_source(session);
    if (source) return command_serve(*source, session, options);
    siginfo_t state{};
    const bool looked = ::waitid(P_PID, static_cast<id_t>(guest), &state, WEXITED | WNOHANG | WNOWAIT) == 0;
    if (looked && state.si_pid == guest) return fail("QEMU ended before it could be looked into");
    if (std::chrono::steady_clock::now() > end) return std::unexpected(source.error());
  }
}

/// For `foliowalk --session DIRECTORY ps` in another terminal.
void write_session(const MeetingPlace& place, const std::string& kernel) {
  std::ofstream out(place.directory + "/session.json");
  out << nlohmann::json{{"ram", place.ram()}, {"qmp", place.command_socket()}, {"kernel", kernel}}.dump(2) << "\n";
}

}  // namespace

std::vector<std::string> qemu_command_in(std::string_view make_output) {
  std::string joined(make_output);
  for (usize at = 0; (at = joined.find("\\\n", at)) != std::string::npos;) joined.replace(at, 2, " ");
  std::vector<std::string> found;
  for (usize at = 0; at < joined.size();) {
    const usize end = std::min(joined.find('\n', at), joined.size());
    std::vector<std::string> words = words_of(std::string_view(joined).substr(at, end - at));
    if (!words.empty() && fs::path(words[0]).filename() == qemu) found = std::move(words);
    at = end + 1;
  }
  return found;
}

std::vector<std::string> with_windows(std::vector<std::string> command, const MeetingPlace& place) {
  std::string memory = usual_memory;
  bool has_machine = false;
  for (usize i = 1; i + 1 < command.size(); ++i) {
    if (command[i] == "-m") memory = command[i + 1];
    if (command[i] != "-machine" && command[i] != "-M") continue;
    command[i + 1] += ",memory-backend=ram0";
    has_machine = true;
  }
  const auto add = [&](std::initializer_list<std::string> words) { command.insert(command.end(), words); };
  if (!has_machine) add({"-machine", "memory-backend=ram0"});
  if (std::ranges::find(command, "-m") == command.end()) add({"-m", memory});
  add({"-object", fmt::format("memory-backend-file,id=ram0,size={},mem-path={},share=on", memory, place.ram())});
  for (const std::string& socket : {place.server_socket(), place.command_socket()})
    add({"-qmp", fmt::format("unix:{},server=on,wait=off", socket)});
  // With a QMP socket -nographic puts no monitor on the terminal any more, and Ctrl-a x would be lost.
  if (std::ranges::find(command, "-nographic") != command.end() &&
      std::ranges::find(command, "-serial") == command.end())
    add({"-serial", "mon:stdio"});
  add({"-D", place.trace(), "-msg", "timestamp=on"});
  return command;
}

Outcome<int> command_attach(const std::string& folder, Session session, const ServeOptions& options) {
  const auto make = start_of(folder);
  if (!make) return std::unexpected(make.error());
  const Scratch scratch;
  if (scratch.place().directory.empty()) return fail("no directory for the guest's RAM can be made");
  std::ofstream(scratch.place().trace()).flush();
  session.ram = scratch.place().ram();
  session.qmp = scratch.place().server_socket();
  session.trace = scratch.place().trace();
  session.kernel = make->kernel;
  write_session(scratch.place(), session.kernel);
  fmt::print("foliowalk: in another terminal: foliowalk --session {} ps\n", scratch.place().directory);
  std::fflush(stdout);

  const pid_t guest = start(folder, with_windows(make->command, scratch.place()));
  if (guest < 0) return fail(fmt::format("cannot start {}: {}", qemu, std::strerror(errno)));
  Outcome<int> served = serve_beside(guest, session, options);
  // The terminal is the guest's, which may go on without the page.
  if (!served) fmt::print(stderr, "foliowalk: {}\r\n", served.error().message);
  int status = 0;
  ::waitpid(guest, &status, 0);
  if (!WIFEXITED(status)) return 1;
  return WEXITSTATUS(status) != 0 || served ? WEXITSTATUS(status) : 2;
}

}  // namespace foliowalk
