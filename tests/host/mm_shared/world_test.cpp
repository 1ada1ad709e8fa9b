// Strategy: tests/host/mm/world_test.cpp's, in the view `shared`.
#define WORLD_DEFAULT_OPERATIONS 50000
#include "mm/world_test.cpp"
