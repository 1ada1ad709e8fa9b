// SPDX-License-Identifier: MIT
// The explorer's panes and what a person does in them. Where the answers come from (api.ts) and the page around the
// panes (main.ts here; the machine's page in page/) are somebody else's.

import { html, nothing } from 'lit-html';
import { api, Refused } from './api';
import { checkView } from './check';
import { compareView } from './compare';
import { humanSize, t } from './i18n';
import { drawMemory, memoryView } from './memory';
import { regionsView } from './regions';
import { rulerView } from './ruler';
import { spacesView } from './spaces';
import { actions, hasTables, selectedSpace, state, type Tab } from './state';
import { drawTimeline, timelineView } from './timeline';
import { treeView } from './tree';
import { walkView } from './walk';

const tabs: [Tab, string][] = [['space', 'Address space'], ['memory', 'Memory'], ['timeline', 'Timeline'], ['compare', 'Compare'], ['check', 'Check']];

function moveTab(event: KeyboardEvent): void {
  const at = tabs.findIndex(([tab]) => tab === state.tab);
  const next = { ArrowRight: (at + 1) % tabs.length, ArrowLeft: (at + tabs.length - 1) % tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  actions.openTab(tabs[next]![0]);
  document.getElementById(`tab-${tabs[next]![0]}`)?.focus();
}

function tabList() {
  return html`<div class="tabs" role="tablist" aria-label=${t('Views')} @keydown=${moveTab}>${tabs.map(([tab, name]) => html`<button type="button" role="tab" id="tab-${tab}" aria-controls="panel"
    aria-selected=${state.tab === tab} tabindex=${state.tab === tab ? 0 : -1} @click=${() => actions.openTab(tab)}>${t(name)}</button>`)}</div>`;
}

function summary() {
  const space = selectedSpace();
  if (!space) return html`<p class="hint">${state.scene ? t('This address space is gone.') : ''}</p>`;
  if (!hasTables(space)) return html`<h2 class="space-title">${space.title}</h2><p class="hint">${t(space.state ?? '')}. ${t('This process has no page tables.')}</p>`;
  const saved = space.table_bytes > 0 ? Math.round(space.flat_bytes / space.table_bytes) : 0;
  const fact = (name: string, value: unknown, note: unknown = nothing) => html`<div class="fact"><dt>${t(name)}</dt><dd>${value}<small>${note}</small></dd></div>`;
  return html`<h2 class="space-title">${space.title} ${space.harts.length > 0 ? html`<span class="hart">${t('on hart')} ${space.harts.join(' ')}</span>` : nothing}</h2>
    <dl class="facts-row">
      ${fact('Root table', html`<code>${space.root}</code>`, space.mode)}
      ${fact('Mapped', humanSize((space.role === 'process' ? space.user_pages : space.mapped_pages) * 4096), space.role === 'process' ? html`${space.user_pages} ${t(space.user_pages === 1 ? 'user page' : 'user pages')}` : nothing)}
      ${fact('Superpages', space.superpages)}
      ${fact('Page tables', space.tables, html`${humanSize(space.table_bytes)}${space.shared_tables > 0 ? html` + ${space.shared_tables} ${t('shared with the kernel')}` : nothing}`)}
      ${fact('A flat table would take', humanSize(space.flat_bytes), saved > 0 ? html`${saved.toLocaleString('en')} ${t('times less than a flat table')}` : nothing)}
    </dl>`;
}

function panel() {
  switch (state.tab) {
    case 'space': {
      const space = selectedSpace();
      return space && !hasTables(space) ? summary() : html`${summary()}${rulerView()}${walkView()}${regionsView()}${treeView()}`;
    }
    case 'memory': return memoryView();
    case 'timeline': return timelineView();
    case 'compare': return compareView();
    case 'check': return checkView();
  }
}

/** The list of address spaces, the tabs and the open pane. */
export function explorerView() {
  return html`<div class="body">${spacesView()}<main>${tabList()}<div id="panel" role="tabpanel" aria-labelledby="tab-${state.tab}">${panel()}</div></main></div>`;
}

/** What is drawn on a canvas can be drawn only once the elements are there. */
export function drawCanvases(): void {
  if (state.tab === 'memory') drawMemory();
  if (state.tab === 'timeline') drawTimeline();
}

// What people do.

actions.select = (space) => {
  if (state.space === space) return;
  state.space = space;
  state.ranges = [];
  state.nodes.clear();
  state.wide.clear();
  state.walk = undefined;
  state.walkError = '';
  state.compareB.space = space;
  state.compareA.space = space;
  state.differences = undefined;
  notePlace();
  actions.redraw();
  void refreshView();
};
actions.openTab = (tab) => {
  state.tab = tab;
  notePlace();
  actions.redraw();
  void refreshView();
  if (tab === 'check' && state.findings === undefined) actions.check();
};
actions.walk = (va) => {
  state.va = va.trim();
  state.step = -1;
  notePlace();
  void refreshWalk().then(actions.redraw);
};
actions.toggleTable = (path) => {
  if (!state.nodes.has(path)) return void loadNode(path).then(actions.redraw);
  for (const open of [...state.nodes.keys()]) if (open === path || open.startsWith(`${path}.`)) state.nodes.delete(open);
  actions.redraw();
};
actions.showFrame = (pa) => {
  state.frameError = '';
  void guarded(async () => {
    const users = await api.frame(pa.trim()).catch((error: Error) => { state.frameError = error.message; throw error; });
    const base = BigInt(state.scene?.ram.base ?? '0x0');
    const frame = (BigInt(pa.trim()) - base) / 4096n;
    state.frameCursor = Number(frame);
    state.frameUsers = { ...users, pa: '0x' + (base + frame * 4096n).toString(16) };
    state.tab = 'memory';
    await refreshView();
  }).then(actions.redraw);
};
actions.keepMoment = () => {
  void guarded(async () => {
    const { moment } = await api.keepMoment();
    state.moments = await api.moments();
    state.compareA.moment = String(moment);
    await compare();
  }).then(actions.redraw);
};
actions.compare = () => void compare().then(actions.redraw);
actions.showKernel = (show) => {
  state.withKernel = show;
  void refreshView();
};
actions.check = () => {
  state.checking = true;
  actions.redraw();
  void guarded(async () => { state.findings = await api.lint(); }).then(() => { state.checking = false; actions.redraw(); });
};

// What comes from the guest.

/** A refusal means that a process went away meanwhile; anything else, that the server did. */
async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refused)) state.connected = false;
  }
}

