// SPDX-License-Identifier: MIT
// Bifolium in the tab, its past, a student's own files, runs that are kept, what the judges find, both languages, the
// keyboard, a phone. node page_test.mjs URL CHROMIUM PICTURES GUESTS
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Reader } from './reader.mjs';

const [address, chromium, pictures, guests] = process.argv.slice(2);
const reader = await Reader.open(address, chromium, pictures);
const { page } = reader;
const step = (name, work) => reader.step(name, work);
const drop = async (...files) => { await page.click('#pane-guest'); await page.setInputFiles('#files', files); };

await step('the page opens with Bifolium at its prompt; a typed ls answers', async () => {
  await reader.prompt();
  await reader.type('ls\n');
  await reader.consoleHas(/README[^]*\n\$$/);
});

await step('the panes show its processes', async () => {
  await page.waitForSelector('#space-2');
  const names = await page.$$eval('.space-name', (list) => list.map((item) => item.textContent.trim()));
  assert.deepEqual(names, ['kernel', '1 init', '2 sh']);
  await page.click('#space-2');
  await page.waitForSelector('.ruler .part');
  await reader.picture('prompt');
});

let asked;
await step('pause; a step back and a step on are one instruction each', async () => {
  await reader.pause();
  asked = (await reader.status()).step;
  await page.click('#back');
  await reader.stands(asked - 1);
  await page.waitForSelector('text=This is an earlier moment');
  await page.click('#step');
  await reader.stands(asked);
});

await step('the slider leads to the middle of the run: the console and the panes show that moment', async () => {
  await reader.goTo(Math.floor(asked / 4));
  const early = await reader.console();
  assert.doesNotMatch(early, /README/);
  await page.waitForFunction(() => !document.querySelector('#space-2'));
  await reader.goTo(asked);
  assert.match(await reader.console(), /README[^]*\n\$$/);
  await page.waitForSelector('#space-2');
});

await step('on to the next trap, page fault, satp write, fork and exec', async () => {
  await reader.goTo(Math.floor(asked / 4));
  for (const what of ['trap', 'satp', 'fault']) await reader.runTo(what);
  await reader.goTo(asked);
  await page.click('#run');
  await reader.type('ls\n');
  await reader.consoleHas(/README[^]*README[^]*\n\$$/);
  await reader.pause();
  await reader.goTo(asked + 100);
  for (const what of ['fork', 'exec']) {
    await reader.runTo(what);
    await page.waitForSelector('.space >> nth=3');
  }
  assert.ok((await reader.status()).step < (await reader.status()).newest);
});

await step('typing in the past begins a branch, and says so', async () => {
  await reader.goTo(asked);
  await reader.type('echo another way\n');
  await reader.consoleHas(/\nanother way\n\$$/);
  assert.match(await page.textContent('.banner'), /A new branch began here/);
  assert.equal((await reader.console()).match(/README/g).length, 1);
});

