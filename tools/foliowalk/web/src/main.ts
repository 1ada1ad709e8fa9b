// SPDX-License-Identifier: MIT
// The explorer's own page: a guest that runs elsewhere, asked over HTTP again and again.

import { html, nothing, render } from 'lit-html';
import { drawCanvases, explorerView, refresh } from './explorer';
import { currentLanguage, humanSize, type Language, preferredLanguage, setLanguage, t } from './i18n';
import { actions, state } from './state';

const root = document.getElementById('app')!;

function header() {
  const scene = state.scene;
  const status = !state.connected || scene?.gone ? 'guest is gone' : state.paused ? 'paused' : 'live';
  return html`<header><h1>foliowalk <small>${t('page-table explorer')}</small></h1>
    <span class="status ${status === 'live' ? 'live' : status === 'paused' ? 'paused' : 'gone'}" role="status">${scene ? t(status) : t('connecting…')}</span>
    ${scene ? html`<span class="dim facts">${humanSize(scene.ram.size)} ${t('of RAM')} · ${scene.harts.length} ${t('harts')} · ${t('read in')} ${scene.milliseconds.toFixed(1)} ms</span>` : nothing}
    <span class="spacer"></span>
    <button type="button" aria-pressed=${state.paused} @click=${() => { state.paused = !state.paused; actions.redraw(); }}>${state.paused ? t('Resume') : t('Pause')}</button>
    <label class="visually-hidden" for="language">${t('Language')}</label>
    <select id="language" @change=${(event: Event) => { setLanguage((event.target as HTMLSelectElement).value as Language); actions.redraw(); }}>
      <option value="en" ?selected=${currentLanguage() === 'en'}>English</option><option value="zh-CN" ?selected=${currentLanguage() === 'zh-CN'}>中文</option></select>
  </header>`;
}

function redraw(): void {
  render(html`${header()}${explorerView()}`, root);
  drawCanvases();
}

actions.redraw = redraw;

async function run(): Promise<void> {
  setLanguage(preferredLanguage());
  root.replaceChildren();
  for (;;) {
    if (!state.paused && document.visibilityState === 'visible') await refresh();
    await new Promise((wake) => setTimeout(wake, state.tab === 'timeline' ? 250 : 600));
  }
}

addEventListener('resize', redraw);
void run();
