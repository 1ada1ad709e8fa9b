// Strategy: tests/host/mm/address_space_test.cpp's, in the view `mirrored`.
#include "mm/address_space_test.cpp"
