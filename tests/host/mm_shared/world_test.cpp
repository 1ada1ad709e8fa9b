// Strategy: tests/host/mm/world_test.cpp's, in the view `shared`.
#include "mm/world_test.cpp"
