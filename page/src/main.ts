// SPDX-License-Identifier: MIT
// The page: a machine in a worker, its console, its past, and the explorer's panes over it.

import { html, nothing, render } from 'lit-html';
import { drawCanvases, explorerView, refresh } from '../../tools/foliowalk/web/src/explorer';
import { currentLanguage, type Language, preferredLanguage, setLanguage, t } from '../../tools/foliowalk/web/src/i18n';
import { Refused } from '../../tools/foliowalk/web/src/api';
import { actions, state } from '../../tools/foliowalk/web/src/state';
import { Client } from './client';
import { controlsView } from './controls';
import { findingsView } from './findings';
import { bytesOf, fromBase64, guestView, loadBuiltin, readRecording, recognise, toBase64 } from './guest';
import type { Change, Finding, Guest, Options, Recording, Until } from './protocol';
import { page, type Builtin, type Pane } from './state';
import { Console } from './terminal';
import { checkQuestion, driver, driveTo, rememberedTour, rememberTour, tourLength, tourView } from './tour';
import './texts';

const root = document.getElementById('app')!;
const client = new Client();
const terminal = new Console(client);
const panes: [Pane, string][] = [['tour', 'Tour'], ['findings', 'Findings'], ['guest', 'Guest']];
let booted: Guest | undefined; // for keeping the run
let stoppedWaiters: (() => void)[] = [];
let isOtherRun = false; // the next status is of a run that has begun anew
let stoppedStep = -1; // the moment that the panes show, while the machine stands

async function guarded(work: () => Promise<unknown>): Promise<void> {
  page.failure = '';
  try { await work(); } catch (error) { page.failure = t((error as Error).message); }
  redraw();
}

// What people do with time.

const controls = {
  run: () => void guarded(() => client.ask({ do: 'run' })),
  pause: () => void guarded(() => client.ask({ do: 'pause' })),
  until: (what: Until) => void guarded(() => client.ask({ do: 'until', what })),
  back: () => void guarded(() => client.ask({ do: 'back' })),
  goTo: (step: number) => void guarded(() => client.ask({ do: 'goto', step })),
};

const findingActions = {
  goTo: controls.goTo,
  blame: (pa: string) => void guarded(async () => {
    page.pane = 'findings';
    page.blame = { pa, changes: await client.ask({ do: 'blame', pa }) as Change[] };
    redraw();
    // Whoever asked from a pane far below is led to the answer.
    const title = document.getElementById('blame-title');
    title?.focus({ preventScroll: true });
    title?.scrollIntoView({ block: 'nearest' });
  }),
  redraw: () => redraw(),
};

// What runs.

async function boot(guest: Guest, options: Options, stands = false): Promise<void> {
  page.notice = t('booting…');
  isOtherRun = true;
  page.findings = [];
  page.blame = undefined;
  page.guest = guest.name;
  booted = guest;
  state.space = '';
  redraw();
  await client.ask({ do: 'boot', guest, options, stands });
  isOtherRun = true;
  forgetTimeline();
  page.notice = '';
}

async function replay(recording: Recording): Promise<void> {
  const builtin = page.builtins.find((one) => one.name === recording.builtin);
  const guest = builtin ? await loadBuiltin(builtin)
    : { name: recording.name, kernel: fromBase64(recording.kernel ?? ''), image: fromBase64(recording.image ?? '') };
  page.options = recording.options;
  // What was typed at its first moments comes before it has run.
  await boot(guest, recording.options, true);
  await client.ask({ do: 'replay', input: recording.input, end: recording.end });
}

async function recorded(withFiles: boolean): Promise<Recording> {
  const recording = await client.ask({ do: 'record' }) as Recording;
  const builtin = page.builtins.find((one) => one.name === page.guest);
  if (builtin) return { ...recording, builtin: builtin.name };
  return withFiles ? { ...recording, kernel: toBase64(booted!.kernel), image: toBase64(booted!.image) } : recording;
}

