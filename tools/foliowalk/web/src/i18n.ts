// SPDX-License-Identifier: MIT
// English is the key language: every text of the page is listed here with its Chinese.

export type Language = 'en' | 'zh-CN';

const zh: Record<string, string> = {
  'page-table explorer': '页表浏览器',
  'live': '实时', 'paused': '已暂停', 'guest is gone': '客户机已退出', 'connecting…': '连接中……',
  'Pause': '暂停', 'Resume': '继续',
  'Address spaces': '地址空间', 'Filter': '筛选', 'Filter address spaces': '筛选地址空间',
  'on hart': '正在核', 'pages': '页', 'tables': '页表',
  'read in': '读取耗时', 'of RAM': '内存', 'harts': '个核',
  'Address space': '地址空间', 'Memory': '物理内存', 'Timeline': '时间线', 'Compare': '比较', 'Check': '检查',
  'Views': '视图',
  'Root table': '根页表', 'Mapped': '已映射', 'Superpages': '大页', 'Page tables': '页表', 'A flat table would take': '单级页表需要',
  'user pages': '个用户页', 'nothing mapped': '没有映射', 'no tables': '没有页表', 'This process has no page tables.': '该进程没有页表。',
  'times less than a flat table': '倍，相对单级页表节省',
  'The whole space, folded': '整个地址空间（折叠显示）',
  'Gaps are folded: a tear stands for addresses that nothing maps. Click a part to walk to it.': '空洞已折叠：断口表示没有任何映射的地址。点击一段即可查看其翻译过程。',
  'unmapped': '未映射',
  'Walk an address': '翻译一个地址', 'Virtual address': '虚拟地址', 'Walk': '翻译', 'Previous step': '上一步', 'Next step': '下一步', 'All steps': '全部步骤',
  'Type an address, or click a region or an entry.': '输入一个地址，或点击某个区域或页表项。',
  'index': '索引', 'offset': '页内偏移', 'table': '页表', 'entry': '页表项', 'level': '级', 'root': '根',
  'sign': '符号扩展',
  'Bits of the entry': '页表项各位', 'bit': '位', 'field': '字段', 'value': '值', 'meaning': '含义',
  'Who may do what': '谁可以做什么', 'read': '读', 'write': '写', 'execute': '执行', 'user': '用户态', 'kernel': '内核态', 'kernel with SUM': '内核态（SUM=1）',
  'yes': '可以', 'no': '不可以',
  'physical address': '物理地址', 'page': '页', 'frame': '页帧', 'begins at': '起始于',
  'the entries changed while they were read': '读取时页表项一直在变化',
  'Regions': '区域', 'shared with the kernel': '个与内核共享', 'Show the kernel’s half, too': '同时显示内核半区', 'more like it, one every': '个同样的区域，间隔', 'mmap': 'mmap', 'mmap file': 'mmap 文件', 'file, shared': '文件（共享）', 'file, private': '文件（私有）', 'anonymous, shared': '匿名内存（共享）', 'free': '空闲', 'the kernel’s own': '内核自用', 'page of a file': '文件页', 'ready': '就绪', 'parked': '停放', 'from': '起', 'to': '止', 'size': '大小', 'flags': '权限', 'region': '区域', 'backed by': '由何支撑', 'frames': '页帧', 'accessed': '已访问', 'dirty': '已写',
  'A and D': 'A 与 D',
  'each': '同一页帧', 'no page faults yet': '尚无缺页', 'mappings by programs': '程序的映射', 'references that the kernel counts': '内核计的引用数',
  'kind.unmapped': '空闲或内核自用', 'kind.kernel data': '内核数据', 'kind.kernel text': '内核代码', 'kind.kernel stack': '内核栈', 'kind.disk buffers': '磁盘缓冲区', 'kind.pipe': '管道', 'disk buffers': '磁盘缓冲区', 'pipe': '管道', 'kind.page table': '页表', 'kind.user': '用户页', 'kind.shared': '多处共享',
  'kind.supervisor': '仅内核可用', 'kind.free': '空闲', 'kind.kernel': '内核自用', 'kind.file': '文件页',
  'hex, or a name': '十六进制，或名字', 'not an address, nor a name that the kernel’s file knows': '不是地址，也不是内核文件中的名字',
  'A valid leaf needs one of R, W and X. This one has what it has so that the hole is visible in the table: no code lies behind it, and nothing jumps there.': '有效的叶子至少要有 R、W、X 之一。这一项的权限只是为了让空洞在页表中看得见：背后没有代码，也没有谁会跳到那里。',
  'load page fault': '读缺页', 'store page fault': '写缺页', 'exec page fault': '取指缺页',
  'and on': '起连续', 'and others': '等（不连续）',
  'Tables, level by level': '逐级页表', 'Open a table to see its entries.': '展开一个页表以查看其中的页表项。',
  'leaf': '叶子', 'superpage': '大页', 'nothing valid in this table': '此页表中没有有效项',
  'more': '更多', 'show all entries': '显示全部页表项', 'entries': '项',
  'All of RAM, frame by frame': '全部物理内存，逐页帧', 'Each cell is one frame of 4 KiB. Move with the arrow keys; Enter tells who maps it.': '每个方块是一个 4 KiB 页帧。用方向键移动，按 Enter 查看谁映射了它。',
  'Colour by': '着色方式', 'kind': '种类', 'owner': '属主', 'A and D bits': 'A、D 位',
  'free or the kernel’s own': '空闲或内核自用', 'kernel image': '内核映像', 'page table': '页表', 'user page': '用户页', 'shared by several': '多处共享', 'supervisor only': '仅内核可用',
  'neither': '都没有', 'A: used': 'A：用过', 'A and D: written': 'A 与 D：写过', 'none': '无',
  'Frame': '页帧', 'mappings': '个映射', 'No table maps this frame beside the direct map.': '除直接映射外，没有页表映射此页帧。',
  'Physical address': '物理地址', 'Show': '显示',
  'who': '谁', 'address': '地址', 'how': '方式', 'share of RAM': '占内存比例', 'Fold what is free': '折叠空闲部分', 'in which nothing is in use': '未被使用', 'chosen': '选中', 'not an address in RAM': '不是内存中的地址',
  'Traps and satp, hart by hart': '各核的陷入与 satp', 'last': '最近', 'seconds': '秒',
  'page fault': '缺页', 'Latest page faults': '最近的缺页', 'system call': '系统调用', 'interrupt': '中断', 'other trap': '其他陷入',
  'The band shows whose table satp names; the ticks are traps.': '色带表示 satp 指向谁的页表；竖线是陷入。',
  'Traps came too fast and some were left out': '陷入过于频繁，部分已略去',
  'QEMU gives no trap trace here.': '此处 QEMU 不提供陷入跟踪。',
  'Events': '事件', 'no events yet': '尚无事件', 'all kinds': '所有种类',
  'process': '进程', 'cow': '写时复制', 'split': '拆分', 'promoted': '合并', 'rights': '权限', 'satp': 'satp', 'counter': '计数器', 'trap': '陷入',
  'time': '时间', 'what': '事件',
  'Two tables, or two moments': '两张页表，或两个时刻', 'Keep this moment': '保留此刻', 'now': '现在', 'moment': '时刻', 'First': '第一个', 'Second': '第二个',
  'No difference.': '没有差别。', 'Keep a moment, do something in the guest (type ls), then compare with now.': '先保留一个时刻，在客户机里做点什么（例如输入 ls），再与现在比较。',
  'change': '变化', 'before': '之前', 'after': '之后',
  'added': '新增', 'removed': '移除', 'moved': '换了页帧',
  'What is wrong with the tables': '页表有什么问题', 'Nothing is wrong.': '没有发现问题。', 'Checked': '已检查', 'spaces': '个地址空间', 'rules': '条规则',
  'fault': '错误', 'advice': '建议', 'Check now': '立即检查', 'Counters': '计数器', 'checking…': '检查中……',
  'Show advice, too': '同时显示建议', 'rule': '规则', 'where': '何处',
  'This address space is gone.': '此地址空间已不存在。', 'Language': '语言', 'Keyboard': '键盘',
  'sleeping': '睡眠', 'running': '运行', 'runnable': '就绪', 'zombie': '僵死', 'reaped': '正在回收', 'used': '正在创建',
  // Regions and backings.
  'text': '代码', 'data': '数据', 'stack': '栈', 'guard': '保护页', 'heap': '堆', 'program': '程序', 'trampoline': '跳板页', 'trapframe': '陷阱帧', 'usyscall': '共享系统页',
  'kernel text': '内核代码', 'kernel data': '内核数据', 'kernel rodata': '内核只读数据', 'kernel stack': '内核栈', 'direct map': '直接映射', 'mirror': '镜像', 'device': '设备',
  'anonymous': '匿名内存', 'kernel memory': '内核内存', 'user memory': '用户内存', 'file': '文件', 'outside RAM': '内存之外', 'unknown': '未知', 'RAM': '内存',
  // Verdicts (sv39/explain.hpp).
  'allowed': '允许',
  'address is not canonical: bits 63 to 38 differ': '地址不规范：第 63 至 38 位不一致',
  'the table lies outside memory': '页表在内存之外', 'not present: the entry\'s V bit is clear': '不存在：页表项的 V 位为 0',
  'the entry is a reserved encoding': '页表项是保留编码', 'user page touched by the supervisor': '内核态访问用户页', 'supervisor page touched by the user': '用户态访问内核页',
  'page is not readable': '页不可读', 'page is not writable': '页不可写', 'page is shared copy-on-write': '页被写时复制共享', 'page is not executable': '页不可执行',
  'the A bit is clear': 'A 位为 0', 'the D bit is clear': 'D 位为 0',
  // Meanings of PTE bits.
  'contiguous pages (Svnapot)': '连续页（Svnapot）', 'no Svnapot': '未用 Svnapot', 'page-based memory type (Svpbmt)': '页内存类型（Svpbmt）', 'memory as it is': '普通内存',
  'must be zero': '必须为 0', 'zero, as it must be': '为 0，符合要求', 'means nothing, V is 0': '无意义，V 为 0',
  'set by the kernel for itself': '内核自用，已置位', 'set by the kernel for itself (Bifolium: copy-on-write)': '内核自用，已置位（Bifolium：写时复制）', 'free for the kernel': '留给内核',
  'written since last cleared': '自上次清除后写过', 'not written since last cleared': '自上次清除后未写过', 'clear, as in every non-leaf': '为 0,非叶子项必须如此',
  'used since last cleared': '自上次清除后用过', 'not used since last cleared': '自上次清除后未用过', 'in every address space': '所有地址空间共有', 'in this address space only': '仅此地址空间',
  'user mode may use it': '用户态可用', 'supervisor only ': '仅内核态', 'code may run from it': '可执行代码', 'no code runs from it': '不可执行', 'R = W = X = 0: points to a table': 'R = W = X = 0:指向下一级页表',
  'may be written': '可写', 'may not be written': '不可写', 'may be read': '可读', 'may not be read': '不可读', 'valid': '有效', 'not valid: every other bit means nothing': '无效：其余各位无意义',
  // Ends of walks.
  'end.leaf': '找到叶子，翻译完成', 'end.not_canonical': '地址不规范：未用的高位必须都等于最高有效位', 'end.table_outside_memory': '页表不在内存中', 'end.invalid_entry': '停在此处：页表项无效（V = 0）', 'end.reserved_encoding': '停在此处：页表项是保留编码',
};

