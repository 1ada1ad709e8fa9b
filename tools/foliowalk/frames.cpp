// SPDX-License-Identifier: MIT
#include "tools/foliowalk/frames.hpp"

#include <algorithm>

#include "tools/foliowalk/ranges.hpp"

namespace foliowalk {
namespace {

using sv39::page_size;

/// A supervisor mapping that is part of a direct map says nothing about who uses the frame.
bool is_direct_map(const Leaf& leaf) { return leaf.va == leaf.pa || leaf.va >= sv39::upper_half_begin; }

class Uses {
 public:
  explicit Uses(const Scene& scene) : scene_(scene), namer_(scene), uses_(scene.ram_size / page_size) {}

  std::vector<FrameUse> run() {
    if (scene_.kernel_image) {
      const auto [begin, end] = *scene_.kernel_image;
      for (u64 pa = begin; pa < end && scene_.in_ram(pa); pa += page_size) at(pa).kind = FrameKind::kernel_data;
    }
    for (const KernelPart& part : scene_.kernel_parts) note(part);
    for (usize i = 0; i < scene_.spaces.size(); ++i) {
      for (const Leaf& leaf : scene_.spaces[i].tree.leaves) note(leaf, static_cast<u16>(i));
    }
    // Tables last: a table frame that someone also maps still shows as a table; lint tells of the mapping.
    for (usize i = 0; i < scene_.spaces.size(); ++i) {
      for (const Node& node : scene_.spaces[i].tree.nodes) note(node, static_cast<u16>(i));
    }
    for (usize i = 0; i < std::min(uses_.size(), scene_.records.frames.size()); ++i)
      note(uses_[i], scene_.records.frames[i]);
    return std::move(uses_);
  }

 private:
  static bool is_kernel_table(const Space& space) {
    return space.role == Role::kernel || space.role == Role::process_kernel;
  }

  FrameUse& at(u64 pa) { return uses_[(pa - scene_.ram_base) / page_size]; }

  void note(const KernelPart& part) {
    const auto kind_of = [](PartKind kind) {
      switch (kind) {
        case PartKind::text: return FrameKind::kernel_text;
        case PartKind::buffers: return FrameKind::buffers;
        case PartKind::pipe: break;
      }
      return FrameKind::pipe;
    };
    for (u64 pa = part.begin - part.begin % page_size; pa < part.end && scene_.in_ram(pa); pa += page_size) {
      at(pa).kind = kind_of(part.kind);
    }
  }

  static bool is_of_image(FrameKind kind) { return kind == FrameKind::kernel_data || kind == FrameKind::kernel_text; }

  void note(const Leaf& leaf, u16 owner) {
    const bool user = leaf.pte & sv39::pte_bit::user;
    const Space& space = scene_.spaces[owner];
    const bool is_stack = !user && leaf.level == 0 && leaf.va != leaf.pa && is_kernel_table(space) &&
                          namer_.purpose(space, leaf).region == "kernel stack";
    if (!user && !is_stack && is_direct_map(leaf)) return;
    for (u64 offset = 0; offset < leaf.bytes(); offset += page_size) {
      const u64 pa = leaf.pa + offset;
      if (!scene_.in_ram(pa)) return;
      FrameUse& use = at(pa);
      if (user) {
        ++use.mappings;
        if (!is_of_image(use.kind)) use.kind = use.mappings > 1 ? FrameKind::shared : FrameKind::user;
        if (use.mappings == 1) use.owner = owner;
      } else if (use.kind == FrameKind::unmapped) {
        use.kind = is_stack ? FrameKind::kernel_stack : FrameKind::supervisor;
        use.owner = owner;
      }
      use.level = leaf.level;
      use.accessed |= (leaf.pte & sv39::pte_bit::accessed) != 0;
      use.dirty |= (leaf.pte & sv39::pte_bit::dirty) != 0;
    }
  }

  void note(const Node& node, u16 owner) {
    if (!scene_.in_ram(node.pa)) return;
    FrameUse& use = at(node.pa);
    if (use.kind == FrameKind::table) return;
    use.kind = FrameKind::table;
    use.owner = owner;
    use.level = node.level;
  }

  /// What the tables leave open, the kernel's own records settle.
  static void note(FrameUse& use, const FrameRecord& record) {
    use.references = record.references;
    if (use.kind != FrameKind::unmapped) return;
    switch (record.state) {
      case FrameState::free: use.kind = FrameKind::free; break;
      case FrameState::table: use.kind = FrameKind::table; break;  // in deposit for the split of a superpage
      case FrameState::file: use.kind = FrameKind::file; break;
      case FrameState::kernel:
      case FrameState::reserved: use.kind = FrameKind::kernel; break;
      case FrameState::user:
      case FrameState::unknown: break;
    }
  }

  const Scene& scene_;
  Namer namer_;
  std::vector<FrameUse> uses_;
};

}  // namespace

std::string_view name_of(FrameKind kind) {
  switch (kind) {
    case FrameKind::unmapped: return "unmapped";
    case FrameKind::kernel_data: return "kernel data";
    case FrameKind::table: return "page table";
    case FrameKind::user: return "user";
    case FrameKind::shared: return "shared";
    case FrameKind::supervisor: return "supervisor";
    case FrameKind::free: return "free";
    case FrameKind::kernel: return "kernel";
    case FrameKind::file: return "file";
    case FrameKind::kernel_text: return "kernel text";
    case FrameKind::kernel_stack: return "kernel stack";
    case FrameKind::buffers: return "disk buffers";
    case FrameKind::pipe: return "pipe";
  }
  return "?";
}

std::vector<FrameUse> frame_uses(const Scene& scene) { return Uses(scene).run(); }

std::vector<FrameUser> users_of_frame(const Scene& scene, u64 pa) {
  pa -= pa % page_size;
  std::vector<FrameUser> users;
  for (const Space& space : scene.spaces) {
    for (const Node& node : space.tree.nodes) {
      if (node.pa == pa) users.push_back({&space, node.va, 0, node.level, true});
    }
    for (const Leaf& leaf : space.tree.leaves) {
      if (pa >= leaf.pa && pa - leaf.pa < leaf.bytes()) {
        users.push_back({&space, leaf.va + (pa - leaf.pa), leaf.pte, leaf.level, false});
      }
    }
  }
  return users;
}

}  // namespace foliowalk