const guestActions = {
  bootBuiltin: (builtin: Builtin) => void guarded(async () => boot(await loadBuiltin(builtin), page.options)),
  bootFiles: () => void guarded(async () => {
    const { kernel, image } = page.dropped;
    if (!kernel) return;
    await boot({ name: kernel.name, kernel: await bytesOf(kernel), image: await bytesOf(image) }, page.options);
  }),
  take: (files: FileList | File[]) => void guarded(async () => {
    for (const file of files) {
      const kind = await recognise(file);
      if (kind === 'run') return await replay(readRecording(await file.text()));
      page.dropped[kind] = file;
    }
    if (page.dropped.kernel && page.dropped.image) guestActions.bootFiles();
  }),
  withoutImage: () => { page.dropped.image = undefined; redraw(); document.getElementById('boot')?.focus(); },
  keepRun: () => void guarded(async () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([JSON.stringify(await recorded(true))], { type: 'application/json' }));
    link.download = `${page.guest}.run.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  }),
  copyLink: () => void guarded(async () => {
    const recording = await recorded(false);
    if (recording.builtin === '') throw new Error(t('A link works for the built-in guests. Keep the run as a file instead.'));
    const link = new URL(location.href);
    link.hash = `run=${encodeURIComponent(JSON.stringify(recording))}`;
    await navigator.clipboard.writeText(link.href);
    page.notice = t('The link is in the clipboard.');
  }),
  redraw: () => redraw(),
};

// The tour.

const whenStopped = async (): Promise<void> => {
  if (page.status?.running) await new Promise<void>((resolve) => stoppedWaiters.push(resolve));
  await refresh();
};
const atPrompt = (): boolean => terminal.text().endsWith('$') && (page.status?.waiting === true || page.status?.running === true);
const guide = driver(client, whenStopped, atPrompt, () => actions.keepMoment());
const tourActions = {
  go: (step: number) => void guarded(async () => {
    page.tourReached = undefined;
    page.tourStep = Math.max(0, Math.min(step, tourLength));
    rememberTour();
    redraw();
    await driveTo(page.tourStep, guide);
    page.tourReached = page.tourStep;
  }),
  check: (id: string) => void guarded(async () => { await refresh(); await checkQuestion(id); }),
  redraw: () => redraw(),
};

// What is shown.

function header() {
  const status = page.status;
  const word = !status ? 'connecting…' : status.ended ? status.ended : status.running ? 'live' : 'paused';
  return html`<header><h1>Bifolium <small>${t('A kernel, its page tables and its past')}</small></h1>
    <span class="status ${word === 'live' ? 'live' : 'paused'}" role="status">${t(word)}</span>
    ${status?.running && status.speed > 0 ? html`<span class="dim facts">${(status.speed / 1e6).toFixed(0)} MIPS</span>` : nothing}
    <span class="spacer"></span>
    <label class="plain"><input type="checkbox" @change=${(event: Event) => terminal.readAloud((event.target as HTMLInputElement).checked)}>${t('read aloud')}</label>
    <label class="visually-hidden" for="language">${t('Language')}</label>
    <select id="language" @change=${(event: Event) => { setLanguage((event.target as HTMLSelectElement).value as Language); redraw(); }}>
      <option value="en" ?selected=${currentLanguage() === 'en'}>English</option><option value="zh-CN" ?selected=${currentLanguage() === 'zh-CN'}>中文</option></select>
  </header>`;
}

function consoleView() {
  return html`<p class="row hint"><span id="console-hint">${t('Esc, then Tab, leaves the console.')}</span>
    <button type="button" class="link" id="copy-console" @click=${() => void guarded(async () => {
      await navigator.clipboard.writeText(terminal.text());
      page.notice = t('The console’s text is in the clipboard.');
    })}>${t('Copy all of it')}</button></p>`;
}

function findingCount(): number { return page.findings.length + (page.status?.hang ? 1 : 0); }

function paneTabs() {
  const move = (event: KeyboardEvent): void => {
    const at = panes.findIndex(([pane]) => pane === page.pane);
    const next = { ArrowRight: (at + 1) % panes.length, ArrowLeft: (at + panes.length - 1) % panes.length }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    page.pane = panes[next]![0];
    redraw();
    document.getElementById(`pane-${page.pane}`)?.focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${t('Bifolium')} @keydown=${move}>${panes.map(([pane, name]) => html`<button type="button" role="tab" id="pane-${pane}" aria-controls="side"
    aria-selected=${page.pane === pane} tabindex=${page.pane === pane ? 0 : -1} @click=${() => { page.pane = pane; redraw(); }}>${t(name)}${pane === 'findings' && findingCount() > 0 ? html` <span class="count">${findingCount()}</span>` : nothing}</button>`)}</div>`;
}

