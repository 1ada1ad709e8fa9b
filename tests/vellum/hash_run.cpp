// SPDX-License-Identifier: MIT
// One run of the machine and a hash of all of it, without anything of an operating system but files: so that the same
// source can be compiled for this computer and for WebAssembly, and must print the same. determinism_test.py does it.
//
// usage: hash_run KERNEL IMAGE HARTS SEED COMMAND...    (each is typed at a prompt)

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vellum/machine/elf.hpp"
#include "vellum/machine/machine.hpp"

namespace {

using namespace vellum;

constexpr u64 ram_bytes = u64{64} << 20, most_steps = 2'000'000'000;
constexpr usize decoded_pages = 512;

[[noreturn]] void fail(const char* text) {
  std::fprintf(stderr, "hash_run: %s\n", text);
  std::exit(1);
}

std::vector<u8> read_file(const char* path) {
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) fail(path);
  std::vector<u8> bytes;
  std::vector<u8> piece(65536);
  while (const auto count = std::fread(piece.data(), 1, piece.size(), file)) {
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
  }
  (void)std::fclose(file);
  return bytes;
}

/// Until the prompt; false when it does not come.
bool run_to_prompt(Machine<>& machine, std::string& output) {
  constexpr u64 steps_between_looks = 2'000'000;
  std::vector<u8> buffer(4096);
  while (machine.schedule().steps < most_steps) {
    const StopReason reason = machine.run(steps_between_looks, WhenIdle::stop);
    while (const auto count = machine.take_output(buffer)) {
      output.append(reinterpret_cast<const char*>(buffer.data()), count);
    }
    if (reason == StopReason::powered_off || reason == StopReason::reset) return false;
    if (reason != StopReason::idle) continue;
    if (output.ends_with("$ ")) return true;
    const auto next = machine.next_event();
    if (!next) return false;
    machine.advance_to(*next);
  }
  return false;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) fail("KERNEL IMAGE HARTS SEED COMMAND...");
  const std::vector<u8> kernel = read_file(arguments[1]);
  std::vector<u8> disk = read_file(arguments[2]), ram(ram_bytes), rom(page_bytes);
  disk.resize(disk.size() / 512 * 512);
  std::vector<PageInfo> pages(Memory::pages_for(ram.size(), disk.size()));
  std::vector<DecodedPage> code(decoded_pages);
  const Configuration configuration{.harts = static_cast<u32>(std::atoi(arguments[3])),
                                    .seed = static_cast<u64>(std::atoi(arguments[4]))};
  Unobserved nobody;
  const auto machine = std::make_unique<Machine<>>(configuration, Storage{ram, rom, disk, pages, code}, nobody);
  const auto image = read_elf(kernel);
  if (!image || !load_elf(kernel, *image, map::ram_base, ram)) fail("this is no kernel for this machine");
  machine->reset();
  std::string output;
  bool is_at_prompt = run_to_prompt(*machine, output);
  for (int i = 5; i < count && is_at_prompt; ++i) {
    output.clear();
    const std::string line = std::string(arguments[i]) + "\n";
    (void)machine->feed({reinterpret_cast<const u8*>(line.data()), line.size()});
    is_at_prompt = run_to_prompt(*machine, output);
  }
  if (!is_at_prompt) fail(output.c_str());
  std::printf("%llu instructions, hash %016llx\n", static_cast<unsigned long long>(machine->schedule().steps),
              static_cast<unsigned long long>(machine->hash()));
  return 0;
}
