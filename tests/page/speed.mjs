// SPDX-License-Identifier: MIT
// Loads a kept run and goes on from there: to its end, or, when a line is given, types that LINES times at the prompt,
// TIMES times after a first one. Prints, as JSON, the instructions and the worker's processor seconds of each.
// node speed.mjs URL CHROMIUM RUN [TIMES LINES LINE]
import { secondsOfWorkers } from './processes.mjs';
import { Reader } from './reader.mjs';

const [address, chromium, kept, times, lines, line] = process.argv.slice(2);
const reader = await Reader.open(address, chromium, '');
const { page } = reader;
const measured = [];
async function measure(work) {
  const [step, seconds] = [(await reader.status()).step, await secondsOfWorkers()];
  await work();
  measured.push({ instructions: (await reader.status()).step - step, seconds: await secondsOfWorkers() - seconds });
}
const atRest = (prompts) => page.waitForFunction((wanted) => globalThis.bifolium.status()?.waiting &&
  globalThis.bifolium.text().split(/^\$/m).length === wanted + 1, prompts);

await reader.prompt();
await page.click('#pane-guest');
await page.setInputFiles('#files', [kept]);
await page.waitForFunction(() => globalThis.bifolium.status().newest === 0);
if (line === undefined) {
  await measure(async () => {
    await page.click('#run');
    await page.waitForFunction(() => globalThis.bifolium.status().ended === 'powered off');
  });
} else {
  await page.click('#run');
  await atRest(1);
  for (let i = 0; i <= Number(times); ++i) {
    await measure(async () => {
      await reader.paste(`${line}\n`.repeat(Number(lines)));
      await atRest((i + 1) * Number(lines) + 1);
    });
  }
  measured.shift(); // the browser was still compiling
}
await reader.close();
console.log(JSON.stringify(measured));
