// SPDX-License-Identifier: MIT
#pragma once
// The numbers of DWARF that the reader knows by name (DWARF 5, section 7; the same in earlier versions).

#include "vellum/debug/result.hpp"

namespace vellum::debug {

/// Section 7.5.3: what an entry stands for.
namespace tag {
inline constexpr u16 array_type = 0x01, class_type = 0x02, enumeration_type = 0x04, formal_parameter = 0x05,
                     lexical_block = 0x0b, member = 0x0d, pointer_type = 0x0f, reference_type = 0x10,
                     compile_unit = 0x11, structure_type = 0x13, subroutine_type = 0x15, type_alias = 0x16,
                     union_type = 0x17, inheritance = 0x1c, inlined_subroutine = 0x1d, pointer_to_member = 0x1f,
                     subrange_type = 0x21, base_type = 0x24, const_type = 0x26, enumerator = 0x28, subprogram = 0x2e,
                     variable = 0x34, volatile_type = 0x35, restrict_type = 0x37, interface_type = 0x38,
                     namespace_ = 0x39, unspecified_type = 0x3b, partial_unit = 0x3c, shared_type = 0x40,
                     type_unit = 0x41, rvalue_reference_type = 0x42, template_alias = 0x43, atomic_type = 0x47,
                     skeleton_unit = 0x4a, immutable_type = 0x4b;
}

/// Section 7.5.4: attributes.
namespace at {
inline constexpr u16 sibling = 0x01, location = 0x02, name = 0x03, byte_size = 0x0b, bit_offset = 0x0c, bit_size = 0x0d,
                     stmt_list = 0x10, low_pc = 0x11, high_pc = 0x12, comp_dir = 0x1b, const_value = 0x1c,
                     lower_bound = 0x22, bit_stride = 0x2e, upper_bound = 0x2f, abstract_origin = 0x31, count = 0x37,
                     data_member_location = 0x38, declaration = 0x3c, encoding = 0x3e, external = 0x3f,
                     specification = 0x47, type = 0x49, byte_stride = 0x51, ranges = 0x55, call_column = 0x57,
                     call_file = 0x58, call_line = 0x59, signature = 0x69, data_bit_offset = 0x6b, linkage_name = 0x6e,
                     str_offsets_base = 0x72, addr_base = 0x73, rnglists_base = 0x74, loclists_base = 0x8c,
                     gnu_vector = 0x2107;
}

/// Section 7.5.6: how an attribute's value is written.
namespace form {
inline constexpr u16 addr = 0x01, block2 = 0x03, block4 = 0x04, data2 = 0x05, data4 = 0x06, data8 = 0x07, string = 0x08,
                     block = 0x09, block1 = 0x0a, data1 = 0x0b, flag = 0x0c, sdata = 0x0d, strp = 0x0e, udata = 0x0f,
                     ref_addr = 0x10, ref1 = 0x11, ref2 = 0x12, ref4 = 0x13, ref8 = 0x14, ref_udata = 0x15,
                     indirect = 0x16, sec_offset = 0x17, exprloc = 0x18, flag_present = 0x19, strx = 0x1a, addrx = 0x1b,
                     ref_sup4 = 0x1c, strp_sup = 0x1d, data16 = 0x1e, line_strp = 0x1f, ref_sig8 = 0x20,
                     implicit_const = 0x21, loclistx = 0x22, rnglistx = 0x23, ref_sup8 = 0x24, strx1 = 0x25,
                     strx2 = 0x26, strx3 = 0x27, strx4 = 0x28, addrx1 = 0x29, addrx2 = 0x2a, addrx3 = 0x2b,
                     addrx4 = 0x2c, gnu_addr_index = 0x1f01, gnu_str_index = 0x1f02, gnu_ref_alt = 0x1f20,
                     gnu_strp_alt = 0x1f21;
}

/// Section 7.7.1: operations of location expressions.
namespace op {
inline constexpr u8 addr = 0x03, const1u = 0x08, const1s = 0x09, const2u = 0x0a, const2s = 0x0b, const4u = 0x0c,
                    const4s = 0x0d, const8u = 0x0e, const8s = 0x0f, constu = 0x10, consts = 0x11, dup = 0x12,
                    drop = 0x13, and_ = 0x1a, minus = 0x1c, mul = 0x1e, or_ = 0x21, plus = 0x22, plus_uconst = 0x23,
                    shl = 0x24, lit0 = 0x30, lit31 = 0x4f, reg0 = 0x50, reg31 = 0x6f, breg0 = 0x70, breg31 = 0x8f,
                    regx = 0x90, fbreg = 0x91, bregx = 0x92, piece = 0x93, nop = 0x96, form_tls_address = 0x9b,
                    call_frame_cfa = 0x9c, stack_value = 0x9f, addrx = 0xa1, constx = 0xa2, entry_value = 0xa3,
                    gnu_push_tls_address = 0xe0, gnu_entry_value = 0xf3, gnu_addr_index = 0xfb;
}

/// Section 7.8: encodings of base types.
namespace ate {
inline constexpr u64 boolean = 0x02, float_ = 0x04, signed_ = 0x05, signed_char = 0x06, unsigned_ = 0x07,
                     unsigned_char = 0x08, utf = 0x10;
}

/// Section 7.5.1: kinds of units.
namespace unit_kind {
inline constexpr u8 compile = 0x01, type = 0x02, partial = 0x03, skeleton = 0x04, split_compile = 0x05,
                    split_type = 0x06;
}

}  // namespace vellum::debug
