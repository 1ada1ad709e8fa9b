// SPDX-License-Identifier: MIT
// What lint says (tools/foliowalk/lint.cpp), in Chinese. tests/foliowalk/lint_texts_test.py sees to it that nothing is
// left out.

import { currentLanguage } from './i18n';

/** Each finding's sentence; what is in brackets comes again in the translation. */
const sentences: [RegExp, string][] = [
  [/^and (\d+) more of this rule, which are not listed$/, '此规则另有 $1 处，未列出'],
  [/^the root table (\S+) is not page-aligned$/, '根页表 $1 没有按页对齐'],
  [/^the root table (\S+) is not in RAM$/, '根页表 $1 不在内存中'],
  [/^the level-(\d) entry at (\S+) points to a table at (\S+), which is not RAM$/, '$2 处的第 $1 级页表项指向 $3 处的页表，那里不是内存'],
  [/^the level-(\d) entry at (\S+) points back to the table (\S+) above it$/, '$2 处的第 $1 级页表项指回其上级页表 $3'],
  [/^the level-0 entry at (\S+) has R = W = X = 0, as if a fourth level followed$/, '$1 处的第 0 级页表项 R = W = X = 0，好像还有第四级'],
  [/^more tables than RAM has frames: some are reached again and again$/, '页表比内存的页帧还多：有些被反复到达'],
  [/^the level-(\d) pointer at (\S+) has A, D or U set: reserved in a non-leaf$/, '$2 处的第 $1 级指针项置了 A、D 或 U：非叶子项中这些位是保留的'],
  [/^the level-(\d) pointer has bits 63 to 54 set$/, '第 $1 级指针项的第 63 至 54 位不为 0'],
  [/^bits 63 to 54 are (\S+): (\S+) means nothing on this machine$/, '第 63 至 54 位是 $1：$2 在这台机器上没有意义'],
  [/^N \(Svnapot\) is only for level-0 leaves of 64 KiB, whose low 4 PPN bits are 8$/, 'N（Svnapot）只用于 64 KiB 的第 0 级叶子，其 PPN 低 4 位为 8'],
  [/^W without R is a reserved encoding: every access faults$/, '有 W 而无 R 是保留编码：每次访问都会产生异常'],
  [/^a (.+) page must begin at a multiple of its size, not at (\S+)$/, '$1 的页必须从其大小的整数倍处开始，而不是 $2'],
  [/^(\S+) \((.+)\) is neither RAM nor a device of this machine$/, '$1（$2）既不是内存，也不是这台机器的设备'],
  [/^user mode can write the frame (\S+), the level-(\d) table of (\S+)$/, '用户态可以写页帧 $1，它是 $3 的第 $2 级页表'],
  [/^user mode can read the frame (\S+), the level-(\d) table of (\S+)$/, '用户态可以读页帧 $1，它是 $3 的第 $2 级页表'],
  [/^user mode can write the kernel's own memory at (\S+)$/, '用户态可以写 $1 处内核自己的内存'],
  [/^a level-(\d) leaf points at the frame (\S+), a level-(\d) table of (\S+)$/, '一个第 $1 级叶子指向页帧 $2，而它是 $4 的第 $3 级页表'],
  [/^a page of a kernel table has U: the supervisor cannot use it, and the user could$/, '内核页表中的一页置了 U：内核态不能用它，用户态反而能'],
  [/^a page above the user half has U$/, '用户半区以上的一页置了 U'],
  [/^the (trampoline|trapframe) has U: user code can change what the kernel trusts$/, '$1 置了 U：用户代码可以改动内核所信任的内容'],
  [/^the (trampoline|trapframe) has U: user code can read what the kernel trusts$/, '$1 置了 U：用户代码可以读到内核所信任的内容'],
  [/^a user page has G: it would outlive a switch of address space$/, '用户页置了 G：切换地址空间之后它仍会留在 TLB 中'],
  [/^both writable and executable$/, '既可写又可执行'],
  [/^marked copy-on-write and writable at once: sharers would see the write$/, '同时有写时复制标记和 W：共享者会看到写入'],
  [/^A is clear: hardware that doesn't set it would fault for ever$/, 'A 为 0：不自行置位的硬件会不断产生异常'],
  [/^W is set and D clear: hardware that doesn't set it would fault on every store$/, '有 W 而 D 为 0：不自行置位的硬件在每次写入时都会产生异常'],
  [/^root entry (\d+) is (\S+), but (\S+) in the kernel's root$/, '根页表第 $1 项是 $2，而内核根页表中是 $3'],
  [/^the table (\S+) is reached on two ways from one root$/, '从同一个根有两条路到达页表 $1'],
  [/^the table (\S+) with writable user pages also belongs to (\S+)$/, '含有可写用户页的页表 $1 也属于 $2'],
  [/^the frame (\S+) is writable here and in (\S+) at (\S+): copy-on-write was not broken$/, '页帧 $1 在此处可写，在 $2 的 $3 处也可写：写时复制没有分开'],
  [/^satp (\S+) has a reserved MODE$/, 'satp $1 的 MODE 是保留值'],
  [/^satp of hart (\d+) names the root (\S+), which belongs to no process: freed, or never entered$/, '核 $1 的 satp 指向根页表 $2，它不属于任何进程：已被释放，或从未登记'],
  [/^satp of hart (\d+) names the root (\S+), which the kernel has freed$/, '核 $1 的 satp 指向根页表 $2，而内核已将它释放'],
  [/^the user's page is not in the process's kernel table$/, '用户页不在该进程的内核页表中'],
  [/^the user's page is the frame (\S+), the mirror shows (\S+)$/, '用户页的页帧是 $1，镜像指向 $2'],
  [/^the mirror is writable where the user's page is not$/, '用户页不可写之处，镜像却可写'],
  [/^the mirror still has a page that the user gave up$/, '用户已放弃的一页仍在镜像中'],
  [/^the frame (\S+) is free in the kernel's records, yet mapped$/, '页帧 $1 在内核的记录中是空闲的，却仍有映射'],
  [/^the frame (\S+) has (\d+) mappings and (\d+) references: it will be freed too early$/, '页帧 $1 有 $2 个映射而只有 $3 个引用：它会被过早释放'],
  [/^the level-(\d) table (\S+) is free in the kernel's records$/, '第 $1 级页表 $2 在内核的记录中是空闲的'],
];

/** Each rule in a few words; its name is for scripts. */
const rules: Record<string, string> = {
  'root-unreadable': '根页表不可读', 'table-outside-ram': '页表在内存之外', 'table-cycle': '页表成环', 'too-many-tables': '页表过多', 'table-used-twice': '页表被用了两次',
  'table-shared': '页表被共享', 'pointer-at-level-0': '第 0 级出现指针', 'pointer-with-adu': '指针项带 A、D 或 U', 'reserved-bits': '保留位不为 0', 'write-without-read': '有 W 而无 R',
  'misaligned-superpage': '大页未对齐', 'leaf-outside-ram': '叶子在内存之外', 'leaf-over-table': '叶子盖住页表', 'table-mapped-by-user': '用户可及页表', 'kernel-image-writable-by-user': '用户可写内核',
  'user-in-kernel-half': '内核区出现 U', 'trap-page-open-to-user': '陷入页对用户开放', 'global-user-page': '用户页带 G', 'kernel-write-execute': '内核页可写可执行', 'user-write-execute': '用户页可写可执行',
  'cow-writable': '写时复制页可写', 'accessed-clear': 'A 为 0', 'dirty-clear': 'D 为 0', 'kernel-half-differs': '内核半区不一致', 'writable-alias': '可写的别名', 'satp-mode': 'satp 的 MODE',
  'satp-on-unknown-table': 'satp 指向无主页表', 'satp-on-freed-table': 'satp 指向已释放的页表', 'mirror-missing': '镜像缺页', 'mirror-wrong-frame': '镜像页帧不符', 'mirror-wrong-rights': '镜像权限不符',
  'free-frame-mapped': '空闲页帧仍被映射', 'free-frame-is-table': '页表页帧是空闲的', 'too-few-references': '引用过少', 'mirror-stale': '镜像过期',
};

export function lintSentence(text: string): string {
  if (currentLanguage() === 'en') return text;
  const known = sentences.find(([pattern]) => pattern.test(text));
  return known ? text.replace(known[0], known[1]) : text;
}

export function lintRule(name: string): string { return currentLanguage() === 'en' ? name : rules[name] ?? name; }
