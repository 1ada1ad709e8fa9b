// SPDX-License-Identifier: MIT
import { html, nothing } from 'lit-html';
import type { Step, Walk } from './api';
import { levelName, levelTable, t } from './i18n';
import { blameLink, flagBadges, frameLink } from './regions';
import { actions, state } from './state';

function binary(value: bigint, bits: number): string { return value.toString(2).padStart(bits, '0'); }

/** The address in its fields: sign bits, one index for each level, offset. A superpage's offset is longer. */
function fields(walk: Walk) {
  const va = BigInt(walk.va);
  const levels = (walk.bits - 12) / 9;
  const leaf = walk.found ? walk.leaf_level ?? 0 : 0;
  const parts = [];
  const signBits = 64 - walk.bits;
  parts.push(html`<div class="field sign"><span class="field-name">${t('sign')}</span><code>${va >> BigInt(walk.bits) === 0n ? '0…0' : '1…1'}</code><span class="field-value">${signBits} ${t('bit')}</span></div>`);
  for (let level = levels - 1; level >= leaf; --level) {
    const index = (va >> BigInt(12 + 9 * level)) & 511n;
    parts.push(html`<div class="field level-${level} ${isActive(walk, level) ? 'active' : ''}"><span class="field-name">${t('index')} ${level}</span><code>${binary(index, 9)}</code><span class="field-value">${index.toString()}</span></div>`);
  }
  const offsetBits = 12 + 9 * leaf;
  const offset = va & ((1n << BigInt(offsetBits)) - 1n);
  parts.push(html`<div class="field offset"><span class="field-name">${t('offset')}</span><code>${binary(offset, offsetBits)}</code><span class="field-value">0x${offset.toString(16)}</span></div>`);
  return html`<div class="fields" role="img" aria-label="${walk.va}">${parts}</div>`;
}

function isActive(walk: Walk, level: number): boolean {
  return state.step >= 0 && walk.steps[state.step]?.level === level;
}

function stepCard(step: Step, position: number) {
  const hidden = state.step >= 0 && position > state.step;
  if (hidden) return nothing;
  const kind = !step.read ? 'bad' : step.leaf ? 'leaf' : (BigInt(step.pte) & 1n) === 0n ? 'bad' : 'pointer';
  return html`<div class="arrow" aria-hidden="true">→</div>
  <div class="step level-${step.level} ${kind} ${state.step === position ? 'active' : ''}" style="--order:${position}">
    <div class="step-head">${levelTable(step.level)}<br>${frameLink(step.table)}</div>
    <div class="node" aria-hidden="true"><i style="top:${(step.index / 511) * 92}%"></i></div>
    <div class="sum mono">${step.table}<br>+ ${step.index} × 8<br>= ${step.entry_address}</div>
    <div class="pte"><code>${step.read ? step.pte : '—'}</code>${step.read && (BigInt(step.pte) & 1n) ? flagBadges(step.leaf ? step.flags : 'V') : nothing}
      <span class="dim">${!step.read ? t('end.table_outside_memory') : step.leaf ? t('leaf') : kind === 'bad' ? 'V = 0' : html`PPN ${step.ppn}`}</span>${step.read ? blameLink(step.entry_address) : nothing}</div>
  </div>`;
}

function result(walk: Walk) {
  const last = walk.steps.length - 1;
  if (state.step >= 0 && state.step < last) return nothing;
  if (!walk.found) return html`<div class="arrow" aria-hidden="true">✕</div><div class="step end bad"><div class="step-head">${t(`end.${walk.end_kind}`)}</div></div>`;
  const size = 1n << BigInt(12 + 9 * (walk.leaf_level ?? 0));
  const pa = BigInt(walk.pa ?? '0x0');
  const offset = BigInt(walk.va) & (size - 1n);
  return html`<div class="arrow" aria-hidden="true">→</div>
  <div class="step end leaf" style="--order:${walk.steps.length}">
    <div class="step-head">${walk.page} ${t('page')}<br>${frameLink('0x' + (pa - offset).toString(16))}</div>
    <div class="sum mono">0x${(pa - offset).toString(16)}<br>+ 0x${offset.toString(16)}<br>= <b>${walk.pa}</b></div>
    <div class="pte"><b>${t('physical address')}</b>${walk.region ? html`<span class="dim">${t(walk.region)}</span>` : nothing}</div>
  </div>`;
}