async function compare(): Promise<void> {
  state.compareError = '';
  try {
    const { compareA: a, compareB: b } = state;
    state.differences = await api.diff(a.space, a.moment, b.space, b.moment);
  } catch (error) {
    state.differences = undefined;
    state.compareError = String((error as Error).message);
  }
}

// Another space may have been chosen while an answer was on its way: then it is about nothing that is shown.

async function refreshWalk(): Promise<void> {
  const space = state.space;
  if (state.va === '') return;
  try {
    // An address is hexadecimal, with or without 0x.
    const va = /^[0-9a-f]+$/i.test(state.va) ? `0x${state.va}` : state.va;
    const walk = await api.explain(space, va);
    if (state.space !== space) return;
    state.walk = walk;
    state.walkError = '';
  } catch (error) {
    if (state.space !== space) return;
    state.walk = undefined;
    state.walkError = error instanceof Refused ? error.message : 'guest is gone';
  }
}

async function loadNode(path: string): Promise<void> {
  const space = state.space;
  try {
    const node = await api.node(space, path);
    if (state.space === space) state.nodes.set(path, node);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (state.space === space) state.nodes.delete(path);
  }
}

async function refreshSpace(): Promise<void> {
  const space = selectedSpace();
  if (!space || !hasTables(space)) return;
  const ranges = await api.map(space.id, state.withKernel);
  if (state.space !== space.id) return;
  state.ranges = ranges;
  if (!state.nodes.has('')) await loadNode('');
  await Promise.all([...state.nodes.keys()].map(loadNode));
  if (state.walk) await refreshWalk();
}

async function refreshTimeline(): Promise<void> {
  const since = state.timelineNext;
  const news = await api.timeline(since, true);
  // Another refresh may have been quicker with the same news.
  if (state.timelineNext !== since) return;
  state.timelineNext = news.next;
  state.tracing = news.tracing;
  state.skipped = news.skipped;
  state.events = [...state.events, ...news.events].slice(-1000);
  state.traps = [...state.traps, ...news.traps].slice(-6000);
}

async function refreshView(): Promise<void> {
  await guarded(async () => {
    if (state.tab === 'space') await refreshSpace();
    if (state.tab === 'memory') state.frames = await api.frames();
    await refreshTimeline(); // whatever is shown: what happens meanwhile is looked for later
    if (state.tab === 'compare') state.moments = await api.moments();
  });
  actions.redraw();
}

function noteSatps(): void {
  const scene = state.scene;
  if (!scene) return;
  const owners = scene.harts.map((hart) => scene.spaces.find((space) => space.harts.includes(hart.hart))?.id ?? '');
  const last = state.satpHistory.at(-1);
  if (last && last.time >= scene.time) return;
  state.satpHistory.push({ time: scene.time, owners });
  if (state.satpHistory.length > 400) state.satpHistory.splice(0, 100);
}

// The place is in the address bar, so that a reload, and a link, lead to it.

function notePlace(): void {
  const place = new URLSearchParams(location.hash.slice(1)); // the page around the panes may have its own words there
  place.set('tab', state.tab);
  place.set('space', state.space);
  if (state.va !== '') place.set('va', state.va);
  if (location.hash !== `#${place}`) history.replaceState(null, '', `#${place}`);
}

function takePlace(): void {
  const place = new URLSearchParams(location.hash.slice(1));
  const tab = tabs.find(([name]) => name === place.get('tab'));
  if (tab) state.tab = tab[0];
  const space = state.scene?.spaces.find((candidate) => candidate.id === place.get('space'));
  if (!space) return;
  state.space = state.compareA.space = state.compareB.space = space.id;
  const va = place.get('va');
  if (va) actions.walk(va);
}

/** Asks for everything that is shown. */
export async function refresh(): Promise<void> {
  await guarded(async () => {
    state.scene = await api.scene();
    state.connected = true;
    noteSatps();
    if (state.space === '') takePlace();
    if (state.space === '' && state.scene.spaces.length > 0) {
      const first = state.scene.spaces.find((space) => space.role === 'process') ?? state.scene.spaces[0]!;
      state.space = state.compareA.space = state.compareB.space = first.id;
    }
    await refreshView();
    notePlace();
  });
  actions.redraw();
}
