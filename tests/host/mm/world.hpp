// SPDX-License-Identifier: MIT
#pragma once
// A small world of processes for random tests of kernel/mm: the real address spaces on a simulated machine, and beside
// each of them an oracle in ordinary containers that says what every byte and every answer must be. One step is one
// operation chosen by Choices; World::problem() is the first disagreement, with the operations that led to it.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mm/choices.hpp"
#include "mm/fake_file.hpp"
#include "mm/machine.hpp"

namespace mm_test {

struct WorldOptions {
  MachineOptions machine;
  unsigned harts = 3;
  unsigned most_spaces = 5;
  bool inject_failures = true;
  /// After each step the touched process's regions and some of its pages are compared and the TLBs judged; every so
  /// many steps all bytes of all spaces are compared, and the invariants are checked.
  unsigned verify_every = 256;
  unsigned check_every = 32;
};

class World {
 public:
  World(Choices& choices, WorldOptions options = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// One operation and the checks that follow it. False once something disagrees.
  bool step();
  /// Ends every process; then every frame must be back.
  bool finish();
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] u64 steps() const { return steps_; }
  /// How often each operation ran, by name; for showing that all of them do.
  [[nodiscard]] const std::map<std::string, u64>& coverage() const { return coverage_; }

 private:
  using Bytes = std::shared_ptr<PageBytes>;

  struct RefRegion {
    u64 begin = 0;
    u64 end = 0;
    RegionKind kind = RegionKind::anonymous;
    Sharing sharing = Sharing::private_copy;
    bool read = false, write = false, execute = false;
    FakeFile* file = nullptr;
    u64 first_page = 0;
    [[nodiscard]] bool is_mmap() const { return kind == RegionKind::anonymous || kind == RegionKind::file; }
    [[nodiscard]] bool allows(model::AccessKind kind_of_access) const;
  };
  struct Process {
    AddressSpace* space = nullptr;
    SpaceOwner owner{};
    std::map<u64, RefRegion> regions;  // by begin
    std::map<u64, Bytes> pages;  // by page number: private or shared memory that is not zero or not a file's
    u64 program_break = 0;
    int hart = -1;  // where it runs; -1: nowhere
    std::byte marker{};  // what its USYSCALL page holds
  };

  // Operations (world_operations.cpp). Each says in log_ what it does.
  void do_exec();
  void do_fork();
  void do_exit();
  void do_grow();
  void grow(Process& process, u64 bytes, Growth growth);
  void shrink(Process& process, u64 bytes);
  void do_map_anonymous();
  void do_map_file();
  void do_unmap();
  void do_access();
  void do_copy_out();
  void do_copy_in();
  void do_copy_string();
  void do_schedule();
  void do_take_accessed();
  void do_logical_pte();
  void do_write_file();
  void do_look();
  void do_asid_churn();

  // The oracle (world.cpp).
  [[nodiscard]] RefRegion* region_at(Process& process, u64 va);
  void erase_pages(Process& process, u64 begin, u64 end);
  void cut_regions(Process& process, u64 begin, u64 end);
  [[nodiscard]] const PageBytes* bytes_at(Process& process, u64 va, RefRegion& region);
  [[nodiscard]] PageBytes& writable_bytes(Process& process, u64 va, RefRegion& region);
  [[nodiscard]] u64 allowed_run(Process& process, u64 va, u64 bytes, model::AccessKind kind);
  [[nodiscard]] bool beyond_file(const RefRegion& region, u64 va) const;
  [[nodiscard]] u64 lowest_mapping(const Process& process) const;
  [[nodiscard]] bool overlaps(const Process& process, u64 begin, u64 end) const;

  // Helpers.
  Process* any_process();
  Process* running_process();
  void run_on(Process& process, unsigned hart);
  void stop(Process& process);
  void end(std::size_t index);
  u64 interesting_address(Process& process);  // for an operation: remembered for verify_touched
  u64 any_address(Process& process);
  u64 interesting_length();
  RefRegion* any_mmap(Process& process);
  Permissions any_permissions(RefRegion& region);
  bool arm_failure();
  /// Whether "no memory" is a fair answer: an injected failure, or hardly a frame left.
  bool memory_may_fail(u64 wanted);
  bool has_free_run(u64 count);
  void verify_region(Process& process, const RefRegion& region);
  void verify_regions(Process& process);
  bool verify_page(Process& process, u64 va, RefRegion& region);
  void verify_bytes(Process& process);
  void verify_all();
  void verify_touched();
  void check_invariants_now();
  void see_between_parts();
  void speculate();
  void fail(std::string what);
  void expect(bool condition, const char* what);
  void say(const char* format, ...) __attribute__((format(printf, 2, 3)));

  Choices& choices_;
  WorldOptions options_;
  Machine machine_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<std::unique_ptr<FakeFile>> files_;
  u64 free_at_start_ = 0;
  u64 steps_ = 0;
  u64 exec_count_ = 0;
  bool armed_ = false;
  Process* touched_ = nullptr;  // what the operation worked on last; it may have ended
  u64 touched_address_ = 0;
  std::string problem_;
  std::vector<std::string> log_;
  std::map<std::string, u64> coverage_;
};

}  // namespace mm_test
