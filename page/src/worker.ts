// SPDX-License-Identifier: MIT
// The worker that holds the machine: runs it in pieces short enough to listen in between, and answers.

import { Module } from './module';
import type { Answer, FromWorker, Options, Recording, Request, Status, ToWorker, Until } from './protocol';

const StopReason = { stepsDone: 0, idle: 1, poweredOff: 2, reset: 3, outputFull: 4, asked: 5 } as const;
const sliceMilliseconds = 12;
const statusMilliseconds = 150;
// A guest gets the next pasted line when it rests. One that never does, as kernels without wfi, gets it after so long and
// so many instructions; one that has rested before, after ten times that.
const typingMilliseconds = 300, typingSteps = 30_000_000;
const Rest = { none: 0, untilTimer: 1, untilTyping: 2 } as const;

const interrupt = 3; // Ctrl-C

const post = (message: FromWorker): void => (self as unknown as Worker).postMessage(message);
const ok = (value: unknown): Answer => ({ status: 200, value });

let module: Module | undefined;
let running = false;
let until: Until | '' = '';
let idle = false;
let chunk = 200_000; // steps in a piece; follows the speed of this computer
let speed = 0;
let lastStatus = 0;
let booted: { name: string; options: Options } | undefined;
let toType: Uint8Array[] = []; // pasted: a guest's console takes a line at a time
let lastTyped = 0, lastTypedStep = 0;
let deepestRest: number = Rest.none; // since it was booted; as deep a rest tells that it is ready for another line
let toldHang = false;

function state(): Omit<Status, 'running' | 'waiting' | 'speed'> { return module!.call({ do: 'state' }).value as Status; }

function tellStatus(): void {
  lastStatus = performance.now();
  if (!module || !booted) return;
  const now = state();
  // Once: whoever wants to see it turn can let it run again.
  if (now.hang && !toldHang) running = false;
  toldHang = now.hang !== null;
  post({ status: { ...now, running, waiting: idle, speed } });
}

function drain(): void {
  const bytes = module!.output();
  if (bytes.length > 0) post({ output: bytes, replay: false });
}

/** The terminal as it was at the moment where the machine stands. */
function showConsole(): void { post({ output: module!.console(), replay: true }); }

function restNow(): number { return !idle ? Rest.none : module!.nextEvent() < 0 ? Rest.untilTyping : Rest.untilTimer; }
function isReadyForLine(): boolean { return idle && restNow() === deepestRest; }

/** One piece of running. Returns whether there is more to do now. */
function piece(): boolean {
  const begin = performance.now();
  const before = module!.step();
  const patience = deepestRest === Rest.none ? 1 : 10;
  const isOverdue = begin - lastTyped > patience * typingMilliseconds && before - lastTypedStep > patience * typingSteps;
  if (toType.length > 0 && (isReadyForLine() || isOverdue)) typeNext();
  const reason = module!.run(chunk);
  const took = performance.now() - begin;
  drain();
  const done = module!.step() - before;
  if (took > 0 && done > 1000) speed = (done / took) * 1000;
  if (reason === StopReason.stepsDone) chunk = Math.min(Math.max(20_000, chunk * Math.min(2, Math.max(0.5, sliceMilliseconds / Math.max(took, 0.1)))), 20_000_000);
  idle = reason === StopReason.idle;
  deepestRest = Math.max(deepestRest, restNow());
  if (reason === StopReason.poweredOff || reason === StopReason.reset || (reason === StopReason.asked && until !== '')) { running = false; until = ''; }
  return running && (!idle || (toType.length > 0 && isReadyForLine()));
}

// setTimeout waits four milliseconds when it is nested; a message to oneself does not.
const channel = new MessageChannel();
let scheduled = false;
channel.port1.onmessage = () => {
  scheduled = false;
  try {
    const more = running && piece();
    if (!more || performance.now() - lastStatus > statusMilliseconds) tellStatus();
    if (more) schedule();
    else if (running && idle) waitWithTheGuest();
  } catch (error) { fail(error); }
};
function schedule(): void {
  if (scheduled || !running) return;
  scheduled = true;
  channel.port2.postMessage(0);
}

/** Every hart waits for a timer. The machine's time may jump there; a person's eyes and processor want a little rest. */
function waitWithTheGuest(): void {
  const nanoseconds = module!.nextEvent();
  if (nanoseconds < 0) return; // only typing can wake it
  setTimeout(() => {
    if (!running || !idle) return;
    module!.skipToEvent();
    idle = false;
    schedule();
  }, Math.min(20, nanoseconds / 1e6));
}

