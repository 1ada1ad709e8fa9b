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

const targets: [Until, string][] = [['trap', 'next trap'], ['fault', 'next page fault'],
  ['satp', 'next satp write'], ['fork', 'next fork'], ['exec', 'next exec'], ['finding', 'next finding']];

function readable(steps: number): string { return steps.toLocaleString('en').replaceAll(',', ' '); }

/** Not disabled while it cannot be used: whoever presses it again and again by the keyboard would lose it each time. */
function button(id: string, isUsable: boolean, act: () => void, text: string, kind = '') {
  return html`<button type="button" id=${id} class=${kind} aria-disabled=${isUsable ? 'false' : 'true'} @click=${() => { if (isUsable) act(); }}>${text}</button>`;
}

export function controlsView(controls: Controls) {
  const status = page.status;
  if (!status) return nothing;
  const past = status.step < status.newest;
  return html`<section class="controls" aria-label=${t('Time')}>
    <div class="row">
      ${button(status.running ? 'pause' : 'run', status.running || status.ended === '', () => (page.status?.running ? controls.pause() : controls.run()),
        status.running ? `❚❚ ${t('Pause')}` : `▶ ${t('Run')}`, 'primary')}
      ${button('back', !status.running && status.step > 0, () => controls.back(), `◀ ${t('Step back')}`)}
      ${button('step', !status.running, () => controls.until('instruction'), `${t('Step')} ▶`)}
      <span class="until"><label class="visually-hidden" for="until">${t('Run to')}</label>
        <select id="until" @change=${(event: Event) => { page.until = (event.target as HTMLSelectElement).value as Until; }}>${targets.map(([what, name]) => html`<option value=${what} ?selected=${page.until === what}>${t(name)}</option>`)}</select>
        ${button('run-to', !status.running, () => controls.until(page.until), `${t('Run to')} ▶▶`)}</span>
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
