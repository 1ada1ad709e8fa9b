#include "tools/vellum/options.hpp"

#include <charconv>
#include <functional>
#include <map>

namespace vellum_tool {

const std::string_view usage = R"(usage: vellum [KERNEL [IMAGE]] [option]...

Boots a kernel on a RISC-V machine that can be looked into. Without arguments, in an xv6 folder: kernel/kernel and
fs.img. On a terminal Ctrl-a x leaves.

  --smp N           harts, 1 to 8 (default 3)
  --mem SIZE        memory, 32M to 4G (default 128M)
  --append ARGS     boot arguments
  --snapshot        leave the image file as it is
  --legacy-virtio   virtio-mmio version 1, as QEMU offers it by default
  --exec COMMANDS   type these commands (separated by ;) at the prompts and exit 0 if all came back
  --seed N          vary how the harts' instructions interleave; the same seed gives the same run
  --until STEPS     give up after so many instructions
  --gdb PORT        gdb may connect to this port (target remote :PORT); reverse-step and reverse-continue work
  --wait            stand still until gdb says to go on
  --dump FILE       write the memory's content to this file at the end
  --hash            print a hash of the whole machine at the end: equal runs have equal ones
  --help            this text

QEMU's options, as xv6's Makefiles write them, are understood too: make qemu QEMU=/path/to/vellum
)";

namespace {

std::unexpected<Complaint> complain(std::string text, std::string hint = {}) {
  return std::unexpected(Complaint{std::move(text), std::move(hint)});
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::expected<std::uint64_t, Complaint> parse_memory(std::string_view text) {
  constexpr std::uint64_t least = 32ULL << 20, most = 4ULL << 30;
  unsigned shift = 20;
  std::string_view digits = text;
  if (!digits.empty()) {
    const char suffix = static_cast<char>(digits.back() & ~0x20);
    if (suffix == 'K' || suffix == 'M' || suffix == 'G') {
      shift = suffix == 'K' ? 10 : suffix == 'M' ? 20 : 30;
      digits.remove_suffix(1);
    }
  }
  const auto value = parse_number(digits);
  if (!value || *value > most) return complain("memory '" + std::string(text) + "': not a size (examples: 128M, 1G)");
  const std::uint64_t bytes = *value << shift;
  if (bytes < least || bytes > most) return complain("memory '" + std::string(text) + "': must be 32M to 4G");
  return bytes & ~std::uint64_t{4095};
}

std::expected<unsigned, Complaint> parse_harts(std::string_view text) {
  const auto value = parse_number(text);
  if (!value || *value < 1 || *value > 8) return complain("harts '" + std::string(text) + "': must be 1 to 8");
  return static_cast<unsigned>(*value);
}

std::expected<unsigned, Complaint> parse_port(std::string_view text) {
  const auto value = parse_number(text);
  if (!value || *value < 1 || *value > 65535) return complain("port '" + std::string(text) + "': must be 1 to 65535");
  return static_cast<unsigned>(*value);
}

std::vector<std::string> split_commands(std::string_view text) {
  std::vector<std::string> commands;
  std::string current;
  char quote = 0;
  int depth = 0;
  const auto finish = [&] {
    const auto first = current.find_first_not_of(' ');
    if (first != std::string::npos)
      commands.push_back(current.substr(first, current.find_last_not_of(' ') - first + 1));
    current.clear();
  };
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if ((c == ';' || c == '\n') && depth <= 0) {
      finish();
      continue;
    }
    current += c;
  }
  finish();
  return commands;
}

std::expected<Settings, Complaint> parse_options(std::span<char* const> arguments) {
  Settings settings;
  std::optional<Complaint> wrong;
  const auto take = [&wrong](auto parsed, auto& to) {
    if (parsed) {
      to = *parsed;
    } else {
      wrong = parsed.error();
    }
  };
  const auto number = [](std::string_view text) -> std::expected<std::uint64_t, Complaint> {
    if (const auto value = parse_number(text)) return *value;
    return complain("'" + std::string(text) + "' is not a number");
  };
  using Text = std::string_view;
  const std::map<Text, std::function<void()>> flags{
      {"--snapshot", [&] { settings.snapshot = true; }},
      {"--legacy-virtio", [&] { settings.legacy_virtio = true; }},
      {"--hash", [&] { settings.hash = true; }},
      {"--wait", [&] { settings.wait_for_gdb = true; }},
      {"--help", [&] { settings.tell = Settings::Tell::help; }},
      {"--version", [&] { settings.tell = Settings::Tell::version; }},
  };
  const std::map<Text, std::function<void(Text)>> valued{
      {"--smp", [&](Text text) { take(parse_harts(text), settings.harts); }},
      {"--mem", [&](Text text) { take(parse_memory(text), settings.memory); }},
      {"--append", [&](Text text) { settings.append = text; }},
      {"--exec", [&](Text text) { settings.commands = split_commands(text); }},
      {"--dump", [&](Text text) { settings.dump = text; }},
      {"--seed", [&](Text text) { take(number(text), settings.seed); }},
      {"--gdb", [&](Text text) { take(parse_port(text), settings.gdb_port); }},
      {"--until", [&](Text text) { take(number(text), settings.budget); }},
  };
  unsigned files = 0;
  for (std::size_t i = 0; i < arguments.size() && !wrong; ++i) {
    const Text argument = arguments[i];
    if (!argument.starts_with('-')) {
      if (files == 0) settings.kernel = argument;
      if (files == 1) settings.image = argument;
      if (++files > 2) return complain("'" + std::string(argument) + "': one kernel and one image, not more");
      continue;
    }
    if (!argument.starts_with("--")) {
      const auto value = i + 1 < arguments.size() ? std::optional<Text>(arguments[i + 1]) : std::nullopt;
      const auto taken = parse_qemu_option(argument, value, settings);
      if (!taken) return std::unexpected(taken.error());
      i += *taken - 1;
      continue;
    }
    if (const auto flag = flags.find(argument); flag != flags.end()) {
      flag->second();
      continue;
    }
    const auto equals = argument.find('=');
    const auto option = valued.find(argument.substr(0, equals));
    if (option == valued.end()) return complain("unknown option '" + std::string(argument) + "'", "vellum --help");
    if (equals != Text::npos) {
      option->second(argument.substr(equals + 1));
    } else if (++i < arguments.size()) {
      option->second(arguments[i]);
    } else {
      return complain(std::string(argument) + " wants a value", "vellum --help");
    }
  }
  if (wrong) return std::unexpected(*wrong);
  return settings;
}

}  // namespace vellum_tool
