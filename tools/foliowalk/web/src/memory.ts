// SPDX-License-Identifier: MIT
import { html, nothing } from 'lit-html';
import type { Frames } from './api';
import { heatColours, kindColours, ownerColour } from './colours';
import { humanSize, levelTable, t } from './i18n';
import { addressLink, flagBadges } from './regions';
import { actions, state, type Colouring } from './state';

const columns = 256; // a row is one mebibyte
const cell = 4;
const fewestFolded = 3; // rows; less than that is not worth a fold
const foldHeight = 34;
const kindNames = ['free or the kernel’s own', 'kernel data', 'page table', 'user page', 'shared by several', 'supervisor only', 'free', 'the kernel’s own', 'page of a file',
  'kernel text', 'kernel stack', 'disk buffers', 'pipe'];

function colourOf(run: Frames['runs'][number]): string {
  const [, kind, owner, , heat] = run;
  if (state.colouring === 'kind') return kindColours[kind] ?? '#0000';
  if (state.colouring === 'owner') return isOfImage(kind) ? kindColours[1]! : ownerColour(state.frames?.owners[owner] ?? '');
  return isOfImage(kind) || kind === 2 ? '#00000000' : heatColours[heat] ?? '#0000';
}

/** A row of frames, or a fold: rows in which nothing is in use. */
interface Band { row: number; rows: number; folded: boolean; top: number; height: number }

function isOfImage(kind: number): boolean { return kind === 1 || kind === 9; }

function isIdle(kind: number): boolean { return kind === 0 || kind === 6; }

function cursorRow(): number { return Math.floor(state.frameCursor / columns); }

/** What the map shows from top to bottom. The row of the cursor is always there. */
function bandsOf(frames: Frames): Band[] {
  const rows = Math.ceil(frames.frames / columns);
  const busy = new Array<boolean>(rows).fill(!state.foldFree);
  if (rows > 0) busy[Math.min(cursorRow(), rows - 1)] = true;
  let at = 0;
  for (const [count, kind] of frames.runs) {
    if (!isIdle(kind)) busy.fill(true, Math.floor(at / columns), Math.ceil((at + count) / columns));
    at += count;
  }
  const bands: Band[] = [];
  for (let row = 0; row < rows;) {
    let end = row + 1;
    while (end < rows && busy[end] === busy[row]) ++end;
    if (!busy[row] && end - row >= fewestFolded) bands.push({ row, rows: end - row, folded: true, top: 0, height: foldHeight });
    else for (let i = row; i < end; ++i) bands.push({ row: i, rows: 1, folded: false, top: 0, height: 0 });
    row = end;
  }
  // Few rows can be tall, which makes them easier to see and to hit.
  const open = bands.filter((band) => !band.folded).length;
  const height = Math.max(cell, Math.min(32, Math.floor(400 / Math.max(open, 1))));
  let top = 0;
  for (const band of bands) {
    if (!band.folded) band.height = height;
    band.top = top;
    top += band.height;
  }
  return bands;
}

function drawFold(context: CanvasRenderingContext2D, band: Band, paper: string, ink: string): void {
  context.fillStyle = paper;
  context.fillRect(0, band.top, columns * cell, band.height);
  context.fillStyle = ink;
  context.font = '21px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(`⋯  ${humanSize(band.rows * columns * 4096)} ${t('in which nothing is in use')}  ⋯`, (columns * cell) / 2, band.top + band.height / 2);
}

