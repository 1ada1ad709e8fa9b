// SPDX-License-Identifier: MIT
// The WebAssembly module as functions. It needs next to nothing of WASI: a clock that stands still (the machine's time
// is its own) and somewhere to write a last word.

interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  page_reserve(bytes: number): number;
  page_take(what: number, bytes: number): void; // the reserved place holds a kernel (0) or an image (1)
  page_call(bytes: number): number; // of the JSON text in the reserved place; returns the answer's length
  page_answer(): number;
  page_run(steps: number): number; // a StopReason
  page_step(): number; // instructions of all harts so far
  page_next_event(): number; // nanoseconds until something happens by itself; below 0: nothing will
  page_skip_to_event(): void;
  page_input(bytes: number): void; // of the reserved place
  page_output(): number; // how many bytes; they are at page_output_at()
  page_console(): number; // the same of all that the console shows now
  page_output_at(): number;
}

const badf = 8;

export class Module {
  private constructor(private readonly exports: Exports) {}

  private static compiled: Promise<WebAssembly.Module> | undefined;

  private static async compile(url: URL): Promise<WebAssembly.Module> {
    // Not compileStreaming(): a simple web server may not know what kind of file this is.
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url.pathname}: ${response.status}`);
    return await WebAssembly.compile(await response.arrayBuffer());
  }

  /** A module with memory of its own, in which nothing has been booted. */
  static async load(url: URL): Promise<Module> {
    let memory: WebAssembly.Memory | undefined;
    let lastWords = '';
    const view = () => new DataView(memory!.buffer);
    const wasi = {
      fd_write: (_fd: number, vectors: number, count: number, written: number): number => {
        let total = 0;
        for (let i = 0; i < count; ++i) {
          const at = view().getUint32(vectors + 8 * i, true), length = view().getUint32(vectors + 8 * i + 4, true);
          lastWords = (lastWords + new TextDecoder().decode(new Uint8Array(memory!.buffer, at, length))).slice(-2000);
          total += length;
        }
        view().setUint32(written, total, true);
        return 0;
      },
      clock_time_get: (_clock: number, _precision: bigint, at: number): number => { view().setBigUint64(at, 0n, true); return 0; },
      proc_exit: (status: number): never => { throw new Error(`the machine gave up (${status}) ${lastWords}`); },
    };
    // Anything else that the C library might ask for is refused.
    const refusing = new Proxy(wasi as Record<string, unknown>, { get: (known, name: string) => known[name] ?? (() => badf) });
    const compiled = await (Module.compiled ??= Module.compile(url).catch((error: unknown) => {
      Module.compiled = undefined; // asked again the next time
      throw error;
    }));
    const imports = Object.fromEntries(WebAssembly.Module.imports(compiled).map(({ name }) => [name, refusing[name] as WebAssembly.ImportValue]));
    const instance = await WebAssembly.instantiate(compiled, { wasi_snapshot_preview1: imports });
    const exports = instance.exports as unknown as Exports;
    memory = exports.memory;
    exports._initialize();
    return new Module(exports);
  }

  /** Copies bytes to where the module can see them. */
  private place(bytes: Uint8Array): void {
    const at = this.exports.page_reserve(bytes.length);
    if (at === 0) throw new Error('out of memory');
    new Uint8Array(this.exports.memory.buffer, at, bytes.length).set(bytes);
  }

  /** A question as JSON. */
  call(question: object): { status: number; value: unknown } {
    const text = new TextEncoder().encode(JSON.stringify(question));
    this.place(text);
    const length = this.exports.page_call(text.length);
    return JSON.parse(new TextDecoder().decode(new Uint8Array(this.exports.memory.buffer, this.exports.page_answer(), length)));
  }

  /** Hands a file over; `what` is remembered until boot. */
  give(what: 'kernel' | 'image', bytes: Uint8Array): void {
    this.place(bytes);
    this.exports.page_take(what === 'kernel' ? 0 : 1, bytes.length);
  }

  run(steps: number): number { return this.exports.page_run(steps); }
  step(): number { return this.exports.page_step(); }
  nextEvent(): number { return this.exports.page_next_event(); }
  skipToEvent(): void { this.exports.page_skip_to_event(); }

  type(bytes: Uint8Array): void {
    this.place(bytes);
    this.exports.page_input(bytes.length);
  }

  /** What was printed since this was asked last. */
  output(): Uint8Array { return this.printed(this.exports.page_output()); }
  /** What the console shows at the machine's moment. */
  console(): Uint8Array { return this.printed(this.exports.page_console()); }

  private printed(length: number): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer, this.exports.page_output_at(), length).slice();
  }
}
