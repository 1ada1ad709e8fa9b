// Strategy: tests/host/mm/address_space_test.cpp's, in the view `shared`.
#include "mm/address_space_test.cpp"
