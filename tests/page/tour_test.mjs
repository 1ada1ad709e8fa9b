// SPDX-License-Identifier: MIT
// A learner takes the whole tour and answers its questions. node tour_test.mjs URL CHROMIUM PICTURES
import assert from 'node:assert/strict';
import { Reader } from './reader.mjs';

const [address, chromium, pictures] = process.argv.slice(2);
const reader = await Reader.open(address, chromium, pictures);
const { page } = reader;
// What each step must have brought about when it says that it is there.
const processes = () => page.$$eval('.space-name', (list) => list.map((item) => item.textContent.trim()));
const shown = [
  async () => assert.match(await reader.console(), /\$$/),
  async () => assert.deepEqual(await processes(), ['kernel', '1 init', '2 sh']),
  async () => page.waitForSelector('#space-2[aria-selected=true]').then(() => page.waitForSelector('.ruler .part')),
  async () => { await page.waitForSelector('.fields'); },
  async () => {
    assert.equal((await processes()).length, 4);
    await page.waitForSelector('#differences .d-rights');
  },
  async () => assert.ok((await reader.status()).harts.some((hart) => hart.privilege === 'S')),
  async () => assert.ok((await processes()).some((name) => /\d ls$/.test(name)), (await processes()).join()),
  async () => { await page.waitForSelector('#memory-map'); },
  async () => page.waitForSelector('#panel .good').then(() => page.waitForSelector('text=/Nothing so far|目前没有/')),
  async () => { await page.waitForSelector('#time.pointed'); },
];
const arrived = (at) => page.waitForFunction((step) => globalThis.bifolium.tour() === step, at);

async function walk(language) {
  await page.selectOption('#language', language);
  await page.click('#pane-tour');
  await page.click(await page.locator('#tour-first').count() > 0 ? '#tour-first' : '#tour-again');
  for (let at = 0; at < shown.length; ++at) {
    await arrived(at);
    await shown[at]();
    await page.waitForSelector('.pointed');
    await reader.picture(`tour-${language}-${String(at + 1).padStart(2, '0')}`);
    await page.click('#pane-tour');
    if (at + 1 < shown.length) await page.click('#tour-next');
  }
}

await reader.prompt();
await reader.step('ten steps', () => walk('en'));

await reader.step('the questions: first not yet, then right', async () => {
  await page.click('#tour-next');
  const check = async (id, verdict) => {
    await page.click(`#question-${id}`);
    await page.waitForSelector(`#question-${id} ~ [role=status]:has-text("${verdict}")`);
  };
  await check('three', 'Not yet.');
  await check('frame', 'Not yet.');
  await page.click('#tab-space');
  await page.click('#space-2');
  await page.fill('#va', '0x1018');
  await page.press('#va', 'Enter');
  await page.waitForSelector('.step.end');
  await check('frame', 'Right.');
  await page.click('#run');
  await reader.type('cat | cat\n');
  await page.waitForFunction(() => document.querySelectorAll('.space').length >= 6);
  await reader.pause();
  await check('three', 'Right.');
  await check('shared', 'Right.');
});

await reader.step('who leaves the page comes back to the same step', async () => {
  // The pipe of the last question still waits for input.
  await page.click('#tour-back');
  await arrived(shown.length - 1);
  assert.match(await reader.console(), /\$ cat \| cat[^]*\n\$$/);
  await page.reload();
  await reader.prompt();
  assert.match(await page.textContent('.tour'), /Tour 10 \/ 10/);
  await page.click('#tour-again');
  await arrived(shown.length - 1);
});

await reader.step('in Chinese', async () => {
  await walk('zh-CN');
  assert.match(await page.textContent('.tour'), /导览/);
});

await reader.close();
