// SPDX-License-Identifier: MIT
// A person at the page: what page_test.mjs and tour_test.mjs have in common.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(new URL('../../page/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const axe = require.resolve('axe-core/axe.min.js');

export class Reader {
  static async open(address, executablePath, pictures) {
    const reader = new Reader();
    reader.pictures = pictures;
    reader.browser = await chromium.launch({
      executablePath,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
    const context = await reader.browser.newContext({ viewport: { width: 1440, height: 1000 }, locale: 'en-US',
      colorScheme: 'light', reducedMotion: 'reduce', permissions: ['clipboard-read', 'clipboard-write'] });
    const page = reader.page = await context.newPage();
    page.setDefaultTimeout(120000);
    reader.problems = [];
    page.on('pageerror', (error) => reader.problems.push(`page: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error') reader.problems.push(`console: ${message.text()}`);
    });
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(address) && !/^(data|blob):/.test(url)) reader.problems.push(`loads ${url}`);
    });
    await page.goto(address);
    return reader;
  }

  async step(name, work) {
    const began = Date.now();
    await work();
    console.log(`ok  ${name}  (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  }

  console() {
    return this.page.evaluate(async () => {
      await globalThis.bifolium.drawn();
      return globalThis.bifolium.text();
    });
  }
  status() { return this.page.evaluate(() => globalThis.bifolium.status()); }
  consoleHas(pattern) {
    return this.page.waitForFunction((source) => new RegExp(source).test(globalThis.bifolium.text()), pattern.source);
  }
  prompt() { return this.consoleHas(/\$$/); }
  stopped() { return this.page.waitForFunction(() => globalThis.bifolium.status()?.running === false); }
  async pause() {
    await this.page.waitForFunction(() => globalThis.bifolium.status() !== undefined);
    if ((await this.status()).running) await this.page.click('#pause');
    await this.stopped();
  }
  async goTo(step) {
    await this.page.$eval('#time', (slider, value) => {
      slider.value = value;
      slider.dispatchEvent(new Event('change'));
    }, String(step));
    await this.stands(step);
  }
  /** The machine stands at this moment. */
  stands(step) { return this.page.waitForFunction((value) => globalThis.bifolium.status().step === value, step); }
  /** Chooses what to run to, and waits until it is there. */
  async runTo(what) {
    const before = (await this.status()).step;
    await this.page.selectOption('#until', what);
    await this.page.click('#run-to');
    await this.page.waitForFunction((value) => {
      const now = globalThis.bifolium.status();
      return !now.running && now.step > value;
    }, before);
  }
  async type(text) {
    await this.page.focus('.xterm-helper-textarea');
    await this.page.keyboard.type(text);
  }
  paste(text) {
    return this.page.evaluate((clip) => {
      const data = new DataTransfer();
      data.setData('text/plain', clip);
      document.querySelector('.xterm-helper-textarea').dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    }, text);
  }
  picture(name) { return this.page.screenshot({ path: join(this.pictures, `${name}.png`), fullPage: true }); }

  /** Nothing that keeps people with a screen reader, few colours or no mouse out. */
  async accessible(where, part = 'html') {
    if (!await this.page.evaluate(() => 'axe' in globalThis)) {
      // The page's own policy lets no foreign script in: as text of an evaluation it comes in all the same.
      const { readFile } = await import('node:fs/promises');
      await this.page.evaluate(await readFile(axe, 'utf8'));
    }
    const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];
    const run = ([inside, runOnly]) => globalThis.axe.run(inside, { runOnly });
    const found = await this.page.evaluate(run, [part, rules]);
    const serious = found.violations.filter((one) => ['serious', 'critical'].includes(one.impact))
      .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 140)).join(' | ')}`);
    assert.deepEqual(serious, [], where);
  }

  /** No horizontal scroll bar. */
  async fits(where) {
    const [scroll, client] = await this.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(scroll <= client, `${where}: ${scroll} px in ${client}`);
  }

  async close() {
    assert.deepEqual(this.problems, []);
    await this.browser.close();
  }
}
