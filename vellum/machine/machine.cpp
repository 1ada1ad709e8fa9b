// SPDX-License-Identifier: MIT
#include "vellum/machine/machine_impl.hpp"

namespace vellum {

template class Machine<Unobserved>;

}  // namespace vellum
