// SPDX-License-Identifier: MIT
// The reader of docs/explorer.md at the page. node tour_test.mjs URL CHROMIUM PICTURES; a line "type: COMMAND" on its
// output is typed at the guest's shell.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(new URL('../../tools/foliowalk/web/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const [address, executablePath, pictures] = process.argv.slice(2);

const browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
const page = await browser.newPage({ viewport: { width: 1440, height: 1000 }, locale: 'en-US', colorScheme: 'light' });
page.setDefaultTimeout(60000);

const openTab = (name) => page.click(`#tab-${name}`);
const panel = () => page.textContent('#panel');
const picture = (name) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
const holds = (pattern) => page.waitForFunction(
  (source) => new RegExp(source).test(document.querySelector('#panel').textContent), pattern.source);

async function step(name, work) {
  await work();
  await picture(`tour-${name.split(' ')[0]}`);
  console.log(`ok  ${name}`);
}

await step('1 the page is there', async () => {
  await page.goto(address);
  await page.waitForSelector('.status.live');
});

await step('2 the list: the kernel, init, sh; a green mark on a hart', async () => {
  const names = await page.$$eval('.space-name', (list) => list.map((item) => item.textContent.trim()));
  assert.ok(names.some((name) => /kernel/.test(name)), names.join());
  assert.ok(names.includes('1 init') && names.includes('2 sh'), names.join());
  await page.waitForSelector('#space-kernel .hart');
});

await step('3 the ruler of sh: text, guard, stack and the fixed pages; what the tables cost', async () => {
  await page.click('#space-2');
  await page.waitForSelector('.ruler .part');
  const regions = ['text', 'guard', 'stack', 'usyscall', 'trapframe', 'trampoline'];
  for (const region of regions) await holds(new RegExp(region));
  assert.match(await page.textContent('.facts-row'), /5 20 KiB|5.*20 KiB/s);
  assert.match(await page.textContent('.facts-row'), /1 GiB/);
});

await step('4 an address falls into 9 + 9 + 9 + 12 bits; next step goes level by level', async () => {
  await page.fill('#va', '0x3018');
  await page.press('#va', 'Enter');
  await page.waitForSelector('.fields');
  const lengths = await page.$$eval('.field:not(.sign) code', (codes) => codes.map((code) => code.textContent.length));
  assert.deepEqual(lengths, [9, 9, 9, 12]);
  assert.match(await page.textContent('.step .sum >> nth=1'), /\+ \d+ × 8/);
  await page.click('text=Next step');
  await page.waitForSelector('.step.level-2.active');
  await page.click('text=Next step');
  await page.waitForSelector('.step.level-1.active');
  assert.match(await page.textContent('.verdicts'), /kernel with SUM/);
});

await step('5 a moment is kept: both sides are sh', async () => {
  await openTab('compare');
  await page.click('text=Keep this moment');
  await page.waitForSelector('fieldset option:has-text("moment 1")', { state: 'attached' });
  for (const side of ['First', 'Second']) {
    assert.equal(await page.inputValue(`select[aria-label="${side}: Address space"]`), '2');
  }
});

await step('6 ls: writable pages of sh lost W and got the mark c', async () => {
  console.log('type: ls');
  await page.waitForTimeout(2000);
  await page.click('text=Compare >> nth=-1');
  await page.waitForSelector('#differences .d-rights');
  const rows = await page.$$eval('#differences tbody tr', (list) => list.map((row) => row.textContent));
  assert.ok(rows.some((row) => /c/.test(row)), rows.join());
});

await step('7 the timeline shows what step 6 did, though another pane was open', async () => {
  await openTab('timeline');
  await page.waitForSelector('td:has-text("store page fault")');
  // `ls` lives shorter than the time between two looks; that it was there is told all the same.
  await holds(/3 (ls )?(appears|came and went)/);
});

await step('8 all of RAM; a frame tells who maps it', async () => {
  await openTab('memory');
  await page.waitForSelector('#memory-map');
  await page.focus('#memory-map');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await holds(/direct map: 0x[0-9a-f]+/);
});

await step('9 nothing is wrong', async () => {
  await openTab('check');
  await page.waitForSelector('.good');
});

await step('10 in Chinese, and back at the same place after a reload', async () => {
  await page.selectOption('#language', 'zh-CN');
  await openTab('space');
  await page.reload();
  await page.waitForSelector('#space-2[aria-selected=true]');
  await holds(/0x3018|翻译一个地址/);
});

await browser.close();
