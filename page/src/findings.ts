// SPDX-License-Identifier: MIT
// What the judges found: a card each, with the way to the moment and to the cause; and who wrote an entry.

import { html, nothing } from 'lit-html';
import { currentLanguage, t } from '../../tools/foliowalk/web/src/i18n';
import type { Change, Finding, Place } from './protocol';
import { page } from './state';

export interface FindingActions {
  goTo(step: number): void;
  blame(pa: string): void;
  redraw(): void;
}

function place(where: Place, title: string, actions: FindingActions) {
  return html`<div class="place"><b>${t(title)}</b> ${t('hart')} ${where.hart}, <code>${where.where || where.pc}</code>
    ${where.line ? html`<span class="line">${where.line}</span>` : nothing}
    <button type="button" class="link" @click=${() => actions.goTo(where.step)}>${t('go there')}</button>
    ${where.callers.length > 0 ? html`<ol class="chain">${where.callers.map((caller) => html`<li><code>${caller}</code></li>`)}</ol>` : nothing}</div>`;
}

/** What happened, in words. */
function sentence(finding: Finding): string {
  const { address, old_physical: old, new_physical: now, new_entry: entry } = finding;
  if (currentLanguage() === 'en') return finding.text;
  const access = `对 ${address} 的${{ fetch: '取指', load: '读取', store: '写入' }[finding.access]}`;
  switch (finding.rule) {
    case 'stale-translation': return finding.is_allowed
      ? `${access}现在到达 ${now}，但页表项修改之后没有执行 fence，核仍可能访问 ${old}。`
      : `${access}现在被页表拒绝，但页表项修改之后没有执行 fence，核仍可能允许它访问 ${old}。`;
    case 'stale-after-satp': return `${access}仍可能按 satp 之前指向的页表翻译到 ${old}：离开那些页表时没有执行 fence，而且 ASID 相同。`;
    case 'stale-code': return `${address} 处的指令是在该核上一次 fence.i 之后写入的：核仍可能执行原来的内容。`;
    case 'reserved-entry': return `${access}遇到页表项 ${entry}，它的编码是保留的。`;
    case 'misaligned-superpage': return `${access}遇到大页 ${entry}，它的页帧没有按其大小对齐。`;
    default: return finding.text;
  }
}

function card(finding: Finding, actions: FindingActions) {
  return html`<article class="finding s-${finding.severity}" id="finding-${finding.n}">
    <h4><span class="kind s-${finding.severity}">${t(finding.severity)}</span> ${t(`rule.${finding.rule}`)}</h4>
    <p>${sentence(finding)}</p>
    ${place(finding.now, 'here', actions)}
    ${finding.cause ? place(finding.cause, 'the cause', actions) : nothing}
    ${finding.entry ? html`<p><button type="button" class="link" @click=${() => actions.blame(finding.entry)}>${t('Who wrote this entry?')} <code>${finding.entry}</code></button></p>` : nothing}
  </article>`;
}

export function findingsView(actions: FindingActions) {
  return html`<section class="card" aria-labelledby="findings-title"><h3 id="findings-title">${t('What the judges found')}</h3>
    <div aria-live="polite">${page.findings.length === 0
      ? html`<p class="good">✓ ${t('Nothing so far: no stale translation, no stale code, no broken entry.')}</p>`
      : page.findings.map((finding) => card(finding, actions))}</div></section>
  ${blameView(actions)}`;
}

function changeRow(change: Change, actions: FindingActions) {
  return html`<tr><td class="mono">${change.by.step.toLocaleString('en')}</td><td>${change.device ? t('a device') : html`${t('hart')} ${change.by.hart}`}</td>
    <td class="wrap"><code>${change.by.where || change.by.pc}</code> <span class="dim">${change.by.line}</span>${change.by.callers.map((caller) => html`<br><small>↳ ${caller}</small>`)}</td>
    <td class="mono">${change.old}</td><td class="mono">${change.new}</td>
    <td><button type="button" class="link" @click=${() => actions.goTo(change.by.step)}>${t('go there')}</button></td></tr>`;
}

function blameView(actions: FindingActions) {
  if (!page.blame) return nothing;
  return html`<section class="card" aria-labelledby="blame-title"><h3 id="blame-title">${t('Who wrote the entry at')} <code>${page.blame.pa}</code></h3>
    ${page.blame.changes.length === 0 ? html`<p class="hint">${t('Nobody since the machine began, as far as is remembered.')}</p>`
      : html`<div class="scroll"><table><thead><tr><th>${t('moment')}</th><th>${t('who')}</th><th>${t('where')}</th><th>${t('before')}</th><th>${t('after')}</th><th></th></tr></thead>
        <tbody>${page.blame.changes.map((change) => changeRow(change, actions))}</tbody></table></div>`}</section>`;
}
