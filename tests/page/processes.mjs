// SPDX-License-Identifier: MIT
// What /proc tells of the browser's processes: the memory of the tab, the processor time of its worker.
import { readdir, readFile } from 'node:fs/promises';

const ticksASecond = 100; // USER_HZ, the same on every Linux

async function fields(path) {
  // The name, in brackets, may hold anything.
  const text = await readFile(path, 'utf8');
  const end = text.lastIndexOf(')');
  return { name: text.slice(text.indexOf('(') + 1, end), rest: text.slice(end + 2).split(' ') };
}

/** The processes that show pages, of the browser that this process started; a browser keeps some in reserve. */
async function renderers() {
  const children = new Map();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    try {
      const { rest } = await fields(`/proc/${pid}/stat`);
      children.set(rest[1], [...children.get(rest[1]) ?? [], pid]);
    } catch { /* has ended meanwhile */ }
  }
  const found = [];
  for (const ours = [String(process.pid)]; ours.length > 0;) {
    const pid = ours.pop();
    ours.push(...children.get(pid) ?? []);
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('--type=renderer')) found.push(pid);
  }
  return found;
}

/** Bytes of memory of the tab: of the largest process, each shared page counted as its part. */
export async function memoryOfTab() {
  const sizes = await Promise.all((await renderers()).map(async (pid) => {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)[1]) * 1024;
  }));
  return Math.max(...sizes);
}

/** Seconds of processor time of the workers' threads so far. */
export async function secondsOfWorkers() {
  let ticks = 0;
  for (const pid of await renderers()) {
    for (const thread of await readdir(`/proc/${pid}/task`)) {
      const { name, rest } = await fields(`/proc/${pid}/task/${thread}/stat`);
      if (name.startsWith('DedicatedWorker')) ticks += Number(rest[11]) + Number(rest[12]);
    }
  }
  return ticks / ticksASecond;
}
