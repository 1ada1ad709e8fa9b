// SPDX-License-Identifier: MIT
// The page's own texts in Chinese; the panes' are in tools/foliowalk/web/src/i18n.ts.

import { addChinese, addEnglish } from '../../tools/foliowalk/web/src/i18n';

addChinese({
  'A kernel, its page tables and its past': '一个内核、它的页表和它的过去',
  'Run': '运行', 'Step back': '后退一步', 'Step': '前进一步', 'Run to': '运行到', 'Moment': '时刻', 'of': '/', 'Time': '时间',
  'one instruction': '下一条指令', 'next trap': '下一次陷入', 'next page fault': '下一次缺页', 'next satp write': '下一次写 satp', 'next fork': '下一次 fork',
  'next exec': '下一次 exec', 'next finding': '下一个发现', 'hart': '核', 'waits': '等待',
  'This is an earlier moment. Running goes on as it went; typing begins a new branch.': '这是较早的时刻。继续运行会重现当时的过程；输入则开始一个新的分支。',
  'A new branch began here: what came later is forgotten.': '从这里开始了新的分支：之后发生过的事已被忘掉。', 'who wrote it?': '谁写的？',
  'Findings': '发现', 'Tour': '导览', 'Guest': '客户机', 'What the judges found': '评判者的发现',
  'Nothing so far: no stale translation, no stale code, no broken entry, no freed frame in use.': '目前没有：没有过期的翻译，没有过期的代码，没有损坏的页表项，也没有使用已释放的页帧。',
  'rule.use-after-free': '使用已释放的页帧', 'rule.double-free': '重复释放', 'rule.panic': '内核 panic', 'freed by': '释放于', 'allocated by': '分配于', 'go to the cause': '去看原因', 'The walk to': '翻译：',
  'hang': '挂起', 'Nothing will happen any more': '不会再有任何动静', 'turns': '打转', 'every hart waits, and nothing will wake them': '所有核都在等待，而没有什么会唤醒它们',
  'every hart that works turns in one function, with interrupts off': '每个工作的核都关着中断，在同一个函数里打转',
  'The newest store first, up to this moment; then what stood there earlier.': '最新的写入在前，直到此刻；其后是更早的值。',
  'here': '此处', 'the cause': '原因', 'go there': '到那里去', 'Who wrote this entry?': '谁写了这个页表项？', 'Who wrote the entry at': '谁写了这个页表项：',
  'Nobody since the machine began, as far as is remembered.': '就记录所及，开机以来没有人写过。', 'a device': '设备', 'note': '提示',
  'rule.stale-translation': '过期的翻译：缺少 sfence.vma', 'rule.stale-code': '过期的代码：缺少 fence.i', 'rule.stale-after-satp': '换了页表却没有 sfence.vma', 'rule.reserved-entry': '页表项是保留编码', 'rule.misaligned-superpage': '大页未对齐',
  'rule.uncleared-table': '页表没有清零', 'rule.unwritten-memory': '用户态读到没有写过的内存', 'rule.table-cycle': '页表成环', 'rule.global-user-page': '用户页是全局的',
  'rule.user-in-kernel-half': '上半部分的页对用户态开放', 'rule.kernel-write-execute': '内核页既可写又可执行', 'rule.leaf-outside-ram': '页指向没有内存的地方',
  'waits for the lock': '等待锁', 'which it holds itself': '它自己持有这把锁', 'which is held by': '持有者：', 'which no known hart holds': '没有已知的核持有它',
  'whose holder this kernel does not write down': '这个内核不记录锁的持有者',
  'Previous': '上一步', 'Next': '下一步', 'Questions': '问题', 'Show me': '给我看', 'Now you': '轮到你了', 'Right.': '正确。', 'Not yet.': '还没有。',
  'What runs': '运行什么', 'MiB of memory': 'MiB 内存', 'seed': '种子', 'judges': '评判者', 'harts': '核数',
  'Another seed lets the harts take turns in another order: races can be hunted by seeds.': '换一个种子，各核就以另一种次序轮流运行：可以用种子来寻找竞争。',
  'Your own kernel: drop kernel/kernel and fs.img here, or choose them. They stay in this tab.': '你自己的内核：把 kernel/kernel 和 fs.img 拖到这里，或选择它们。文件不会离开这个标签页。',
  'kernel/kernel and fs.img': 'kernel/kernel 和 fs.img', 'image': '映像', 'Boot': '启动', 'Boot without a disk': '不带磁盘启动', 'disk': '磁盘', 'Keep this run as a file': '把这次运行保存为文件', 'Copy a link to this run': '复制这次运行的链接',
  'This ELF file is not for RISC-V. In an xv6 folder the kernel is kernel/kernel.': '这个 ELF 文件不是 RISC-V 的。在 xv6 目录里，内核是 kernel/kernel。',
  'This ELF file is for 32 bits. The machine is a 64-bit one.': '这个 ELF 文件是 32 位的，而这台机器是 64 位的。',
  'This is a source file. Run make first; then drop kernel/kernel and fs.img.': '这是源文件。请先运行 make，再拖入 kernel/kernel 和 fs.img。',
  'This is neither an ELF kernel, nor a disk image, nor a kept run.': '这既不是 ELF 内核，也不是磁盘映像，也不是保存的运行。', 'This is not a run that this page kept.': '这不是本页保存的运行。',
  'the kernel is not a RISC-V kernel that this machine can boot: take kernel/kernel as make built it': '这不是这台机器能启动的 RISC-V 内核：请使用 make 生成的 kernel/kernel',
  'the kernel does not fit into the machine\'s memory at 0x80000000': '内核放不进机器从 0x80000000 开始的内存',
  'this tab has too little memory for such a guest': '这个标签页的内存不够运行这样的客户机',
  '1 to 8 harts': '核数为 1 到 8', '32 to 512 MiB of memory': '内存为 32 到 512 MiB', 'this run is damaged': '这次运行的记录已损坏', 'too many stops are set': '停止条件太多',
  'this kernel has no function sys_fork': '这个内核没有函数 sys_fork', 'this kernel has no function sys_exec': '这个内核没有函数 sys_exec',
  'The machine stopped': '机器停止了', 'powered off': '已关机', 'reset': '已复位', 'booting…': '正在启动……', 'read aloud': '朗读终端',
  'unified: one table for user and kernel': 'unified：用户与内核共用一张页表', 'mirrored: a kernel table that mirrors the user’s': 'mirrored：镜像用户页的内核页表', 'shared: xv6’s design': 'shared：xv6 的设计',
  'A link works for the built-in guests. Keep the run as a file instead.': '链接只适用于内置客户机。请改为保存为文件。', 'The link is in the clipboard.': '链接已复制到剪贴板。',
  'Console': '控制台',
});

// Keys that are not themselves English.
addEnglish({ 'rule.stale-translation': 'Stale translation: an sfence.vma is missing', 'rule.stale-code': 'Stale code: a fence.i is missing',
  'rule.stale-after-satp': 'Other tables, but no sfence.vma',
  'rule.use-after-free': 'A freed frame is used', 'rule.double-free': 'A frame is freed twice', 'rule.panic': 'The kernel panics',
  'rule.reserved-entry': 'An entry with a reserved encoding', 'rule.misaligned-superpage': 'A superpage that is not aligned',
  'rule.uncleared-table': 'A page table that was not cleared', 'rule.unwritten-memory': 'User mode reads what nobody wrote',
  'rule.table-cycle': 'Page tables in a circle', 'rule.global-user-page': 'A user page that is global', 'rule.user-in-kernel-half': 'User mode may reach the upper half',
  'rule.kernel-write-execute': 'A kernel page that is writable and executable', 'rule.leaf-outside-ram': 'A page that leads nowhere' });
