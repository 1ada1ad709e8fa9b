// One colour for each purpose, the same in every view. The hues stay apart for people who see few colours (Okabe-Ito);
// nothing is told by colour alone.

export function regionClass(region: string): string {
  switch (region) {
    case 'text': case 'program': case 'kernel text': return 'c-text';
    case 'data': case 'heap': case 'kernel data': case 'bss': return 'c-data';
    case 'stack': case 'kernel stack': return 'c-stack';
    case 'guard': return 'c-guard';
    case 'trampoline': case 'trapframe': case 'usyscall': return 'c-trap';
    case 'direct map': return 'c-direct';
    case 'kernel rodata': return 'c-rodata';
    case 'mirror': return 'c-mirror';
    default: return region.startsWith('file') || region.startsWith('mmap') ? 'c-mmap' : 'c-device';
  }
}

export const kindColours = ['#00000000', '#7a869a', '#d55e00', '#009e73', '#e8b000', '#a466a0', '#00000000', '#56b4e9', '#c0417f'];
export const heatColours = ['#00000000', '#56b4e9', '#d55e00', '#d55e00'];

/** Colours for owners: as far apart as hues go, in the order in which the owners come. */
export function ownerColour(owner: number): string {
  if (owner < 0) return '#00000000';
  return `hsl(${(owner * 137.508) % 360} 62% ${owner % 2 ? 44 : 58}%)`;
}
