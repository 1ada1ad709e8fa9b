// SPDX-License-Identifier: MIT
// The page's side of the worker: requests that are answered, and what the machine says unasked.

import { Refused, useTransport } from '../../tools/foliowalk/web/src/api';
import type { Answer, FromWorker, Request, Status, ToWorker } from './protocol';

export class Client {
  onOutput: (bytes: Uint8Array, replay: boolean) => void = () => {};
  onStatus: (status: Status) => void = () => {};
  onFailure: (why: string) => void = () => {};

  private readonly worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private next = 1;

  constructor() {
    this.worker.onmessage = (event: MessageEvent<FromWorker>) => this.receive(event.data);
    this.worker.onerror = (event) => this.onFailure(event.message);
    useTransport(async (method, name, parameters) => {
      const given: Record<string, string> = {};
      for (const [key, value] of Object.entries(parameters)) if (value !== undefined && value !== '') given[key] = String(value);
      return await this.ask({ do: 'ask', name, changes: method === 'POST', parameters: given });
    });
  }

  /** Throws Refused when the machine says no. */
  async ask(request: Request): Promise<unknown> {
    const id = this.next++;
    const answer = await new Promise<Answer>((resolve) => {
      this.waiting.set(id, resolve);
      this.send({ id, request });
    });
    if (answer.status !== 200) throw new Refused((answer.value as { error?: string })?.error ?? 'refused');
    return answer.value;
  }

  type(bytes: Uint8Array): void { this.send({ input: bytes }); }

  private send(message: ToWorker): void { this.worker.postMessage(message); }

  private receive(message: FromWorker): void {
    if ('answer' in message) {
      this.waiting.get(message.id)?.(message.answer);
      this.waiting.delete(message.id);
    } else if ('output' in message) this.onOutput(message.output, message.replay);
    else if ('status' in message) this.onStatus(message.status);
    else this.onFailure(message.failed);
  }
}
