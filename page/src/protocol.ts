// SPDX-License-Identifier: MIT
// What the page and the worker that holds the machine say to one another, and what the WebAssembly module is asked.

/** What boots. `kernel` is an ELF file, `image` a disk; `name` is for people. */
export interface Guest { name: string; kernel: Uint8Array; image: Uint8Array }

export interface Options {
  harts: number;
  megabytes: number;
  seed: number;
  bootargs: string;
  judges: boolean;
}

/** Where the machine stands. Steps are instructions of all harts together. */
export interface Status {
  step: number;
  newest: number; // the furthest moment that is known
  oldest: number; // the earliest that can be gone back to
  nanoseconds: number;
  running: boolean;
  waiting: boolean; // every hart waits for input
  ended: '' | 'powered off' | 'reset';
  exit: number;
  findings: number;
  hang: Hang | null;
  harts: HartNow[];
  speed: number; // instructions in a second of the worker's time, while it runs
}

export interface HartNow { hart: number; pc: string; privilege: 'U' | 'S' | 'M'; satp: string; where: string; line: string; waiting: boolean }

export interface Place { step: number; hart: number; pc: string; where: string; line: string; callers: string[] }

/** A spin lock that a hart turns on. */
export interface AwaitedLock { name: string; symbol: string; address: string; says_holder: boolean; holder: number | null }

/** Nothing will happen any more. */
export interface Hang { why: string; step: number; harts: (Place & { waiting: boolean; lock: AwaitedLock | null })[] }

/** An entry on the way to an address, as it was when it mattered. */
export interface WalkStep { level: number; address: string; value: string }

export interface Finding {
  n: number;
  rule: string; // stable, a key of the texts
  severity: 'fault' | 'note';
  access: 'fetch' | 'load' | 'store';
  text: string; // what happened, in English
  address: string;
  entry: string; // the physical address of the entry concerned, or ''
  old_entry: string;
  new_entry: string;
  old_physical: string; // where the access may still lead
  new_physical: string; // where the tables lead it now
  is_allowed: boolean; // by the tables, now
  walk: WalkStep[];
  now: Place;
  cause?: Place;
}

/** A change of an entry: who wrote it. */
export interface Change { by: Place; device: boolean; old: string; new: string }

/** Where to run to. */
export type Until = 'instruction' | 'trap' | 'fault' | 'satp' | 'finding' | 'fork' | 'exec';

export type Request =
  | { do: 'boot'; guest: Guest; options: Options; stands: boolean } // stands: runs only when it is asked to
  | { do: 'ask'; name: string; changes: boolean; parameters: Record<string, string> }
  | { do: 'run' }
  | { do: 'pause' }
  | { do: 'until'; what: Until; text?: string } // text: typed first
  | { do: 'goto'; step: number }
  | { do: 'back' }
  | { do: 'findings'; after: number }
  | { do: 'blame'; pa: string }
  | { do: 'record' }
  | { do: 'replay'; input: Recording['input']; end: number };

export interface Answer { status: number; value: unknown }

export type ToWorker = { id: number; request: Request } | { input: Uint8Array };
export type FromWorker =
  | { id: number; answer: Answer }
  | { output: Uint8Array; replay: boolean } // replay: the terminal starts anew with this
  | { status: Status }
  | { failed: string };

/** The run as one file: with the kernel and the image it gives the same run again, to the bit. */
export interface Recording {
  format: 'bifolium-run-1';
  name: string;
  options: Options;
  input: { step: number; nanoseconds: number; text: string }[];
  end: number;
  builtin: string; // the built-in guest, or '' when kernel and image are in the file
  kernel?: string; // base64
  image?: string;
}
