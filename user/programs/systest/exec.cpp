// SPDX-License-Identifier: MIT
// exec: what it takes, what it refuses, and what of the process goes through it.
#include <cstddef>

#include "abi/elf.hpp"
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

using testing::make_file;
using testing::status_of;

char echo_path[] = "/echo";
char word_ok[] = "OK";

// Runs `path` with standard output in the file "out"; the exit status.
int run_redirected(const char* path, char** arguments) {
  return status_of([=] {
    close(1);
    EXPECT_EQ(open("out", create_write | Mode::truncate), 1);
    exec(path, arguments);
    exit(99);
  });
}

// exectest
void output_goes_to_the_file() {
  char* arguments[] = {echo_path, word_ok, nullptr};
  EXPECT_EQ(run_redirected("/echo", arguments), 0);
  EXPECT_EQ(readable_bytes("out"), 3);
  EXPECT(buffer[0] == 'O' && buffer[1] == 'K' && buffer[2] == '\n');
  EXPECT_EQ(unlink("out"), 0);
}

void missing_program() {
  char* arguments[] = {echo_path, nullptr};
  EXPECT_EQ(exec("/no-such-program", arguments), -1);
  EXPECT_EQ(exec("/", arguments), -1);
  EXPECT_EQ(exec("/console", arguments), -1);
  EXPECT_EQ(exec("", arguments), -1);
}

void not_a_program() {
  char* arguments[] = {echo_path, nullptr};
  EXPECT_EQ(exec("/README", arguments), -1);
  make_file("empty");
  EXPECT_EQ(exec("empty", arguments), -1);
  // An ELF header whose rest is missing.
  int fd = open("/echo", Mode::read_only);
  EXPECT_EQ(read(fd, buffer, 200), 200);
  close(fd);
  for (const int bytes : {4, 63, 64, 100, 200}) {
    make_file("cut", buffer, bytes);
    EXPECT_EQ(exec("cut", arguments), -1);
  }
  EXPECT_EQ(unlink("empty") | unlink("cut"), 0);
}

// bigargtest, A18: the vector has 32 slots, the strings and the pointers must fit on the stack's one page.
void argument_limits() {
  static char* many[34];
  static char small[] = "a";
  for (int i = 0; i < 31; ++i) many[i] = small;
  many[31] = nullptr;
  EXPECT_EQ(run_redirected("/echo", many), 0);
  EXPECT_EQ(readable_bytes("out"), 60);
  many[31] = small, many[32] = small, many[33] = nullptr;
  EXPECT_EQ(exec("/echo", many), -1);
  many[32] = nullptr;
  const int exactly_32 = run_redirected("/echo", many);
  EXPECT(exactly_32 == 99 || exactly_32 == 0);
  // 31 strings of 400 bytes do not fit.
  static char large[401];
  memset(large, 'b', 400);
  for (int i = 0; i < 31; ++i) many[i] = large;
  many[31] = nullptr;
  EXPECT_EQ(exec("/echo", many), -1);
  // One string of a page does not, one of half a page does.
  memset(buffer, 'x', 5000);
  buffer[4999] = '\0';
  char* one[] = {echo_path, buffer, nullptr};
  EXPECT_EQ(exec("/echo", one), -1);
  buffer[2000] = '\0';
  EXPECT_EQ(run_redirected("/echo", one), 0);
  EXPECT_EQ(readable_bytes("out"), 2001);
  EXPECT_EQ(unlink("out"), 0);
}

// copyinstr2's last part: three arguments of 4096 bytes.
void three_pages_of_arguments() {
  EXPECT_EQ(status_of([] {
              memset(buffer, 'y', 4096);
              buffer[4096] = '\0';
              char* arguments[] = {buffer, buffer, buffer, nullptr};
              EXPECT_EQ(exec("/echo", arguments), -1);
              exit(47);
            }),
            47);
}

void no_arguments() {
  char* none[] = {nullptr};
  EXPECT_EQ(run_redirected("/echo", none), 0);
  EXPECT_EQ(readable_bytes("out"), 1);
  EXPECT_EQ(unlink("out"), 0);
}

