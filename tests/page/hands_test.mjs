// SPDX-License-Identifier: MIT
// Hands that have no mouse, eyes that do not see, and what a mouse does to a terminal: copy, resize, drop; the keyboard
// alone; a screen reader. node hands_test.mjs URL CHROMIUM PICTURES GUESTS
import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Reader } from './reader.mjs';

const [address, chromium, pictures, guests] = process.argv.slice(2);
const reader = await Reader.open(address, chromium, pictures);
const { page } = reader;
const step = (name, work) => reader.step(name, work);
const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
const focused = () => page.evaluate(() => {
  const now = document.activeElement;
  return now.classList.contains('xterm-helper-textarea') ? 'console' : now.id || now.outerHTML.slice(0, 90);
});

await step('a marked line is copied by Ctrl-C; without a mark Ctrl-C goes to the guest', async () => {
  await reader.prompt();
  await reader.type('echo one two three\n');
  await reader.consoleHas(/\none two three\n\$$/);
  const line = (await reader.console()).split('\n').indexOf('one two three');
  const [, rows] = await page.evaluate(() => globalThis.bifolium.size());
  const box = await page.locator('.xterm-screen').boundingBox();
  await page.mouse.click(box.x + 20, box.y + (line + 0.5) * box.height / rows, { clickCount: 3 });
  await press('Control+c');
  assert.equal((await clipboard()).trimEnd(), 'one two three');
  await reader.type('cat\n');
  await reader.consoleHas(/\$ cat\n?$/);
  await page.waitForSelector('.space-name:has-text("cat")');
  await press('Control+c');
  await reader.consoleHas(/\$ cat\n(\^C)?\n?\$$/);
});

await step('all of the console is copied by a button', async () => {
  await page.click('#copy-console');
  await page.waitForSelector('text=The console’s text is in the clipboard.');
  assert.equal(await clipboard(), await reader.console());
});

await step('the console takes the width and the height that there are', async () => {
  const size = () => page.evaluate(() => globalThis.bifolium.size());
  const [columns, rows] = await size();
  const becomes = (condition) => page.waitForFunction(([source, was]) => {
    const [now, tall] = globalThis.bifolium.size();
    return source === 'narrower' ? now < was : tall > was;
  }, condition);
  await page.setViewportSize({ width: 700, height: 900 });
  await becomes(['narrower', columns]);
  await reader.type('echo 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\n');
  await reader.consoleHas(/0123456789\n\$$/);
  await page.setViewportSize({ width: 1440, height: 1000 });
  // By the corner that the browser draws.
  await page.$eval('.console', (element) => { element.style.height = '40rem'; });
  await becomes(['taller', rows]);
  assert.equal(await page.$eval('.console', (element) => getComputedStyle(element).resize), 'vertical');
  await page.$eval('.console', (element) => { element.style.height = ''; });
});

await step('Tab completes in the console; Esc and Tab leave it, either way; Esc alone reaches the guest', async () => {
  await page.focus('.xterm-helper-textarea');
  await page.keyboard.type('vmben');
  await press('Tab');
  await reader.consoleHas(/\$ vmbench$/);
  assert.equal(await focused(), 'console');
  await press('Escape', 'Tab');
  assert.equal(await focused(), 'copy-console');
  await page.focus('.xterm-helper-textarea');
  await press('Escape', 'Shift+Tab');
  assert.equal(await focused(), 'language');
  // Alt-b as Esc and b: a word back.
  await page.focus('.xterm-helper-textarea');
  await page.keyboard.type(' one');
  await press('Escape', 'b');
  await page.keyboard.type('two');
  await reader.consoleHas(/\$ vmbench +twoone$/);
  await press('Control+c');
  await reader.prompt();
});

