// SPDX-License-Identifier: MIT
// Strategy: exhaustive where the space is small. All 2^10 values of the low ten bits, all three levels and a set of
// frame numbers (0, 1, superpage edges, the 44-bit limit and beyond) go through every function; the independent
// software MMU says what hardware would do with each encoding. No maker may ever produce what it refuses.
#include "sv39/pte.hpp"

#include <gtest/gtest.h>

#include "model/software_mmu.hpp"

namespace {

using namespace sv39;
namespace bit = model::bit;

constexpr u64 frame_numbers[] = {0,
                                 1,
                                 511,
                                 512,
                                 513,
                                 0x80000,
                                 0x40000 - 1,
                                 0x40000,
                                 0x40000 * 3,
                                 (u64{1} << 44) - 0x40000,
                                 (u64{1} << 44) - 512,
                                 (u64{1} << 44) - 1};
constexpr Level levels[] = {Level::base, Level::mega, Level::giga};

Permissions all_permissions[] = {Permissions::read_only(), Permissions::read_write(), Permissions::read_execute(),
                                 Permissions::execute_only(), Permissions::read_write_execute()};

template <typename Visit>
void for_each_permission(Visit visit) {
  for (const Permissions base : all_permissions) {
    visit(base);
    visit(base.user());
    visit(base.global());
    visit(base.user().global());
  }
}

// What hardware says about an entry at `level`, whatever the access: walks to it through healthy tables.
bool hardware_can_use(u64 raw, Level level) {
  bool usable = false;
  for (const auto kind : {model::AccessKind::load, model::AccessKind::store, model::AccessKind::fetch}) {
    for (const auto privilege : {model::Privilege::user, model::Privilege::supervisor}) {
      const auto read = [&](u64 address) -> std::optional<u64> {
        const unsigned at = static_cast<unsigned>(address >> 12);  // tables live in frames 2, 1, 0: their level
        if (at > 2) return std::nullopt;                          // a pointer out of the three tables: usable
        if (at == static_cast<unsigned>(level)) return raw;
        return (u64{at - 1} << 10) | bit::v;
      };
      const auto walk = model::translate(read, 2 << 12, 0, kind, model::Context{privilege, true, true});
      usable = usable || walk.ok() || walk.fault == model::FaultKind::access ||
               walk.fault == model::FaultKind::accessed_dirty ||
               walk.steps > 3u - static_cast<unsigned>(level);  // got past the entry
    }
  }
  return usable;
}

TEST(Pte, ContiguousPagesAndMemoryTypesOnlyWhereHardwareHasThem) {
  const Extensions both = Extensions().with(Extension::contiguous_pages).with(Extension::memory_types);
  const u64 leaf = u64{0x80008} << 10 | 0xc7;
  const Pte napot = Pte::from_raw(leaf | pte_bit::contiguous);
  EXPECT_TRUE(napot.is_reserved_encoding(Level::base));
  EXPECT_FALSE(napot.is_reserved_encoding(Level::base, both));
  EXPECT_TRUE(napot.is_reserved_encoding(Level::base, Extensions().with(Extension::memory_types)));
  EXPECT_EQ(napot.page_of(VirtAddr(0x1'5000), Level::base, both).value(), 0x8000'5000U);
  EXPECT_EQ(napot.page_of(VirtAddr(0x1'5000), Level::base, {}).value(), 0x8000'8000U);
  // Every other value of the low four PPN bits, and every other level, stays reserved.
  for (u64 low = 0; low < 16; ++low) {
    const Pte other = Pte::from_raw((u64{0x80000} | low) << 10 | 0xc7 | pte_bit::contiguous);
    EXPECT_EQ(other.is_reserved_encoding(Level::base, both), low != 8);
  }
  EXPECT_TRUE(Pte::from_raw(u64{0x40000} << 10 | 0xc7 | pte_bit::contiguous).is_reserved_encoding(Level::mega, both));
  for (u64 type = 0; type < 4; ++type) {
    const Pte typed = Pte::from_raw(leaf | type << 61);
    EXPECT_EQ(typed.is_reserved_encoding(Level::base, both), type == 3);
    EXPECT_EQ(typed.is_reserved_encoding(Level::base), type != 0);
    EXPECT_EQ(Pte::from_raw(0x2000'0001 | type << 61).is_reserved_encoding(Level::giga, both), type != 0)
        << "a pointer";
  }
  EXPECT_TRUE(Pte::from_raw(leaf | u64{1} << 58).is_reserved_encoding(Level::base, both));
}

TEST(Pte, EveryEncodingIsClassifiedAsHardwareDoes) {
  for (const Level level : levels) {
    for (u64 low = 0; low < 1024; ++low) {
      for (const u64 frame : {u64{0x100}, u64{0x200}, u64{0x40000}}) {  // 4 KiB, 2 MiB and 1 GiB aligned
        const u64 raw = frame << 10 | low;
        const Pte pte = Pte::from_raw(raw);
        const bool reserved = pte.is_reserved_encoding(level);
        EXPECT_EQ(pte.is_valid(), (raw & 1) != 0);
        EXPECT_EQ(pte.is_leaf(), (raw & 1) != 0 && (raw & 0xe) != 0);
        EXPECT_EQ(pte.is_table(), (raw & 0xf) == 1);
        if (!pte.is_valid()) {
          EXPECT_FALSE(reserved);
          continue;
        }
        EXPECT_EQ(!reserved, hardware_can_use(raw, level))
            << "level " << static_cast<int>(level) << " raw " << std::hex << raw;
        for (unsigned b = 54; b < 64; ++b) EXPECT_TRUE(Pte::from_raw(raw | u64{1} << b).is_reserved_encoding(level));
      }
    }
  }
}

TEST(Pte, AccessorsReadTheirOwnBit) {
  for (u64 low = 0; low < 1024; ++low) {
    for (const u64 frame : frame_numbers) {
      const Pte pte = Pte::from_raw(frame << 10 | low);
      EXPECT_EQ(pte.raw(), frame << 10 | low);
      EXPECT_EQ(pte.ppn().value(), frame);
      EXPECT_EQ(pte.allows(Access::read), (low & bit::r) != 0);
      EXPECT_EQ(pte.allows(Access::write), (low & bit::w) != 0);
      EXPECT_EQ(pte.allows(Access::execute), (low & bit::x) != 0);
      EXPECT_EQ(pte.is_user(), (low & bit::u) != 0);
      EXPECT_EQ(pte.is_global(), (low & bit::g) != 0);
      EXPECT_EQ(pte.is_accessed(), (low & bit::a) != 0);
      EXPECT_EQ(pte.is_dirty(), (low & bit::d) != 0);
      EXPECT_EQ(pte.is_copy_on_write(), (low & 0x100) != 0);
      EXPECT_EQ(pte.permissions().bits(), low & (bit::r | bit::w | bit::x | bit::u | bit::g));
      EXPECT_EQ(pte.with_accessed().raw(), pte.raw() | bit::a);
      EXPECT_EQ(pte.without_accessed().raw(), pte.raw() & ~bit::a);
      EXPECT_EQ(pte.with_dirty().raw(), pte.raw() | bit::d);
      EXPECT_EQ(pte.without_dirty().raw(), pte.raw() & ~bit::d);
      EXPECT_EQ(pte.with_frame(Ppn(7)).raw(), (pte.raw() & 0x3ff) | 7 << 10);
      EXPECT_EQ(Pte::from_raw(pte.raw() | u64{1} << 63).ppn().value(), frame) << "upper bits are not the PPN's";
    }
  }
}

TEST(Pte, LeafBuildsOnlyWhatHardwareAcceptsAndSetsAccessedAndDirty) {
  for (const Level level : levels) {
    for (const u64 frame : frame_numbers) {
      for_each_permission([&](Permissions permissions) {
        const Pte pte = Pte::leaf(Ppn(frame), permissions, level);
        if (frame % pages_of(level) != 0) {
          EXPECT_EQ(pte, Pte()) << "V19: a misaligned superpage cannot be encoded";
          return;
        }
        EXPECT_TRUE(pte.is_leaf());
        EXPECT_FALSE(pte.is_reserved_encoding(level));
        EXPECT_EQ(pte.ppn().value(), frame);
        EXPECT_EQ(pte.permissions(), permissions);
        EXPECT_TRUE(pte.is_accessed()) << "V12";
        EXPECT_EQ(pte.is_dirty(), permissions.allows(Access::write)) << "V12";
        EXPECT_FALSE(pte.is_copy_on_write());
        EXPECT_EQ(pte.raw() >> 54, 0u);
      });
    }
  }
  EXPECT_EQ(Pte::leaf(Ppn(u64{1} << 44), Permissions::read_only()), Pte());
  EXPECT_EQ(Pte::leaf(Ppn(~u64{0}), Permissions::read_only()), Pte());
  EXPECT_EQ(Pte::table(Ppn(u64{1} << 44)), Pte());
}

TEST(Pte, TableHasNothingButItsPointer) {
  for (const u64 frame : frame_numbers) {
    const Pte pte = Pte::table(Ppn(frame));
    EXPECT_EQ(pte.raw(), frame << 10 | bit::v);
    EXPECT_TRUE(pte.is_table());
    EXPECT_FALSE(pte.is_reserved_encoding(Level::giga));
    EXPECT_FALSE(pte.is_reserved_encoding(Level::mega));
    EXPECT_TRUE(pte.is_reserved_encoding(Level::base));
  }
}

TEST(Pte, CopyOnWriteRoundTrip) {
  for_each_permission([&](Permissions permissions) {
    for (const Level level : levels) {
      const Pte pte = Pte::leaf(Ppn(0x40000), permissions, level);
      const Pte shared = pte.as_copy_on_write();
      EXPECT_FALSE(shared.is_reserved_encoding(level));
      EXPECT_FALSE(shared.allows(Access::write));
      EXPECT_FALSE(shared.is_dirty());
      EXPECT_EQ(shared.is_copy_on_write(), permissions.allows(Access::write));
      EXPECT_EQ(shared.as_copy_on_write(), shared) << "sharing twice is sharing";
      EXPECT_EQ(shared.as_private(), pte);
      EXPECT_EQ(pte.as_private(), pte);
      // A cleared A bit (pgaccess) survives sharing and comes back with a write.
      const Pte unseen = pte.without_accessed().as_copy_on_write();
      EXPECT_FALSE(unseen.is_accessed());
      if (permissions.allows(Access::write)) EXPECT_TRUE(unseen.as_private().is_accessed());
    }
  });
}

TEST(Pte, WithPermissionsNeverGivesWriteToASharedFrame) {
  for_each_permission([&](Permissions from) {
    for_each_permission([&](Permissions to) {
      const Pte plain = Pte::leaf(Ppn(0x200), from).with_permissions(to);
      EXPECT_EQ(plain.permissions(), to);
      EXPECT_EQ(plain.is_dirty(), to.allows(Access::write));
      EXPECT_EQ(plain.ppn().value(), 0x200u);
      EXPECT_FALSE(plain.is_copy_on_write());
      EXPECT_FALSE(plain.is_reserved_encoding(Level::mega));
      const Pte shared = Pte::leaf(Ppn(0x200), from).as_copy_on_write().with_permissions(to);
      if (from.allows(Access::write)) {
        EXPECT_FALSE(shared.allows(Access::write));
        EXPECT_EQ(shared.is_copy_on_write(), to.allows(Access::write));
        EXPECT_EQ(shared.permissions(), to.without_write());
      }
      EXPECT_EQ(Pte::leaf(Ppn(0x200), from).without_accessed().with_permissions(to).is_accessed(), false);
    });
  });
}

TEST(Pte, MirrorHasNeitherUserNorExecute) {
  for (u64 low = 0; low < 1024; ++low) {
    const Pte pte = Pte::from_raw(u64{0x200} << 10 | low);
    const Pte mirror = pte.as_mirror();
    if ((low & bit::u) == 0 || (low & bit::r) == 0) {
      EXPECT_EQ(mirror, Pte());
      continue;
    }
    EXPECT_EQ(mirror.raw(), pte.raw() & ~(bit::u | bit::x));
  }
}

TEST(Permissions, FactoriesAndModifiers) {
  static_assert(Permissions::read_only().bits() == bit::r);
  static_assert(Permissions::read_write().bits() == (bit::r | bit::w));
  static_assert(Permissions::read_execute().bits() == (bit::r | bit::x));
  static_assert(Permissions::execute_only().bits() == bit::x);
  static_assert(Permissions::read_write_execute().bits() == (bit::r | bit::w | bit::x));
  for_each_permission([](Permissions p) {
    EXPECT_TRUE(!p.allows(Access::write) || p.allows(Access::read)) << "W without R cannot be said";
    EXPECT_NE(p.bits() & (bit::r | bit::w | bit::x), 0u);
    EXPECT_TRUE(p.user().is_user());
    EXPECT_FALSE(p.supervisor().is_user());
    EXPECT_TRUE(p.global().is_global());
    EXPECT_FALSE(p.without_write().allows(Access::write));
    EXPECT_EQ(p.without_write().allows(Access::read), p.allows(Access::read));
    EXPECT_EQ(p.user().supervisor(), p.supervisor());
  });
}

// The whole life of an entry as constant expressions: the header needs no machine.
static_assert(Pte() == Pte::from_raw(0) && !Pte().is_valid());
static_assert(Pte::leaf(Ppn(0x80000), Permissions::read_write().user()).raw() == 0x200000d7);
static_assert(Pte::table(Ppn(0x80001)).raw() == 0x20000401);
static_assert(Pte::leaf(Ppn(1), Permissions::read_only(), Level::mega) == Pte());

}  // namespace
