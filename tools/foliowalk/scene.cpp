// SPDX-License-Identifier: MIT
#include "tools/foliowalk/scene.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace foliowalk {

std::string Space::title() const {
  switch (role) {
    case Role::kernel: return "kernel";
    case Role::process: return fmt::format("{} {}", process->pid, process->name);
    case Role::process_kernel: return fmt::format("{} {} (kernel table)", process->pid, process->name);
    case Role::other: return id;
  }
  return id;
}

const Space* Scene::find(std::string_view id) const {
  const auto found = std::ranges::find(spaces, id, &Space::id);
  return found == spaces.end() ? nullptr : &*found;
}

namespace {

double cpu_milliseconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

class Capture {
 public:
  explicit Capture(Source& source) : source_(source) {}

  Scene run() {
    scene_.time = std::chrono::system_clock::now();
    scene_.ram_base = source_.ram->base();
    scene_.ram_size = source_.ram->size();
    scene_.extensions = source_.ram->extensions();
    read_harts();
    const auto begin = std::chrono::steady_clock::now();
    const double cpu_begin = cpu_milliseconds();
    mode_ = choose_mode();
    for (int attempt = 0; attempt < 4; ++attempt) {
      read_tables();
      if (kernel_still_holds()) break;
    }
    add_roots_of_satp();
    note_active_harts();
    scene_.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    scene_.cpu_milliseconds = cpu_milliseconds() - cpu_begin;
    return std::move(scene_);
  }

 private:
  void read_harts() {
    scene_.harts = source_.saved_harts;
    if (!source_.machine) return;
    if (auto harts = source_.machine->harts())
      scene_.harts = std::move(*harts);
    else
      scene_.warnings.push_back(harts.error().message);
  }

  Mode choose_mode() const {
    if (source_.mode) return *source_.mode;
    for (const Hart& hart : scene_.harts) {
      if (hart.satp.mode() != Mode::bare) return hart.satp.mode();
    }
    for (const u64 raw : source_.extra_satps) {
      if (Satp{raw}.mode() != Mode::bare) return Satp{raw}.mode();
    }
    return Mode::sv39;
  }

  void read_tables() {
    scene_.spaces.clear();
    kernel_tree_ = nullptr;
    if (!source_.image) return;
    scene_.kernel_image.emplace(source_.image->physical_begin(), source_.image->physical_end());
    memory_.emplace(*source_.ram, *source_.image);
    if (source_.profile) read_spaces();
  }

  /// The kernel's tables were read once, at the beginning, for all the spaces that borrowed from them.
  bool kernel_still_holds() {
    if (!kernel_tree_ || kernel_tree_->torn || is_unchanged(*source_.ram, *kernel_tree_)) return true;
    for (Space& space : scene_.spaces) space.tree.torn |= std::ranges::any_of(space.tree.nodes, &Node::borrowed);
    return false;
  }

  void read_spaces() {
    const Profile& profile = *source_.profile;
    scene_.family = profile.family();
    scene_.notes = profile.notes();
    if (const auto root = profile.kernel_root(*memory_)) {
      Space& kernel = add("kernel", Role::kernel, *root);
      kernel_tree_ = std::make_unique<Tree>(kernel.tree);
      memory_->set_kernel_tree(kernel_tree_.get());
    }
    // Before the slots are read: who comes while they are read counts for the next look.
    scene_.next_pid = profile.next_pid(*memory_);
    scene_.kernel_parts = kernel_parts(*memory_);
    const u64 slots = profile.slots(*memory_);
    for (u64 slot = 0; slot < slots; ++slot) read_process(slot);
    if (profile.family() == Family::bifolium) {
      memory_->refresh();
      scene_.counters = bifolium_counters(*memory_);
      scene_.records = bifolium_frames(*memory_, *source_.ram);
    }
  }