function fail(error: unknown): void {
  running = false;
  post({ failed: String((error as Error).message ?? error) });
}

async function boot(request: Extract<Request, { do: 'boot' }>): Promise<Answer> {
  running = false;
  booted = undefined;
  module = undefined; // its memory may go
  module = await Module.load(new URL('./machine.wasm', import.meta.url));
  module.give('kernel', request.guest.kernel);
  module.give('image', request.guest.image);
  const answer = module.call({ do: 'boot', ...request.options });
  if (answer.status !== 200) return answer;
  booted = { name: request.guest.name, options: request.options };
  toType = [];
  deepestRest = Rest.none;
  toldHang = false;
  post({ output: new Uint8Array(), replay: true });
  until = '';
  running = !request.stands;
  idle = false;
  if (running) schedule();
  return answer;
}

function goTo(question: object): Answer {
  running = false;
  idle = false;
  until = '';
  toType = [];
  const answer = module!.call(question);
  module!.output(); // is in the console
  showConsole();
  tellStatus();
  return answer;
}

/** The page knows that it runs before it knows that it may. */
function goOn(): void {
  running = true;
  idle = false;
  tellStatus();
  schedule();
}

function runUntil(what: Until, text: string): Answer {
  const answer = module!.call({ do: 'until', what });
  if (answer.status !== 200) return answer;
  if ((answer.value as { is_there: boolean }).is_there) {
    running = false;
    showConsole();
    tellStatus();
    return answer;
  }
  if (what === 'finding') showConsole(); // it may have gone to the newest moment
  until = what;
  if (text !== '') enqueue(new TextEncoder().encode(text));
  goOn();
  return answer;
}

function recording(): Recording {
  const { input } = module!.call({ do: 'record' }).value as Pick<Recording, 'input'>;
  return { format: 'bifolium-run-1', name: booted!.name, options: booted!.options, input, end: state().step, builtin: '' };
}

async function handle(request: Request): Promise<Answer> {
  if (request.do === 'boot') return boot(request);
  if (!module || !booted) return { status: 400, value: { error: 'nothing has been booted' } };
  switch (request.do) {
    case 'run': module.call({ do: 'until', what: '' }); until = ''; goOn(); return ok(null);
    case 'pause': running = false; tellStatus(); return ok(null);
    case 'until': return runUntil(request.what, request.text ?? '');
    case 'goto': return goTo({ do: 'goto', step: request.step });
    case 'back': return goTo({ do: 'back' });
    case 'record': return ok(recording());
    case 'replay': return goTo({ do: 'replay', input: request.input, end: request.end });
    case 'ask': return module.call({ do: 'ask', name: request.name, changes: request.changes, parameters: request.parameters });
    default: return module.call(request);
  }
}

function typeNext(): void {
  module!.type(toType.shift()!);
  lastTyped = performance.now();
  lastTypedStep = module!.step();
  idle = false;
}

/** Typing at an earlier moment begins a new branch: what came after it is gone. */
function enqueue(input: Uint8Array): void {
  const newline = 10, carriageReturn = 13;
  for (let begin = 0; begin < input.length;) {
    let end = begin;
    while (end < input.length && end - begin < 100 && input[end] !== newline && input[end] !== carriageReturn) ++end;
    toType.push(input.slice(begin, Math.min(++end, input.length)));
    begin = end;
  }
  if (toType.length === 1) typeNext();
}

/** Whoever types wants to see what comes of it. */
function type(input: Uint8Array): void {
  const isInterrupt = input.length === 1 && input[0] === interrupt;
  if (isInterrupt) toType = []; // it must not wait behind what was pasted
  enqueue(input);
  if (running) {
    tellStatus();
    schedule();
  } else {
    module!.call({ do: 'until', what: '' });
    goOn();
  }
}

self.onmessage = (event: MessageEvent<ToWorker>) => {
  const message = event.data;
  if ('input' in message) {
    if (module && booted) type(message.input);
    return;
  }
  handle(message.request)
    .then((answer) => post({ id: message.id, answer }))
    .catch((error: Error) => { post({ id: message.id, answer: { status: 500, value: { error: error.message } } }); fail(error); });
};
