// SPDX-License-Identifier: MIT
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

export const kindColours = ['#00000000', '#7a869a', '#d55e00', '#009e73', '#e8b000', '#a466a0', '#00000000', '#56b4e9', '#c0417f', '#0072b2', '#e69f00', '#3d6f9e', '#7b3f98'];
export const heatColours = ['#00000000', '#56b4e9', '#d55e00', '#d55e00'];

/** An owner's colour: its own in every view and for as long as it lives, whoever comes and goes beside it. Hues of
 * neighbouring process numbers are as far apart as hues go. */
export function ownerColour(id: string): string {
  if (id === '') return '#00000000';
  const number = /^[0-9]+$/.test(id) ? Number(id) : [...id].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 0);
  return `hsl(${(number * 137.508) % 360} 62% ${number % 2 ? 44 : 58}%)`;
}
