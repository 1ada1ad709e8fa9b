// SPDX-License-Identifier: MIT
#include "mm/space_list.hpp"

#include "lib/intrusive_list.hpp"
#include "sync/spinlock.hpp"

namespace mm {

namespace {

constinit locks::SpinLock lock{"spaces", locks::Rank::memory};
constinit lib::IntrusiveList<AddressSpace, &AddressSpace::all_link> spaces SYNC_GUARDED_BY(lock);

}  // namespace

void add_to_all_spaces(AddressSpace& space) {
  const locks::Guard guard(lock);
  spaces.push_back(space);
}

void remove_from_all_spaces(AddressSpace& space) {
  const locks::Guard guard(lock);
  spaces.erase(space);
}

lib::Result<u64> check_all_spaces(TextSink report) SYNC_NO_ANALYSIS {
  // No lock: nobody else runs, and the checker allocates and prints.
  AddressSpace* at = spaces.front();
  const SpaceIterator each{[](void* context) {
                             AddressSpace*& next = *static_cast<AddressSpace**>(context);
                             AddressSpace* const found = next;
                             if (found != nullptr) next = spaces.next(*found);
                             return found;
                           },
                           &at};
  return check_invariants(each, report);
}

}  // namespace mm