function side() {
  switch (page.pane) {
    case 'tour': return tourView(tourActions);
    case 'findings': return findingsView(findingActions);
    case 'guest': return guestView(guestActions);
  }
}

/** What the timeline told was of another past. */
function forgetTimeline(): void {
  state.events = [];
  state.traps = [];
  state.satpHistory = [];
  state.timelineNext = 0;
}

function redraw(): void {
  render(html`${header()}
    ${page.failure ? html`<p class="banner error" role="alert">${page.failure}</p>` : nothing}
    ${page.notice ? html`<p class="banner" role="status">${page.notice}</p>` : nothing}
    <div class="top"><section class="screen" aria-label=${t('Console')}>${terminal.element}${consoleView()}${controlsView(controls)}</section>
      <aside>${paneTabs()}<div id="side" role="tabpanel" aria-labelledby="pane-${page.pane}">${side()}</div></aside></div>
    ${explorerView()}`, root);
  drawCanvases();
}

actions.redraw = redraw;
actions.blame = findingActions.blame;

client.onFailure = (why) => { page.failure = `${t('The machine stopped')}: ${why}`; redraw(); };
client.onStatus = (status) => {
  if (page.status && !isOtherRun && status.newest < page.status.newest) page.notice = t('A new branch began here: what came later is forgotten.');
  if (page.status && status.step < page.status.step) forgetTimeline();
  isOtherRun = false;
  page.status = status;
  if (status.findings !== page.findings.length) void client.ask({ do: 'findings', after: 0 }).then((found) => { page.findings = found as Finding[]; redraw(); }, () => {});
  if (!status.running) {
    for (const wake of stoppedWaiters.splice(0)) wake();
    if (status.step !== stoppedStep) { stoppedStep = status.step; void refresh(); }
  } else stoppedStep = -1;
  redraw();
};

async function start(): Promise<void> {
  setLanguage(preferredLanguage());
  page.tourStep = rememberedTour();
  root.replaceChildren();
  redraw();
  terminal.open();
  page.builtins = await (await fetch(new URL('./guests.json', import.meta.url))).json() as Builtin[];
  const wanted = new URLSearchParams(location.hash.slice(1)).get('run');
  if (wanted) await guarded(() => replay(readRecording(wanted)));
  else await guarded(async () => boot(await loadBuiltin(page.builtins[0]!), page.options));
  terminal.focus();
  for (;;) {
    if (page.status?.running && document.visibilityState === 'visible') await refresh().catch((error: unknown) => { if (!(error instanceof Refused)) throw error; });
    await new Promise((wake) => setTimeout(wake, 700));
  }
}

// For tests: what is on the console.
Object.assign(window, { bifolium: { text: () => terminal.text(), drawn: () => terminal.drawn(), size: () => terminal.size(), status: () => page.status, findings: () => page.findings, tour: () => page.tourReached, blame: () => page.blame?.changes } });
addEventListener('resize', redraw);
// Files may be dropped anywhere: a browser would leave the page for a file that nobody takes.
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  if (!event.dataTransfer || event.dataTransfer.files.length === 0) return;
  page.pane = 'guest';
  guestActions.take([...event.dataTransfer.files]);
});
void start();
