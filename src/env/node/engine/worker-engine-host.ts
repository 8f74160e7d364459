import { Worker } from 'node:worker_threads';
import { must, unreachable } from '../../../base/assert.ts';
import { BoundedQueue } from '../../../base/async/bounded-queue.ts';
import { Latch } from '../../../base/async/latch.ts';
import { DbError, errorText } from '../../../base/errors.ts';
import type {
  EngineCallOptions,
  EngineHost,
  EngineLink,
  EngineSettings,
} from '../../engine-host.ts';
import {
  type EngineWorkerData,
  type FromEngine,
  slotCountMax,
  streamCreditMax,
  type ToEngine,
  unmarshalError,
} from './engine-protocol.ts';
import type { NodeLog } from '../log/node-log.ts';
import { Outgoing } from '../network/outgoing.ts';

export interface WorkerEngineHostOptions {
  /** A module that calls serveEngine with the engine's factory. */
  readonly workerUrl: URL;
  /** Gets the lines of the engines. */
  readonly log: NodeLog;
}

/** Gives each engine a thread of its own. */
export class WorkerEngineHost implements EngineHost {
  readonly #options: WorkerEngineHostOptions;

  constructor(options: WorkerEngineHostOptions) {
    this.#options = options;
  }

  async spawn(settings: EngineSettings): Promise<EngineLink> {
    const cancelFlags = new Int32Array(new SharedArrayBuffer(4 * slotCountMax));
    const data: EngineWorkerData = {
      settings,
      cancelFlags,
      logLevel: this.#options.log.levelCell,
    };
    const worker = new Worker(this.#options.workerUrl, { workerData: data });
    const link = new WorkerEngineLink(worker, cancelFlags, {
      log: this.#options.log,
      name: `engine ${settings.index}`,
    });
    await link.ready;
    return link;
  }
}

type Pending =
  | { readonly kind: 'call'; readonly slot: number; readonly reply: Latch<unknown> }
  | { readonly kind: 'stream'; readonly slot: number; readonly items: BoundedQueue<Item> };

interface Item {
  readonly body: unknown;
}

interface LinkOptions {
  readonly log: NodeLog;
  readonly name: string;
}

class WorkerEngineLink implements EngineLink {
  readonly #worker: Worker;
  readonly #cancelFlags: Int32Array;
  readonly #options: LinkOptions;
  readonly #outgoing: Outgoing<ToEngine>;
  readonly #ready = new Latch<undefined>();
  readonly #died = new Latch<Error | undefined>();
  readonly #pending = new Map<number, Pending>();
  readonly #freeSlots: number[] = [];
  #slotCount = 0;
  #idLast = 0;
  #closing = false;
  #error: Error | undefined;

