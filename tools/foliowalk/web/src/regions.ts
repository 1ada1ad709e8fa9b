// SPDX-License-Identifier: MIT
import { html, nothing } from 'lit-html';
import type { Range } from './api';
import { regionClass } from './colours';
import { humanSize, t } from './i18n';
import { actions, selectedSpace, state } from './state';

export function flagBadges(flags: string) {
  return html`<span class="flags" aria-label=${flags.replaceAll('-', '')}>${[...flags].map((letter) => html`<i class="flag f-${letter === '-' ? 'none' : letter}">${letter}</i>`)}</span>`;
}

export function addressLink(va: string) {
  return html`<button type="button" class="link mono" @click=${() => actions.walk(va)}>${va}</button>`;
}

export function frameLink(pa: string) {
  return html`<button type="button" class="link mono" @click=${() => actions.showFrame(pa)}>${pa}</button>`;
}

function heatBar(range: Range) {
  const percent = (part: number) => `${range.leaves ? Math.round((100 * part) / range.leaves) : 0}%`;
  return html`<span class="bar" role="img" aria-label="A ${percent(range.accessed)}, D ${percent(range.dirty)}" title="A ${range.accessed}/${range.leaves}  D ${range.dirty}/${range.leaves}">
    <i class="heat-a" style="width:${percent(range.accessed)}"></i><i class="heat-d" style="width:${percent(range.dirty)}"></i></span>`;
}

function row(range: Range) {
  return html`<tr>
    <td><i class="swatch ${regionClass(range.region)}"></i>${t(range.region)}</td>
    <td>${addressLink(range.va)}</td><td class="mono dim">${range.end}</td>
    <td class="number">${humanSize(range.bytes)}</td><td>${flagBadges(range.flags)}</td>
    <td class="number">${range.level > 0 ? html`<b class="super">${range.page}</b>` : range.page}</td>
    <td>${heatBar(range)}</td>
    <td>${t(range.backing)}</td><td>${range.backing === 'device' ? html`<span class="mono">${range.pa}</span>` : frameLink(range.pa)}<span class="dim"> ${range.leaves === 1 ? '' : range.repeated ? t('each') : range.contiguous ? t('and on') : t('and others')}</span></td>
  </tr>`;
}

/** The question who wrote an entry, where it has an answer. */
export function blameLink(entryAddress: string) {
  const blame = actions.blame;
  return blame ? html`<button type="button" class="link blame" aria-label="${t('who wrote it?')} ${entryAddress}" @click=${() => blame(entryAddress)}>${t('who wrote it?')}</button>` : nothing;
}

/** How many of the ranges after `first` repeat it at equal distances: stacks, one for each process. */
function repetitions(ranges: Range[], first: number): number {
  const pattern = ranges[first]!;
  const second = ranges[first + 1];
  if (!second) return 0;
  const distance = BigInt(second.va) - BigInt(pattern.va);
  let count = 0;
  for (let i = first + 1; i < ranges.length; ++i) {
    const range = ranges[i]!;
    if (BigInt(range.va) !== BigInt(pattern.va) + BigInt(i - first) * distance || range.bytes !== pattern.bytes || range.flags !== pattern.flags || range.region !== pattern.region) break;
    ++count;
  }
  return count;
}

function rows(ranges: Range[]) {
  const list = [];
  for (let i = 0; i < ranges.length; ++i) {
    list.push(row(ranges[i]!));
    const alike = repetitions(ranges, i);
    if (alike < 3) continue;
    list.push(html`<tr><td></td><td colspan="8" class="dim">+ ${alike} ${t('more like it, one every')} ${humanSize(Number(BigInt(ranges[i + 1]!.va) - BigInt(ranges[i]!.va)))}</td></tr>`);
    i += alike;
  }
  return list;
}

export function regionsView() {
  return html`<section class="card" aria-labelledby="regions-title"><div class="row"><h3 id="regions-title">${t('Regions')}</h3><span class="spacer"></span>
      ${selectedSpace()?.role === 'process' ? html`<label class="hint"><input type="checkbox" .checked=${state.withKernel} @change=${(event: Event) => actions.showKernel((event.target as HTMLInputElement).checked)}>${t('Show the kernel’s half, too')}</label>` : nothing}</div>
    <div class="scroll"><table>
      <thead><tr><th>${t('region')}</th><th>${t('from')}</th><th>${t('to')}</th><th class="number">${t('size')}</th><th>${t('flags')}</th><th class="number">${t('page')}</th><th>${t('A and D')}</th><th>${t('backed by')}</th><th>${t('frames')}</th></tr></thead>
      <tbody>${rows(state.ranges)}</tbody>
    </table></div></section>`;
}
