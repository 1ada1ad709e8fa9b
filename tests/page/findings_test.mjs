// SPDX-License-Identifier: MIT
// Kernels with one fault each, dropped onto the page: the card that tells it, with its lines, and the way to the cause.
// node findings_test.mjs URL CHROMIUM PICTURES GUESTS
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Reader } from './reader.mjs';

const [address, chromium, pictures, guests] = process.argv.slice(2);
const reader = await Reader.open(address, chromium, pictures);
const { page } = reader;
const source = (await readFile(new URL('../vellum/wrong/kernel.c', import.meta.url), 'utf8')).split('\n');
const lineOf = (mark) => source.findIndex((line) => line.endsWith(`// ${mark}`)) + 1;
const findings = () => page.evaluate(() => globalThis.bifolium.findings());

// Comes back when the page shows nothing any more of what the kernel before was found to do.
async function drop(name) {
  await page.evaluate(() => globalThis.bifolium.findings().forEach((finding) => { finding.isOfLastKernel = true; }));
  await page.click('#pane-guest');
  await page.setInputFiles('#files', [join(guests, name)]);
  await page.click('#boot');
  await page.waitForFunction(() => !globalThis.bifolium.findings().some((finding) => finding.isOfLastKernel));
}
const named = (place, mark) => {
  assert.match(`${place.line} ${place.callers.join(' ')}`, new RegExp(`kernel\\.c:${lineOf(mark)}\\b`));
};

// The fault that is compiled in, its rule, and the marks of the lines that must be named: here, and of the cause.
const faults = [
  ['fence', 'stale-translation', 'here: stale-translation', 'cause: stale-translation'],
  ['satp', 'stale-after-satp', 'here: stale-after-satp', 'cause: stale-after-satp'],
  ['code', 'stale-code', undefined, 'cause: stale-code'],
  ['use', 'use-after-free', 'here: use-after-free', 'cause: frames'],
  ['walk', 'use-after-free', undefined, 'cause: frames'],
  ['twice', 'double-free', 'here: double-free', 'cause: frames'],
  ['reserved', 'reserved-entry', undefined, 'cause: reserved-entry'],
  ['superpage', 'misaligned-superpage', undefined, 'cause: misaligned-superpage'],
  ['panics', 'panic', 'here: panic', undefined],
  // Nobody walks there: it is said at the store.
  ['cycle', 'table-cycle', 'cause: table-cycle', 'cause: table-cycle'],
  ['outside', 'leaf-outside-ram', 'cause: leaf-outside-ram', 'cause: leaf-outside-ram'],
  ['uncleared', 'uncleared-table', 'here: uncleared-table', 'cause: uncleared-table'],
  ['junk', 'unwritten-memory', undefined, 'cause: unwritten-memory'],
];

await reader.prompt();
for (const [fault, rule, here, cause] of faults) {
  await reader.step(`${fault}: ${rule}`, async () => {
    await drop(fault);
    await page.waitForFunction((wanted) => globalThis.bifolium.findings().some((one) => one.rule === wanted), rule);
    const [found, ...others] = await findings();
    assert.deepEqual([found.rule, others.length], [rule, 0]);
    if (here) named(found.now, here);
    if (cause) named(found.cause, cause);
    assert.equal(found.cause === undefined, cause === undefined);
    await page.click('#pane-findings');
    const card = await page.textContent('#finding-0');
    if (here) assert.match(card, new RegExp(`kernel\\.c:${lineOf(here)}\\b`));
    if (cause) assert.match(card, new RegExp(`kernel\\.c:${lineOf(cause)}\\b`));
    assert.doesNotMatch(card, /rule\./);
    if (['uncleared', 'junk'].includes(fault)) await reader.picture(`finding-${fault}`);
  });
}

