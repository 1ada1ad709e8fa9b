// SPDX-License-Identifier: MIT
// Opens the page as a person would: choose a process, walk an address step by step, open tables, look at memory, wait
// for traps, compare two moments, check, change the language, use the keyboard. node browser_test.mjs URL CHROMIUM
// PICTURES
import assert from 'node:assert/strict';
import http from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(new URL('../../tools/foliowalk/web/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const [address, executablePath, pictures] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 1000 }, locale: 'en-US', colorScheme: 'light' });
page.setDefaultTimeout(60000);
const problems = [];
page.on('pageerror', (error) => problems.push(`page: ${error.message}`));
page.on('console', (message) => { if (message.type() === 'error') problems.push(`console: ${message.text()}`); });
page.on('request', (request) => {
  const url = request.url();
  if (!url.startsWith(address) && !url.startsWith('data:')) problems.push(`loads ${url}`);
});

const picture = (name) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
const openTab = (name) => page.click(`#tab-${name}`);

async function step(name, work) {
  const began = Date.now();
  await work();
  console.log(`ok  ${name}  (${((Date.now() - began) / 1000).toFixed(1)} s)`);
}

await step('the list of address spaces is live', async () => {
  await page.goto(address);
  await page.waitForSelector('#space-9');
  assert.equal(await page.locator('.space').count(), 65);
  await page.waitForSelector('.status.live');
  await page.fill('input[type=search]', 'task-09');
  await page.waitForFunction(() => document.querySelectorAll('.space').length === 1);
  await page.fill('input[type=search]', '');
});

await step('a process shows its ruler, its regions and what its tables cost', async () => {
  await page.click('#space-9');
  await page.waitForSelector('.ruler .part');
  await page.waitForSelector('td .super:has-text("2 MiB")');
  assert.match(await page.textContent('.facts-row'), /1 GiB/);
});

await step('a walk is drawn step by step', async () => {
  await page.fill('#va', '0x60000123');
  await page.press('#va', 'Enter');
  await page.waitForSelector('text=0x86200123');
  assert.equal(await page.locator('.step').count(), 4);
  await page.click('text=Next step');
  assert.equal(await page.locator('.step').count(), 2);
  await page.waitForSelector('.step.level-2.active');
  await page.click('text=Next step');
  await page.waitForSelector('.step.level-1.active');
  await page.click('text=All steps');
  assert.match(await page.textContent('.verdicts'), /user page touched by the supervisor/);
  assert.match(await page.textContent('.bits'), /page begins at 0x86200000/);
  await picture('walk');
});

await step('an address that is not mapped says where the walk ends', async () => {
  await page.fill('#va', '0x70000000');
  await page.press('#va', 'Enter');
  await page.waitForSelector('.step.end.bad');
  assert.match(await page.textContent('.step.end.bad'), /the entry is not valid \(V = 0\)/);
  // An entry that is not valid points nowhere.
  assert.doesNotMatch(await page.textContent('.bits'), /points to a table/);
  assert.match(await page.textContent('.bits'), /means nothing, V is 0/);
  await page.fill('#va', 'zebra');
  await page.press('#va', 'Enter');
  await page.waitForSelector('[role=alert]');
});

await step('an address is hexadecimal, and a reload leads back to it', async () => {
  await page.fill('#va', '60000123');
  await page.press('#va', 'Enter');
  await page.waitForSelector('text=0x86200123');
  await page.waitForFunction(() => location.hash.includes('va=60000123') && location.hash.includes('space=9'));
  await page.reload();
  await page.waitForSelector('#space-9[aria-selected=true]');
  await page.waitForSelector('text=0x86200123');
});

await step('a phone shows it without a horizontal scroll bar', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const tab of ['space', 'memory', 'timeline', 'compare', 'check']) {
    await openTab(tab);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `${tab}: ${width} px`);
    await picture(`phone-${tab}`);
  }
  await page.setViewportSize({ width: 1440, height: 1000 });
  await openTab('space');
});

await step('a process without tables says so', async () => {
  await page.click('#space-63');
  await page.waitForSelector('text=This process has no page tables.');
  assert.equal(await page.locator('.ruler').count(), 0);
  await page.click('#space-9');
  await page.waitForSelector('.ruler .part');
});

await step('tables open by click', async () => {
  await page.click('.opener >> nth=1');
  await page.waitForSelector('.tree-level.level-1');
  await page.click('.tree-level.level-1 .opener');
  await page.waitForSelector('.tree-level.level-0');
  assert.match(await page.textContent('.tree-level.level-1'), /2 MiB superpage/);
  await page.click('.opener >> nth=1');
  await page.waitForFunction(() => document.querySelectorAll('.tree-level.level-1').length === 0);
});

