// SPDX-License-Identifier: MIT
#pragma once
// A cursor over an address space that runs on hart 0 of the models, for the tests of the cursor.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/paging_kit.hpp"
#include "sv39/cursor.hpp"

namespace sv39 {

using Batch = TlbBatch<model::ModelTlb, model::DataFrames>;

class CursorKit {
 protected:
  explicit CursorKit(u64 arena_bytes)
      : arena_(arena_bytes),
        tables_(arena_),
        model_(arena_, [this](u64 physical) { return tables_.is_free(physical) || data_.is_free(physical); }),
        tlb_{&model_, 0, Asid{1}},
        root_(tables_.take_root()),
        cursor_(model::HostMemory{&arena_, &writes_}, root_) {
    model_.activate(0, root_.address().value(), 1);
  }

  // What must hold at any time.
  void expect_no_complaints() {
    EXPECT_EQ(model_.violations(), std::vector<std::string>{});
    EXPECT_EQ(tables_.complaints(), std::vector<std::string>{});
    EXPECT_EQ(tables_.unused_reservations(), 0u);
    EXPECT_EQ(data_.double_frees(), 0u);
  }

  // Everything goes: afterwards only the root is left.
  void tear_down_space() {
    for (const VirtAddr begin : {VirtAddr(0), VirtAddr(upper_half_begin)}) {
      const VirtRange half = *VirtRange::from(begin, user_half_end);
      {
        Batch batch(tlb_, data_);
        cursor_.unmap(half, tables_, batch);
      }
      free_tables(half);
    }
    EXPECT_EQ(tables_.in_use(), 1u) << "only the root";
    EXPECT_EQ(tables_.deposited(), 0u);
  }

  // As the kernel does it: no hart runs on a space whose tables go, and the fence is owed before it would again.
  void free_tables(VirtRange of) {
    model_.deactivate(0);
    EXPECT_FALSE(cursor_.free_tables(of, tables_).has_value());
    tlb_.fence_space();
    model_.activate(0, root_.address().value(), 1);
  }

  model::Arena arena_;
  u64 writes_ = 0;
  model::TableFrames tables_;
  model::DataFrames data_;
  model::TlbModel model_;
  model::ModelTlb tlb_;
  Ppn root_;
  Cursor<model::HostMemory> cursor_;
};

}  // namespace sv39
