// SPDX-License-Identifier: MIT
// Which guest: the built-in ones, a kernel and an image of one's own, or a run that was kept.

import { html, nothing } from 'lit-html';
import { t } from '../../tools/foliowalk/web/src/i18n';
import type { Guest, Recording } from './protocol';
import { page, type Builtin } from './state';

export interface GuestActions {
  bootBuiltin(builtin: Builtin): void;
  bootFiles(): void;
  withoutImage(): void;
  take(files: FileList | File[]): void;
  keepRun(): void;
  copyLink(): void;
  redraw(): void;
}

async function bytesAt(url: string): Promise<Uint8Array> {
  const response = await fetch(new URL(url, import.meta.url));
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  if (!url.endsWith('.gz')) return new Uint8Array(await response.arrayBuffer());
  const plain = response.body!.pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}

export async function loadBuiltin(builtin: Builtin): Promise<Guest> {
  const [kernel, image] = await Promise.all([bytesAt(builtin.kernel), bytesAt(builtin.image)]);
  return { name: builtin.name, kernel, image };
}

/** Sorts dropped files by what they are, not by their names. Throws a sentence that helps. */
export async function recognise(file: File): Promise<'kernel' | 'image' | 'run'> {
  const head = new Uint8Array(await file.slice(0, 1032).arrayBuffer());
  const isElf = head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
  if (isElf) {
    const machine = (head[18] ?? 0) | ((head[19] ?? 0) << 8);
    if (machine !== 243) throw new Error(t('This ELF file is not for RISC-V. In an xv6 folder the kernel is kernel/kernel.'));
    if (head[4] !== 2) throw new Error(t('This ELF file is for 32 bits. The machine is a 64-bit one.'));
    return 'kernel';
  }
  const magic = (head[1024] ?? 0) | ((head[1025] ?? 0) << 8) | ((head[1026] ?? 0) << 16) | ((head[1027] ?? 0) << 24);
  if (magic === 0x10203040) return 'image';
  if (head[0] === 0x7b) return 'run';
  if (/\.(c|h|S|md|txt)$/.test(file.name)) throw new Error(t('This is a source file. Run make first; then drop kernel/kernel and fs.img.'));
  if (file.size >= 1024 * 1000) return 'image'; // somebody's own file system
  throw new Error(t('This is neither an ELF kernel, nor a disk image, nor a kept run.'));
}

/** A kept run from its text; throws a sentence when it is none. */
export function readRecording(text: string): Recording {
  let recording: Partial<Recording> | null = null;
  try { recording = JSON.parse(text) as Partial<Recording> | null; } catch { /* said below */ }
  if (recording?.format !== 'bifolium-run-1' || !recording.options || !Array.isArray(recording.input) || typeof recording.end !== 'number') {
    throw new Error(t('This is not a run that this page kept.'));
  }
  return recording as Recording;
}

/** A chosen file's bytes; none for no file. Throws a sentence when it has been written anew since it was chosen. */
export async function bytesOf(file: File | undefined): Promise<Uint8Array> {
  try { return new Uint8Array(await (file ?? new Blob()).arrayBuffer()); } catch {
    throw new Error(`${file!.name}: ${t('this file has changed since it was dropped, or is gone. Drop it once more.')}`);
  }
}

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}
export function fromBase64(text: string): Uint8Array { return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)); }

function number(name: string, value: number, least: number, most: number, set: (value: number) => void) {
  return html`<label>${t(name)} <input type="number" min=${least} max=${most} .value=${String(value)}
    @change=${(event: Event) => set(Math.min(most, Math.max(least, Number((event.target as HTMLInputElement).value) || 0)))}></label>`;
}

export function guestView(acts: GuestActions) {
  const options = page.options;
  const { kernel, image } = page.dropped;
  return html`<section class="card" aria-labelledby="guest-title"><h3 id="guest-title">${t('What runs')}</h3>
    <div class="row options">${number('harts', options.harts, 1, 8, (value) => { options.harts = value; })}
      ${number('MiB of memory', options.megabytes, 32, 512, (value) => { options.megabytes = value; })}
      ${number('seed', options.seed, 0, 1e9, (value) => { options.seed = value; })}
      <label><input type="checkbox" .checked=${options.judges} @change=${(event: Event) => { options.judges = (event.target as HTMLInputElement).checked; }}>${t('judges')}</label></div>
    <p class="hint">${t('These count from the next boot.')} ${t('Another seed lets the harts take turns in another order: races can be hunted by seeds.')}</p>
    <div class="row">${page.builtins.map((builtin) => html`<button type="button" class=${page.guest === builtin.name ? 'primary' : ''} @click=${() => acts.bootBuiltin(builtin)}>${t(builtin.title)}</button>`)}</div>
    <div class="drop">
      <p>${t('Your own kernel: drop kernel/kernel and fs.img anywhere on this page, or choose them. They stay in this tab.')}</p>
      <input type="file" multiple id="files" aria-label=${t('kernel/kernel and fs.img')} @change=${(event: Event) => acts.take((event.target as HTMLInputElement).files!)}>
      ${kernel || image ? html`<p>${t('kernel')}: <b>${kernel?.name ?? '—'}</b>, ${t('image')}: <b>${image?.name ?? '—'}</b>
        ${image ? html`<button type="button" id="without-image" aria-label="${t('Put the image away')}" title=${t('Put the image away')} @click=${() => acts.withoutImage()}>✕</button>` : nothing}
        <button type="button" class="primary" id="boot" ?disabled=${!kernel} @click=${() => acts.bootFiles()}>${image ? t('Boot') : t('Boot without a disk')}</button></p>` : nothing}
    </div>
    <div class="row"><button type="button" @click=${() => acts.keepRun()}>${t('Keep this run as a file')}</button>
      <button type="button" @click=${() => acts.copyLink()}>${t('Copy a link to this run')}</button></div>
  </section>`;
}
