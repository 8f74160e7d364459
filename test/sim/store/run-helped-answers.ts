/**
 * Questions to a node of two workers, of which both make each answer that can be cut, while points are written and files come and go
 * by flushes and compactions. Rejects where an answer lacks a point that was acknowledged before it, has one that was not
 * asked for yet, or one twice.
 */
import { compactionByHand } from '../../../src/storage/store/store-options.ts';
import type { SharedAnswer } from '../../../src/data/engine/answers/shared/shared-answer.ts';
import { taskText } from '../../../src/data/engine/answers/answer-task.ts';
import { LocalShards } from '../../../src/data/engine/local-shards.ts';
import { StorageEngine } from '../../../src/data/engine/storage-engine.ts';
import type { EngineFactory, EngineHost } from '../../../src/env/engine-host.ts';
import { below, type Random } from '../../../src/env/random.ts';
import type { SelectStatement } from '../../../src/influxql/ast.ts';
import { parseQuery } from '../../../src/influxql/parser.ts';
import { ShardView } from '../../../src/storage/engine/shard-view.ts';
import { engineOptions } from '../../support/engine-options.ts';
import { batchOf } from '../../support/store-script.ts';
import { World } from '../world/world.ts';

const place = { shardId: 7, database: 'db', retentionPolicy: 'autogen' };
const hosts = ['a', 'b', 'c', 'd', 'e'];
const batchCount = 120;
const questionCount = 120;
/** All that can be cut is, in several chunks. */
const shareLimits = {
  workUsLeast: 0,
  bytesLeast: 0,
  groupChunkUs: 1,
  timeChunkUs: 1,
  chunksMax: 6,
  lentShareMost: 1e9,
};

/** Those of answers that two workers make. */
export const helpedPlants = ['memory-unread', 'rows-unlent', 'chunk-kept'] as const;
export type HelpedPlant = (typeof helpedPlants)[number];

export interface HelpedResult {
  /** Answers that the other worker was asked to help with. */
  readonly helpedCount: number;
  /** Chunks that it made. */
  readonly chunkCount: number;
}

interface Points {
  /** By host and time. */
  readonly asked: Set<string>;
  readonly acknowledged: Set<string>;
}

export async function runHelpedAnswers(
  seed: number,
  { plant }: { readonly plant?: HelpedPlant } = {},
): Promise<HelpedResult> {
  const world = new World(seed);
  const engineFactory: EngineFactory = (settings, ports) => StorageEngine.create(settings, ports);
  const { env } = world.addNode('a', { engineFactory });
  const seen = { helpedCount: 0, chunkCount: 0 };
  const options = {
    ...engineOptions,
    ...{ shareLimits, snapshotBytes: 3_000, snapshotColdMs: 200 },
    compaction: { ...compactionByHand, fullColdMs: 400 },
  };
  const points: Points = { asked: new Set(), acknowledged: new Set() };
  const work = async (): Promise<void> => {
    const shards = await LocalShards.start(watched(env.engines, seen, plant), 2, options);
    const random = world.random('helped');
    const writing = write(shards, points, { random, sleep: (ms) => env.clock.sleep(ms) });
    await ask(shards, points, { random, sleep: (ms) => env.clock.sleep(ms) });
    await writing;
    await shards.close();
  };
  const restore = plant === 'memory-unread' ? forgettingMemory() : undefined;
  try {
    await world.complete(work(), 10_000_000);
  } finally {
    restore?.();
  }
  return seen;
}

interface Chance {
  readonly random: Random;
  readonly sleep: (ms: number) => Promise<void>;
}

async function write(
  shards: LocalShards,
  { asked, acknowledged }: Points,
  { random, sleep }: Chance,
) {
  // prettier-ignore
  for (let time = 1; time <= batchCount; time++) {
    const some = hosts.filter(() => below(random, 4) > 0);
    const written = some.length === 0 ? ['a'] : some;
    for (const host of written) asked.add(`${host} ${time}`);
    const lines = written.map((host) => `m,h=${host} v=${time} ${time}`).join('\n');
    const outcome = await shards.write({ ...place, payload: batchOf(lines) });
    if (outcome.kind === 'failed') throw outcome.error;
    for (const host of written) acknowledged.add(`${host} ${time}`);
    await sleep(below(random, 6) === 0 ? 1_500 : below(random, 40));
  }
}

