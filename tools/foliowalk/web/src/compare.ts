// SPDX-License-Identifier: MIT
import { html, nothing } from 'lit-html';
import { clock, humanSize, t } from './i18n';
import { flagBadges } from './regions';
import { actions, state } from './state';

type Side = { space: string; moment: string };

function chooser(label: string, side: Side) {
  const spaces = state.scene?.spaces ?? [];
  const change = (key: keyof Side) => (event: Event) => { side[key] = (event.target as HTMLSelectElement).value; actions.compare(); };
  return html`<fieldset><legend>${t(label)}</legend>
    <select aria-label="${t(label)}: ${t('Address space')}" @change=${change('space')}>${spaces.map((space) => html`<option value=${space.id} ?selected=${space.id === side.space}>${space.title}</option>`)}</select>
    <select aria-label="${t(label)}: ${t('moment')}" @change=${change('moment')}><option value="" ?selected=${side.moment === ''}>${t('now')}</option>
      ${state.moments.map((moment) => html`<option value=${moment.moment} ?selected=${String(moment.moment) === side.moment}>${t('moment')} ${moment.moment} (${clock(moment.time)})</option>`)}</select></fieldset>`;
}

export function compareView() {
  const differences = state.differences;
  const entry = (flags: string, pa: string, level: number) => (flags === '' ? html`<span class="dim">—</span>` : html`${flagBadges(flags)} <span class="mono">${pa}</span> ${level > 0 ? html`<b class="super">${level === 1 ? '2 MiB' : '1 GiB'}</b>` : nothing}`);
  return html`<section class="card" aria-labelledby="compare-title"><h3 id="compare-title">${t('Two tables, or two moments')}</h3>
    <p class="hint">${t('Keep a moment, do something in the guest (type ls), then compare with now.')}</p>
    <div class="row"><button type="button" class="primary" @click=${() => actions.keepMoment()}>${t('Keep this moment')}</button>
      ${chooser('First', state.compareA)}${chooser('Second', state.compareB)}<button type="button" @click=${() => actions.compare()}>${t('Compare')}</button></div>
    ${state.compareError ? html`<p class="error" role="alert">${state.compareError}</p>` : nothing}
    ${differences === undefined ? nothing : differences.length === 0 ? html`<p class="good">${t('No difference.')}</p>`
    : html`<div class="scroll"><table id="differences"><thead><tr><th>${t('change')}</th><th>${t('from')}</th><th>${t('to')}</th><th class="number">${t('size')}</th><th>${t('before')}</th><th>${t('after')}</th></tr></thead><tbody>
      ${differences.slice(0, 500).map((d) => html`<tr><td><span class="kind d-${d.change}">${t(d.change)}</span></td><td class="mono">${d.va}</td><td class="mono dim">${d.end}</td><td class="number">${humanSize(d.bytes)}</td>
        <td>${entry(d.flags_before, d.pa_before, d.level_before)}</td><td>${entry(d.flags_after, d.pa_after, d.level_after)}</td></tr>`)}</tbody></table></div>`}
  </section>`;
}