void argument_vector_is_bad() {
  const auto path = reinterpret_cast<std::uint64_t>("/echo");
  for (const std::uint64_t vector : {std::uint64_t{0xeaeb0b5b00002f5e}, ~std::uint64_t{0}, std::uint64_t{0x3fffffe000},
                                     std::uint64_t{1} << 38, std::uint64_t{0x80000000}, ~std::uint64_t{7}})
    EXPECT_EQ(system_call(abi::Call::exec, path, vector), -1);
}

// badarg: a bad string behind a good vector, again and again; nothing of the new image may be left behind.
void argument_string_is_bad() {
  const std::uint64_t frames = freeframes();
  for (int i = 0; i < 3000; ++i) {
    char* arguments[] = {reinterpret_cast<char*>(0xffffffff), nullptr};
    exec("/echo", arguments);
  }
  EXPECT_EQ(testing::settled_free_frames(frames), frames);
}

void descriptors_go_through() {
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  char* arguments[] = {echo_path, word_ok, nullptr};
  testing::start_children(1, [&](int) {
    close(1);
    dup(fds[1]);
    exec("/echo", arguments);
  });
  close(fds[1]);
  char text[8];
  EXPECT_EQ(read(fds[0], text, 2), 2);
  testing::expect_children(1);
  close(fds[0]);
}

// A program file can be removed while it runs and while it starts.
void program_is_unlinked() {
  char* arguments[] = {echo_path, nullptr};
  const int from = open("/echo", Mode::read_only);
  const int bytes = read(from, buffer, buffer_size);
  EXPECT(bytes > 0 && bytes < buffer_size);
  close(from);
  make_file("copy", buffer, bytes);
  EXPECT_EQ(run_redirected("copy", arguments), 0);
  testing::start_children(1, [](int) {
    for (int i = 0; i < 20; ++i) unlink("copy");
  });
  // In a child too: whichever ends first, each parent waits only for its own.
  testing::start_children(1, [&](int) {
    const int status = run_redirected("copy", arguments);
    EXPECT(status == 0 || status == 99);
  });
  testing::expect_children(2);
  unlink("copy");
  unlink("out");
}

// A11, V22, V23: headers that lie. Each must be refused before memory is taken for it, and in an instant.
struct HeaderLie {
  std::size_t at;  // byte in the file
  int width;
  std::uint64_t value;
};

void lying_headers() {
  constexpr std::size_t header = sizeof(abi::ElfHeader);
  constexpr std::size_t load = header;  // of the first program header, which loads in the project's own programs
  constexpr std::size_t at_offset = load + 8, at_address = load + 16, at_file_size = load + 32,
                        at_memory_size = load + 40;
  constexpr std::uint64_t top = std::uint64_t{1} << 38;
  constexpr HeaderLie lies[] = {
      {0, 4, 0},
      {4, 1, 1},
      {18, 2, 62},
      {32, 8, ~std::uint64_t{0}},
      {32, 8, 1 << 30},
      {56, 2, 65535},
      {54, 2, 1},
      {at_offset, 8, ~std::uint64_t{0}},
      {at_offset, 8, 1 << 30},
      {at_address, 8, 1},
      {at_address, 8, top},
      {at_address, 8, top - 4096},
      {at_address, 8, 0x3fffffd000},
      {at_address, 8, 0x3fffffe000},
      {at_address, 8, 0x80000000},
      {at_address, 8, ~std::uint64_t{4095}},
      {at_address, 8, std::uint64_t{1} << 63},
      {at_file_size, 8, ~std::uint64_t{0}},
      {at_file_size, 8, 1 << 30},
      {at_memory_size, 8, 0},
      {at_memory_size, 8, ~std::uint64_t{0}},
      {at_memory_size, 8, ~std::uint64_t{4095}},
      {at_memory_size, 8, std::uint64_t{4} << 30},
      {at_memory_size, 8, top},
  };
  const int from = open("/echo", Mode::read_only);
  const int bytes = read(from, buffer, buffer_size);
  close(from);
  char* arguments[] = {echo_path, nullptr};
  const std::uint64_t frames = freeframes();
  for (const HeaderLie& lie : lies) {
    char saved[8];
    memcpy(saved, buffer + lie.at, 8);
    memcpy(buffer + lie.at, &lie.value, static_cast<std::size_t>(lie.width));
    make_file("lie", buffer, bytes);
    memcpy(buffer + lie.at, saved, 8);
    const int begin = uptime();
    // Some lies make another program that may start; none may hurt this one, and it must die or end by itself.
    const int status = run_redirected("lie", arguments);
    EXPECT(status == 99 || status == testing::killed || status == 0);
    EXPECT(uptime() - begin <= 5);
  }
  EXPECT_EQ(testing::settled_free_frames(frames), frames);
  EXPECT_EQ(unlink("lie"), 0);
  unlink("out");
}

