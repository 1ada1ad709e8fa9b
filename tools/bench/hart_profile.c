// SPDX-License-Identifier: MIT
// A QEMU plugin: which instructions each hart executes between two rdinstret of a program (vmbench begins and ends a
// measurement with one). scaling.py builds and reads it. Only version 1 of QEMU's plugin interface is used, and
// declared here, since the packaged QEMU comes without its header.
//
// Argument: out=FILE. At the end it holds a line for each translation block and hart: block address, instructions in
// it, "pause" if it holds a pause or "wfi" if it holds a wait, else "-", hart, how often it ran.
#include <inttypes.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct qemu_info_t qemu_info_t;
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb*));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb*, void (*)(unsigned, void*), int, void*);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn*, void (*)(unsigned, void*), int, void*);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void*), void*);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb*);
extern struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
extern const void* qemu_plugin_insn_data(const struct qemu_plugin_insn*);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn*);

#define EXPORTED __attribute__((visibility("default")))
EXPORTED int qemu_plugin_version = 1;

enum { max_harts = 8 };
static const uint64_t user_end = UINT64_C(1) << 38;
static const uint32_t pause_word = 0x0100000f, wfi_word = 0x10500073, rdinstret_word = 0xc0202073;
static const uint32_t any_destination = 0xfffff07f;

struct Block {
  uint64_t address, instructions;
  const char* kind;
  uint64_t runs[max_harts];  // each written by its own hart's thread alone
  struct Block* next;
};
static _Atomic(struct Block*) blocks;
static atomic_int recording;
static FILE* out;

static void on_block(unsigned hart, void* block) {
  if (atomic_load_explicit(&recording, memory_order_relaxed)) ++((struct Block*)block)->runs[hart % max_harts];
}

static void on_mark(unsigned hart, void* unused) {
  (void)hart, (void)unused;
  atomic_fetch_xor(&recording, 1);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  struct Block* block = calloc(1, sizeof *block);
  block->address = qemu_plugin_tb_vaddr(tb);
  block->instructions = qemu_plugin_tb_n_insns(tb);
  block->kind = "-";
  for (size_t i = 0; i < block->instructions; ++i) {
    struct qemu_plugin_insn* instruction = qemu_plugin_tb_get_insn(tb, i);
    uint32_t word = 0;
    memcpy(&word, qemu_plugin_insn_data(instruction), qemu_plugin_insn_size(instruction) < 4 ? 2 : 4);
    if (word == pause_word) block->kind = "pause";
    if (word == wfi_word) block->kind = "wfi";
    if ((word & any_destination) == rdinstret_word && block->address < user_end)
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_mark, 0, NULL);
  }
  block->next = atomic_load(&blocks);
  while (!atomic_compare_exchange_weak(&blocks, &block->next, block)) {
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, 0, block);
}

static void at_end(qemu_plugin_id_t id, void* unused) {
  (void)id, (void)unused;
  for (const struct Block* block = atomic_load(&blocks); block != NULL; block = block->next)
    for (int hart = 0; hart < max_harts; ++hart)
      if (block->runs[hart] != 0)
        fprintf(out, "%" PRIx64 " %" PRIu64 " %s %d %" PRIu64 "\n", block->address, block->instructions, block->kind,
                hart, block->runs[hart]);
  fclose(out);
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int count, char** arguments) {
  (void)info;
  for (int i = 0; i < count; ++i)
    if (strncmp(arguments[i], "out=", 4) == 0) out = fopen(arguments[i] + 4, "w");
  if (out == NULL) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, at_end, NULL);
  return 0;
}
