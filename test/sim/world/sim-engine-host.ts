import { InvariantError } from '../../../src/base/assert.ts';
import { Latch } from '../../../src/base/async/latch.ts';
import { Tasks } from '../../../src/base/async/tasks.ts';
import { DbError } from '../../../src/base/errors.ts';
import {
  type Engine,
  type EngineCallOptions,
  type EngineContext,
  type EngineFactory,
  type EngineHost,
  type EngineLink,
  type EnginePorts,
  type EngineReply,
  type EngineSettings,
  streamAheadMax,
} from '../../../src/env/engine-host.ts';
import { marshalError, unmarshalError } from '../../../src/env/node/engine/engine-protocol.ts';
import { fraction, type Random } from '../../../src/env/random.ts';
import type { Life, Loop } from './loop.ts';

const hopMs = 0.02;
/** More than 0: an engine that spins on turn() must not stop world time. */
const turnMs = 0.005;

export interface SimEngineHostOptions {
  readonly factory: EngineFactory | undefined;
  readonly ports: Omit<EnginePorts, 'turn'>;
}

/** Runs the production engine class in this thread; bodies are cloned and buffers detached as between threads. */
export class SimEngineHost implements EngineHost {
  readonly #loop: Loop;
  readonly #life: Life;
  readonly #options: SimEngineHostOptions;

  constructor(loop: Loop, life: Life, options: SimEngineHostOptions) {
    this.#loop = loop;
    this.#life = life;
    this.#options = options;
  }

  prepare(): void {
    // Its engines are of this thread's modules.
  }

  async spawn(settings: EngineSettings): Promise<EngineLink> {
    const { factory, ports } = this.#options;
    if (factory === undefined)
      throw new DbError('internal', 'the node was added without an engine');
    const own = structuredClone(settings);
    const random = ports.random.fork(`engine/${settings.index}`);
    await this.#loop.later(this.#life, 1, () => undefined);
    const engine = await factory(own, {
      ...ports,
      random,
      turn: () => this.#loop.later(this.#life, turnMs, () => undefined),
    });
    const name = `engine ${settings.index}`;
    return new SimEngineLink(engine, { loop: this.#loop, life: this.#life, random, name });
  }
}

interface LinkOptions {
  readonly loop: Loop;
  readonly life: Life;
  readonly random: Random;
  readonly name: string;
}

class SimEngineLink implements EngineLink {
  readonly #engine: Engine;
  readonly #options: LinkOptions;
  readonly #died = new Latch<Error | undefined>();
  readonly #running: Tasks;
  #lastArrivalMs = 0;
  #isClosing = false;
  #streamsActive = 0;

  constructor(engine: Engine, options: LinkOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#running = new Tasks((_name, error) => {
      options.loop.fail(error);
    });
  }

  get died(): Promise<Error | undefined> {
    return this.#died.promise;
  }

  get streamsActive(): number {
    return this.#streamsActive;
  }

