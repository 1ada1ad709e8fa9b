// Strategy: tests/host/mm/world_test.cpp's, in the view `mirrored`.
#define WORLD_DIVISOR 4
#include "mm/world_test.cpp"