const statements = [
  'SELECT v FROM db.autogen.m GROUP BY h',
  'SELECT h, v FROM db.autogen.m',
  'SELECT h, v FROM db.autogen.m ORDER BY time DESC',
  'SELECT max(v) FROM db.autogen.m GROUP BY h, time(1ns) fill(none)',
];

async function ask(shards: LocalShards, points: Points, { random, sleep }: Chance): Promise<void> {
  for (let n = 0; n < questionCount; n++) {
    const mostTime = below(random, batchCount);
    const statement = statements[below(random, statements.length)] ?? '';
    const text = statement.replace('db.autogen.m', `db.autogen.m WHERE time <= ${mostTime}`);
    const before = [...points.acknowledged].filter(
      (point) => Number(point.split(' ')[1]) <= mostTime,
    );
    const shown = pointsOf(await answerOf(shards, text));
    const twice = shown.find((point, i) => shown.indexOf(point) !== i);
    const lacking = before.find((point) => !shown.includes(point));
    const foreign = shown.find((point) => !points.asked.has(point));
    if (twice !== undefined) throw new Error(`${text}: ${twice} stands there twice`);
    if (lacking !== undefined) throw new Error(`${text}: ${lacking} was acknowledged and is lacking`); // prettier-ignore
    if (foreign !== undefined) throw new Error(`${text}: nobody wrote ${foreign}`);
    await sleep(below(random, 500));
  }
}

async function answerOf(shards: LocalShards, text: string): Promise<string> {
  const statement = parseQuery(text)[0] as SelectStatement;
  const { shardId, ...names } = place;
  const task = {
    ...{ statement, range: { minNs: undefined, maxNs: undefined }, epochUnitNs: 1n },
    places: [{ ...names, isParted: false, shardIds: [shardId], names: ['m'] }],
    ...{ bucketsMax: 0, seriesMax: 0, pointsMax: 0 },
  };
  const request = { text: taskText(task) ?? '', nowNs: 1_000n, isKept: true };
  const parts: Buffer[] = [];
  const { signal } = new AbortController();
  for await (const { bytes } of shards.answer([shardId], request, signal) ?? [])
    parts.push(Buffer.from(bytes));
  return Buffer.concat(parts).toString();
}

interface Answer {
  readonly results: readonly [{ readonly series?: readonly { readonly tags?: { readonly h: string }; readonly values: readonly (readonly [number, ...unknown[]])[] }[] }]; // prettier-ignore
}

function pointsOf(text: string): string[] {
  const { results } = JSON.parse(text) as Answer;
  return (results[0].series ?? []).flatMap(({ tags, values }) =>
    values.map(([time, first]) => `${tags?.h ?? String(first)} ${time}`),
  );
}

/** Notes what is asked of workers; with `chunk-kept` one that helps takes chunks of which nobody hears again. */
function watched(
  host: EngineHost,
  seen: { helpedCount: number; chunkCount: number },
  plant: HelpedPlant | undefined,
): EngineHost {
  return {
    prepare: (count) => {
      host.prepare(count);
    },
    spawn: async (settings) => {
      const link = await host.spawn(settings);
      return {
        call: (kind, body, options) => link.call(kind, body, options),
        async *stream(kind, body, options) {
          if (kind === 'assist') seen.helpedCount++;
          const told = kind === 'assist' && plant === 'rows-unlent' ? withoutRows(body) : body;
          for await (const reply of link.stream(kind, told, options)) {
            if (kind === 'assist' && (reply as { isEnd?: boolean }).isEnd === true) seen.chunkCount++; // prettier-ignore
            if (kind === 'assist' && plant === 'chunk-kept' && seen.chunkCount % 9 === 0) continue;
            yield reply;
          }
        },
        get streamsActive() {
          return link.streamsActive;
        },
        died: link.died,
        close: () => link.close(),
      };
    },
  };
}

/** What a worker is asked to help with, as if no memtable had rows of it. */
function withoutRows(body: unknown): unknown {
  const { shards, ...others } = body as Partial<SharedAnswer>;
  return { ...others, shards: shards?.map((shard) => ({ ...shard, rows: [] })) };
}

/** As if what is in memory had been forgotten where it is found out what has points. */
function forgettingMemory(): () => void {
  const { prototype } = ShardView;
  const whole = Object.getOwnPropertyDescriptor(prototype, 'partsWithin') as PropertyDescriptor;
  prototype.partsWithin = function partsWithin() {
    return { files: this.files, memtables: [] };
  };
  return () => {
    Object.defineProperty(prototype, 'partsWithin', whole);
  };
}
