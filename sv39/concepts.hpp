// SPDX-License-Identifier: MIT
#pragma once
// The three seams of sv39/. In the kernel they cost nothing; on the host they are an arena, a frame source that fails
// at the n-th call, and a TLB model that remembers everything it ever served.

#include <concepts>
#include <expected>
#include <optional>

#include "sv39/page_table.hpp"

namespace sv39 {

/// Physical memory as the owner of trusted tables sees it. Held by value in a cursor: make it a handle.
///   table(ppn)                 the node in that frame
///   write(table, index, pte)   THE place where an entry of these tables changes (the mirrored view hooks in here)
template <class M>
concept PhysicalMemory =
    std::copyable<M> && requires(const M memory, Ppn ppn, PageTable& table, unsigned index, Pte pte) {
      { memory.table(ppn) } -> std::same_as<PageTable&>;
      memory.write(table, index, pte);
    };

/// Physical memory as a stranger sees it (panic screen, explorer): any frame number may turn up, none may be believed.
///   read(pa)   the 8 bytes at pa, or nothing where there is no memory
template <class M>
concept PhysicalReader = requires(const M& memory, PhysAddr pa) {
  { memory.read(pa) } -> std::same_as<std::optional<u64>>;
};

/// Where tables come from and go to. Reserving is separate from using, so that an operation can promise first.
///   want(level, va)        one table at `level` covering `va` will be needed
///   reserve()              sets aside all that is wanted so far, or nothing
///   take(level, va)        one of those set aside, zero-filled; cannot fail
///   give_back(table)       a table that is all zero again
///   deposit(upper, table)  keeps `table` for a superpage leaf in the level-1 node `upper` ...
///   withdraw(upper)        ... and hands out one of those kept there
///   leaves_are_gone        optional constant: free_tables() need not look into level-0 nodes for leaves left behind
///   splitting(ppn)         the superpage that begins at frame `ppn` is about to be mapped in parts (reference counts)
template <class F>
concept FrameSource = requires(F& frames, Level level, VirtAddr va, Ppn ppn) {
  frames.want(level, va);
  { frames.reserve() } -> std::same_as<std::expected<void, Error>>;
  { frames.take(level, va) } -> std::same_as<Ppn>;
  frames.give_back(ppn);
  frames.deposit(ppn, ppn);
  { frames.withdraw(ppn) } -> std::same_as<Ppn>;
  frames.splitting(ppn);
};

/// Fences for one address space on this hart, and whatever keeps the other harts from using what they cached.
///   fence_page(va)   forget translations of the page (or of a superpage: any address in it)
///   fence_space()    forget every translation of the address space (sfence.vma with rs1 = x0)
template <class T>
concept Tlb = requires(T& tlb, VirtAddr va) {
  tlb.fence_page(va);
  tlb.fence_space();
};

/// Takes frames whose mapping is gone and fenced.
template <class S>
concept FrameSink = requires(S& sink, Ppn ppn, Level level) { sink.release(ppn, level); };

}  // namespace sv39
