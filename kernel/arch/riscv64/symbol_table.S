// SPDX-License-Identifier: MIT
# The place for the table that lib/symbols.hpp describes, between symbol_table_start and symbol_table_end
# (kernel.ld.in). Zero as linked (no symbols); tools/guest/symbols.py fills it in the ELF file, which moves nothing.
  .section .symbol_table, "a"
  .balign 8
  .skip 64 * 1024
