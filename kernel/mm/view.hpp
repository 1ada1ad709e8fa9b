// SPDX-License-Identifier: MIT
#pragma once
// How the kernel sees user memory: a policy chosen when the kernel is compiled, three of them from one source.
//
//             kernel runs on            user copy                     a trap, a switch
//   shared    one table for all         walk in software              trampoline changes satp twice; no switch
//   mirrored  a table per process       plain access to the mirror    the same, and satp at each switch
//   unified   the user's own table      plain access inside SUM       nothing; satp with ASID at each switch
//
// docs/views.md draws them.

#include <concepts>

#include "abi/vmstat.hpp"
#include "lib/result.hpp"
#include "sv39/page_table.hpp"

#if defined(BIFOLIUM_VIEW_SHARED)
#include "mm/view_shared.hpp"
namespace mm {
using View = SharedView;
}
#elif defined(BIFOLIUM_VIEW_MIRRORED)
#include "mm/view_mirrored.hpp"
namespace mm {
using View = MirroredView;
}
#else
#include "mm/view_unified.hpp"
namespace mm {
using View = UnifiedView;
}
#endif

namespace mm {

using ViewState = View::State;

/// What a view must offer. All functions are static; `State` is the view's part of an address space.
///   twin_limit(level, va)          how many entries of a new user table there a kernel-side twin mirrors; 0: no twin
///   prepare_twin, clear_twin       what a new twin holds besides the mirror, and its removal
///   entry_changed(node, i, pte)    called after every store to a user table, by the one function that stores
///   init()                         once at boot, on the first hart
///   attach(state, root, owner)     makes the kernel side of a new, empty space; all or nothing
///   detach(state, root)            frees it; user mappings are gone, no hart runs on it
///   switch_in(state, root)         puts the hart on the space's table and does the fences that it owes, in this order;
///                                  or returns the satp that arch_switch_context is to write, and to fence after
///   switch_to_kernel()             the same for the kernel's own table
///   user_satp, kernel_satp         what the trampoline loads (0 where it loads nothing)
///   fence_page, fence_space        this hart now, other harts before they use the space again
///   read, write, read_string       user bytes from or to kernel memory as far as the table permits; bytes NOT copied
template <class V>
concept KernelView = requires(typename V::State& state, Ppn root, const SpaceOwner& owner, sv39::PageTable& node,
                              sv39::Pte pte, VirtAddr va, void* to, const void* from, char* text, bool& ended) {
  { V::kind } -> std::convertible_to<abi::ViewKind>;
  { V::twin_limit(Level::base, va) } -> std::same_as<u32>;
  V::prepare_twin(node, 0U);
  V::clear_twin(node, 0U);
  V::entry_changed(node, 0U, pte);
  V::init();
  { V::attach(state, root, owner) } -> std::same_as<lib::Result<void>>;
  V::detach(state, root);
  { V::switch_in(state, root) } -> std::same_as<u64>;
  { V::switch_to_kernel() } -> std::same_as<u64>;
  { V::user_satp(state, root) } -> std::same_as<u64>;
  { V::kernel_satp(state, root) } -> std::same_as<u64>;
  V::fence_page(state, va);
  V::fence_space(state);
  { V::read(root, to, va, usize{}) } -> std::same_as<usize>;
  { V::write(root, va, from, usize{}) } -> std::same_as<usize>;
  { V::read_string(root, text, va, usize{}, ended) } -> std::same_as<usize>;
};
static_assert(KernelView<View>);

}  // namespace mm
