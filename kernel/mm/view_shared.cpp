// SPDX-License-Identifier: MIT
#include "mm/view.hpp"

#if defined(BIFOLIUM_VIEW_SHARED)

#include "mm/kernel_space.hpp"

namespace mm {

Ppn SharedView::kernel_root(const State&, Ppn) { return kernel_space().root(); }
u64 SharedView::kernel_satp(const State&, Ppn) { return kernel_space().satp(); }

}  // namespace mm

#endif
