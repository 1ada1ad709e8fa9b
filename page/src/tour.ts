// SPDX-License-Identifier: MIT
// The tour: ten steps. Each drives the machine to a moment, points at what changed there and says it in two sentences.
// At the end the learner does something and the machine checks it.

import { html, nothing } from 'lit-html';
import { currentLanguage, t } from '../../tools/foliowalk/web/src/i18n';
import { api, type Range, type Scene } from '../../tools/foliowalk/web/src/api';
import { actions, state, type Tab } from '../../tools/foliowalk/web/src/state';
import type { Client } from './client';
import type { Until } from './protocol';
import { page } from './state';

interface Text { en: string; zh: string }
const say = (text: Text): string => (currentLanguage() === 'en' ? text.en : text.zh);

/** What a step can do to bring its moment about. */
export interface Driver {
  /** Types a line and runs until the event. */
  type(line: string, until: Until): Promise<void>;
  until(what: Until): Promise<void>;
  prompt(): Promise<void>;
  select(name: string): void;
  tab(tab: Tab): void;
  walk(va: string): void;
  keep(): void;
  pane(pane: 'findings'): void;
}

interface Step { title: Text; text: Text; point: string; drive: (driver: Driver) => Promise<void> }

const steps: Step[] = [
  { title: { en: 'A kernel in this tab', zh: '标签页里的内核' },
    text: { en: 'The terminal is Bifolium’s shell on a RISC-V machine that runs inside this page. Nothing leaves the tab, and the same input gives the same run, to the bit.',
      zh: '终端里是 Bifolium 的 shell，它运行在本页内的一台 RISC-V 机器上。没有任何数据离开这个标签页；同样的输入得到逐位相同的运行。' },
    point: '.console', drive: async (driver) => { await driver.prompt(); driver.tab('space'); } },
  { title: { en: 'Who is there', zh: '有哪些进程' },
    text: { en: 'The list shows every address space: the kernel, init and sh. At an idle prompt satp names no process, which is why other debuggers never show you a sleeping one.',
      zh: '列表给出所有地址空间：内核、init 和 sh。空闲时 satp 不指向任何进程，所以别的调试器看不到睡眠中的进程。' },
    point: '.sidebar', drive: async (driver) => { await driver.prompt(); driver.tab('space'); } },
  { title: { en: 'What a process has', zh: '一个进程拥有什么' },
    text: { en: 'This is sh: text, data, a guard page without U, the stack, and the fixed pages at the top. Its tree of tables takes a few pages, where one flat table would take a gibibyte: that is why there are three levels.',
      zh: '这是 sh：代码、数据、没有 U 位的保护页、栈，以及顶部的固定页。它的多级页表只占几页，而单级页表需要 1 GiB：这就是要有三级的原因。' },
    point: '.facts-row', drive: async (driver) => { await driver.prompt(); driver.select('sh'); driver.tab('space'); } },
  { title: { en: 'Walk an address', zh: '翻译一个地址' },
    text: { en: 'An address falls into 9 + 9 + 9 + 12 bits; each index picks one of 512 entries of 8 bytes. Go through it with “Next step”; the table below says who may read, write and execute.',
      zh: '地址分为 9 + 9 + 9 + 12 位；每个索引从 512 个 8 字节的页表项中选出一个。用“下一步”逐级查看；下面的表说明谁可以读、写、执行。' },
    point: '#walk-title', drive: async (driver) => { await driver.prompt(); driver.select('sh'); driver.tab('space'); driver.walk('0x0'); } },
  { title: { en: 'The moment of fork', zh: 'fork 的时刻' },
    text: { en: 'You typed ls, and sh has just forked. No memory was copied: the writable pages of sh lost W and got the mark c, and the child’s table shows the same frames.',
      zh: '你输入了 ls，sh 刚刚 fork。没有复制任何内存：sh 的可写页失去了 W 并得到标记 c，子进程的页表指向相同的页帧。' },
    point: '#panel', drive: async (driver) => { await driver.prompt(); driver.select('sh'); driver.keep(); await driver.type('ls', 'fork'); driver.tab('compare'); actions.compare(); } },
  { title: { en: 'The copy on write', zh: '写时复制' },
    text: { en: 'A store to a shared page: the hart took a page fault, and the kernel is about to copy that one page. Only who writes pays, and only for what is written.',
      zh: '对共享页的一次写入：核产生了缺页异常，内核即将复制这一页。只有写的人付出代价，而且只为写到的页付出。' },
    point: '.harts', drive: async (driver) => { await driver.prompt(); await driver.type('ls', 'fork'); await driver.until('fault'); driver.tab('space'); driver.select('sh'); } },
  { title: { en: 'exec gets a new root', zh: 'exec 换上新的根' },
    text: { en: 'The child has become ls: a new tree of tables was built beside the old one and took its place in one step. Had anything failed, the old program would still be whole.',
      zh: '子进程变成了 ls：新的页表在旧的旁边建好，然后一步替换。如果中途失败，旧程序仍然完整。' },
    point: '.sidebar', drive: async (driver) => { await driver.prompt(); await driver.type('ls', 'exec'); driver.select('ls'); driver.tab('space'); } },
  { title: { en: 'Every frame of RAM', zh: '内存中的每一个页帧' },
    text: { en: 'Each cell is one frame; colour it by kind, by owner or by use. Click one to see who maps it, where and with what rights.',
      zh: '每个格子是一个页帧；可以按种类、属主或使用情况着色。点击一个，看谁映射了它、在哪里、有什么权限。' },
    point: '#panel', drive: async (driver) => { await driver.prompt(); driver.tab('memory'); } },
  { title: { en: 'Is anything wrong?', zh: '有什么不对吗？' },
    text: { en: 'The rules look at all tables at once; the judges watch every access for a fence that was forgotten. On this kernel there should be nothing to read.',
      zh: '规则同时检查所有页表；评判者监视每次访问，寻找被遗忘的 fence。在这个内核上应当没有任何发现。' },
    point: '#panel', drive: async (driver) => { await driver.prompt(); driver.tab('check'); actions.check(); driver.pane('findings'); } },
  { title: { en: 'Back, and your own kernel', zh: '回到过去，以及你自己的内核' },
    text: { en: 'Drag “Moment” to any earlier instruction: every pane shows that moment. Under “Guest” you can drop the kernel/kernel and fs.img of your own lab, and everything here works for it.',
      zh: '拖动“时刻”到任何更早的指令：所有面板都显示那一刻。在“客户机”里可以放入你自己实验的 kernel/kernel 和 fs.img，这里的一切对它同样有效。' },
    point: '#time', drive: async (driver) => { await driver.prompt(); } },
];

