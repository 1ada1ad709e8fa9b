// SPDX-License-Identifier: MIT
// Run, pause, step, back, and the whole past as a slider.

import { html, nothing } from 'lit-html';
import { t } from '../../tools/foliowalk/web/src/i18n';
import type { Until } from './protocol';
import { page } from './state';

export interface Controls {
  run(): void;
  pause(): void;
  until(what: Until): void;
  back(): void;
  goTo(step: number): void;
}

const targets: [Until, string][] = [['instruction', 'one instruction'], ['trap', 'next trap'], ['fault', 'next page fault'],
  ['satp', 'next satp write'], ['fork', 'next fork'], ['exec', 'next exec'], ['finding', 'next finding']];

function readable(steps: number): string { return steps.toLocaleString('en').replaceAll(',', ' '); }

export function controlsView(controls: Controls) {
  const status = page.status;
  if (!status) return nothing;
  const past = status.step < status.newest;
  return html`<section class="controls" aria-label=${t('Time')}>
    <div class="row">
      ${status.running
        ? html`<button type="button" class="primary" id="pause" @click=${() => controls.pause()}>❚❚ ${t('Pause')}</button>`
        : html`<button type="button" class="primary" id="run" ?disabled=${status.ended !== ''} @click=${() => controls.run()}>▶ ${t('Run')}</button>`}
      <button type="button" id="back" ?disabled=${status.running || status.step === 0} @click=${() => controls.back()}>◀ ${t('Step back')}</button>
      <button type="button" id="step" ?disabled=${status.running} @click=${() => controls.until('instruction')}>${t('Step')} ▶</button>
      <label class="visually-hidden" for="until">${t('Run to')}</label>
      <select id="until" ?disabled=${status.running} @change=${(event: Event) => {
        const select = event.target as HTMLSelectElement;
        if (select.value !== '') controls.until(select.value as Until);
        select.value = '';
      }}><option value="">${t('Run to')}…</option>${targets.slice(1).map(([what, name]) => html`<option value=${what}>${t(name)}</option>`)}</select>
    </div>
    <div class="row">
      <label for="time">${t('Moment')}</label>
      <input id="time" type="range" min=${status.oldest} max=${status.newest} .value=${String(status.step)}
        aria-valuetext="${readable(status.step)} ${t('of')} ${readable(status.newest)}"
        @pointerdown=${() => { if (status.running) controls.pause(); }}
        @change=${(event: Event) => controls.goTo(Number((event.target as HTMLInputElement).value))}>
      <output class="mono dim" for="time">${readable(status.step)}${past ? html` / ${readable(status.newest)}` : nothing}</output>
    </div>
    <ul class="harts">${status.harts.map((hart) => html`<li><b>${t('hart')} ${hart.hart}</b> <span class="kind">${hart.waiting ? t('waits') : hart.privilege}</span>
      <code>${hart.where || hart.pc}</code>${hart.line ? html` <span class="dim">${hart.line}</span>` : nothing}</li>`)}</ul>
    ${past && !status.running ? html`<p class="hint">${t('This is an earlier moment. Running goes on as it went; typing begins a new branch.')}</p>` : nothing}
  </section>`;
}
