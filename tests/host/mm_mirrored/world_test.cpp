// Strategy: tests/host/mm/world_test.cpp's, in the view `mirrored`.
#include "mm/world_test.cpp"
