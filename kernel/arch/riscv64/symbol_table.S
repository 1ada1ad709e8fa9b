# The place for the table that lib/symbols.hpp describes. Zero as linked (no symbols); tools/guest/symbols.py fills it.
# Read-only data behind the text, so filling it moves no code.
  .section .symbols, "a"
  .balign 8
  .globl kernel_symbols
kernel_symbols:
  .skip 64 * 1024
  .globl kernel_symbols_end
kernel_symbols_end:
