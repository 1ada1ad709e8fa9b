// SPDX-License-Identifier: MIT
// What the server answers. Addresses and entries are hexadecimal strings: a number can't hold 64 bits.

export interface Hart { hart: number; satp: string; mode: string; asid: number; root: string; pc: string }

export interface Space {
  id: string; title: string; role: 'kernel' | 'process' | 'process_kernel' | 'other';
  root: string; mode: string; harts: number[];
  tables: number; shared_tables: number; table_bytes: number; flat_bytes: number; mapped_pages: number; user_pages: number; superpages: number;
  bad_entries: number; torn: boolean;
  pid?: number; name?: string; state?: string; size?: number;
}

export interface Scene {
  time: number; milliseconds: number; family: string; gone: boolean;
  ram: { base: string; size: number };
  harts: Hart[]; spaces: Space[]; counters: Record<string, number>; warnings: string[];
}

export interface Range {
  va: string; end: string; bytes: number; pa: string; contiguous: boolean; repeated: boolean; flags: string; level: number; page: string;
  leaves: number; accessed: number; dirty: number; region: string; backing: string;
}

export interface Entry {
  index: number; va: string; pte: string; pa: string; leaf: boolean;
  flags?: string; size?: string; accessed?: boolean; dirty?: boolean; child?: number;
}
export interface TableNode { node: number; level: number; table: string; va: string; entries: Entry[] }

export interface Bit { name: string; high: number; low: number; value: string; meaning: string }
export interface Step {
  level: number; table: string; index: number; entry_address: string; read: boolean; pte: string; ppn: string;
  flags: string; leaf: boolean; bits: Bit[];
}
export interface Verdict { allowed: boolean; why: string }
export interface Walk {
  va: string; root: string; mode: string; bits: number; offset: string; found: boolean; end: string; end_kind: string; torn: boolean;
  steps: Step[]; verdict: Record<string, Verdict>; pa?: string; leaf_level?: number; page?: string; region?: string; backing?: string;
}

export interface Frames {
  base: string; frames: number; kinds: string[]; totals: number[]; owners: string[];
  runs: [count: number, kind: number, owner: number, mappings: number, accessedAndDirty: number][];
}
/** Who has a frame. `references`: what the kernel counts, 0 where it does not tell. */
export interface FrameUsers { users: FrameUser[]; kind: string; mappings: number; references: number }
export interface FrameUser { space: string; title: string; va: string; table: boolean; level: number; pte: string; flags: string }

export interface Finding { severity: 'fault' | 'advice'; rule: string; space: string; va: string; pte: string; message: string }

export interface GuestEvent { n: number; time: number; kind: string; space: string; va: string; text: string }
export interface Trap {
  n: number; time: number; hart: number; interrupt: boolean; cause: number; what: string; fault: boolean; epc: string; tval: string;
}
export interface Timeline { events: GuestEvent[]; traps: Trap[]; next: number; tracing: boolean; skipped: number }

export interface Moment { moment: number; time: number }
export interface Difference {
  change: string; va: string; end: string; bytes: number; before: string; after: string; flags_before: string; flags_after: string;
  pa_before: string; pa_after: string; level_before: number; level_after: number;
}

export class Refused extends Error {}

export type Parameters = Record<string, string | number | undefined>;

/** Brings a question to whoever answers it. Throws Refused when the answer is a no. */
export type Transport = (method: 'GET' | 'POST', name: string, parameters: Parameters) => Promise<unknown>;

async function overHttp(method: 'GET' | 'POST', name: string, parameters: Parameters): Promise<unknown> {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) if (value !== undefined && value !== '') query.set(key, String(value));
  const response = await fetch(`/api/${name}?${query}`, { method, headers: { 'X-Foliowalk': '1' } });
  const answer = await response.json();
  if (!response.ok) throw new Refused(answer.error ?? response.statusText);
  return answer;
}

let transport: Transport = overHttp;

/** For a page whose guest is nearer than a server. */
export function useTransport(next: Transport): void { transport = next; }

async function ask<T>(method: 'GET' | 'POST', name: string, parameters: Parameters): Promise<T> {
  return await transport(method, name, parameters) as T;
}

export const api = {
  scene: () => ask<Scene>('GET', 'scene', {}),
  map: (space: string, all: boolean) => ask<Range[]>('GET', 'map', { space, all: all ? 1 : 0 }),
  node: (space: string, path: string) => ask<TableNode>('GET', 'node', { space, path }),
  explain: (space: string, va: string) => ask<Walk>('GET', 'explain', { space, va }),
  frames: () => ask<Frames>('GET', 'frames', {}),
  frame: (pa: string) => ask<FrameUsers>('GET', 'frame', { pa }),
  lint: () => ask<Finding[]>('GET', 'lint', {}),
  timeline: (after: number, traps: boolean) => ask<Timeline>('GET', 'timeline', { after, traps: traps ? 1 : 0 }),
  moments: () => ask<Moment[]>('GET', 'moments', {}),
  keepMoment: () => ask<{ moment: number }>('POST', 'moments', {}),
  diff: (a: string, momentA: string, b: string, momentB: string) =>
    ask<Difference[]>('GET', 'diff', { a, moment_a: momentA, b, moment_b: momentB }),
};
