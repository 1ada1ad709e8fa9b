// SPDX-License-Identifier: MIT
// What the tab takes: at Bifolium's prompt, and with a guest that has used all its memory and all of its past.
// node memory_test.mjs URL CHROMIUM PICTURES GUESTS
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { memoryOfTab } from './processes.mjs';
import { Reader } from './reader.mjs';

const [address, chromium, pictures, guests] = process.argv.slice(2);
const most = 1e9;
const reader = await Reader.open(address, chromium, pictures);
const { page } = reader;

async function measure(what) {
  const bytes = await memoryOfTab();
  console.log(`ok  ${what}: the tab takes ${Math.round(bytes / 1e6)} MB`);
  assert.ok(bytes < most, `${bytes} bytes are more than ${most}`);
}

await reader.prompt();
await measure('Bifolium with 128 MiB, at its prompt');
await page.click('#pane-guest');
await page.setInputFiles('#files', [join(guests, 'touch')]);
await page.click('#boot');
await page.waitForFunction(() => globalThis.bifolium.status()?.ended === 'powered off');
const { oldest, newest } = await reader.status();
assert.ok(oldest > 0, 'the past was not full'); // its first moments have had to go
await measure('a guest that has used its 128 MiB, and its past to the bound');
await reader.goTo(Math.floor((oldest + newest) / 2));
await measure('the same, gone back');
await reader.close();
