// SPDX-License-Identifier: MIT
// The guest's console: xterm.js, fed with what the guest says, sending what is typed and pasted.

import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import type { Client } from './client';

export class Console {
  readonly element = document.createElement('div');
  private readonly terminal = new Terminal({ convertEol: true, fontSize: 13, scrollback: 5000, screenReaderMode: false,
    fontFamily: "ui-monospace, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', Menlo, Consolas, monospace" });
  private readonly fit = new FitAddon();
  private isEscaped = false; // Esc was pressed last

  constructor(client: Client) {
    this.element.className = 'console';
    this.terminal.loadAddon(this.fit);
    this.terminal.attachCustomKeyEventHandler((event) => this.isForGuest(event));
    const bytes = new TextEncoder();
    this.terminal.onData((text) => client.type(bytes.encode(text)));
    client.onOutput = (output, replay) => {
      // Not reset(), which would overtake what has been written and not been drawn so far.
      if (replay) this.terminal.write('\x1bc');
      this.terminal.write(output);
    };
    new ResizeObserver(() => { if (this.element.clientWidth > 0) this.fit.fit(); }).observe(this.element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.colour());
  }

  /** Once the element is in the document. */
  open(): void {
    this.terminal.open(this.element);
    this.colour();
    this.fit.fit();
  }

  focus(): void { this.terminal.focus(); }

  /** A screen reader is told each line as it comes; that costs time, so only who wants it pays. */
  readAloud(on: boolean): void { this.terminal.options.screenReaderMode = on; }

  /** Columns and rows. */
  size(): [number, number] { return [this.terminal.cols, this.terminal.rows]; }

  /** Until all that was written is on the screen. */
  drawn(): Promise<void> { return new Promise((resolve) => this.terminal.write('', resolve)); }

  /** What is on the screen and above it, for tests and for copying all. */
  text(): string {
    const buffer = this.terminal.buffer.active;
    const lines = [];
    for (let y = 0; y < buffer.length; ++y) lines.push(buffer.getLine(y)?.translateToString(true) ?? '');
    return lines.join('\n').trimEnd();
  }

  /** A selection is copied by Ctrl-C; Esc and then Tab leave the console, which has a use for Tab itself. */
  private isForGuest(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true;
    if ((event.ctrlKey || event.metaKey) && event.key === 'c' && this.terminal.hasSelection()) {
      // The browser copies what is selected when this has returned.
      setTimeout(() => this.terminal.clearSelection());
      return false;
    }
    if (event.key === 'Shift') return true; // Esc, then Shift-Tab
    const leaves = this.isEscaped && event.key === 'Tab';
    // An Esc that was kept back goes before the key that follows it.
    if (this.isEscaped && !leaves) this.terminal.input('\x1b');
    this.isEscaped = event.key === 'Escape';
    return !leaves && !this.isEscaped;
  }

  private colour(): void {
    const style = getComputedStyle(document.documentElement);
    this.terminal.options.theme = { background: style.getPropertyValue('--card').trim(), foreground: style.getPropertyValue('--ink').trim(),
      cursor: style.getPropertyValue('--accent').trim(), selectionBackground: style.getPropertyValue('--select').trim() };
  }
}
