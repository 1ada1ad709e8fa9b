// SPDX-License-Identifier: MIT
// The page's worker under node: Bifolium boots to its prompt in the WebAssembly machine, and a typed `ls` answers.
// node machine_test.mjs SITE, the folder that `./run --page --build-only` makes.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';

const site = pathToFileURL(resolve(process.argv[2]) + '/');
globalThis.fetch = async (url) => new Response(await readFile(new URL(url)));

let text = '';
let status;
const waiting = new Map();
globalThis.self = globalThis;
globalThis.postMessage = (message) => {
  if ('output' in message) text += new TextDecoder().decode(message.output);
  else if ('status' in message) status = message.status;
  else if ('answer' in message) { waiting.get(message.id)(message.answer); waiting.delete(message.id); }
  else throw new Error(message.failed);
};
await import(new URL('worker.js', site));
const send = (data) => globalThis.onmessage({ data });

let next = 1;
async function ask(request) {
  const id = next++;
  const answer = await new Promise((resolve) => { waiting.set(id, resolve); send({ id, request }); });
  assert.equal(answer.status, 200, JSON.stringify(answer.value));
  return answer.value;
}
async function until(condition, what) {
  const end = Date.now() + 120_000;
  while (!condition()) {
    assert.ok(Date.now() < end, `${what} did not come:\n${text}`);
    await new Promise((wake) => setTimeout(wake, 5));
  }
}
const type = (line) => send({ input: new TextEncoder().encode(line) });
const file = async (name) => {
  const bytes = await readFile(new URL(name, site));
  return new Uint8Array(name.endsWith('.gz') ? gunzipSync(bytes) : bytes);
};

const [builtin] = JSON.parse(await readFile(new URL('guests.json', site), 'utf8'));
const guest = { name: builtin.name, kernel: await file(builtin.kernel), image: await file(builtin.image) };
const options = { harts: 1, megabytes: 128, seed: 0, bootargs: '', judges: true };
const before = process.cpuUsage();
await ask({ do: 'boot', guest, options, stands: false });
await until(() => text.endsWith('$ '), 'the prompt');
const spent = process.cpuUsage(before);
console.log(`ok  the prompt  (${((spent.user + spent.system) / 1e6).toFixed(2)} s of processor time)`);
type('ls\n');
await until(() => /README.*\$ $/s.test(text), 'the answer of ls');
console.log('ok  ls');
await until(() => status.waiting, 'rest');
process.exit(0);
