// SPDX-License-Identifier: MIT
// What the page shows around the explorer's panes.

import type { Change, Finding, Options, Status, Until } from './protocol';

export type Pane = 'findings' | 'tour' | 'guest';

export interface Builtin { name: string; title: string; kernel: string; image: string }

export const page = {
  status: undefined as Status | undefined,
  failure: '',
  notice: '',
  pane: 'tour' as Pane,
  findings: [] as Finding[],
  open: -1, // the finding that is unfolded
  options: { harts: 1, megabytes: 128, seed: 0, bootargs: '', judges: true } as Options,
  builtins: [] as Builtin[],
  until: 'trap' as Until, // what "Run to" runs to
  guest: '', // what runs
  dropped: { kernel: undefined as File | undefined, image: undefined as File | undefined },
  tourStep: 0,
  tourReached: undefined as number | undefined, // the step whose moment the machine stands at
  blame: undefined as { pa: string; changes: Change[] } | undefined,
  branched: false,
  answers: {} as Record<string, boolean>, // the questions at the end of the tour
};
