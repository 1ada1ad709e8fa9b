// SPDX-License-Identifier: MIT
import type { Difference, Finding, Frames, FrameUsers, GuestEvent, Moment, Range, Scene, Space, TableNode, Trap, Walk } from './api';

export type Tab = 'space' | 'memory' | 'timeline' | 'compare' | 'check';
export type Colouring = 'kind' | 'owner' | 'heat';

/** Everything the page shows. Views are functions of it; main.ts alone changes it from the network. */
export const state = {
  scene: undefined as Scene | undefined,
  connected: false,
  paused: false,
  tab: 'space' as Tab,
  filter: '',
  space: '',

  ranges: [] as Range[],
  withKernel: false, // show the kernel's half of a process's table, too
  nodes: new Map<string, TableNode>(), // open tables, by path of indices
  wide: new Set<string>(), // tables whose entries are all listed
  va: '',
  walk: undefined as Walk | undefined,
  walkError: '',
  step: -1, // -1: all steps

  frames: undefined as Frames | undefined,
  colouring: 'kind' as Colouring,
  foldFree: true,
  frameCursor: 0,
  frameError: '',
  frameUsers: undefined as FrameUsers & { pa: string } | undefined,

  events: [] as GuestEvent[],
  traps: [] as Trap[],
  timelineNext: 0,
  tracing: true,
  skipped: 0,
  eventKind: '',
  satpHistory: [] as { time: number; owners: string[] }[],

  moments: [] as Moment[],
  compareA: { space: '', moment: '' },
  compareB: { space: '', moment: '' },
  differences: undefined as Difference[] | undefined,
  compareError: '',

  findings: undefined as Finding[] | undefined,
  checking: false,
  withAdvice: false,
};

export function selectedSpace(): Space | undefined {
  return state.scene?.spaces.find((space) => space.id === state.space);
}

/** A zombie may have given its tables back already. */
export function hasTables(space: Space): boolean { return space.root !== '0x0'; }

/** Set by main.ts: what views call when the person does something. */
export const actions = {
  redraw: () => {},
  select: (_space: string) => {},
  openTab: (_tab: Tab) => {},
  walk: (_va: string) => {},
  toggleTable: (_path: string) => {},
  showFrame: (_pa: string) => {},
  keepMoment: () => {},
  compare: () => {},
  check: () => {},
  showKernel: (_show: boolean) => {},
  /** Tells who wrote the entry at this physical address; absent where nobody remembers that. */
  blame: undefined as ((pa: string) => void) | undefined,
};
