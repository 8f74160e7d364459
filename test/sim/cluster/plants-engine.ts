/** Bugs of a storage engine as a whole: what it is told, and what it says. */
import type {
  ExpectTask,
  HomeBatch,
  HomeFields,
  ReplayedDoubts,
} from '../../../src/data/engine/engine-tasks.ts';
import type { FeedPiece } from '../../../src/data/engine/answers/gathered/feeds.ts';
import { isFragmentKind } from '../../../src/data/engine/fragment-streams.ts';
import { digestWords, type DigestTask } from '../../../src/data/engine/digests/shard-digest.ts';
import type { Engine, EnginePorts } from '../../../src/env/engine-host.ts';
import { seriesParts } from '../../../src/models/digest-grid.ts';
import { makeStamp, stampBatch } from '../../../src/models/stamp.ts';
import type { Plant } from './plants.ts';

/** The engine with the bug in it. */
export function plantedWrites(engine: Engine, ports: EnginePorts, plant?: Plant): Engine {
  switch (plant) {
    case 'deletes-unstamped':
      return withoutStamps(engine);
    case 'deletes-untold':
      return withoutDeletes(engine);
    case 'digest-blind':
      return withBlindDigests(engine);
    case 'digest-stale':
      return withStaleDigests(engine);
    case 'deletes-return':
      return withReturningDeletes(engine);
    case 'awaiting-read':
      return readingAwaiting(engine);
    case 'growth-untold':
      return withoutGrowth(withUntoldReads(engine), 'schemaVersion');
    case 'growth-unread':
      return withUntoldReads(engine);
    case 'series-untold':
      return withoutGrowth(engine, 'seriesVersion');
    case 'feeds-cut':
      return endingFeeds(engine);
    case 'types-undecided':
      return withoutLead(engine);
    case 'replays-unasked':
      return withoutReplayedDoubts(engine);
    case 'newer-untold':
      return withoutNewer(engine);
    case 'arrival-wins':
      return inOrderOfArrival(engine, ports);
    case 'meanwhile-lost':
      return losingMeanwhile(engine);
    case 'acknowledged-unapplied':
      return writingLate(engine, ports);
    default:
      return engine;
  }
}

type Call = Engine['call'];

function calling(engine: Engine, call: Call): Engine {
  return {
    call,
    stream: (kind, body, context) => engine.stream(kind, body, context),
    close: () => engine.close(),
  };
}

const written = { body: { droppedCount: 0, reason: '', schemaVersion: 0 } };

/** A write counts as done a moment before it shows to readers. */
function writingLate(engine: Engine, { clock }: EnginePorts): Engine {
  return calling(engine, (kind, body, context) => {
    if (kind !== 'write') return engine.call(kind, body, context);
    clock.after(20, () => {
      engine.call(kind, body, context).catch(() => undefined);
    });
    return Promise.resolve(written);
  });
}

/** A write to a shard that is being copied here counts as done, and is not. */
function losingMeanwhile(engine: Engine): Engine {
  return calling(engine, (kind, body, context) => {
    const isIncoming = kind === 'write' && (body as HomeBatch).copyIndex !== undefined;
    return isIncoming ? Promise.resolve(written) : engine.call(kind, body, context);
  });
}

/** Of two writes of a point the one that came last wins, whenever it was taken. */
function inOrderOfArrival(engine: Engine, { clock }: EnginePorts): Engine {
  return calling(engine, (kind, body, context) => {
    if (kind !== 'write') return engine.call(kind, body, context);
    const batch = body as HomeBatch;
    const payload = batch.payload.slice();
    stampBatch(payload, makeStamp(clock.wallNs(), 0));
    return engine.call(kind, { ...batch, payload }, context);
  });
}

/** An owner does not say that it has something later than what it is given. */
function withoutNewer(engine: Engine): Engine {
  return calling(engine, async (kind, body, context) => {
    const reply = await engine.call(kind, body, context);
    return kind === 'write' ? { ...reply, body: { ...(reply.body as object), newer: undefined } } : reply; // prettier-ignore
  });
}

/** What the log gave in doubt is told to nobody. */
function withoutReplayedDoubts(engine: Engine): Engine {
  const none = { batches: [], isLast: true } satisfies ReplayedDoubts;
  return calling(engine, (kind, body, context) =>
    kind === 'replayed-doubts' ? Promise.resolve({ body: none }) : engine.call(kind, body, context),
  );
}

/** The owner that leads a shard agrees to whatever type another one has for a field that is new to it. */
function withoutLead(engine: Engine): Engine {
  return calling(engine, (kind, body, context) =>
    kind === 'field-types'
      ? Promise.resolve({ body: (body as HomeFields).fields })
      : engine.call(kind, body, context),
  );
}

/** Nobody looks at when a delete was said. */
function withoutStamps(engine: Engine): Engine {
  return calling(engine, (kind, body, context) => {
    if (kind !== 'delete-points') return engine.call(kind, body, context);
    return engine.call(kind, { ...(body as object), stamp: undefined }, context);
  });
}

/** What was deleted while a shard was copied is brought back by the copy. */
function withReturningDeletes(engine: Engine): Engine {
  return calling(engine, (kind, body, context) =>
    engine.call(kind, kind === 'install' ? { ...(body as object), deletes: [] } : body, context),
  );
}

/** A shard that awaits the files of another owner is read as it is. */
function readingAwaiting(engine: Engine): Engine {
  return calling(engine, async (kind, body, context) => {
    const reply = await engine.call(kind, body, context);
    if (kind === 'expect-copy')
      await engine.call('expect-none', (body as ExpectTask).shardId, context);
    return reply;
  });
}

/** A node plans with what its own workers described before, whatever has been written since (decision 6). */
function withoutGrowth(engine: Engine, of: 'schemaVersion' | 'seriesVersion'): Engine {
  return calling(engine, async (kind, body, context) => {
    const reply = await engine.call(kind, body, context);
    const { body: told } = reply;
    if (!receiptKinds.has(kind) || typeof told !== 'object' || told === null) return reply;
    // Short receipts are numbers, the version of the schemas is the first and that of the series the second.
    if (Array.isArray(told)) return { body: (told as readonly number[]).with(of === 'schemaVersion' ? 0 : 1, 0) }; // prettier-ignore
    return { ...reply, body: { ...told, [of]: 0 } };
  });
}

/** What is read does not say of which schemas it is. */
function withUntoldReads(engine: Engine): Engine {
  return {
    call: (kind, body, context) => engine.call(kind, body, context),
    async *stream(kind, body, context) {
      for await (const reply of engine.stream(kind, body, context))
        yield isFragmentKind(kind)
          ? { ...reply, body: { ...(reply.body as object), schemaVersion: undefined } }
          : reply;
    },
    close: () => engine.close(),
  };
}

/** A node that fails while it sends what it has of an answer has sent all of it. */
function endingFeeds(engine: Engine): Engine {
  return calling(engine, (kind, body, context) => {
    const isEnd = kind === 'feed' && 'failure' in (body as FeedPiece);
    if (!isEnd) return engine.call(kind, body, context);
    const { id, at } = body as FeedPiece;
    const piece: FeedPiece = { id, at, planned: '', packed: new Uint8Array(), isLast: true };
    return engine.call(kind, piece, context);
  });
}

const receiptKinds: ReadonlySet<string> = new Set(['lines', 'joined', 'write']);

/** An owner does not tell of the deletes that it remembers. */
function withoutDeletes(engine: Engine): Engine {
  return calling(engine, (kind, body, context) =>
    kind === 'stored-deletes' ? Promise.resolve({ body: [] }) : engine.call(kind, body, context),
  );
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