interface Question { id: string; text: Text; check: (scene: Scene) => Promise<boolean> }

const processNamed = (scene: Scene, name: string) => scene.spaces.find((space) => space.role === 'process' && space.name === name);
const mapsOf = async (id: string): Promise<Range[]> => api.map(id, false);

/** Frames of leaves with U, by page number; enough for small processes. */
function framesOf(ranges: Range[]): Set<bigint> {
  const frames = new Set<bigint>();
  for (const range of ranges) {
    if (!range.flags.includes('u') && !range.flags.includes('U')) continue;
    const first = BigInt(range.pa) >> 12n;
    for (let i = 0n; i < BigInt(range.bytes) >> 12n && frames.size < 100000; ++i) frames.add(first + i);
  }
  return frames;
}

const questions: Question[] = [
  { id: 'shared', text: { en: 'Make a page that two processes share, and stop there. (Two processes that came from one: what shares pages until somebody writes?)',
      zh: '制造一个被两个进程共享的页，并停在那一刻。（同出一源的两个进程：什么会让它们共享页面，直到有人写入？）' },
    check: async (scene) => {
      const processes = scene.spaces.filter((space) => space.role === 'process' && space.root !== '0x0');
      const sets = await Promise.all(processes.map(async (space) => framesOf(await mapsOf(space.id))));
      return sets.some((set, i) => sets.some((other, j) => j > i && [...set].some((frame) => other.has(frame))));
    } },
  { id: 'frame', text: { en: 'Find the frame behind address 0x1018 of sh: walk to it.', zh: '找出 sh 的地址 0x1018 背后的页帧：翻译到它。' },
    check: async () => state.walk?.found === true && BigInt(state.walk.va) === 0x1018n && state.space === processNamed(state.scene!, 'sh')?.id },
  { id: 'three', text: { en: 'Have three processes besides init alive at the same moment. (A pipe has two ends.)', zh: '让除 init 以外的三个进程同时存在。（管道有两端。）' },
    check: async (scene) => scene.spaces.filter((space) => space.role === 'process' && space.name !== 'init').length >= 3 },
];

export interface TourActions { go(step: number): void; check(id: string): void; redraw(): void }