function verdicts(walk: Walk) {
  const cell = (key: string) => {
    const verdict = walk.verdict[key];
    if (!verdict) return html`<td></td>`;
    return html`<td class=${verdict.allowed ? 'yes' : 'no'}><b>${verdict.allowed ? `✓ ${t('yes')}` : `✕ ${t('no')}`}</b>${verdict.allowed ? nothing : html`<br><small>${t(verdict.why)}</small>`}</td>`;
  };
  return html`<div><h4>${t('Who may do what')}</h4><table class="verdicts"><thead><tr><th></th><th>${t('read')}</th><th>${t('write')}</th><th>${t('execute')}</th></tr></thead><tbody>
    <tr><th>${t('user')}</th>${cell('user_read')}${cell('user_write')}${cell('user_execute')}</tr>
    <tr><th>${t('kernel')}</th>${cell('kernel_read')}${cell('kernel_write')}${cell('kernel_execute')}</tr>
    <tr><th>${t('kernel with SUM')}</th>${cell('kernel_sum_read')}${cell('kernel_sum_write')}<td></td></tr></tbody></table>
    ${walk.region === 'guard' ? html`<p class="hint">${t('A valid leaf needs one of R, W and X. This one has what it has so that the hole is visible in the table: no code lies behind it, and nothing jumps there.')}</p>` : nothing}</div>`;
}

function translatedMeaning(meaning: string): string {
  const place = /^(the page begins at|the level-(\d) table is at) (0x[0-9a-f]+)(.*)$/.exec(meaning);
  if (!place) return t(meaning);
  return place[2] ? `${levelTable(place[2])}: ${place[3]}` : `${t('page')} ${t('begins at')} ${place[3]}${place[4]}`;
}

function bits(walk: Walk) {
  const step = walk.steps[state.step >= 0 ? state.step : walk.steps.length - 1];
  if (!step || !step.read) return nothing;
  return html`<div><h4>${t('Bits of the entry')} <code>${step.pte}</code> (${levelName(step.level)})</h4><div class="scroll"><table class="bits"><thead><tr><th>${t('bit')}</th><th>${t('field')}</th><th>${t('value')}</th><th>${t('meaning')}</th></tr></thead>
    <tbody>${step.bits.map((bit) => html`<tr class=${bit.value === '0x0' || bit.name === 'PPN' ? '' : 'set'}><td class="number">${bit.high === bit.low ? bit.high : `${bit.high}:${bit.low}`}</td><td><b>${bit.name}</b></td><td class="mono">${bit.value}</td><td>${translatedMeaning(bit.meaning)}</td></tr>`)}</tbody></table></div></div>`;
}

function move(by: number): void {
  const last = (state.walk?.steps.length ?? 0) - 1;
  state.step = state.step < 0 ? (by > 0 ? 0 : last) : Math.min(Math.max(state.step + by, 0), last);
  actions.redraw();
}

function spoken(walk: Walk): string {
  const step = walk.steps[state.step];
  if (!step) return `${walk.va}: ${t(`end.${walk.end_kind}`)}${walk.pa ? `, ${t('physical address')} ${walk.pa}` : ''}`;
  return `${levelName(step.level)}: ${step.table} + ${step.index} × 8 = ${step.entry_address}, ${t('entry')} ${step.pte}`;
}

export function walkView() {
  const walk = state.walk;
  return html`<section class="card" aria-labelledby="walk-title">
    <h3 id="walk-title">${t('Walk an address')}</h3>
    <form class="row" @submit=${(event: SubmitEvent) => { event.preventDefault(); actions.walk(new FormData(event.target as HTMLFormElement).get('va') as string); }}>
      <label for="va">${t('Virtual address')}</label>
      <input id="va" name="va" class="mono" autocomplete="off" spellcheck="false" placeholder=${t('hex, or a name')} .value=${state.va}>
      <button type="submit" class="primary">${t('Walk')}</button>
      ${walk ? html`<span class="group" role="group"><button type="button" @click=${() => move(-1)} ?disabled=${walk.steps.length === 0}>◀ ${t('Previous step')}</button>
        <button type="button" @click=${() => move(1)} ?disabled=${walk.steps.length === 0}>${t('Next step')} ▶</button>
        <button type="button" @click=${() => { state.step = -1; actions.redraw(); }} aria-pressed=${state.step < 0}>${t('All steps')}</button></span>` : nothing}
    </form>
    ${state.walkError ? html`<p class="error" role="alert">${t(state.walkError)}</p>` : nothing}
    ${walk ? html`${fields(walk)}
      <div class="steps"><div class="step satp"><div class="step-head">satp<br>${t('root')}</div><div class="sum mono">${walk.root}</div><div class="pte dim">${walk.mode}</div></div>
        ${walk.steps.map(stepCard)}${result(walk)}</div>
      <p class="visually-hidden" aria-live="polite">${spoken(walk)}</p>
      ${walk.torn ? html`<p class="error">${t('the entries changed while they were read')}</p>` : nothing}
      <div class="columns">${verdicts(walk)}${bits(walk)}</div>`
    : html`<p class="hint">${t('Type an address, or click a region or an entry.')}</p>`}
  </section>`;
}