await step('a frame of RAM tells who maps it', async () => {
  await openTab('memory');
  await page.waitForSelector('#memory-map');
  await page.fill('#pa', '0x80001000');
  await page.press('#pa', 'Enter');
  await page.waitForSelector('h4:has-text("0x80001000")');
  assert.match(await page.textContent('#panel'), /direct map: 0x[0-9a-f]+/);
  assert.ok((await page.locator('#panel tbody tr:has-text("task-")').count()) >= 63);
  await page.fill('#pa', 'zebra');
  await page.press('#pa', 'Enter');
  await page.waitForSelector('.error[role=alert]');
  await page.waitForSelector('.status.live');
  await page.fill('#pa', '0x80001000');
  await page.press('#pa', 'Enter');
  await page.waitForSelector('.error', { state: 'detached' });
  await page.check('input[name=colouring] >> nth=1');
  await picture('memory');
  await page.focus('#memory-map');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.waitForSelector('h4:has-text("0x80002000")');
});

await step('traps and events appear on the timeline', async () => {
  await openTab('timeline');
  await page.waitForSelector('td:has-text("store page fault")');
  await page.waitForSelector('.k-pages');
  // An event that was fetched by two refreshes at once must not show twice.
  const rows = await page.$$eval('#panel .columns section:first-child tbody tr', (list) =>
    list.map((row) => row.textContent));
  assert.equal(new Set(rows).size, rows.length);
  await picture('timeline');
});

await step('a moment is kept, and two tables are compared', async () => {
  await openTab('compare');
  await page.click('text=Keep this moment');
  await page.waitForSelector('fieldset option:has-text("moment 1")', { state: 'attached' });
  await page.selectOption('select[aria-label="First: Address space"]', '3');
  await page.selectOption('select[aria-label="Second: Address space"]', '3');
  await page.waitForSelector('.good');
  await page.selectOption('select[aria-label="Second: Address space"]', '9');
  await page.waitForSelector('#differences .d-added');
  assert.match(await page.textContent('#differences'), /0x60000000/);
  await picture('compare');
});

await step('the check finds nothing wrong', async () => {
  await openTab('check');
  await page.waitForSelector('.good');
});

await step('the language changes, and stays', async () => {
  await page.selectOption('#language', 'zh-CN');
  await page.waitForSelector('#tab-space:has-text("地址空间")');
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
  await openTab('timeline');
  await page.waitForSelector('td:has-text("映射")');
  assert.doesNotMatch(await page.textContent('#panel'), / mapped | appears, /);
  await openTab('space');
  await page.waitForSelector('text=翻译一个地址');
  await page.reload();
  await page.waitForSelector('#tab-space:has-text("地址空间")');
  await page.click('#space-9');
  await page.fill('#va', '0x60000123');
  await page.press('#va', 'Enter');
  await page.waitForSelector('text=0x86200123');
  await picture('walk-zh');
  await page.selectOption('#language', 'en');
});

await step('the keyboard reaches everything', async () => {
  await page.focus('[role=listbox]');
  await page.keyboard.press('Home');
  await page.waitForSelector('#space-kernel[aria-selected=true]');
  await page.keyboard.press('ArrowDown');
  await page.waitForSelector('#space-1[aria-selected=true]');
  await page.focus('#tab-space');
  await page.keyboard.press('ArrowRight');
  await page.waitForSelector('#tab-memory[aria-selected=true]');
  // Every control has a name that a screen reader can say.
  const nameless = await page.$$eval('button, input, select, canvas, [role=button]', (controls) => controls
    .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length))
    .map((e) => e.outerHTML.slice(0, 80)));
  assert.deepEqual(nameless, []);
});

await step('a foreign page gets nothing', async () => {
  const status = (method, headers) => new Promise((resolve) => {
    const taken = (answer) => { answer.resume(); resolve(answer.statusCode); };
    http.request(`${address}api/moments`, { method, headers }, taken).end();
  });
  assert.equal(await status('GET', { Host: 'example.com' }), 403);
  assert.equal(await status('POST', {}), 403);
  assert.equal(await status('POST', { 'X-Foliowalk': '1' }), 200);
});

await step('nothing was loaded from elsewhere and nothing failed', async () => {
  assert.deepEqual(problems.filter((problem) => !problem.includes('400')), []);
});

await browser.close();
