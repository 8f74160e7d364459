import { expect, test } from 'vitest';
import fc from 'fast-check';
import { makeStamp, noStamp, stampOfBatch, type StampRange } from '../../models/stamp.ts';
import { MemorySource, type MemoryPoint } from '../../../test/support/memory-source.ts';
import { digestSeries } from '../engine/digests/series-digests.ts';
import { digestShard, digestWords } from '../engine/digests/shard-digest.ts';
import { readRangePoints } from '../engine/digests/range-points.ts';
import type { StoredDelete } from '../../storage/store/deletes/stored-deletes.ts';
import type { RepairPeer } from './peer.ts';
import { valuesOf } from './merge-points.ts';
import type { RepairReport } from '../../services/anti-entropy.ts';
import { repairPair } from './repair-pair.ts';

const range = { startNs: 0n, endNs: 1_000_000n };
const shard = { shardId: 1, database: 'd', retentionPolicy: 'p', ...range };
const origin = 7n;

function arenaOf() {
  const memory = new WebAssembly.Memory({ initial: 16 });
  let end = 8;
  const allocate = (lengthBytes: number): number => {
    const at = end;
    end = Math.ceil((end + lengthBytes) / 8) * 8;
    return at;
  };
  return { memory, allocate, mark: () => end, release: (mark: number) => (end = mark) };
}

type Value = number | bigint | string | boolean;
type Points = readonly (readonly [key: string, field: string, timeNs: bigint, value: Value])[];

/** An owner in memory: what it is given is put over what it has. */
class Owner implements RepairPeer {
  readonly nodeId: number;
  readonly stamps: StampRange | undefined;
  readonly #points = new Map<string, MemoryPoint>();
  readonly seenStamps: bigint[] = [];
  sentBytes = 0;

  constructor(nodeId: number, points: Points, stamps?: StampRange) {
    this.nodeId = nodeId;
    this.stamps = stamps;
    for (const one of points) this.put(one);
  }

  put([key, field, timeNs, value]: Points[number]): void {
    const [measurement = '', ...tags] = key.split(',');
    const point = {
      measurement,
      tags: Object.fromEntries(tags.map((tag) => tag.split('=') as [string, string])),
      fields: { [field]: value },
      timeNs,
    };
    this.#points.set(JSON.stringify([key, field, String(timeNs)]), point);
  }

