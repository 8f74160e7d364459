import type { Clock } from './clock.ts';
import type { Disk } from './disk.ts';
import type { Log } from './log.ts';
import type { Random } from './random.ts';

/**
 * Runs engines: stateful workers that own shards. The real host gives each engine a thread of its own, the simulated
 * one runs the same class inline with messages scheduled by the world.
 *
 * - Messages of one link arrive in the order they were sent; replies may come in any order.
 * - Buffers in `transfer` change hands: the sender must not touch them again. Everything else is cloned; plain data only
 *   (numbers, strings, bigint, typed arrays, arrays, plain objects).
 * - A message cannot interrupt a running one; cancellation is a flag in shared memory that the engine checks per block.
 * - An engine that throws outside a request is dead: its link's calls reject with `internal`, and `died` settles.
 */
export interface EngineHost {
  /** Says that `count` engines will be spawned: what they need that no settings change may be made ready meanwhile. */
  prepare(count: number): void;
  /** Starts engine number `index` of `count`; resolves when it is ready to take messages. */
  spawn(settings: EngineSettings): Promise<EngineLink>;
}

export interface EngineSettings {
  readonly index: number;
  readonly count: number;
  /** What the engine's constructor needs; plain data. */
  readonly options: unknown;
}

/** How far a stream may run ahead of its reader where nothing else is said: replies that were sent and not taken. */
export const streamAheadMax = 4;

export interface EngineLink {
  /** Sends a request and resolves with its reply, or rejects with the DbError the engine threw. */
  call(kind: string, body: unknown, options?: EngineCallOptions): Promise<unknown>;
  /**
   * Replies of a streaming request, in order, with back-pressure: at most `aheadMax` of the options have been sent and not taken.
   * Shared memory in a reply stays the engine's.
   */
  stream(kind: string, body: unknown, options?: EngineCallOptions): AsyncIterable<unknown>;
  /** Streams that the engine has not ended yet: also those that nobody reads any more. */
  readonly streamsActive: number;
  /** Resolves when the engine is gone: with undefined after close(), with the error when it died. */
  readonly died: Promise<Error | undefined>;
  /** Lets the engine finish what it has taken, closes its shards and ends it. */
  close(): Promise<void>;
}

export interface EngineCallOptions {
  readonly transfer?: readonly ArrayBuffer[];
  readonly signal?: AbortSignal | undefined;
  /** Of a stream, replies; absent: `streamAheadMax`. */
  readonly aheadMax?: number | undefined;
}

/** What an engine implements; data/engine has the one of this project. */
export interface Engine {
  call(kind: string, body: unknown, context: EngineContext): Promise<EngineReply>;
  stream(kind: string, body: unknown, context: EngineContext): AsyncIterable<EngineReply>;
  /**
   * The same for whoever takes a reply that nothing comes behind as it is: where it is there at once, no promise stands for it. Throws
   * what the stream would. Replies that come one after the other have to be asked for: what gives them has begun.
   */
  begin?(kind: string, body: unknown, context: EngineContext): EngineReply | AsyncIterable<EngineReply>; // prettier-ignore
  close(): Promise<void>;
}

export interface EngineReply {
  readonly body: unknown;
  readonly transfer?: readonly ArrayBuffer[];
  /** Of a stream: nothing comes behind it, so that its end needs no message of its own. */
  readonly isLast?: boolean;
}

export interface EngineContext {
  /** True once the caller has given up; cheap enough to ask per block. */
  cancelled(): boolean;
  /** Of a stream: resolves once nobody reads it any more, for what waits for others. */
  readonly stopped?: Promise<undefined> | undefined;
}

/** Builds the engine inside its thread from the ports of that thread. */
export type EngineFactory = (settings: EngineSettings, ports: EnginePorts) => Promise<Engine>;

export interface EnginePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly log: Log;
  /** Lets other messages and I/O run; engines call it between slices of about 5 ms. */
  readonly turn: () => Promise<void>;
}