function firstButton(at: number, acts: TourActions) {
  return at === 0 ? nothing : html`<button type="button" id="tour-first" @click=${() => acts.go(0)}>${t('From the beginning')}</button>`;
}

export function tourView(acts: TourActions) {
  const at = page.tourStep;
  if (at >= steps.length) return questionsView(acts);
  const step = steps[at]!;
  return html`<section class="card tour" aria-labelledby="tour-title"><p class="dim">${t('Tour')} ${at + 1} / ${steps.length}</p>
    <h3 id="tour-title">${say(step.title)}</h3><p id="tour-text" aria-live="polite">${say(step.text)}</p>
    <div class="row"><button type="button" id="tour-back" ?disabled=${at === 0} @click=${() => acts.go(at - 1)}>◀ ${t('Previous')}</button>
      <button type="button" id="tour-next" class="primary" @click=${() => acts.go(at + 1)}>${at + 1 === steps.length ? t('Questions') : t('Next')} ▶</button>
      ${firstButton(at, acts)}
      ${page.tourReached !== at ? html`<button type="button" id="tour-again" @click=${() => acts.go(at)}>${t('Show me')}</button>` : nothing}</div></section>`;
}

function questionsView(acts: TourActions) {
  return html`<section class="card tour" aria-labelledby="tour-title"><h3 id="tour-title">${t('Now you')}</h3>
    <ol>${questions.map((question) => html`<li><p>${say(question.text)}</p><p class="row"><button type="button" id="question-${question.id}" @click=${() => acts.check(question.id)}>${t('Check')}</button>
      <span role="status">${page.answers[question.id] === undefined ? nothing : page.answers[question.id] ? html`<b class="good">✓ ${t('Right.')}</b>` : html`<b class="error">${t('Not yet.')}</b>`}</span></p></li>`)}</ol>
    <div class="row"><button type="button" id="tour-back" @click=${() => acts.go(steps.length - 1)}>◀ ${t('Previous')}</button>${firstButton(steps.length, acts)}</div></section>`;
}

export async function driveTo(step: number, driver: Driver): Promise<void> {
  const wanted = steps[step];
  if (!wanted) return;
  await wanted.drive(driver);
  for (const old of document.querySelectorAll('.pointed')) old.classList.remove('pointed');
  requestAnimationFrame(() => {
    const target = document.querySelector(wanted.point);
    target?.classList.add('pointed');
    target?.scrollIntoView({ block: 'nearest' });
  });
}

export async function checkQuestion(id: string): Promise<void> {
  const question = questions.find((one) => one.id === id);
  if (question && state.scene) page.answers[id] = await question.check(state.scene);
}

export const tourLength = steps.length;

const memory = 'bifolium-tour';

/** Where the learner is, for the next visit; a browser may forbid to keep it. */
export function rememberTour(): void { try { localStorage.setItem(memory, String(page.tourStep)); } catch { /* begins anew next time */ } }

/** Where the learner was when the page was left; at the beginning otherwise. */
export function rememberedTour(): number {
  let step = 0;
  try { step = Number(localStorage.getItem(memory)); } catch { /* nothing was kept */ }
  return Number.isInteger(step) && step > 0 && step <= steps.length ? step : 0;
}

const interrupt = new Uint8Array([3]); // Ctrl-C

/** Drives the machine by what a person could do by hand. */
export function driver(client: Client, whenStopped: () => Promise<void>, atPrompt: () => boolean, keep: () => void): Driver {
  const until = async (what: Until): Promise<void> => {
    await client.ask({ do: 'until', what });
    await whenStopped();
  };
  const prompt = async (): Promise<void> => {
    await client.ask({ do: 'run' });
    const patience = 20;
    for (let waited = 0; waited < 400 && !atPrompt(); ++waited) {
      await new Promise((wake) => setTimeout(wake, 50));
      // A program waits for input there: the learner has left it running.
      if (waited === patience && page.status?.waiting) client.type(interrupt);
    }
    await client.ask({ do: 'pause' });
    await whenStopped();
  };
  return {
    until, prompt, keep,
    type: async (line, what) => {
      await client.ask({ do: 'until', what, text: `${line}\n` });
      await whenStopped();
    },
    select: (name) => {
      const space = state.scene?.spaces.find((one) => one.role === 'process' && one.name === name);
      if (space) actions.select(space.id);
    },
    tab: (tab) => actions.openTab(tab),
    walk: (va) => actions.walk(va),
    pane: (pane) => { page.pane = pane; actions.redraw(); },
  };
}
