// SPDX-License-Identifier: MIT
import { html, nothing } from 'lit-html';
import type { Trap } from './api';
import { ownerColour } from './colours';
import { clock, eventText, t } from './i18n';
import { actions, state } from './state';

/** How much of the past is drawn. A machine whose clock began with it has seldom run for so long. */
function span(): number {
  const longest = 20, shortest = 0.0001;
  return Math.max(shortest, Math.min(longest, state.scene?.time ?? longest));
}
const laneHeight = 46;

function trapClass(trap: Trap): { colour: string; name: string } {
  if (trap.interrupt) return { colour: '#8a94a6', name: 'interrupt' };
  if (trap.fault) return { colour: '#d55e00', name: 'page fault' };
  if (trap.cause === 8 || trap.cause === 9) return { colour: '#0072b2', name: 'system call' };
  return { colour: '#a466a0', name: 'other trap' };
}

export function drawTimeline(): void {
  const canvas = document.querySelector<HTMLCanvasElement>('#timeline');
  const context = canvas?.getContext('2d');
  const scene = state.scene;
  if (!canvas || !context || !scene) return;
  const lanes = Math.max(scene.harts.length, 1);
  const ratio = devicePixelRatio;
  const width = canvas.clientWidth;
  const height = lanes * laneHeight + 20;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.height = `${height}px`;
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const seconds = span();
  const ink = style.getPropertyValue('--ink-dim');
  const end = scene.time;
  const x = (time: number) => ((time - (end - seconds)) / seconds) * width;

  scene.harts.forEach((_, lane) => {
    const top = lane * laneHeight;
    state.satpHistory.forEach((sample, i) => {
      const from = x(sample.time);
      const to = i + 1 < state.satpHistory.length ? x(state.satpHistory[i + 1]!.time) : width;
      const owner = sample.owners[lane];
      if (to < 0 || owner === undefined) return;
      context.fillStyle = owner === '' ? style.getPropertyValue('--cell') : ownerColour(owner);
      context.globalAlpha = 0.85;
      context.fillRect(from, top + 6, to - from + 0.5, 12);
      context.globalAlpha = 1;
    });
    context.fillStyle = style.getPropertyValue('--line');
    context.fillRect(0, top + laneHeight - 4, width, 1);
  });
  for (const trap of state.traps) {
    const at = x(trap.time);
    if (at < 0 || trap.hart >= lanes) continue;
    context.fillStyle = trapClass(trap).colour;
    context.fillRect(at, trap.hart * laneHeight + (trap.fault ? 20 : trap.interrupt ? 34 : 26), 1.5, trap.fault ? 22 : trap.interrupt ? 8 : 16);
  }
  context.fillStyle = ink;
  context.font = '11px system-ui, sans-serif';
  const parts = 4;
  for (let part = 0; part <= parts; ++part) {
    const ago = seconds * (1 - part / parts);
    const text = part === parts ? t('now') : ago >= 1 ? `−${Number(ago.toFixed(1))} s` : `−${(ago * 1000).toPrecision(2)} ms`;
    context.textAlign = part === 0 ? 'left' : part === parts ? 'right' : 'center';
    context.fillText(text, (part / parts) * width, height - 4);
  }
}

export function timelineView() {
  const scene = state.scene;
  if (!scene) return nothing;
  const kinds = ['process', 'pages', 'cow', 'split', 'promoted', 'rights', 'satp', 'counter'];
  const shown = state.events.filter((event) => (state.eventKind === '' ? event.kind !== 'satp' && event.kind !== 'counter' : event.kind === state.eventKind)).slice(-120).reverse();
  const faults = state.traps.filter((trap) => trap.fault).slice(-12).reverse();
  const running = scene.harts.map((hart) => scene.spaces.find((space) => space.harts.includes(hart.hart))?.title ?? hart.root);
  return html`<section class="card" aria-labelledby="timeline-title"><h3 id="timeline-title">${t('Traps and satp, hart by hart')}</h3>
    <div class="lanes"><div class="lane-names">${scene.harts.map((hart, lane) => html`<div class="lane-name"><b>hart ${hart.hart}</b><span class="dim">${running[lane]}</span></div>`)}</div>
      <canvas id="timeline" role="img" aria-label="${t('Traps and satp, hart by hart')}, ${t('last')} ${Number(span().toPrecision(2))} ${t('seconds')}"></canvas></div>
    <div class="legend"><span><i class="swatch" style="background:#d55e00"></i>${t('page fault')}</span><span><i class="swatch" style="background:#0072b2"></i>${t('system call')}</span><span><i class="swatch" style="background:#8a94a6"></i>${t('interrupt')}</span><span><i class="swatch" style="background:#a466a0"></i>${t('other trap')}</span></div>
    <p class="hint">${t('The band shows whose table satp names; the ticks are traps.')} ${state.tracing ? nothing : t('QEMU gives no trap trace here.')} ${state.skipped > 0 ? t('Traps came too fast and some were left out') : nothing}</p>
  </section>
  <div class="columns">
  <section class="card" aria-labelledby="events-title"><h3 id="events-title">${t('Events')}</h3>
    <select aria-label=${t('kind')} @change=${(event: Event) => { state.eventKind = (event.target as HTMLSelectElement).value; actions.redraw(); }}>
      <option value="" ?selected=${state.eventKind === ''}>${t('all kinds')}</option>${kinds.map((kind) => html`<option value=${kind} ?selected=${state.eventKind === kind}>${t(kind)}</option>`)}</select>
    <div class="scroll tall"><table><thead><tr><th>${t('time')}</th><th>${t('kind')}</th><th>${t('who')}</th><th>${t('what')}</th></tr></thead><tbody>
      ${shown.length === 0 ? html`<tr><td colspan="4" class="dim">${t('no events yet')}</td></tr>` : shown.map((event) => html`<tr><td class="mono dim">${clock(event.time)}</td><td><span class="kind k-${event.kind}">${t(event.kind)}</span></td><td>${event.space}</td><td class="mono wrap">${eventText(event.text)}</td></tr>`)}</tbody></table></div>
  </section>
  <section class="card" aria-labelledby="faults-title"><h3 id="faults-title">${t('Latest page faults')}</h3>
    <div class="scroll tall"><table><thead><tr><th>${t('time')}</th><th>hart</th><th>${t('address')}</th><th>pc</th><th>${t('what')}</th></tr></thead><tbody>
      ${faults.length === 0 ? html`<tr><td colspan="5" class="dim">${t('no page faults yet')}</td></tr>` : faults.map((trap) => html`<tr><td class="mono dim">${clock(trap.time)}</td><td>${trap.hart}</td><td class="mono">${trap.tval}</td><td class="mono dim">${trap.epc}</td><td class="wrap">${t(trap.what.replaceAll('_', ' '))}</td></tr>`)}</tbody></table></div>
  </section></div>`;
}