await reader.step('the walk is drawn; its entries tell who wrote them; “go to the cause” goes there', async () => {
  await drop('fence');
  await page.waitForFunction(() => globalThis.bifolium.findings().length === 1);
  await reader.pause();
  await page.click('#pane-findings');
  const [found] = await findings();
  assert.deepEqual(found.walk.map((step) => step.level), [2, 1, 0]);
  assert.equal(await page.locator('#finding-0 .steps .step').count(), 5); // the address, three entries, the frame
  assert.match(await page.textContent('#finding-0 .steps'), new RegExp(found.old_entry));
  await page.click('#finding-0 .steps .step.level-0 .link');
  await page.waitForSelector('#blame-title');
  // It was written three times: 0 became a frame, and that another one.
  const rows = await page.$$eval('#blame-title ~ .scroll tbody tr', (list) => list.map((row) => row.textContent));
  assert.equal(rows.length, 2, rows.join('\n'));
  assert.match(rows[0], new RegExp(`kernel\\.c:${lineOf('cause: stale-translation')}\\b`));
  assert.match(rows[0], new RegExp(found.old_entry));
  await reader.picture('finding-walk');
  await page.click('#finding-0 >> text=go to the cause');
  await reader.stands(found.cause.step);
  assert.equal((await reader.status()).harts[0].pc, found.cause.pc);
});

await reader.step('run to the next finding: from the past to the known one, and to one that is new', async () => {
  const [found] = await findings();
  await reader.goTo(1);
  await reader.runTo('finding');
  await reader.stands(found.now.step);
  await drop('use');
  await page.waitForFunction(() => globalThis.bifolium.findings().length === 1);
  await reader.pause();
  const at = (await findings())[0].now.step;
  await reader.goTo(1);
  await reader.runTo('finding');
  await reader.stands(at);
});

await reader.step('a deadlock: each hart with its lines', async () => {
  await drop('deadlock');
  await page.click('#pane-findings');
  await page.waitForSelector('#hang');
  const card = await page.textContent('#hang');
  assert.match(card, /turns in one function, with interrupts off/);
  assert.match(card, /waits for the lock\s+kmem\s+lock,\s+which it holds itself/);
  assert.match(card, new RegExp(`acquire[^]*kernel\\.c:${lineOf('twice')}\\b`));
  assert.equal((await reader.status()).running, false);
  await reader.picture('finding-hang');
});

await reader.step('a sleep that nothing will end', async () => {
  await drop('sleeps');
  await page.click('#pane-findings');
  await page.waitForFunction(() => /nothing will wake them/.test(document.querySelector('#hang')?.textContent ?? ''));
  assert.match(await page.textContent('#hang'), new RegExp(`kernel\\.c:${lineOf('asleep')}(?!\\d)`));
});

await reader.step('the cards in Chinese', async () => {
  await page.selectOption('#language', 'zh-CN');
  assert.match(await page.textContent('#hang'), /没有什么会唤醒它们/);
  await drop('deadlock');
  await page.click('#pane-findings');
  const lockIsNamed = () => /等待锁\s*kmem\s*lock\s*,\s*它自己持有这把锁/.test(document.querySelector('#hang')?.textContent ?? '');
  await page.waitForFunction(lockIsNamed);
  for (const [fault, , words] of [['use', '', /使用已释放的页帧[^]*释放于/], ['panics', '', /内核 panic[^]*内核放弃运行/],
    ['uncleared', '', /页表没有清零[^]*分配于/], ['junk', '', /没有写过的内存[^]*分配于/]]) {
    await drop(fault);
    await page.click('#pane-findings');
    await page.waitForSelector('#finding-0');
    const card = await page.textContent('#finding-0');
    assert.match(card, words);
    assert.doesNotMatch(card, /go there|freed by|allocated by|The walk/);
    await reader.picture(`finding-${fault}-zh`);
  }
});

await reader.step('the cards on a phone, in both languages', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const fault of ['uncleared', 'deadlock']) {
    await drop(fault);
    await page.click('#pane-findings');
    await page.waitForSelector(fault === 'deadlock' ? '#hang .lock' : '#finding-0');
    for (const language of ['zh-CN', 'en']) {
      await page.selectOption('#language', language);
      await reader.fits(`${language}, ${fault}`);
      await reader.picture(`phone-${fault}-${language}`);
    }
  }
  await page.setViewportSize({ width: 1440, height: 1000 });
  await page.selectOption('#language', 'en');
});

await reader.step('the same kernel without a fault: silence', async () => {
  await drop('none');
  await page.waitForFunction(() => globalThis.bifolium.status()?.ended === 'powered off');
  await page.click('#pane-findings');
  await page.waitForSelector('text=Nothing so far');
  assert.deepEqual(await findings(), []);
});

await reader.close();
