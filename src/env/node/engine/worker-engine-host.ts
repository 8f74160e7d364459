import { Worker } from 'node:worker_threads';
import { must, unreachable } from '../../../base/assert.ts';
import { Latch } from '../../../base/async/latch.ts';
import { DbError, errorText } from '../../../base/errors.ts';
import {
  type EngineCallOptions,
  type EngineHost,
  type EngineLink,
  type EngineSettings,
} from '../../engine-host.ts';
import {
  type EngineWorkerData,
  type FromEngine,
  slotCountMax,
  type ToEngine,
  unmarshalError,
} from './engine-protocol.ts';
import type { NodeLog } from '../log/node-log.ts';
import { cancelledError, ReplyStream, throwIfAborted, type StreamReader } from './reply-stream.ts';
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
  /** Threads that load their modules, and wait to be told which engine they are. */
  readonly #prepared: WorkerEngineLink[] = [];

  constructor(options: WorkerEngineHostOptions) {
    this.#options = options;
  }

  prepare(count: number): void {
    while (this.#prepared.length < count) this.#prepared.push(this.#thread());
  }

  async spawn(settings: EngineSettings): Promise<EngineLink> {
    const link = this.#prepared.shift() ?? this.#thread();
    await link.start(settings);
    return link;
  }

  #thread(): WorkerEngineLink {
    const cancelFlags = new Int32Array(new SharedArrayBuffer(4 * slotCountMax));
    const { log, workerUrl } = this.#options;
    const data: EngineWorkerData = { cancelFlags, logLevel: log.levelCell };
    return new WorkerEngineLink(new Worker(workerUrl, { workerData: data }), cancelFlags, log);
  }
}

type Pending =
  | { readonly kind: 'call'; readonly slot: number; readonly reply: Latch<unknown> }
  | { readonly kind: 'stream'; readonly slot: number; readonly replies: ReplyStream };

class WorkerEngineLink implements EngineLink {
  readonly #worker: Worker;
  readonly #cancelFlags: Int32Array;
  readonly #log: NodeLog;
  readonly #outgoing: Outgoing<ToEngine>;
  readonly #ready = new Latch<undefined>();
  readonly #died = new Latch<Error | undefined>();
  readonly #pending = new Map<number, Pending>();
  readonly #freeSlots: number[] = [];
  #slotCount = 0;
  #idLast = 0;
  #closing = false;
  #name = 'an engine';
  #error: Error | undefined;

  constructor(worker: Worker, cancelFlags: Int32Array, log: NodeLog) {
    this.#worker = worker;
    this.#cancelFlags = cancelFlags;
    this.#log = log;
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

  /** Makes the thread an engine; resolves when it takes messages. */
  start(settings: EngineSettings): Promise<undefined> {
    this.#name = `engine ${settings.index}`;
    this.#outgoing.add({ type: 'start', settings });
    return this.#ready.promise;
  }

  get died(): Promise<Error | undefined> {
    return this.#died.promise;
  }

  get streamsActive(): number {
    let count = 0;
    for (const { kind } of this.#pending.values()) if (kind === 'stream') count++;
    return count;
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

  stream(
    kind: string,
    body: unknown,
    options: EngineCallOptions = {},
  ): AsyncIterableIterator<unknown, undefined> {
    return new ReplyStream(
      (replies) => this.#begin(replies, { kind, body, options }),
      options.signal,
    );
  }

  /** Asks the engine; answers how to tell it of replies that were taken, and that nobody reads on. */
  #begin(
    replies: ReplyStream,
    { kind, body, options }: { readonly kind: string; readonly body: unknown; readonly options: EngineCallOptions }, // prettier-ignore
  ): StreamReader {
    const slot = this.#takeSlot();
    const id = this.#send('stream', { kind, body, options, pending: { kind: 'stream', slot, replies } });
    return {
      taken: () => {
        if (this.#pending.has(id)) this.#outgoing.add({ type: 'credit', id });
      },
      stop: () => {
        this.#stop(id, slot);
      },
    };
  } // prettier-ignore

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      // What was called is answered; a stream may be long, and its node is about to end.
      for (const [id, pending] of this.#pending) {
        if (pending.kind !== 'stream') continue;
        pending.replies.fail(new DbError('shutdown', `${this.#name} is closing`));
        this.#stop(id, pending.slot);
      }
      this.#outgoing.add({ type: 'close' });
    }
    await this.#died.promise;
  }

  #takeSlot(): number {
    if (this.#error !== undefined) throw deathError(this.#name, this.#error);
    if (this.#closing) throw new DbError('shutdown', `${this.#name} is closing`);
    const free = this.#freeSlots.pop();
    if (free !== undefined) return free;
    if (this.#slotCount === slotCountMax) {
      throw new DbError('queue_full', `${this.#name}: ${slotCountMax} requests in flight`);
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
    const { transfer, aheadMax } = options;
    const id = ++this.#idLast;
    Atomics.store(this.#cancelFlags, pending.slot, 0);
    this.#pending.set(id, pending);
    const message = { type, id, slot: pending.slot, kind, body } as const;
    this.#outgoing.add(aheadMax === undefined ? message : { ...message, aheadMax }, transfer);
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
        this.#log.write(message.level, message.message, message.fields);
        break;
      case 'item': {
        const pending = this.#pending.get(message.id);
        if (pending?.kind === 'stream') pending.replies.push(message.body, false);
        break;
      }
      case 'last': {
        const pending = this.#release(message.id);
        if (pending.kind !== 'stream') break;
        pending.replies.push(message.body, true);
        break;
      }
      case 'reply': {
        const pending = this.#release(message.id);
        if (pending.kind === 'call') pending.reply.open(message.body);
        break;
      }
      case 'end': {
        const pending = this.#release(message.id);
        if (pending.kind === 'stream') pending.replies.end();
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
    this.#rejectAll(deathError(this.#name, error));
    this.#terminate();
  }

  /** Ends in the exit event, which settles `died`. */
  #terminate(): void {
    this.#worker.terminate().catch((failure: unknown) => {
      this.#log.error('engine thread did not end', { error: errorText(failure) });
    });
  }

  #exited(code: number): void {
    if (this.#error === undefined && (!this.#closing || this.#pending.size > 0)) {
      this.#error = new DbError('internal', `${this.#name} ended with exit code ${code}`);
    }
    const error = this.#error ?? new DbError('shutdown', `${this.#name} is closed`);
    this.#closing = true;
    this.#ready.fail(error);
    this.#rejectAll(deathError(this.#name, error));
    this.#died.open(this.#error);
  }

  #rejectAll(error: Error): void {
    for (const pending of this.#pending.values()) rejectPending(pending, error);
    this.#pending.clear();
  }
}

function rejectPending(pending: Pending, error: Error): void {
  if (pending.kind === 'call') pending.reply.fail(error);
  else pending.replies.fail(error);
}

function deathError(name: string, error: Error): DbError {
  return new DbError('internal', `${name} died: ${error.message}`, { cause: error });
}