export function drawMemory(): void {
  const canvas = document.querySelector<HTMLCanvasElement>('#memory-map');
  const frames = state.frames;
  const context = canvas?.getContext('2d');
  if (!canvas || !frames || !context) return;
  const bands = bandsOf(frames);
  const last = bands.at(-1);
  canvas.height = last ? last.top + last.height : cell;
  canvas.width = columns * cell;
  const style = getComputedStyle(canvas);
  context.fillStyle = style.getPropertyValue('--cell');
  context.fillRect(0, 0, canvas.width, canvas.height);
  const bandOfRow = new Map(bands.filter((band) => !band.folded).map((band) => [band.row, band]));
  let at = 0;
  for (const run of frames.runs) {
    context.fillStyle = colourOf(run);
    for (let left = run[0]; left > 0;) {
      const x = at % columns;
      const count = Math.min(left, columns - x);
      const band = bandOfRow.get(Math.floor(at / columns));
      if (band && !isIdle(run[1])) context.fillRect(x * cell, band.top, count * cell, band.height);
      at += count;
      left -= count;
    }
  }
  context.fillStyle = style.getPropertyValue('--grid');
  for (let x = 0; x <= columns; ++x) context.fillRect(x * cell - 0.5, 0, x % 16 === 0 ? 1.4 : 0.6, canvas.height);
  for (const band of bands) {
    context.fillStyle = style.getPropertyValue('--grid');
    context.fillRect(0, band.top - 0.5, canvas.width, 0.8);
    if (band.folded) drawFold(context, band, style.getPropertyValue('--card'), style.getPropertyValue('--ink-dim'));
  }
  const chosen = bandOfRow.get(cursorRow());
  if (!chosen) return;
  context.strokeStyle = style.getPropertyValue('--cursor');
  context.lineWidth = 2;
  context.strokeRect((state.frameCursor % columns) * cell - 2, chosen.top - 1, cell + 4, chosen.height + 2);
}

function addressOf(frame: number): string { return '0x' + (BigInt(state.frames?.base ?? '0x0') + BigInt(frame) * 4096n).toString(16); }

function moveCursor(event: KeyboardEvent): void {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -16 * columns, PageDown: 16 * columns }[event.key];
  if (step !== undefined) {
    const frames = state.frames?.frames ?? 1;
    state.frameCursor = Math.min(Math.max(state.frameCursor + step, 0), frames - 1);
    event.preventDefault();
    actions.redraw();
  } else if (event.key === 'Enter') actions.showFrame(addressOf(state.frameCursor));
}

function clickFrame(event: MouseEvent): void {
  const canvas = event.target as HTMLCanvasElement;
  const box = canvas.getBoundingClientRect();
  const x = Math.floor(((event.clientX - box.left) / box.width) * columns);
  const y = ((event.clientY - box.top) / box.height) * canvas.height;
  const band = bandsOf(state.frames!).find((candidate) => y < candidate.top + candidate.height);
  if (!band) return;
  if (band.folded) state.foldFree = false;
  state.frameCursor = band.row * columns + x;
  actions.showFrame(addressOf(state.frameCursor));
}

function ownerName(owner: string): string { return state.scene?.spaces.find((space) => space.id === owner)?.title ?? owner; }

function legend(frames: Frames) {
  if (state.colouring === 'heat') return html`<div class="legend">${[['A: used', heatColours[1]], ['A and D: written', heatColours[2]]].map(([name, colour]) => html`<span><i class="swatch" style="background:${colour}"></i>${t(name!)}</span>`)}</div>`;
  if (state.colouring === 'owner') {
    const present = [...new Set(frames.runs.filter((run) => !isOfImage(run[1])).map((run) => run[2]))].filter((owner) => owner >= 0).sort((a, b) => a - b);
    return html`<div class="legend">${present.map((owner) => html`<span><i class="swatch" style="background:${ownerColour(frames.owners[owner] ?? '')}"></i>${ownerName(frames.owners[owner] ?? '')}</span>`)}</div>`;
  }
  return html`<table class="kinds"><thead><tr><th>${t('kind')}</th><th class="number">${t('frames')}</th><th class="number">${t('size')}</th><th>${t('share of RAM')}</th></tr></thead><tbody>
    ${kindNames.map((name, kind) => (frames.totals[kind] === 0 ? nothing : html`<tr><td><i class="swatch ${isIdle(kind) ? 'empty' : ''}" style="background:${kindColours[kind]}"></i>${t(name)}</td><td class="number">${frames.totals[kind]}</td>
      <td class="number">${humanSize((frames.totals[kind] ?? 0) * 4096)}</td><td><span class="bar wide"><i style="width:${(100 * (frames.totals[kind] ?? 0)) / frames.frames}%;background:${kind === 0 || kind === 6 ? 'var(--line)' : kindColours[kind]}"></i></span></td></tr>`))}</tbody></table>`;
}

