// SPDX-License-Identifier: MIT
// What the judges found: a card each, with the walk, and the way to the moment and to the cause; a hang; and who wrote
// an entry.

import { html, nothing } from 'lit-html';
import { currentLanguage, levelTable, t } from '../../tools/foliowalk/web/src/i18n';
import { flagBadges } from '../../tools/foliowalk/web/src/regions';
import { decode, flagsOf } from './entry';
import type { AwaitedLock, Change, Finding, Hang, Place, WalkStep } from './protocol';
import { page } from './state';

export interface FindingActions {
  goTo(step: number): void;
  blame(pa: string): void;
  redraw(): void;
}

function chain(callers: string[]) {
  return callers.length > 0 ? html`<ol class="chain">${callers.map((caller) => html`<li><code>${caller}</code></li>`)}</ol>` : nothing;
}

function place(where: Place, title: string, way: string, actions: FindingActions) {
  const isDevice = BigInt(where.pc) === 0n;
  return html`<div class="place"><b>${t(title)}</b> ${isDevice ? t('a device') : html`${t('hart')} ${where.hart}, <code>${where.where || where.pc}</code>`}
    ${where.line ? html`<span class="line">${where.line}</span>` : nothing}
    <button type="button" class="link" @click=${() => actions.goTo(where.step)}>${t(way)}</button>
    ${chain(where.callers)}</div>`;
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
    case 'use-after-free': return `${access}触及页帧 0x${(BigInt(now) & ~0xfffn).toString(16)}，它已被释放，尚未重新分配。`;
    case 'double-free': return `页帧 ${now} 被释放，但它已经是空闲的。`;
    case 'panic': return '内核放弃运行。';
    case 'uncleared-table': return `页帧 ${now} 成为页表时带着有效的页表项 ${entry}，而自分配以来没有人写过它：页帧没有清零。`;
    case 'unwritten-memory': return `用户态读取 ${address}，位于页帧 0x${(BigInt(now) & ~0xfffn).toString(16)}，自分配以来没有人写过那里：它看到的是从前留下的内容。`;
    case 'table-cycle': return `${address} 的指针 ${entry} 指回它自己的页表或更上一级。`;
    case 'global-user-page': return `${address} 处的用户页是全局的：切换地址空间之后它仍然存在。`;
    case 'user-in-kernel-half': return `${address} 处的页在上半部分，却对用户态开放。`;
    case 'kernel-write-execute': return `${address} 处的内核页既可写又可执行。`;
    case 'leaf-outside-ram': return `${address} 处的页指向 ${now}，那里既没有内存也没有设备。`;
    default: return finding.text;
  }
}

function walkStep(step: WalkStep, finding: Finding, actions: FindingActions) {
  const entry = decode(step.value);
  const isChanged = step.address === finding.entry;
  const isEnd = entry.kind !== 'table';
  return html`<div class="arrow" aria-hidden="true">→</div><div class="step level-${step.level} ${entry.kind === 'invalid' ? 'bad' : ''}">
      <div class="step-head">${levelTable(step.level)}</div>
      <div class="sum mono"><button type="button" class="link mono" aria-label="${t('Who wrote this entry?')} ${step.address}" @click=${() => actions.blame(step.address)}>${step.address}</button></div>
      <div class="pte">${isChanged && finding.old_entry !== step.value ? html`<s class="mono dim">${finding.old_entry}</s>` : nothing}<code>${step.value}</code>${isEnd && entry.kind === 'leaf' ? flagBadges(entry.flags) : nothing}
        <span class="dim">${entry.kind === 'invalid' ? 'V = 0' : entry.kind === 'leaf' ? t('leaf') : nothing}</span></div></div>
    ${entry.kind === 'leaf' ? html`<div class="arrow" aria-hidden="true">→</div><div class="step end leaf"><div class="step-head">${t('frame')}</div><div class="sum mono">${entry.frame}</div></div>` : nothing}`;
}

function walkOf(finding: Finding, actions: FindingActions) {
  if (finding.walk.length === 0) return nothing;
  return html`<div class="steps small" tabindex="0" role="group" aria-label="${t('The walk to')} ${finding.address}"><div class="step"><div class="step-head">${t('The walk to')}</div><div class="sum mono">${finding.address}</div></div>
    ${finding.walk.map((step) => walkStep(step, finding, actions))}</div>`;
}

/** The rule in words; a rule that has none yet by its name. */
function titleOf(rule: string): string {
  const title = t(`rule.${rule}`);
  return title === `rule.${rule}` ? rule.replaceAll('-', ' ') : title;
}

