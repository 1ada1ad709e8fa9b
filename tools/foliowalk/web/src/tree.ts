// SPDX-License-Identifier: MIT
import { html, nothing, type TemplateResult } from 'lit-html';
import type { Entry, TableNode } from './api';
import { levelTable, t } from './i18n';
import { addressLink, blameLink, flagBadges, frameLink } from './regions';
import { actions, state } from './state';

const mostListed = 24;

/** Leaves in a row with the same rights, whose frames run along, are one line. */
interface Run { first: Entry; count: number }
function runs(entries: Entry[], level: number): Run[] {
  const size = 1n << BigInt(12 + 9 * level);
  const list: Run[] = [];
  for (const entry of entries) {
    const last = list.at(-1);
    const joins = last && entry.leaf && last.first.leaf && entry.flags === last.first.flags && entry.index === last.first.index + last.count
      && BigInt(entry.pa) === BigInt(last.first.pa) + BigInt(last.count) * size;
    if (joins) ++last.count;
    else list.push({ first: entry, count: 1 });
  }
  return list;
}

function line(run: Run, table: TableNode, path: string): TemplateResult {
  const { first, count } = run;
  const level = table.level;
  const blame = blameLink(`0x${(BigInt(table.table) + BigInt(first.index * 8)).toString(16)}`);
  const childPath = path === '' ? String(first.index) : `${path}.${first.index}`;
  if (first.leaf) {
    return html`<li class="leafline"><span class="index">${count === 1 ? first.index : `${first.index}–${first.index + count - 1}`}</span>
      ${addressLink(first.va)} ${flagBadges(first.flags ?? '')} ${frameLink(first.pa)}
      ${level > 0 ? html`<b class="super">${first.size} ${t('superpage')}</b>` : nothing}${count > 1 ? html`<span class="dim">× ${count}</span>` : nothing}
      <span class="ad">${first.accessed ? html`<i class="flag f-a" title="A">A</i>` : nothing}${first.dirty ? html`<i class="flag f-d" title="D">D</i>` : nothing}</span>${blame}</li>`;
  }
  const open = state.nodes.has(childPath);
  const node = state.nodes.get(childPath);
  return html`<li><button type="button" class="opener" aria-expanded=${open} ?disabled=${first.child === undefined} @click=${() => actions.toggleTable(childPath)}>
      <span class="index">${first.index}</span><span class="mono">${first.va}</span><span class="dim">${levelTable(level - 1)}</span><span class="mono dim">${first.pa}</span></button>${blame}
    ${node ? nodeView(node, childPath) : nothing}</li>`;
}

function nodeView(node: TableNode, path: string): TemplateResult {
  const list = runs(node.entries, node.level);
  const all = state.wide.has(path);
  const shown = all ? list : list.slice(0, mostListed);
  return html`<ul class="tree-level level-${node.level}">
    ${shown.map((run) => line(run, node, path))}
    ${list.length === 0 ? html`<li class="dim">${t('nothing valid in this table')}</li>` : nothing}
    ${shown.length < list.length ? html`<li><button type="button" class="link" @click=${() => { state.wide.add(path); actions.redraw(); }}>${list.length - shown.length} ${t('more')} — ${t('show all entries')}</button></li>` : nothing}
  </ul>`;
}

export function treeView() {
  const root = state.nodes.get('');
  return html`<section class="card" aria-labelledby="tree-title"><h3 id="tree-title">${t('Tables, level by level')}</h3>
    <p class="hint">${t('Open a table to see its entries.')}</p>
    ${root ? html`<div class="tree"><p class="mono">${levelTable(root.level)} ${frameLink(root.table)} (${t('root')})</p>${nodeView(root, '')}</div>` : nothing}
  </section>`;
}