  constructor(worker: Worker, cancelFlags: Int32Array, options: LinkOptions) {
    this.#worker = worker;
    this.#cancelFlags = cancelFlags;
    this.#options = options;
    this.#outgoing = new Outgoing<ToEngine>(
      (messages, transfer) => {
        worker.postMessage(messages, transfer);
      },
      (message, error) => {
        if ('id' in message && this.#pending.has(message.id))
          rejectPending(this.#release(message.id), error as Error);
      },
    );
    worker.on('message', (messages: readonly FromEngine[]) => {
      for (const message of messages) this.#take(message);
    });
    worker.on('messageerror', (error: Error) => {
      this.#fail(error);
    });
    worker.on('error', (error: Error) => {
      this.#fail(error);
    });
    worker.on('exit', (code) => {
      this.#exited(code);
    });
  }

  get ready(): Promise<undefined> {
    return this.#ready.promise;
  }

  get died(): Promise<Error | undefined> {
    return this.#died.promise;
  }

  async call(kind: string, body: unknown, options: EngineCallOptions = {}): Promise<unknown> {
    const { signal } = options;
    throwIfAborted(signal);
    const slot = this.#takeSlot();
    const reply = new Latch<unknown>();
    const onAbort = (): void => {
      Atomics.store(this.#cancelFlags, slot, 1);
      reply.fail(cancelledError(signal));
    };
    this.#send('call', { kind, body, options, pending: { kind: 'call', slot, reply } });
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await reply.promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async *stream(
    kind: string,
    body: unknown,
    options: EngineCallOptions = {},
  ): AsyncGenerator<unknown, void, undefined> {
    const { signal } = options;
    throwIfAborted(signal);
    const slot = this.#takeSlot();
    const items = new BoundedQueue<Item>(streamCreditMax);
    const pending = { kind: 'stream', slot, items } as const;
    const id = this.#send('stream', { kind, body, options, pending });
    const onAbort = (): void => {
      this.#stop(id, slot);
      items.fail(cancelledError(signal));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      for (;;) {
        const item = await items.take();
        throwIfAborted(signal);
        if (item === undefined) return;
        if (this.#pending.has(id)) this.#outgoing.add({ type: 'credit', id });
        yield item.body;
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#stop(id, slot);
    }
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      // What was called is answered; a stream may be long, and its node is about to end.
      for (const [id, pending] of this.#pending) {
        if (pending.kind !== 'stream') continue;
        pending.items.fail(new DbError('shutdown', `${this.#options.name} is closing`));
        this.#stop(id, pending.slot);
      }
      this.#outgoing.add({ type: 'close' });
    }
    await this.#died.promise;
  }

  #takeSlot(): number {
    if (this.#error !== undefined) throw deathError(this.#options.name, this.#error);
    if (this.#closing) throw new DbError('shutdown', `${this.#options.name} is closing`);
    const free = this.#freeSlots.pop();
    if (free !== undefined) return free;
    if (this.#slotCount === slotCountMax) {
      throw new DbError('queue_full', `${this.#options.name}: ${slotCountMax} requests in flight`);
    }
    return this.#slotCount++;
  }

  #send(
    type: 'call' | 'stream',
    request: {
      readonly kind: string;
      readonly body: unknown;
      readonly options: EngineCallOptions;
      readonly pending: Pending;
    },
  ): number {
    const { kind, body, options, pending } = request;
    const id = ++this.#idLast;
    Atomics.store(this.#cancelFlags, pending.slot, 0);
    this.#pending.set(id, pending);
    this.#outgoing.add({ type, id, slot: pending.slot, kind, body }, options.transfer);
    return id;
  }

  /** Tells the engine that nobody reads on: by the flag while it computes, by a message while it waits for credit. */
  #stop(id: number, slot: number): void {
    if (!this.#pending.has(id)) return;
    Atomics.store(this.#cancelFlags, slot, 1);
    this.#outgoing.add({ type: 'stop', id });
  }

  #take(message: FromEngine): void {
    switch (message.type) {
      case 'ready':
        this.#ready.open(undefined);
        break;
      case 'log':
        this.#options.log.write(message.level, message.message, message.fields);
        break;
      case 'item': {
        const pending = this.#pending.get(message.id);
        if (pending?.kind === 'stream') pending.items.tryPush({ body: message.body });
        break;
      }
      case 'last': {
        const pending = this.#release(message.id);
        if (pending.kind !== 'stream') break;
        pending.items.tryPush({ body: message.body });
        pending.items.end();
        break;
      }
      case 'reply': {
        const pending = this.#release(message.id);
        if (pending.kind === 'call') pending.reply.open(message.body);
        break;
      }
      case 'end': {
        const pending = this.#release(message.id);
        if (pending.kind === 'stream') pending.items.end();
        break;
      }
      case 'failure':
        rejectPending(this.#release(message.id), unmarshalError(message.error));
        break;
      case 'died':
        this.#fail(unmarshalError(message.error));
        break;
      case 'closed':
        this.#terminate();
        break;
      default:
        unreachable(message);
    }
  }

  #release(id: number): Pending {
    const pending = must(this.#pending.get(id), 'an engine answers what it was asked');
    this.#pending.delete(id);
    this.#freeSlots.push(pending.slot);
    return pending;
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#ready.fail(error);
    this.#rejectAll(deathError(this.#options.name, error));
    this.#terminate();
  }

  /** Ends in the exit event, which settles `died`. */
  #terminate(): void {
    this.#worker.terminate().catch((failure: unknown) => {
      this.#options.log.error('engine thread did not end', { error: errorText(failure) });
    });
  }

  #exited(code: number): void {
    if (this.#error === undefined && (!this.#closing || this.#pending.size > 0)) {
      this.#error = new DbError('internal', `${this.#options.name} ended with exit code ${code}`);
    }
    const error = this.#error ?? new DbError('shutdown', `${this.#options.name} is closed`);
    this.#closing = true;
    this.#ready.fail(error);
    this.#rejectAll(deathError(this.#options.name, error));
    this.#died.open(this.#error);
  }

  #rejectAll(error: Error): void {
    for (const pending of this.#pending.values()) rejectPending(pending, error);
    this.#pending.clear();
  }
}

function rejectPending(pending: Pending, error: Error): void {
  if (pending.kind === 'call') pending.reply.fail(error);
  else pending.items.fail(error);
}

function deathError(name: string, error: Error): DbError {
  return new DbError('internal', `${name} died: ${error.message}`, { cause: error });
}

function cancelledError(signal: AbortSignal | undefined): DbError {
  return new DbError('cancelled', 'request cancelled', { cause: signal?.reason });
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelledError(signal);
}