await step('Tab alone reaches every control of the page, and gets out of each', async () => {
  await page.click('#pane-guest');
  await reader.pause();
  await page.evaluate(() => { document.activeElement.blur(); globalThis.reached = new Set(); });
  for (let pressed = 0; pressed < 400; ++pressed) {
    if (await focused() === 'console') await press('Escape');
    await press('Tab');
    const isNew = await page.evaluate(() => {
      const isKnown = globalThis.reached.has(document.activeElement);
      globalThis.reached.add(document.activeElement);
      return !isKnown;
    });
    if (!isNew) break;
  }
  const missed = await page.$$eval('button, input, select, textarea, a[href], [tabindex="0"]', (controls) => controls
    .filter((e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility() && !globalThis.reached.has(e))
    .map((e) => e.outerHTML.slice(0, 90)));
  assert.deepEqual(missed, []);
});

await step('by keys alone: run, pause, a step back, to the next trap, a walk', async () => {
  const activate = async (id, key = 'Enter') => { await page.focus(id); await press(key); };
  await activate('#run');
  await page.waitForFunction(() => globalThis.bifolium.status().running);
  await activate('#pause', 'Space');
  await reader.stopped();
  const { step: before } = await reader.status();
  await activate('#back');
  await reader.stands(before - 1);
  // The focus stays where it is: Enter again is one more.
  await press('Enter', 'Enter');
  await reader.stands(before - 3);
  await activate('#run');
  await page.waitForSelector('#pause:focus');
  await press('Enter');
  await reader.stopped();
  // Arrows choose what to run to, and nothing runs yet.
  await reader.goTo(1000);
  await page.focus('#until');
  await press('ArrowDown', 'ArrowUp', 'ArrowDown');
  assert.equal(await page.inputValue('#until'), 'fault');
  assert.equal((await reader.status()).step, 1000);
  await activate('#run-to');
  await page.waitForFunction(() => globalThis.bifolium.status().step > 1000 && !globalThis.bifolium.status().running);
  await reader.goTo(before);
  await page.focus('ul[role=listbox]');
  await press('Home', 'ArrowDown', 'ArrowDown');
  await page.waitForSelector('#space-2[aria-selected=true]');
  await page.focus('#va');
  await page.keyboard.type('0');
  await press('Enter');
  await page.waitForSelector('.step.end.leaf');
});

await step('read aloud: each line of the console stands as text, and new ones are announced', async () => {
  assert.equal(await page.locator('.xterm-accessibility').count(), 0);
  await page.check('text=read aloud');
  if (!(await reader.status()).running) await page.click('#run');
  await reader.type('echo for your ears\n');
  await page.waitForFunction(() => [...document.querySelectorAll('.xterm-accessibility [role=listitem]')]
    .some((row) => row.textContent.trim() === 'for your ears'));
  const live = page.locator('.xterm-accessibility .live-region');
  assert.equal(await live.getAttribute('aria-live'), 'assertive');
  await page.waitForFunction(() => /for your ears/.test(document.querySelector('.live-region').textContent));
  await reader.accessible('read aloud', '.screen');
  await page.uncheck('text=read aloud');
});

const dropAt = (selector, name, text) => page.$eval(selector, (element, [fileName, content]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([content], fileName));
  element.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
}, [name, text]);

await step('a file may be dropped anywhere', async () => {
  await page.click('#pane-tour');
  await dropAt('.console', 'proc.c', 'int main;');
  await page.waitForSelector('.banner.error:has-text("source file")');
  assert.equal(await page.getAttribute('#pane-guest', 'aria-selected'), 'true');
});

await step('an image is put away again; a file that has changed since asks for a new drop', async () => {
  const own = join(guests, 'own');
  await copyFile(join(guests, 'minimal-xv6'), own);
  await page.setInputFiles('#files', [own, join(guests, 'fs.img')]);
  await reader.consoleHas(/file system of \d+ blocks/);
  await page.click('#without-image');
  await page.click('text=Boot without a disk');
  await reader.consoleHas(/^minimal guest: running/);
  assert.doesNotMatch(await reader.console(), /file system/);
  await writeFile(own, await readFile(join(guests, 'none')));
  await page.click('#boot');
  await page.waitForSelector('.banner.error:has-text("Drop it once more")');
});

await step('a run of one’s own kernel is kept with its files, and is the same run elsewhere', async () => {
  await page.setInputFiles('#files', [join(guests, 'fence')]);
  await page.click('#boot');
  await page.waitForFunction(() => globalThis.bifolium.findings().length === 1);
  await reader.pause();
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Keep this run as a file')]);
  const kept = join(guests, 'own.run.json');
  await download.saveAs(kept);
  const { step: end } = await reader.status();
  const found = await page.evaluate(() => globalThis.bifolium.findings());
  await page.reload();
  await reader.prompt();
  await page.click('#pane-guest');
  await page.setInputFiles('#files', [kept]);
  await page.waitForFunction((value) => {
    const now = globalThis.bifolium.status();
    return !now.running && now.step === value && globalThis.bifolium.findings().length === 1;
  }, end);
  assert.deepEqual(await page.evaluate(() => globalThis.bifolium.findings()), found);
});

await reader.close();
