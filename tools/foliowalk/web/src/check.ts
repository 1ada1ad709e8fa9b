// SPDX-License-Identifier: MIT
import { html, nothing } from 'lit-html';
import type { Finding } from './api';
import { counterName, t } from './i18n';
import { lintRule, lintSentence } from './lint_texts';
import { actions, state } from './state';

function open(finding: Finding): void {
  actions.select(finding.space);
  actions.openTab('space');
}

export function checkView() {
  const findings = state.findings?.filter((finding) => state.withAdvice || finding.severity === 'fault');
  const counters = Object.entries(state.scene?.counters ?? {}).filter(([, value]) => value !== 0);
  return html`<section class="card" aria-labelledby="check-title"><h3 id="check-title">${t('What is wrong with the tables')}</h3>
    <div class="row"><button type="button" class="primary" ?disabled=${state.checking} @click=${() => actions.check()}>${state.checking ? t('checking…') : t('Check now')}</button>
      <label><input type="checkbox" .checked=${state.withAdvice} @change=${(event: Event) => { state.withAdvice = (event.target as HTMLInputElement).checked; actions.redraw(); }}>${t('Show advice, too')}</label></div>
    <div aria-live="polite">${findings === undefined ? nothing : findings.length === 0
      ? html`<p class="good">✓ ${t('Nothing is wrong.')} <span class="dim">${t('Checked')}: ${state.scene?.spaces.length ?? 0} ${t('spaces')}</span></p>`
      : html`<div class="scroll"><table><thead><tr><th></th><th>${t('rule')}</th><th>${t('where')}</th><th>${t('address')}</th><th>${t('entry')}</th><th>${t('meaning')}</th></tr></thead><tbody>
        ${findings.map((finding) => html`<tr><td><span class="kind s-${finding.severity}">${t(finding.severity)}</span></td><td><b title=${finding.rule}>${lintRule(finding.rule)}</b></td>
          <td><button type="button" class="link" @click=${() => open(finding)}>${finding.space}</button></td>
          <td><button type="button" class="link mono" @click=${() => { open(finding); actions.walk(finding.va); }}>${finding.va}</button></td><td class="mono">${finding.pte}</td><td class="wrap">${lintSentence(finding.message)}</td></tr>`)}</tbody></table></div>`}</div>
  </section>
  ${counters.length === 0 ? nothing : html`<section class="card" aria-labelledby="counters-title"><h3 id="counters-title">${t('Counters')}</h3>
    <dl class="counters">${counters.map(([name, value]) => html`<div><dt>${counterName(name)}</dt><dd class="mono">${value.toLocaleString('en')}</dd></div>`)}</dl></section>`}`;
}