// A program made by hand: its code ends the process with status 42.
constexpr unsigned exit_with_42[] = {0x02a00513, 0x00200893, 0x00000073};  // li a0, 42; li a7, 2; ecall

struct HandMade {
  abi::ElfHeader header;
  abi::ProgramHeader segments[3];
  unsigned code[3];
};

HandMade* start_program(int segments) {
  memset(buffer, 0, buffer_size);
  auto* program = reinterpret_cast<HandMade*>(buffer);
  program->header = {.magic = abi::elf_magic,
                     .elf_class = 2,
                     .data_encoding = 1,
                     .ident_rest = {1},
                     .type = 2,
                     .machine = abi::elf_machine_riscv,
                     .version = 1,
                     .entry = 0,
                     .program_header_offset = sizeof(abi::ElfHeader),
                     .section_header_offset = 0,
                     .flags = 0,
                     .header_size = sizeof(abi::ElfHeader),
                     .program_header_size = sizeof(abi::ProgramHeader),
                     .program_header_count = static_cast<std::uint16_t>(segments),
                     .section_header_size = 0,
                     .section_header_count = 0,
                     .section_name_index = 0};
  memcpy(program->code, exit_with_42, sizeof(exit_with_42));
  return program;
}

constexpr std::uint32_t all_rights = abi::segment_read | abi::segment_write | abi::segment_execute;

abi::ProgramHeader code_segment(std::uint32_t flags, std::uint64_t address) {
  return {.type = abi::SegmentType::load,
          .flags = flags,
          .offset = offsetof(HandMade, code),  // not a multiple of a page, as in 2020
          .virtual_address = address,
          .physical_address = address,
          .file_size = sizeof(exit_with_42),
          .memory_size = 9000,
          .alignment = 8};
}

int run_hand_made() {
  make_file("made", buffer, sizeof(HandMade));
  char* arguments[] = {echo_path, nullptr};
  const int status = run_redirected("made", arguments);
  EXPECT_EQ(unlink("made"), 0);
  unlink("out");
  return status;
}

// The two shapes of xv6's programs, and segments of other types between them, which are skipped.
void program_shapes() {
  HandMade* program = start_program(2);
  program->segments[0] = {.type = static_cast<abi::SegmentType>(0x70000003),
                          .flags = abi::segment_read,
                          .offset = ~std::uint64_t{0},
                          .virtual_address = ~std::uint64_t{0},
                          .physical_address = 0,
                          .file_size = ~std::uint64_t{0},
                          .memory_size = 0,
                          .alignment = 1};
  program->segments[1] = code_segment(all_rights, 0);
  EXPECT_EQ(run_hand_made(), 42);

  program = start_program(2);
  program->segments[0] = code_segment(abi::segment_read | abi::segment_execute, 0x4000);
  program->segments[1] = code_segment(abi::segment_read | abi::segment_write, 0x8000);
  program->header.entry = 0x4000;
  EXPECT_EQ(run_hand_made(), 42);
}

