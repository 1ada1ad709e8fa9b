// SPDX-License-Identifier: MIT
#include "tools/vellum/options.hpp"

#include <charconv>
#include <functional>
#include <map>

#include "tools/vellum/judged.hpp"
#include "tools/vellum/metered.hpp"

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
  --seeds A-B       a run for each of these seeds, the image untouched, until one fails; wants --exec
  --until WHAT      a number: give up after so many instructions; trap, page-fault, satp, finding, or return:FUNCTION:
                    stop there and say what each hart does
  --record FILE     write down what is typed when (best with --snapshot)
  --replay FILE     see that run again, to the instruction
  --judge LIST      which judges watch: all (the default), none, or rules separated by commas: stale-translation,
                    stale-after-satp, stale-code, reserved-entry, misaligned-superpage, use-after-free, double-free,
                    panic, table-cycle, global-user-page, user-in-kernel-half, kernel-write-execute, leaf-outside-ram,
                    uncleared-table, unwritten-memory, leak;
                    when this is given, a fault they find makes the exit status 3
  --alloc F, --free F, --panic F   the kernel's functions that the judges look for (default kalloc, kfree, panic)
  --json            findings as JSON, one object a line, on standard error
  --blame ADDRESS   at the end: who wrote the page-table entries on hart 0's way to this virtual address
  --when ADDRESS    at the end: since when that address leads where it does, and what else was changed on the way
  --tlb SIZES       instead of judging, count what translation would cost with caches of these sizes (32,32,1024x4: for
                    instructions, for data, 1024 entries in 4 ways behind both): misses, walks, fences, in all and
                    between each two times that a program reads instret
  --explore SOCKET  foliowalk may look at the machine while it runs: foliowalk --vellum SOCKET ps
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

std::expected<void, Complaint> parse_until(std::string_view text, Settings& settings) {
  static const std::map<std::string_view, Until> occasions{{"trap", Until::trap},
                                                           {"page-fault", Until::page_fault},
                                                           {"satp", Until::satp_write},
                                                           {"finding", Until::finding}};
  constexpr std::string_view returns = "return:";
  if (const auto steps = parse_number(text)) {
    settings.budget = *steps;
  } else if (const auto found = occasions.find(text); found != occasions.end()) {
    settings.until = found->second;
  } else if (text.starts_with(returns) && text.size() > returns.size()) {
    settings.until = Until::function_return;
    settings.until_function = text.substr(returns.size());
  } else {
    return complain("--until " + std::string(text) + ": not an occasion",
                    "a number of instructions, trap, page-fault, satp, finding or return:FUNCTION");
  }
  return {};
}

namespace {

/// `1-500`.
std::expected<void, Complaint> parse_seeds(std::string_view text, Settings& settings) {
  const auto dash = text.find('-');
  const auto first = parse_number(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_number(text.substr(dash + 1));
  if (!first || !last || *first == 0 || *last < *first) {
    return complain("--seeds " + std::string(text) + ": not a range of seeds", "--seeds 1-500");
  }
  settings.first_seed = *first;
  settings.last_seed = *last;
  return {};
}

/// What does not go together.
std::optional<Complaint> contradiction(const Settings& settings) {
  if (settings.first_seed != 0 && !settings.commands) return Complaint{"--seeds wants --exec", ""};
  if (settings.first_seed != 0 && (!settings.record.empty() || !settings.replay.empty() || settings.gdb_port)) {
    return Complaint{"--seeds is many runs; --record, --replay and --gdb are for one", ""};
  }
  if (!settings.explore.empty() && (settings.first_seed != 0 || settings.gdb_port || !settings.replay.empty())) {
    return Complaint{"--explore does not go with --seeds, --gdb or --replay",
                     settings.replay.empty() ? "" : "foliowalk --vellum FILE looks at a recording"};
  }
  if (!settings.record.empty() && !settings.replay.empty()) return Complaint{"either --record or --replay", ""};
  const bool looks_back = !settings.blamed.empty() || !settings.dated.empty();
  const bool wants_judges =
      settings.rules.value_or(0) != 0 || settings.until != Until::nothing || settings.json || looks_back;
  if (settings.gdb_port && (wants_judges || !settings.record.empty() || !settings.replay.empty())) {
    return Complaint{"--gdb goes with no judges, --until, --blame, --when, --record or --replay",
                     "run once more without gdb"};
  }
  const bool wants_findings = settings.rules.value_or(0) != 0 || settings.until != Until::nothing || looks_back;
  if (settings.tlb && (settings.gdb_port || wants_findings)) {
    return Complaint{"--tlb goes with no judges, --until WHAT, --blame, --when or --gdb", "run once more without it"};
  }
  if (settings.rules == 0 && (settings.until != Until::nothing || looks_back)) {
    return Complaint{"--until, --blame and --when need the judges' eyes", "leave --judge none out"};
  }
  return std::nullopt;
}

}  // namespace

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
  const auto add = [&wrong](auto parsed, auto& to) {
    if (parsed) {
      to.push_back(*parsed);
    } else {
      wrong = parsed.error();
    }
  };
  const auto check = [&wrong](const std::expected<void, Complaint>& parsed) {
    if (!parsed) wrong = parsed.error();
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
      {"--json", [&] { settings.json = true; }},
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
      {"--until", [&](Text text) { check(parse_until(text, settings)); }},
      {"--seeds", [&](Text text) { check(parse_seeds(text, settings)); }},
      {"--record", [&](Text text) { settings.record = text; }},
      {"--replay", [&](Text text) { settings.replay = text; }},
      {"--judge",
       [&](Text text) {
         settings.rules = parse_rules(text);
         if (!settings.rules) wrong = Complaint{"--judge " + std::string(text) + ": no such rule", "vellum --help"};
       }},
      {"--alloc", [&](Text text) { settings.allocate = text; }},
      {"--free", [&](Text text) { settings.release = text; }},
      {"--panic", [&](Text text) { settings.panic = text; }},
      {"--tlb", [&](Text text) { take(parse_tlb(text), settings.tlb); }},
      {"--explore", [&](Text text) { settings.explore = text; }},
      {"--blame", [&](Text text) { add(number(text), settings.blamed); }},
      {"--when", [&](Text text) { add(number(text), settings.dated); }},
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
  if (!wrong) wrong = contradiction(settings);
  if (wrong) return std::unexpected(*wrong);
  return settings;
}

}  // namespace vellum_tool
