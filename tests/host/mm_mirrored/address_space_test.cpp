// SPDX-License-Identifier: MIT
// Strategy: that of tests/host/mm/address_space, in the view `mirrored`.
#include "mm/address_space/addresses_test.cpp"
#include "mm/address_space/cow_test.cpp"
#include "mm/address_space/exhaustion_test.cpp"
#include "mm/address_space/fences_test.cpp"
#include "mm/address_space/files_test.cpp"
#include "mm/address_space/growth_test.cpp"
#include "mm/address_space/lazy_test.cpp"
#include "mm/address_space/order_test.cpp"
#include "mm/address_space/program_test.cpp"
#include "mm/address_space/shown_test.cpp"
#include "mm/address_space/superpages_test.cpp"