await step('an entry tells who wrote it', async () => {
  await reader.pause();
  await page.click('#space-2');
  // A writable page of sh, which has forked.
  await page.click('section[aria-labelledby=regions-title] tr:has(.f-w) .link.mono');
  await page.click('.step.leaf .blame');
  await page.waitForSelector('#blame-title');
  const rows = await page.$$eval('#blame-title ~ .scroll tbody tr', (list) => list.map((row) => row.textContent));
  assert.ok(rows.length > 1 && rows.some((row) => /kernel\/|sv39\//.test(row)), rows.join('\n'));
  // Each found what the one before it had left, back to where nothing stood there.
  const changes = await page.evaluate(() => globalThis.bifolium.blame());
  for (let i = 1; i < changes.length; ++i) {
    assert.equal(changes[i].new, changes[i - 1].old, JSON.stringify(changes, null, 1));
    assert.ok(changes[i].by.step < changes[i - 1].by.step);
  }
  assert.equal(changes.at(-1).old, '0x0', JSON.stringify(changes, null, 1));
  await reader.picture('blame');
});

await step('on Bifolium the judges find nothing', async () => {
  await page.click('#pane-findings');
  await page.waitForSelector('text=Nothing so far');
  assert.equal((await reader.status()).findings, 0);
});

let kept;
await step('a run is kept as a file, and loaded it is the same run', async () => {
  await page.click('#pane-guest');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Keep this run as a file')]);
  kept = join(guests, 'kept.run.json');
  await download.saveAs(kept);
  const run = JSON.parse(await readFile(kept, 'utf8'));
  const { step: end } = await reader.status();
  const text = await reader.console();
  assert.equal(run.end, end);
  assert.equal(run.builtin, 'unified');
  await reader.goTo(1000);
  await drop(kept);
  await page.waitForFunction((value) => {
    const now = globalThis.bifolium.status();
    return !now.running && now.step === value && now.newest === value;
  }, end);
  assert.equal(await reader.console(), text);
});

await step('a link carries a run', async () => {
  await page.click('text=Copy a link to this run');
  await page.waitForSelector('text=The link is in the clipboard.');
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(link.startsWith(address) && link.length < 4000, link);
  // Whoever opens it sees the same run at the same moment.
  const { step: end } = await reader.status();
  const text = await reader.console();
  await page.goto('about:blank');
  await page.goto(link);
  await page.waitForFunction((value) => {
    const now = globalThis.bifolium?.status();
    return now && !now.running && now.step === value && now.newest === value;
  }, end);
  assert.equal(await reader.console(), text);
});

await step('what is pasted is typed line by line, and no letter of it is lost', async () => {
  const words = 'the quick brown fox jumps over the lazy dog and comes back to where it began';
  const lines = [...Array(6).keys()].map((i) => `echo ${i} ${words}`);
  // A guest that works or sleeps for long has no room for all that comes after: it is not given it yet.
  const busy = ['sleep 20', `vmbench ${'fork_small '.repeat(10)}`];
  await page.click('#run');
  await reader.prompt();
  await reader.paste([...busy, ...lines].join('\n') + '\n');
  await reader.consoleHas(new RegExp(`\n5 ${words}\n\\$$`));
  const said = await reader.console();
  for (let i = 0; i < lines.length; ++i) assert.ok(said.includes(`\n${i} ${words}\n`), said);
  await reader.pause();
});

await step('the address box takes names of the kernel', async () => {
  await page.click('#tab-space');
  await page.click('#space-kernel');
  await page.fill('#va', 'process::the_table+0x8');
  await page.press('#va', 'Enter');
  await page.waitForSelector('.step.end.leaf');
  assert.match(await page.textContent('.step.end.leaf'), /kernel data|direct map/);
  await page.fill('#va', 'no_such_name');
  await page.press('#va', 'Enter');
  await page.waitForSelector('text=nor a name that the kernel’s file knows');
});

await step('the kernel’s own frames are told apart: code, data, stacks, buffers, a pipe', async () => {
  await page.click('#run');
  await reader.type('cat | cat\n');
  await page.waitForFunction(() => document.querySelectorAll('.space').length >= 6);
  await reader.pause();
  await page.click('#tab-memory');
  await page.waitForSelector('.kinds');
  const cells = '.kinds tbody tr td:first-child';
  const kinds = await page.$$eval(cells, (list) => list.map((cell) => cell.textContent.trim()));
  for (const kind of ['kernel text', 'kernel data', 'kernel stack', 'disk buffers', 'pipe', 'page table', 'free']) {
    assert.ok(kinds.includes(kind), `${kind}: ${kinds.join()}`);
  }
  await reader.picture('memory');
  await page.click('#tab-space');
});

await step('files that are no kernel get a sentence that helps', async () => {
  const write = async (name, bytes) => {
    await writeFile(join(guests, name), bytes);
    return join(guests, name);
  };
  const says = (sentence) => page.waitForFunction((source) => {
    const said = document.querySelector('.banner.error')?.textContent ?? '';
    return new RegExp(source).test(said);
  }, sentence.source);
  const refused = async (file, sentence) => {
    await drop(file);
    await says(sentence);
  };
  await refused(await write('proc.c', 'int main;'), /source file. Run make/);
  await refused('/bin/true', /not for RISC-V/);
  await refused(await write('empty', ''), /neither an ELF kernel/);
  await refused(await write('half.json', '{"format": 1'), /not a run that this page kept/);
  const damaged = Buffer.from(await readFile(join(guests, 'minimal')));
  damaged.fill(0xff, 24, 64);
  await drop(await write('damaged', damaged));
  await page.click('#boot');
  await says(/not a RISC-V kernel that this machine can boot/);
});

await step('a kernel of xv6’s shape and fs.img boot at once: names, lines, blame, judges', async () => {
  await drop(join(guests, 'minimal-xv6'), join(guests, 'fs.img'));
  await reader.consoleHas(/minimal guest: a file system of \d+ blocks\nminimal guest: running/);
  await page.waitForSelector('#space-9');
  await reader.pause();
  assert.match(await page.textContent('#space-9'), /p09/);
  await reader.runTo('trap');
  assert.match((await reader.status()).harts[0].line, /entry\.S:\d+$/);
  await page.click('#space-9');
  await page.fill('#va', '0x40000000');
  await page.press('#va', 'Enter');
  await page.click('.step.leaf .blame');
  await page.waitForSelector('#blame-title');
  assert.match(await page.textContent('#blame-title ~ .scroll tbody'), /main\.cpp:\d+/);
  await page.click('#pane-findings');
  await page.waitForSelector('text=Nothing so far');
  await page.click('#tab-check');
  await page.waitForSelector('#panel .good');
  await reader.picture('stock');
  await page.click('#tab-space');
});

await step('a kernel of xv6’s shape, without a disk', async () => {
  await page.click('#pane-guest');
  await page.click('#without-image');
  await page.click('#boot');
  await reader.consoleHas(/^minimal guest: running/);
  await reader.pause();
  await page.waitForFunction(() => document.querySelectorAll('.space').length >= 64);
  await reader.picture('dropped');
});

await step('a forgotten fence is found, with its line; the cause can be gone back to', async () => {
  await drop(join(guests, 'minimal-stale'));
  await page.click('#boot');
  await page.waitForFunction(() => globalThis.bifolium.findings().length > 0);
  await reader.pause();
  await page.click('#pane-findings');
  await page.waitForSelector('#finding-0');
  const [finding] = await page.evaluate(() => globalThis.bifolium.findings());
  assert.equal(finding.rule, 'stale-translation');
  assert.match(finding.cause.where, /free_heap|user_trap/);
  const source = (await readFile(new URL('../guests/minimal/main.cpp', import.meta.url), 'utf8')).split('\n');
  const line = Number(/main\.cpp:(\d+)$/.exec(finding.cause.line)[1]);
  assert.match(source[line - 1], /middle_entry = 0;/);
  await page.click('#finding-0 .place:nth-of-type(2) .link');
  await reader.stands(finding.cause.step);
  assert.equal((await reader.status()).harts[finding.cause.hart].pc, finding.cause.pc);
  await reader.picture('finding');
});

await step('Chinese, and nothing serious for axe in either language, light and dark', async () => {
  // Each of the languages, of the colours and of the panes, but not each with each: axe takes its time.
  const looks = [['light', 'en', 'findings'], ['dark', 'en', 'guest'], ['light', 'zh-CN', 'tour'],
    ['dark', 'zh-CN', 'findings']];
  for (const [colorScheme, language, pane] of looks) {
    await page.emulateMedia({ colorScheme });
    await page.selectOption('#language', language);
    await page.click(`#pane-${pane}`);
    await reader.accessible(`${colorScheme}, ${language}, ${pane}`);
    await reader.picture(`looks-${colorScheme}-${language}`);
  }
  const text = await page.textContent('#finding-0');
  assert.match(text, /过期的翻译/);
  assert.doesNotMatch(text, /without a fence|the cause|go there/);
});

await step('a phone shows it without a horizontal scroll bar, in both languages', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const language of ['zh-CN', 'en']) {
    await page.selectOption('#language', language);
    for (const pane of ['tour', 'guest', 'findings']) {
      await page.click(`#pane-${pane}`);
      await reader.fits(`${language}, ${pane}`);
    }
    await page.emulateMedia({ colorScheme: language === 'en' ? 'light' : 'dark' });
    await reader.picture(`phone-${language}`);
  }
  await page.setViewportSize({ width: 1440, height: 1000 });
});

await step('the keyboard reaches everything', async () => {
  await page.focus('#pane-findings');
  await page.keyboard.press('ArrowRight');
  await page.waitForSelector('#pane-guest[aria-selected=true]');
  await page.focus('#time');
  const { step: before } = await reader.status();
  await page.keyboard.press('ArrowLeft');
  await reader.stands(before - 1);
  const nameless = await page.$$eval('button, input, select, textarea, canvas, [role=button]', (controls) => controls
    .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length))
    .map((e) => e.outerHTML.slice(0, 80)));
  assert.deepEqual(nameless, []);
});

await reader.close();