function frameDetails() {
  const chosen = state.frameUsers;
  if (!chosen) return nothing;
  const others = chosen.users.filter((user) => user.table || user.flags.includes('u') || !(user.va === chosen.pa || BigInt(user.va) >> 38n !== 0n));
  const direct = chosen.users.find((user) => !user.table && !others.includes(user));
  return html`<div aria-live="polite"><h4>${t('Frame')} <code>${chosen.pa}</code></h4>
    <p class="dim">${t(`kind.${chosen.kind}`)} · ${t('mappings by programs')}: ${chosen.mappings}${chosen.references > 0 ? html` · ${t('references that the kernel counts')}: ${chosen.references}` : nothing}${direct ? html` · ${t('direct map')}: <span class="mono">${direct.va}</span>` : nothing}</p>
    ${others.length === 0 ? html`<p class="hint">${t('No table maps this frame beside the direct map.')}</p>`
    : html`<div class="scroll tall"><table><thead><tr><th>${t('who')}</th><th>${t('address')}</th><th>${t('how')}</th></tr></thead><tbody>${others.map((user) => html`<tr>
        <td><button type="button" class="link" @click=${() => { actions.select(user.space); actions.openTab('space'); }}>${user.title}</button></td>
        <td>${user.table ? html`<span class="mono">${user.va}</span>` : html`<span @click=${() => { actions.select(user.space); actions.openTab('space'); }}>${addressLink(user.va)}</span>`}</td>
        <td>${user.table ? html`${levelTable(user.level)}` : flagBadges(user.flags)}</td></tr>`)}</tbody></table></div>`}</div>`;
}

export function memoryView() {
  const frames = state.frames;
  if (!frames) return html`<p class="hint">…</p>`;
  const choices: [Colouring, string][] = [['kind', 'kind'], ['owner', 'owner'], ['heat', 'A and D bits']];
  return html`<section class="card" aria-labelledby="memory-title"><h3 id="memory-title">${t('All of RAM, frame by frame')}</h3>
    <div class="row"><fieldset><legend>${t('Colour by')}</legend>${choices.map(([value, name]) => html`<label><input type="radio" name="colouring" .checked=${state.colouring === value}
        @change=${() => { state.colouring = value; actions.redraw(); }}>${t(name)}</label>`)}</fieldset>
      <label><input type="checkbox" .checked=${state.foldFree} @change=${(event: Event) => { state.foldFree = (event.target as HTMLInputElement).checked; actions.redraw(); }}>${t('Fold what is free')}</label>
      <form class="row" @submit=${(event: SubmitEvent) => { event.preventDefault(); actions.showFrame(new FormData(event.target as HTMLFormElement).get('pa') as string); }}>
        <label for="pa">${t('Physical address')}</label><input id="pa" name="pa" class="mono" autocomplete="off" placeholder="0x80000000"><button type="submit">${t('Show')}</button></form>
      ${state.frameError ? html`<span class="error" role="alert">${t(state.frameError)}</span>` : nothing}</div>
    <div class="columns memory"><div><div class="ruler-ends"><code>${frames.base}</code><span class="dim">1 MiB →</span></div>
      <canvas id="memory-map" tabindex="0" role="application" aria-label="${t('All of RAM, frame by frame')}. ${addressOf(state.frameCursor)}" @keydown=${moveCursor} @click=${clickFrame}></canvas>
      <div class="ruler-ends"><code>${addressOf(frames.frames)}</code><span class="dim">${t('chosen')}: <code>${addressOf(state.frameCursor)}</code></span></div>
      <p class="hint">${t('Each cell is one frame of 4 KiB. Move with the arrow keys; Enter tells who maps it.')}</p></div>
      <div>${legend(frames)}${frameDetails()}</div></div>
  </section>`;
}
