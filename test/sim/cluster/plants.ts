import { digestWords, type DigestTask } from '../../../src/data/engine/digests/shard-digest.ts';
import type { Engine, EnginePorts } from '../../../src/env/engine-host.ts';
import type { Env } from '../../../src/env/env.ts';
import { seriesParts } from '../../../src/models/digest-grid.ts';
import {
  endingBrokenStreams,
  forgettingCommands,
  forgettingDeletes,
  forgettingVotes,
  ignoringFences,
  markingAhead,
  sendingAgain,
  sendingBackwards,
  swallowingFailures,
  trustingMemory,
  wholeTooSoon,
} from './plants-network.ts';
import {
  droppingLogsEarly,
  forgettingHints,
  keepingStagings,
  forgettingSegments,
  markingTooMuch,
  withoutAnySync,
  withoutMarks,
  withoutRoster,
  withoutHintSync,
  withoutTableSync,
} from './plants-disk.ts';

/** Bugs that the simulation has to find: each breaks one promise of a port, as a mistake in our code would. */
export const plants = [
  'ack-before-fsync',
  'table-not-synced',
  'log-released-early',
  'flush-loses-in-flight',
  'vote-not-persisted',
  'lost-retry',
  'command-applied-twice',
  'acknowledged-unapplied',
  'damage-forgotten',
  'folder-not-missed',
  'hint-not-synced',
  'hints-forgotten',
  'fence-ignored',
  'marks-ahead',
  'segments-forgotten',
  'meanwhile-lost',
  'whole-too-soon',
  'deletes-unstamped',
  'sent-again',
  'deletes-untold',
  'digest-blind',
  'digest-stale',
  'hints-backwards',
  'deletes-return',
] as const;
/** Those that answers alone show: `run-changed-answers.ts` finds them. */
export const answerPlants = ['broken-stream-ends', 'deletes-forgotten'] as const;
/** Those of what a node has acknowledged: `run-own-writes.ts` finds them. */
export const ownWritePlants = ['laggards-read'] as const;
/** Those of schemas that are remembered: `run-grown-schemas.ts` finds them. */
export const schemaPlants = ['memory-trusted', 'growth-untold'] as const;
/** Those of backups: `run-backups.ts` finds them. */
export const backupPlants = ['archive-not-synced', 'served-too-soon', 'one-owner-only'] as const;
/** Those of copies to a full disk: `run-full-copies.ts` finds them. */
export const fullCopyPlants = ['staging-kept'] as const;
export type Plant =
  | (typeof plants)[number]
  | (typeof answerPlants)[number]
  | (typeof ownWritePlants)[number]
  | (typeof schemaPlants)[number]
  | (typeof backupPlants)[number]
  | (typeof fullCopyPlants)[number];

/** The environment of a node with the bug in it; `laggards-read` is one of its configuration (knobs.ts). */
export function planted(env: Env, plant: Plant | undefined): Env {
  switch (plant) {
    case 'vote-not-persisted':
      return { ...env, kv: forgettingVotes(env.kv) };
    case 'hint-not-synced':
      return { ...env, disk: withoutHintSync(env.disk) };
    case 'hints-forgotten':
      return { ...env, disk: forgettingHints(env.disk) };
    case 'staging-kept':
      return { ...env, disk: keepingStagings(env.disk) };
    case 'whole-too-soon':
      return { ...env, transport: wholeTooSoon(env.transport) };
    case 'lost-retry':
      return { ...env, transport: swallowingFailures(env.transport) };
    case 'fence-ignored':
      return { ...env, transport: ignoringFences(env.transport) };
    case 'sent-again':
      return { ...env, outbound: sendingAgain(env.outbound) };
    case 'broken-stream-ends':
      return { ...env, transport: endingBrokenStreams(env.transport) };
    case 'deletes-forgotten':
      return { ...env, transport: forgettingDeletes(env.transport) };
    case 'memory-trusted':
      return { ...env, transport: trustingMemory(env.transport) };
    case 'hints-backwards':
      return { ...env, transport: sendingBackwards(env.transport) };
    case 'marks-ahead':
      return { ...env, transport: markingAhead(env.transport) };
    case 'command-applied-twice':
      return { ...env, transport: forgettingCommands(env.transport) };
    default:
      return env;
  }
}

/** What a storage engine gets, with the bug in it. */
export function plantedEngine(ports: EnginePorts, plant: Plant | undefined): EnginePorts {
  const { disk } = ports;
  switch (plant) {
    case 'ack-before-fsync':
      return { ...ports, disk: withoutAnySync(disk) };
    case 'segments-forgotten':
      return { ...ports, disk: forgettingSegments(disk) };
    case 'table-not-synced':
      return { ...ports, disk: withoutTableSync(disk) };
    case 'log-released-early':
      return { ...ports, disk: droppingLogsEarly(disk) };
    case 'damage-forgotten':
      return { ...ports, disk: withoutMarks(disk) };
    case 'folder-not-missed':
      return { ...ports, disk: withoutRoster(disk) };
    case 'flush-loses-in-flight':
      return { ...ports, disk: markingTooMuch(disk) };
    default:
      return ports;
  }
}