  get content(): readonly string[] {
    return [...this.#points].map(([name, { fields }]) => `${name} ${typeof Object.values(fields)[0]} ${String(Object.values(fields)[0])}`).sort(); // prettier-ignore
  }

  get source(): MemorySource {
    return new MemorySource([...this.#points.values()]);
  }

  write(payload: Uint8Array): void {
    this.seenStamps.push(stampOfBatch(payload));
    for (const { key, field, timeNs, value } of valuesOf(payload))
      this.put([key, field, timeNs, value.value]);
  }

  readonly forgotten: StoredDelete[] = [];

  deletes() {
    return Promise.resolve(this.forgotten);
  }

  /** By measurement and time, of what was there before. */
  delete(one: StoredDelete): void {
    this.forgotten.push(one);
    for (const [name, { measurement, timeNs }] of this.#points)
      if (measurement === one.filter && timeNs >= one.minTimeNs && timeNs <= one.maxTimeNs)
        this.#points.delete(name);
  }

  digest(_: unknown, known: Uint32Array | undefined) {
    if (this.#points.size === 0) return Promise.resolve({ kind: 'missing' } as const);
    let words: Uint32Array = new Uint32Array(digestWords);
    for (const one of digestShard(this.source, range, arenaOf())) words = one ?? words;
    const isEqual = known?.every((word, i) => word === words[i]) === true;
    return Promise.resolve(isEqual ? ({ kind: 'equal' } as const) : ({ kind: 'digest', words } as const)); // prettier-ignore
  }

  async *seriesDigests(task: Parameters<RepairPeer['seriesDigests']>[0]) {
    for (const one of digestSeries(this.source, task, arenaOf()))
      if (one !== undefined) yield Promise.resolve([one]);
  }

  async *rangePoints(task: Parameters<RepairPeer['rangePoints']>[0]) {
    for (const payload of readRangePoints(this.source, task, arenaOf())) {
      if (payload === undefined) continue;
      this.sentBytes += payload.length;
      yield Promise.resolve({ payload, stamps: this.stamps, movedBytes: payload.length });
    }
  }
}

async function repair(own: Owner, other: Owner): Promise<RepairReport> {
  return repairPair([own, other], shard, {
    write: (nodeId, { payload }) => {
      (nodeId === own.nodeId ? own : other).write(payload);
      return Promise.resolve({ kind: 'written', droppedCount: 0, reason: '' });
    },
    delete: (nodeId, one) => {
      (nodeId === own.nodeId ? own : other).delete(one);
      return Promise.resolve();
    },
    take: () => Promise.resolve(),
    pace: () => Promise.resolve(),
    origin,
    signal: new AbortController().signal,
  });
}

const stamped = (from: number, to: number): StampRange => ({
  least: makeStamp(BigInt(from), 1),
  greatest: makeStamp(BigInt(to), 1),
});

test('repair: both end with all that either has, and what is equal does not travel', async () => {
  const many: Points = Array.from({ length: 2_000 }, (_, i) => [`m,h=h${i % 20}`, 'v', BigInt(i * 500), i / 3] as const); // prettier-ignore
  const own = new Owner(1, many.filter((_, i) => i % 100 !== 7)); // prettier-ignore
  const other = new Owner(2, [...many.slice(0, 1_900), ['m,h=new', 's', 5n, 'text'], ['m,h=h1', 'b', -9n, true]]); // prettier-ignore
  const report = await repair(own, other);
  expect(own.content).toEqual(other.content);
  expect(own.content.length).toBe(2_001);
  expect(report).toMatchObject({ ownCount: 21, otherCount: 99, conflictCount: 0, refusedCount: 0 });
  const before = other.sentBytes;
  expect(await repair(own, other)).toMatchObject({ ownCount: 0, otherCount: 0, movedBytes: 0 });
  expect(other.sentBytes).toBe(before);
});

test('repair: a shard that one has nothing of, and one that nobody has anything of', async () => {
  const points: Points = [['m', 'i', 1n, 5n], ['m', 'f', 2n, -0], ['m,a=b', 'u', 999_999n, 2n ** 62n]]; // prettier-ignore
  const [empty, whole] = [new Owner(1, []), new Owner(2, points)];
  expect((await repair(empty, whole)).ownCount).toBe(3);
  expect(empty.content).toEqual(whole.content);
  const [fresh, again] = [new Owner(1, points), new Owner(2, [])];
  expect((await repair(fresh, again)).otherCount).toBe(3);
  expect(again.content).toEqual(fresh.content);
  expect(await repair(new Owner(1, []), new Owner(2, []))).toMatchObject({ movedBytes: 0 });
});

test('repair: of two values of a point the one of later stamps stays, and where they do not tell, the first owner’s', async () => {
  const at = (value: Value): Points => [['m', 'v', 10n, value]];
  const later = new Owner(2, at(2), stamped(50, 60));
  const earlier = new Owner(1, at(1), stamped(1, 9));
  expect(await repair(earlier, later)).toMatchObject({ ownCount: 1, conflictCount: 1 });
  expect(earlier.content).toEqual(later.content);
  expect(earlier.content[0]).toContain(' 2');
  const [first, second] = [new Owner(1, at(1), stamped(1, 55)), new Owner(2, at('2'), stamped(50, 60))]; // prettier-ignore
  expect(await repair(first, second)).toMatchObject({ otherCount: 1, conflictCount: 1 });
  expect(second.content[0]).toContain('number 1');
});

test('repair: what is brought has the stamps of the owner that has it, and no batch that of another', async () => {
  const points: Points = Array.from({ length: 12_000 }, (_, i) => ['m', 'v', BigInt(i), i] as const); // prettier-ignore
  const own = new Owner(1, [], undefined);
  const other = new Owner(2, points, stamped(100, 900));
  await repair(own, other);
  expect(own.seenStamps.length).toBe(3);
  expect(new Set(own.seenStamps).size).toBe(3);
  for (const stamp of own.seenStamps) {
    expect(stamp).toBeGreaterThan(makeStamp(900n, 1));
    expect(stamp).toBeLessThan(makeStamp(1_000n, 1));
  }
  expect(own.seenStamps).not.toContain(noStamp);
});

test('repair: a delete that one owner has not heard of reaches it before points do', async () => {
  const points: Points = [['m', 'v', 1n, 1], ['m', 'v', 9n, 2], ['n', 'v', 1n, 3]]; // prettier-ignore
  const [own, other] = [new Owner(1, points), new Owner(2, points)];
  const one = { stamp: makeStamp(70n, 2), minTimeNs: 0n, maxTimeNs: 5n, filter: 'm' };
  other.delete(one);
  expect(await repair(own, other)).toMatchObject({ deleteCount: 1, ownCount: 0, otherCount: 0 });
  expect(own.content).toEqual(other.content);
  expect(own.content.length).toBe(2);
  expect(own.forgotten).toEqual([one]);
  expect((await repair(own, other)).deleteCount).toBe(0);
});

test('repair: whatever two owners have, they end equal', async () => {
  const point = fc.tuple(
    fc.constantFrom('m', 'm,h=a', 'm,h=b', 'n,x=ü', 'k'),
    fc.constantFrom('f', 'g'),
    fc.bigInt({ min: -5n, max: 1_000_100n }),
    fc.constantFrom(1.5, -0, 0, 1e300),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(point, { maxLength: 60 }),
      fc.array(point, { maxLength: 60 }),
      fc.array(point, { maxLength: 60 }),
      async (a, b, both) => {
        // prettier-ignore
        const [own, other] = [new Owner(1, [...both, ...a]), new Owner(2, [...both, ...b])];
        await repair(own, other);
        expect(own.content).toEqual(other.content);
      },
    ),
    { numRuns: 200, seed: 5 },
  );
});