// Position-independent linkers say `dynamic`, and an assembler of one's own may name no machine: xv6 runs both.
void types_that_xv6_runs() {
  constexpr std::uint16_t dynamic = 3, no_machine = 0;
  HandMade* program = start_program(1);
  program->segments[0] = code_segment(all_rights, 0);
  program->header.type = dynamic;
  EXPECT_EQ(run_hand_made(), 42);
  program->header.machine = no_machine;
  EXPECT_EQ(run_hand_made(), 42);
}

// exec says -1; why, the next call says, and of each failure the right word.
void reason_of_a_failed_exec() {
  char* arguments[] = {echo_path, nullptr};
  const auto reason_is = [](const char* expected) { return strcmp(exec_error(), expected) == 0; };
  EXPECT_EQ(exec("/no-such-program", arguments), -1);
  EXPECT(reason_is("not found"));
  EXPECT_EQ(exec("/README", arguments), -1);
  EXPECT(reason_is("not an executable"));
  EXPECT_EQ(exec(nullptr, reinterpret_cast<char**>(0x4000000000)), -1);
  EXPECT_EQ(exec("/echo", reinterpret_cast<char**>(0x4000000000)), -1);
  EXPECT(reason_is("bad address"));
  EXPECT_EQ(exec("/README/x", arguments), -1);
  EXPECT(reason_is("not a directory"));
  char text[4];
  EXPECT_EQ(execerror(text, sizeof(text)), -1);
  EXPECT_EQ(execerror(reinterpret_cast<char*>(0x4000000000), 64), -1);
}

// V22: code that is not executable is no code; an entry into nothing kills its process only.
void wrong_entries_and_rights() {
  HandMade* program = start_program(1);
  program->segments[0] = code_segment(abi::segment_read | abi::segment_write, 0);
  const int not_code = run_hand_made();
  EXPECT(not_code == testing::killed || not_code == 99);
  for (const std::uint64_t entry : {std::uint64_t{0x100000}, std::uint64_t{0x3fffffe000}, std::uint64_t{1} << 38,
                                    std::uint64_t{0x80000000}, ~std::uint64_t{0}, std::uint64_t{1}}) {
    program = start_program(1);
    program->segments[0] = code_segment(all_rights, 0);
    program->header.entry = entry;
    const int status = run_hand_made();
    EXPECT(status == testing::killed || status == 99 || entry == 1);
  }
}

// V22: segments over one another are refused, or at least hurt nobody else.
void overlapping_segments() {
  for (const std::uint64_t second : {std::uint64_t{0}, std::uint64_t{0x1000}, std::uint64_t{0x2000}}) {
    HandMade* program = start_program(2);
    program->segments[0] = code_segment(abi::segment_read | abi::segment_execute, 0);
    program->segments[1] = code_segment(abi::segment_read | abi::segment_write, second);
    const int status = run_hand_made();
    EXPECT(status == 99 || status == 42 || status == testing::killed);
  }
  HandMade* program = start_program(0);
  program->header.program_header_count = 0;
  const int empty = run_hand_made();
  EXPECT(empty == 99 || empty == testing::killed);
}

}  // namespace

std::span<const testing::Test> exec_tests() {
  static constexpr testing::Test tests[] = {
      {"output_goes_to_the_file", output_goes_to_the_file},
      {"missing_program", missing_program},
      {"not_a_program", not_a_program},
      {"argument_limits", argument_limits},
      {"three_pages_of_arguments", three_pages_of_arguments},
      {"no_arguments", no_arguments},
      {"argument_vector_is_bad", argument_vector_is_bad},
      {"argument_string_is_bad", argument_string_is_bad},
      {"descriptors_go_through", descriptors_go_through},
      {"program_is_unlinked", program_is_unlinked},
      {"lying_headers", lying_headers},
      {"program_shapes", program_shapes},
      {"types_that_xv6_runs", types_that_xv6_runs},
      {"reason_of_a_failed_exec", reason_of_a_failed_exec},
      {"wrong_entries_and_rights", wrong_entries_and_rights},
      {"overlapping_segments", overlapping_segments},
  };
  return tests;
}

}  // namespace systest