  async call(kind: string, body: unknown, options: EngineCallOptions = {}): Promise<unknown> {
    const flag = this.#begin(options.signal);
    const request = clone(body, options.transfer);
    const answer = new Latch<unknown>();
    const onAbort = (): void => {
      flag.cancelled = true;
      answer.fail(cancelledError(options.signal));
    };
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const run = async (): Promise<void> => {
      await this.#arrival();
      let settle: () => void;
      try {
        const reply = copyReply(await this.#engine.call(kind, request, context(flag)));
        settle = (): void => {
          answer.open(reply.body);
        };
      } catch (error) {
        const shown = this.#marshal(error);
        settle = (): void => {
          answer.fail(shown);
        };
      }
      await this.#hop();
      settle();
    };
    this.#running.spawn('call', run());
    try {
      return await answer.promise;
    } finally {
      options.signal?.removeEventListener('abort', onAbort);
    }
  }

  async *stream(
    kind: string,
    body: unknown,
    options: EngineCallOptions = {},
  ): AsyncGenerator<unknown, void, undefined> {
    const flag = this.#begin(options.signal);
    const request = clone(body, options.transfer);
    const pipe = new Pipe(options.aheadMax ?? streamAheadMax);
    const stopped = new Latch<undefined>();
    const onAbort = (): void => {
      flag.cancelled = true;
      stopped.open(undefined);
      pipe.stop();
      pipe.fail(cancelledError(options.signal));
    };
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const asked = { ...context(flag), stopped: stopped.promise };
    const run = async (): Promise<void> => {
      await this.#arrival();
      try {
        for await (const reply of this.#engine.stream(kind, request, asked)) {
          if (!(await pipe.room())) break;
          const copy = copyReply(reply);
          await this.#hop();
          pipe.push(copy.body);
        }
        await this.#hop();
        pipe.end();
      } catch (error) {
        const shown = this.#marshal(error);
        await this.#hop();
        pipe.fail(shown);
      } finally {
        this.#streamsActive--;
      }
    };
    this.#streamsActive++;
    this.#running.spawn('stream', run());
    try {
      for (;;) {
        const item = await pipe.take();
        if (options.signal?.aborted === true) throw cancelledError(options.signal);
        if (item === undefined) return;
        yield item.body;
      }
    } finally {
      options.signal?.removeEventListener('abort', onAbort);
      flag.cancelled = true;
      stopped.open(undefined);
      pipe.stop();
    }
  }

  async close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      await this.#running.settled();
      await this.#engine.close();
      this.#died.open(undefined);
    }
    await this.#died.promise;
  }

  #begin(signal: AbortSignal | undefined): { cancelled: boolean } {
    if (this.#isClosing) throw new DbError('shutdown', `${this.#options.name} is closing`);
    if (signal?.aborted === true) throw cancelledError(signal);
    return { cancelled: false };
  }

  /** Requests arrive in the order they were sent. */
  #arrival(): Promise<void> {
    const { loop, life, random } = this.#options;
    const atMs = Math.max(this.#lastArrivalMs, loop.nowMs + hopMs * fraction(random));
    this.#lastArrivalMs = atMs;
    return loop.later(life, atMs - loop.nowMs, () => undefined);
  }

  #hop(): Promise<void> {
    const { loop, life, random } = this.#options;
    return loop.later(life, hopMs * fraction(random), () => undefined);
  }

  /** A broken invariant ends the run: it is what simulation looks for. */
  #marshal(error: unknown): DbError {
    if (error instanceof InvariantError) this.#options.loop.fail(error);
    const marshalled = marshalError(error);
    if (marshalled.stack !== undefined) this.#options.loop.note(`internal ${marshalled.text}`);
    return unmarshalError(marshalled);
  }
}

/** Between the engine's stream and its reader: at most `itemsMax` ahead. */
class Pipe {
  readonly #itemsMax: number;
  readonly #items: { readonly body: unknown }[] = [];
  #changed = new Latch<undefined>();
  #ended = false;
  #stopped = false;
  #error: Error | undefined;

  constructor(itemsMax: number) {
    this.#itemsMax = itemsMax;
  }

  async room(): Promise<boolean> {
    while (this.#items.length >= this.#itemsMax && !this.#stopped) await this.#changed.promise;
    return !this.#stopped;
  }

  push(body: unknown): void {
    this.#items.push({ body });
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  fail(error: Error): void {
    this.#error ??= error;
    this.end();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  async take(): Promise<{ readonly body: unknown } | undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#wake();
        return item;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return undefined;
      await this.#changed.promise;
    }
  }

  #wake(): void {
    this.#changed.open(undefined);
    this.#changed = new Latch();
  }
}

function context(flag: { readonly cancelled: boolean }): EngineContext {
  return { cancelled: () => flag.cancelled };
}

function copyReply(reply: EngineReply): EngineReply {
  return { body: clone(reply.body, reply.transfer) };
}

function clone(body: unknown, transfer: readonly ArrayBuffer[] = []): unknown {
  return structuredClone(body, { transfer: [...transfer] });
}

function cancelledError(signal: AbortSignal | undefined): DbError {
  return new DbError('cancelled', 'request cancelled', { cause: signal?.reason });
}