  /// A process may exit, exec or be replaced while we read its tables: what the process table said before must still
  /// be true afterwards, or the tables were not this process's.
  void read_process(u64 slot) {
    const Profile& profile = *source_.profile;
    for (int attempt = 0; attempt < 4; ++attempt) {
      memory_->refresh();
      const auto before = profile.process(*memory_, slot);
      if (!before) return;
      const usize kept = scene_.spaces.size();
      add(fmt::format("{}", before->pid), Role::process, before->root).process = before;
      if (before->kernel_root != 0 && before->kernel_root != before->root) {
        add(fmt::format("{}.kernel", before->pid), Role::process_kernel, before->kernel_root).process = before;
      }
      memory_->refresh();
      const auto after = profile.process(*memory_, slot);
      if (after && after->same_tables(*before)) return;
      scene_.spaces.resize(kept);
      ++scene_.lost_races;
    }
  }

  Space& add(std::string id, Role role, u64 root) {
    Space& space = scene_.spaces.emplace_back();
    space.id = std::move(id);
    space.role = role;
    if (root != 0) space.tree = read_tree(*source_.ram, root, mode_, kernel_tree_.get());
    return space;
  }

  /// Roots that are in use or were given by hand, but which no process table names.
  void add_roots_of_satp() {
    std::vector<Satp> satps;
    for (const u64 raw : source_.extra_satps) satps.push_back({raw});
    // Without the kernel's own root, a root that is nobody's is most likely that.
    const bool named_spaces =
        std::ranges::any_of(scene_.spaces, [](const Space& space) { return space.role == Role::kernel; });
    for (const Hart& hart : scene_.harts) {
      // With a process table at hand, an unknown root is for lint to judge, unless it lies in the kernel's own image
      // (a boot table).
      if (!named_spaces || (scene_.kernel_image && hart.satp.root() >= scene_.kernel_image->first &&
                            hart.satp.root() < scene_.kernel_image->second)) {
        satps.push_back(hart.satp);
      }
    }
    for (const Satp satp : satps) {
      if (satp.mode() == Mode::bare) continue;
      const bool known = std::ranges::any_of(scene_.spaces, [&](const Space& s) { return s.tree.root == satp.root(); });
      if (known) continue;
      Space& space = add(fmt::format("satp:{:#x}", satp.root()), Role::other, satp.root());
      if (satp.mode() != mode_) space.tree = read_tree(*source_.ram, satp.root(), satp.mode());
    }
  }

  void note_active_harts() {
    for (const Hart& hart : scene_.harts) {
      if (hart.satp.mode() == Mode::bare) continue;
      for (Space& space : scene_.spaces) {
        if (space.tree.root == hart.satp.root()) space.harts.push_back(hart.index);
      }
    }
  }

  Source& source_;
  Scene scene_;
  Mode mode_ = Mode::sv39;
  std::optional<KernelMemory> memory_;
  std::unique_ptr<Tree> kernel_tree_;
};

}  // namespace

Scene capture(Source& source) { return Capture(source).run(); }

namespace {

Outcome<const Space*> find_by_name(const Scene& scene, std::string_view text) {
  const Space* named = nullptr;
  for (const Space& space : scene.spaces) {
    if (space.role != Role::process || !space.process || space.process->name != text) continue;
    if (named) return fail(fmt::format("more than one process is called {}: give its number (see ps)", text));
    named = &space;
  }
  if (named) return named;
  std::string known;
  for (const Space& space : scene.spaces) known += (known.empty() ? "" : ", ") + space.id;
  return fail(fmt::format("no such process or table: {} (there are: {})", text, known.empty() ? "none" : known));
}

}  // namespace

Outcome<const Space*> find_space(const Scene& scene, std::string_view text) {
  const Space* exact = scene.find(text);
  const auto space = exact ? Outcome<const Space*>(exact) : find_by_name(scene, text);
  if (space && !(*space)->has_tables()) {
    return fail(fmt::format("process {} has no page tables ({})", (*space)->title(), (*space)->process->state));
  }
  return space;
}

}  // namespace foliowalk
