// SPDX-License-Identifier: MIT
// What a page-table entry says, from its number.

export interface Entry { kind: 'invalid' | 'table' | 'leaf'; flags: string; frame: string }

const letters = 'vrwxugad';

/** Its low eight bits as letters, - where a bit is clear. */
export function flagsOf(value: string): string {
  const bits = BigInt(value);
  return [...letters].map((letter, bit) => (bits >> BigInt(bit) & 1n ? letter : '-')).join('');
}

export function decode(value: string): Entry {
  const bits = BigInt(value);
  const frame = `0x${((bits >> 10n & 0xfffffffffffn) << 12n).toString(16)}`;
  const kind = (bits & 1n) === 0n ? 'invalid' : (bits & 0xen) === 0n ? 'table' : 'leaf';
  return { kind, flags: flagsOf(value), frame };
}
