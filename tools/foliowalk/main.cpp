// SPDX-License-Identifier: MIT
// foliowalk: every address space of a running RISC-V guest, from outside and without stopping it.

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "tools/foliowalk/attach.hpp"
#include "tools/foliowalk/commands.hpp"
#include "tools/foliowalk/lint.hpp"
#include "tools/foliowalk/serve.hpp"
#include "tools/foliowalk/vellum_guest.hpp"

using namespace foliowalk;

namespace {

void add_session_options(CLI::App& app, Session& session, std::string& session_path) {
  auto* group =
      app.add_option_group("guest", "Where the guest is; build/explore or $FOLIOWALK_SESSION when nothing is said");
  group->add_option("--session", session_path, "Directory or file that `run --explore` or `snapshot` wrote");
  group->add_option("--ram", session.ram, "QEMU's memory-backend file, or a raw dump of RAM");
  group->add_option("--base", session.base, "Physical address of the first byte of RAM (0x80000000)");
  group->add_option("--kernel", session.kernel, "The kernel's ELF file, with DWARF");
  group->add_option("--qmp", session.qmp, "QEMU's QMP socket: satp of each hart");
  group->add_option("--trace", session.trace, "QEMU's log (-D), for traps");
  group->add_option("--wait", session.wait_seconds, "Seconds to wait for a guest that is just being started");
  group->add_option("--satp", session.satps, "A satp value to walk from; may be repeated");
  group->add_option("--mode", session.mode, "bare, sv39, sv48 or sv57, when satp doesn't tell");
  group->add_option("--extensions", session.extensions,
                    "What the page-table walker knows (svnapot,svpbmt), where neither QEMU nor a device tree tells");
  group->add_option("--ram-pipe", session.ram_pipe, "Size of RAM, which is read through stdin and stdout (for gdb)");
  auto* names = app.add_option_group(
      "names", "How the kernel calls things, when foliowalk doesn't find them (member paths such as mm.pgd)");
  names->add_option("--procs", session.names.table, "Array of process structures");
  names->add_option("--pid-member", session.names.pid, "Member: process number");
  names->add_option("--name-member", session.names.name, "Member: process name");
  names->add_option("--state-member", session.names.state, "Member: state");
  names->add_option("--root-member", session.names.root, "Member: root table (pointer, address, page number or satp)");
  names->add_option("--kernel-root-member", session.names.kernel_root, "Member: the process's own kernel table");
  names->add_option("--kernel-root", session.names.global_root, "Variable: the kernel's root table");
}

void add_vellum_options(CLI::App& app, VellumWish& wish) {
  auto* group = app.add_option_group("vellum", "A guest of Vellum instead, running or recorded");
  group->add_option("--vellum", wish.path, "What `vellum --record` wrote, or the socket of `vellum --explore`");
  group->add_option("--image", wish.image, "The run's image, where --kernel names another kernel file");
  group->add_option("--at", wish.at, "The moment: so many instructions after the start (N, or RESTARTS:N)");
  group->add_option("--until", wish.until, "And on to the next trap, page-fault, satp, finding or return:FUNCTION");
}

int complain(const Failure& failure) {
  std::fprintf(stderr, "foliowalk: %s\n", failure.message.c_str());
  return 2;
}

/// The exit status of a command.
int ended(const Outcome<int>& result) { return result ? *result : complain(result.error()); }

/// Runs `command` on the guest that the options name.
int with_source(Session& session, std::string session_path, const auto& command) {
  if (session_path.empty() && session.ram.empty() && session.ram_pipe.empty()) session_path = default_session();
  if (!session_path.empty()) {
    if (const auto done = complete_from_file(session, session_path); !done) return complain(done.error());
  }
  auto source = open_source(session);
  if (!source) return complain(source.error());
  return ended(command(*source));
}

/// The same on a guest of Vellum.
int with_vellum(Session& session, const VellumWish& wish, Needs needs, const auto& command) {
  auto guest = open_vellum(session, wish, needs);
  if (!guest) return complain(guest.error());
  return ended(command(*guest));
}

Outcome<int> saved(Source& source, const Session& session, const std::string& directory) {
  if (const auto done = save_snapshot(source, session, directory); !done) return std::unexpected(done.error());
  std::printf("saved: foliowalk --session %s ps\n", directory.c_str());
  return 0;
}

int print_rules() {
  for (const Rule& rule : lint_rules()) {
    std::printf("%-7s %-30s %s\n", rule.severity == Severity::fault ? "fault" : "advice", rule.name, rule.meaning);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("See the page tables of a running RISC-V guest: Bifolium, xv6, or your own kernel.", "foliowalk");
  app.require_subcommand(1);
  app.fallthrough();
  Session session;
  std::string session_path;
  VellumWish wish;
  bool as_json = false;
  add_session_options(app, session, session_path);
  add_vellum_options(app, wish);
  app.add_flag("--json", as_json, "Print JSON");

  std::string space = "kernel";
  std::string second;
  std::string address;
  std::string directory;
  std::string other_session;
  unsigned depth = 5;
  unsigned count = 1000;
  unsigned interval_ms = 200;
  double seconds = 0;
  double after = 0;
  bool with_advice = false;
  bool list_rules = false;
  bool with_kernel = false;
  std::vector<std::string> place;
  unsigned change = 1;
  ServeOptions serve_options;

  auto* ps = app.add_subcommand("ps", "Address spaces: process, root, pages, tables");
  auto* map = app.add_subcommand("map", "Merged ranges of one address space");
  map->add_option("space", space, "kernel, a process number or name, or N.kernel")->required();
  map->add_flag("--all", with_kernel, "Show the kernel's half of a process's table, too");
  auto* tree = app.add_subcommand("tree", "The tables of one address space, level by level");
  tree->add_option("space", space, "kernel, a process number or name, or N.kernel")->required();
  tree->add_option("--depth", depth, "How many levels to open");
  auto* explain = app.add_subcommand("explain", "One translation with all its arithmetic");
  explain->add_option("space", space, "kernel, a process number or name, or N.kernel")->required();
  explain->add_option("address", address, "Virtual address")->required();
  auto* frame = app.add_subcommand("frame", "Who maps a frame of RAM");
  frame->add_option("address", address, "Physical address")->required();
  auto* diff = app.add_subcommand("diff", "What differs between two address spaces, or between two moments of one");
  diff->add_option("a", space, "Address space")->required();
  diff->add_option("b", second, "Address space; A again when left out");
  diff->add_option("--with", other_session, "Take B from this session or snapshot; the changes lead from there to now");
  diff->add_option("--after", after, "Compare A with itself so many seconds later");
  auto* lint = app.add_subcommand("lint", "What is wrong with the tables; exit status 1 when something is");
  lint->add_flag("--advice", with_advice, "Show what is legal but worth a look, too");
  lint->add_flag("--rules", list_rules, "List the rules");
  auto* watch = app.add_subcommand("watch", "Events as they happen: faults, copies, splits, satp switches");
  watch->add_option("--seconds", seconds, "Stop after so long (0: never)");
  watch->add_option("--interval", interval_ms, "Milliseconds between looks")->check(CLI::Range(10, 60000));
  auto* soak = app.add_subcommand("soak", "Walk everything many times and tell how long it took");
  soak->add_option("count", count, "How many times");
  auto* snapshot = app.add_subcommand("snapshot", "Save RAM and satp to look at later (--session DIRECTORY)");
  snapshot->add_option("directory", directory, "Where to")->required();
  auto* serve = app.add_subcommand("serve", "The explorer: a page on 127.0.0.1 which updates live");
  serve->add_option("--port", serve_options.port, "TCP port on 127.0.0.1 (0: any free one)");
  serve->add_option("--web", serve_options.web_directory, "Directory of the built page");

  const auto look_back = [&](const char* name, const char* what) {
    auto* added = app.add_subcommand(name, what);
    added->add_option("place", place, "[SPACE] ADDRESS; hart 0's table when no space is named")
        ->required()
        ->expected(1, 2);
    return added;
  };
  auto* blame = look_back("blame", "Who wrote the entries on the way to an address (--vellum)");
  auto* when = look_back("when", "When an address was mapped, unmapped, moved, made read-only (--vellum)");
  auto* back = look_back("back", "Prints the moment before the last such change, for --at (--vellum)");
  back->add_option("--change", change, "Of which change, counted back from the last (1)");

  auto* attach =
      app.add_subcommand("attach", "Start the kernel of an xv6 folder as `make qemu` does, with the explorer");
  attach->add_option("folder", directory, "The folder, with its Makefile and what make built")->required();
  attach->add_option("--port", serve_options.port, "TCP port on 127.0.0.1 (0: any free one)");
  attach->add_option("--web", serve_options.web_directory, "Directory of the built page");

  CLI11_PARSE(app, argc, argv);
  if (lint->parsed() && list_rules) return print_rules();
  if (attach->parsed()) return ended(command_attach(directory, session, serve_options));

  const Output output = as_json ? Output::json : Output::text;
  const bool looks_back = blame->parsed() || when->parsed() || back->parsed();
  if (wish.path.empty() && (looks_back || !wish.at.empty() || !wish.until.empty())) {
    return complain({"looking back needs a run of Vellum: --vellum FILE or SOCKET (vellum --record FILE writes one)"});
  }
  const auto command = [&](Source& source) -> Outcome<int> {
    if (ps->parsed()) return command_ps(source, output);
    if (map->parsed()) return command_map(source, output, space, with_kernel);
    if (tree->parsed()) return command_tree(source, output, space, depth);
    if (explain->parsed()) return command_explain(source, output, space, address);
    if (frame->parsed()) return command_frame(source, output, address);
    if (lint->parsed()) return command_lint(source, output, with_advice);
    if (watch->parsed()) return command_watch(source, session, output, seconds, interval_ms);
    if (soak->parsed()) return command_soak(source, output, count);
    if (serve->parsed()) return command_serve(source, session, serve_options);
    if (snapshot->parsed()) return saved(source, session, directory);
    if (after > 0) return command_diff_after(source, output, space, after);
    if (other_session.empty()) return command_diff(source, nullptr, output, space, second.empty() ? space : second);
    Session other;
    if (const auto done = complete_from_file(other, other_session); !done) return std::unexpected(done.error());
    auto other_source = open_source(other);
    if (!other_source) return std::unexpected(other_source.error());
    return command_diff(source, &*other_source, output, space, second.empty() ? space : second);
  };
  if (wish.path.empty()) return with_source(session, session_path, command);
  return with_vellum(session, wish, looks_back ? Needs::past : Needs::memory, [&](VellumGuest& guest) -> Outcome<int> {
    if (blame->parsed()) return command_blame(guest, output, place);
    if (when->parsed()) return command_when(guest, output, place);
    if (back->parsed()) return command_back(guest, output, place, change);
    return command(guest.source);
  });
}