let language: Language = 'en';

export function setLanguage(next: Language): void {
  language = next;
  document.documentElement.lang = next;
  try { localStorage.setItem('foliowalk.language', next); } catch { /* private windows have no storage */ }
}

export function currentLanguage(): Language { return language; }

export function preferredLanguage(): Language {
  try {
    const kept = localStorage.getItem('foliowalk.language');
    if (kept === 'en' || kept === 'zh-CN') return kept;
  } catch { /* as above */ }
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

/** "level 2 table" */
export function levelTable(level: number | string): string { return language === 'en' ? `level ${level} table` : `第 ${level} 级页表`; }
export function levelName(level: number | string): string { return language === 'en' ? `level ${level}` : `第 ${level} 级`; }

// Only for keys that are not English themselves.
const en: Record<string, string> = {
  'end.leaf': 'a leaf: the translation is done', 'end.not_canonical': 'not canonical: the bits above must all equal the highest one in use',
  'end.table_outside_memory': 'the table is not in memory', 'end.invalid_entry': 'stops here: the entry is not valid (V = 0)',
  'end.reserved_encoding': 'stops here: the entry is a reserved encoding',
  'kind.unmapped': 'free or the kernel’s own', 'kind.kernel data': 'kernel data', 'kind.kernel text': 'kernel text', 'kind.kernel stack': 'kernel stack', 'kind.disk buffers': 'disk buffers', 'kind.pipe': 'pipe', 'kind.page table': 'page table', 'kind.user': 'user page', 'kind.shared': 'shared by several',
  'kind.supervisor': 'supervisor only', 'kind.free': 'free', 'kind.kernel': 'the kernel’s own', 'kind.file': 'page of a file',
};

// What the guest's events say (tools/foliowalk/events.cpp), piece by piece.
const eventsInChinese: [RegExp, string][] = [
  [/ appears, root /, ' 出现，根页表 '], [/ has a new root (\S+) \(exec\): it was (.*) with /, ' 换了根页表 $1（exec）：原来是 $2，'],
  [/^(\d+) more came and went between two looks$/, '另有 $1 个进程在两次观察之间出现又消失'],
  [/^(\d+) came and went between two looks$/, '进程 $1 在两次观察之间出现又消失'], [/ is gone$/, ' 消失'], [/ mapped /, ' 映射为 '], [/ unmapped$/, ' 取消映射'], [/ copied on write$/, ' 写时复制'],
  [/ has other frames$/, ' 换了页帧'], [/ superpage split$/, ' 大页被拆分'], [/ promoted to a superpage$/, ' 合并为大页'],
  [/no translation/g, '无翻译'],
];
// The counters' names (abi/vmstat.hpp), word by word.
const counterWords: Record<string, string> = {
  fault: '缺页', demand: '按需', zero: '清零', cow: '写时复制', copy: '拷贝', reuse: '复用', file: '文件', page: '页', spurious: '虚假', refused: '被拒',
  out: '出', of: '', memory: '内存', frame: '页帧', allocated: '分配', freed: '释放', zeroed: '清零', copied: '拷贝', stolen: '窃取', table: '页表', shared: '共享',
  superpage: '大页', mapped: '映射', split: '拆分', promoted: '合并', compound: '复合页', converted: '转换', fence: '刷新', asid: 'ASID', all: '全部', instruction: '指令',
  satp: 'satp', written: '写', stale: '过期', marked: '标记', generation: '换代', mirror: '镜像', updated: '更新', in: '入', call: '调用', string: '字符串', faulted: '遇缺页',
  read: '读', back: '回', system: '系统', user: '用户', timer: '时钟', device: '设备', interrupt: '中断', context: '上下文', switch: '切换',
};

export function eventText(text: string): string {
  if (language === 'en') return text;
  const counted = /^([a-z_]+) (\+\d+)$/.exec(text);
  if (counted) return `${counterName(counted[1]!)} ${counted[2]}`;
  return eventsInChinese.reduce((sofar, [from, to]) => sofar.replace(from, to), text);
}

export function counterName(name: string): string {
  const words = name.split('_');
  return language === 'en' ? words.join(' ') : words.map((word) => counterWords[word] ?? word).join('');
}

export function t(text: string): string { return (language === 'en' ? en[text] : zh[text]) ?? text; }

/** For a page around the panes that has texts of its own. */
export function addChinese(texts: Record<string, string>): void { Object.assign(zh, texts); }
export function addEnglish(texts: Record<string, string>): void { Object.assign(en, texts); }

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
export function humanSize(bytes: number): string {
  let unit = 0;
  while (bytes >= 1024 && unit + 1 < units.length) { bytes /= 1024; ++unit; }
  return `${Number.isInteger(bytes) ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}

export function clock(seconds: number): string {
  const day = 86400; // a machine's own clock, which began when it did
  if (seconds < day) return `${seconds.toFixed(6)} s`;
  const date = new Date(seconds * 1000);
  return date.toLocaleTimeString(language, { hour12: false }) + '.' + String(date.getMilliseconds()).padStart(3, '0');
}
