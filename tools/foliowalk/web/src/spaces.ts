// SPDX-License-Identifier: MIT
import { html, nothing } from 'lit-html';
import type { Space } from './api';
import { humanSize, t } from './i18n';
import { actions, hasTables, state } from './state';

function visibleSpaces(): Space[] {
  const wanted = state.filter.toLowerCase();
  return (state.scene?.spaces ?? []).filter((space) => `${space.id} ${space.title} ${space.state ?? ''}`.toLowerCase().includes(wanted));
}

function moveSelection(event: KeyboardEvent): void {
  const list = visibleSpaces();
  const at = list.findIndex((space) => space.id === state.space);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.length - 1 }[event.key];
  const space = next === undefined ? undefined : list[next];
  if (!space) return;
  event.preventDefault();
  actions.select(space.id);
  queueMicrotask(() => document.getElementById(`space-${space.id}`)?.scrollIntoView({ block: 'nearest' }));
}

function pagesOf(space: Space): number { return space.role === 'process' ? space.user_pages : space.mapped_pages; }
function counted(count: number, one: string, many: string): string { return `${count} ${t(count === 1 ? one : many)}`; }

function row(space: Space) {
  const selected = space.id === state.space;
  return html`<li id="space-${space.id}" role="option" aria-selected=${selected} class=${selected ? 'space selected' : 'space'}
      @click=${() => actions.select(space.id)}>
    <span class="space-name">${space.role === 'process' ? html`<b>${space.pid}</b> ${space.name}` : html`<b>${space.title}</b>`}</span>
    <span class="space-state">${space.harts.length > 0 ? html`<span class="hart">${t('on hart')} ${space.harts.join(' ')}</span>` : nothing}
      ${space.harts.length === 0 && space.state ? t(space.state) : nothing}</span>
    <span class="space-facts">${!hasTables(space) ? t('no tables') : html`${counted(pagesOf(space), 'page', 'pages')} · ${counted(space.tables, 'table', 'tables')} (${humanSize(space.table_bytes)})`}</span>
  </li>`;
}

export function spacesView() {
  return html`<nav class="sidebar" aria-label=${t('Address spaces')}>
    <h2>${t('Address spaces')}</h2>
    <input type="search" placeholder=${t('Filter')} aria-label=${t('Filter address spaces')} .value=${state.filter}
      @input=${(event: InputEvent) => { state.filter = (event.target as HTMLInputElement).value; actions.redraw(); }}>
    <ul role="listbox" tabindex="0" aria-label=${t('Address spaces')} aria-activedescendant="space-${state.space}" @keydown=${moveSelection}>
      ${visibleSpaces().map(row)}
    </ul>
  </nav>`;
}