/**
 * The engine itself, with the bug in it: a write counts as done a moment before it shows to readers, one to a shard that is
 * being copied here is not done at all, nobody looks at when a delete was said, an owner does not tell of the deletes that it
 * remembers, or looks at half of the series only for its digest, or keeps a digest whatever changes, or a copy brings back what was deleted while it was made.
 */
export function plantedWrites(engine: Engine, { clock }: EnginePorts, plant?: Plant): Engine {
  if (plant === 'deletes-unstamped') return withoutStamps(engine);
  if (plant === 'deletes-untold') return withoutDeletes(engine);
  if (plant === 'digest-blind') return withBlindDigests(engine);
  if (plant === 'digest-stale') return withStaleDigests(engine);
  if (plant === 'deletes-return') return withReturningDeletes(engine);
  if (plant === 'growth-untold') return withoutGrowth(engine);
  if (plant !== 'acknowledged-unapplied' && plant !== 'meanwhile-lost') return engine;
  return {
    stream: (kind, body, context) => engine.stream(kind, body, context),
    close: () => engine.close(),
    call: (kind, body, context) => {
      if (kind !== 'write') return engine.call(kind, body, context);
      const done = { body: { droppedCount: 0, reason: '', schemaVersion: 0 } };
      if (plant === 'meanwhile-lost') {
        const isIncoming = (body as { readonly copyIndex?: number }).copyIndex !== undefined;
        return isIncoming ? Promise.resolve(done) : engine.call(kind, body, context);
      }
      clock.after(20, () => {
        engine.call(kind, body, context).catch(() => undefined);
      });
      return Promise.resolve(done);
    },
  };
}

function withoutStamps(engine: Engine): Engine {
  return {
    stream: (kind, body, context) => engine.stream(kind, body, context),
    close: () => engine.close(),
    call: (kind, body, context) => {
      if (kind !== 'delete-points') return engine.call(kind, body, context);
      return engine.call(kind, { ...(body as object), stamp: undefined }, context);
    },
  };
}

/** What was deleted while a shard was copied is brought back by the copy. */
function withReturningDeletes(engine: Engine): Engine {
  return {
    stream: (kind, body, context) => engine.stream(kind, body, context),
    close: () => engine.close(),
    call: (kind, body, context) =>
      engine.call(kind, kind === 'install' ? { ...(body as object), deletes: [] } : body, context),
  };
}

/** A node plans with what its own workers described before, whatever has been written since (decision 6). */
function withoutGrowth(engine: Engine): Engine {
  return {
    stream: (kind, body, context) => engine.stream(kind, body, context),
    close: () => engine.close(),
    call: async (kind, body, context) => {
      const reply = await engine.call(kind, body, context);
      const { body: told } = reply;
      if (!receiptKinds.has(kind) || typeof told !== 'object' || told === null) return reply;
      // Short receipts are numbers, the version of the schemas is the first.
      if (Array.isArray(told)) return { body: [0, ...(told as readonly number[]).slice(1)] };
      return { ...reply, body: { ...told, schemaVersion: 0 } };
    },
  };
}

const receiptKinds: ReadonlySet<string> = new Set(['lines', 'joined', 'write']);

function withoutDeletes(engine: Engine): Engine {
  return {
    stream: (kind, body, context) => engine.stream(kind, body, context),
    close: () => engine.close(),
    call: (kind, body, context) =>
      kind === 'stored-deletes' ? Promise.resolve({ body: [] }) : engine.call(kind, body, context),
  };
}

/** The first digest of a shard is its digest for ever, but for who asks for one that is read anew. */
function withStaleDigests(engine: Engine): Engine {
  const first = new Map<number, Uint32Array>();
  return withDigests(engine, (words, { shardId, isAnew }) => {
    if (isAnew) return words;
    const kept = first.get(shardId) ?? words.slice();
    first.set(shardId, kept);
    return kept.slice();
  });
}

/** Every second part of the series is as if it had nothing. */
function withBlindDigests(engine: Engine): Engine {
  const partWords = digestWords / seriesParts;
  return withDigests(engine, (words) => {
    for (let part = 1; part < seriesParts; part += 2)
      words.fill(0, part * partWords, (part + 1) * partWords);
    return words;
  });
}

function withDigests(
  engine: Engine,
  change: (words: Uint32Array, task: DigestTask) => Uint32Array,
): Engine {
  return {
    close: () => engine.close(),
    call: (kind, body, context) => engine.call(kind, body, context),
    stream: async function* (kind, body, context) {
      for await (const reply of engine.stream(kind, body, context)) {
        const words = kind === 'digest' ? (reply.body as Uint32Array | undefined) : undefined;
        yield words === undefined ? reply : { ...reply, body: change(words, body as DigestTask) };
      }
    },
  };
}