/** What the cause of a finding is called. */
function causeOf(rule: string): string {
  if (rule === 'use-after-free' || rule === 'double-free') return 'freed by';
  return rule === 'uncleared-table' || rule === 'unwritten-memory' ? 'allocated by' : 'the cause';
}

function card(finding: Finding, actions: FindingActions) {
  return html`<article class="finding s-${finding.severity}" id="finding-${finding.n}">
    <h4><span class="kind s-${finding.severity}">${t(finding.severity)}</span> ${titleOf(finding.rule)}</h4>
    <p>${sentence(finding)}</p>
    ${place(finding.now, 'here', 'go there', actions)}
    ${finding.cause ? place(finding.cause, causeOf(finding.rule), 'go to the cause', actions) : nothing}
    ${walkOf(finding, actions)}
    ${finding.entry ? html`<p><button type="button" class="link" @click=${() => actions.blame(finding.entry)}>${t('Who wrote this entry?')} <code>${finding.entry}</code></button></p>` : nothing}
  </article>`;
}

function lockOf(lock: AwaitedLock | null, hart: number) {
  if (!lock) return nothing;
  const held = lock.holder === hart ? t('which it holds itself')
    : lock.holder !== null ? html`${t('which is held by')} ${t('hart')} ${lock.holder}`
      : t(lock.says_holder ? 'which no known hart holds' : 'whose holder this kernel does not write down');
  return html`<div class="lock">${t('waits for the lock')} <b>${lock.name}</b> <code>${lock.symbol || lock.address}</code>, ${held}</div>`;
}

function hangCard(hang: Hang, actions: FindingActions) {
  return html`<article class="finding s-fault" id="hang"><h4><span class="kind s-fault">${t('hang')}</span> ${t('Nothing will happen any more')}</h4>
    <p class="why">${t(hang.why)}${currentLanguage() === 'en' ? '.' : '。'} <button type="button" class="link" @click=${() => actions.goTo(hang.step)}>${t('go there')}</button></p>
    ${hang.harts.map((hart) => html`<div class="place"><b>${t('hart')} ${hart.hart}</b> <span class="kind">${t(hart.waiting ? 'waits' : 'turns')}</span> <code>${hart.where || hart.pc}</code>
      ${hart.line ? html`<span class="line">${hart.line}</span>` : nothing}${lockOf(hart.lock, hart.hart)}${chain(hart.callers)}</div>`)}</article>`;
}

export function findingsView(actions: FindingActions) {
  const hang = page.status?.hang;
  return html`<section class="card" aria-labelledby="findings-title"><h3 id="findings-title">${t('What the judges found')}</h3>
    <div aria-live="polite">${hang ? hangCard(hang, actions) : nothing}${page.findings.length > 0 ? page.findings.map((finding) => card(finding, actions))
      : hang ? nothing : html`<p class="good">✓ ${t('Nothing so far: no stale translation, no stale code, no broken entry, no freed frame in use.')}</p>`}</div></section>
  ${blameView(actions)}`;
}

function changeRow(change: Change, actions: FindingActions) {
  return html`<tr><td class="mono">${change.by.step.toLocaleString('en').replaceAll(',', ' ')}<br>${change.device ? t('a device') : html`${t('hart')} ${change.by.hart}`}
      <br><button type="button" class="link" @click=${() => actions.goTo(change.by.step)}>${t('go there')}</button></td>
    <td class="mono">${change.old}<br>${flagBadges(flagsOf(change.old))}<br>↓<br>${change.new}<br>${flagBadges(flagsOf(change.new))}</td>
    <td class="wrap long"><code>${change.device ? '' : change.by.where || change.by.pc}</code> <span class="dim">${change.by.line}</span>${change.by.callers.map((caller) => html`<br><small>↳ ${caller}</small>`)}</td></tr>`;
}

function blameView(actions: FindingActions) {
  if (!page.blame) return nothing;
  return html`<section class="card" aria-labelledby="blame-title"><h3 id="blame-title" tabindex="-1">${t('Who wrote the entry at')} <code>${page.blame.pa}</code></h3>
    ${page.blame.changes.length === 0 ? html`<p class="hint">${t('Nobody since the machine began, as far as is remembered.')}</p>`
      : html`<p class="hint">${t('The newest store first, up to this moment; then what stood there earlier.')}</p><div class="scroll"><table><thead><tr><th>${t('moment')}</th><th>${t('before')} ↓ ${t('after')}</th><th>${t('where')}</th></tr></thead>
        <tbody>${page.blame.changes.map((change) => changeRow(change, actions))}</tbody></table></div>`}</section>`;
}
