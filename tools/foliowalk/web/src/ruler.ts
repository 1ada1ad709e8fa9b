// SPDX-License-Identifier: MIT
import { html, svg, nothing } from 'lit-html';
import type { Range } from './api';
import { regionClass } from './colours';
import { humanSize, t } from './i18n';
import { actions, state } from './state';

interface Part { range?: Range; x: number; width: number }

/** The drawing is as wide as its place, so that text isn't stretched. */
let total = 1000;
const gapWidth = 14;

/** A guard page between two stacks is no tear. */
const smallGap = 16n * 4096n;

/** Neighbours with the same region are one part. */
function blocks(ranges: Range[]): Range[] {
  const merged: Range[] = [];
  for (const range of ranges) {
    const last = merged.at(-1);
    if (last && last.region === range.region && BigInt(range.va) - BigInt(last.end) <= smallGap) {
      merged[merged.length - 1] = { ...last, end: range.end, bytes: last.bytes + range.bytes, leaves: last.leaves + range.leaves,
        accessed: last.accessed + range.accessed, dirty: last.dirty + range.dirty };
    } else merged.push(range);
  }
  return merged;
}

/** Widths grow with the logarithm of the size: a page stays visible beside a gigabyte. */
function layout(list: Range[]): Part[] {
  const parts: Part[] = [];
  let end = 0n;
  let gaps = 0;
  const weights: number[] = [];
  for (const range of list) {
    if (BigInt(range.va) !== end) ++gaps;
    weights.push(Math.log2(range.bytes / 4096) + 2.5);
    end = BigInt(range.end);
  }
  const room = total - gaps * gapWidth;
  const sum = weights.reduce((a, b) => a + b, 0) || 1;
  let x = 0;
  end = 0n;
  list.forEach((range, i) => {
    if (BigInt(range.va) !== end) {
      parts.push({ x, width: gapWidth });
      x += gapWidth;
    }
    const width = (room * weights[i]!) / sum;
    parts.push({ range, x, width });
    x += width;
    end = BigInt(range.end);
  });
  return parts;
}

function drawPart(part: Part) {
  const { range, x, width } = part;
  if (!range) return svg`<path class="tear" d="M${x + 3} 14 l4 12 l-4 12 l4 12 M${x + 8} 14 l4 12 l-4 12 l4 12"></path>`;
  const heat = range.leaves ? range.accessed / range.leaves : 0;
  const written = range.leaves ? range.dirty / range.leaves : 0;
  const label = t(range.region);
  const chosen = state.walk && BigInt(state.walk.va) >= BigInt(range.va) && BigInt(state.walk.va) < BigInt(range.end);
  return svg`<g class="part" role="button" tabindex="0" aria-label="${label}, ${range.va} ${t('to')} ${range.end}, ${humanSize(range.bytes)}, ${range.flags}"
      @click=${() => actions.walk(range.va)}
      @keydown=${(event: KeyboardEvent) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); actions.walk(range.va); } }}>
    <title>${label} ${range.va}–${range.end} ${range.flags} ${humanSize(range.bytes)}</title>
    <rect class="${regionClass(range.region)} ${chosen ? 'chosen' : ''}" x=${x + 0.5} y="12" width=${Math.max(width - 1, 2)} height="40" rx="3"></rect>
    <rect class="heat-a" x=${x + 0.5} y="55" width=${Math.max(width - 1, 2) * heat} height="3"></rect>
    <rect class="heat-d" x=${x + 0.5} y="59" width=${Math.max(width - 1, 2) * written} height="3"></rect>
    ${width > label.length * 6.6 + 6 ? svg`<text x=${x + width / 2} y="36" class="part-label">${label}</text>` : nothing}
  </g>`;
}

export function rulerView() {
  if (state.ranges.length === 0) return nothing;
  total = Math.max((document.querySelector('#panel')?.clientWidth ?? 1040) - 38, 400);
  const list = blocks(state.ranges);
  const names = [...new Set(list.map((range) => range.region))];
  return html`<section class="card" aria-labelledby="ruler-title">
    <h3 id="ruler-title">${t('The whole space, folded')}</h3>
    <svg class="ruler" viewBox="0 8 ${total} 58" preserveAspectRatio="none" role="group" aria-labelledby="ruler-title">${layout(list).map(drawPart)}</svg>
    <div class="ruler-ends"><code>${list[0]!.va}</code><code>${list.at(-1)!.end}</code></div>
    <div class="legend">${names.map((name) => html`<span><i class="swatch ${regionClass(name)}"></i>${t(name)}</span>`)}
      <span><i class="swatch heat-a"></i>A ${t('accessed')}</span><span><i class="swatch heat-d"></i>D ${t('dirty')}</span></div>
    <p class="hint">${t('Gaps are folded: a tear stands for addresses that nothing maps. Click a part to walk to it.')}</p>
  </section>`;
}
