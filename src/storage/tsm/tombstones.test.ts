import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { isDbError } from '../../base/errors.ts';
import { covers, keptSpans, withRange } from './deleted-ranges.ts';
import {
  addTombstones,
  decodeTombstones,
  readTombstones,
  type NewTombstone,
  type Tombstone,
} from './tombstones.ts';

const least = -(1n << 63n);
const most = (1n << 63n) - 1n;
const some: readonly Tombstone[] = [
  { key: 'm,h=a#!~#v', minTimeNs: least, maxTimeNs: most },
  { key: 'ünï\ncode#!~#', minTimeNs: -1n, maxTimeNs: 0n },
];

function range(minTimeNs: bigint, maxTimeNs: bigint) {
  return { minTimeNs, maxTimeNs };
}

/** With places to rest at among them. */
function* added(tombstones: readonly Tombstone[]): Generator<NewTombstone | undefined> {
  for (const [i, { key, ...range }] of tombstones.entries()) {
    if (i % 7 === 3) yield undefined;
    yield { key: new TextEncoder().encode(key), ...range };
  }
}

test('tombstones: what was added is read, all of it', async () => {
  const world = new World(1);
  const { disk } = world.addNode('a').env;
  const turn = () => Promise.resolve();
  await world.complete(
    (async () => {
      expect(await readTombstones(disk, 'x-1.tsm')).toEqual([]);
      await addTombstones({ disk, turn }, 'x-1.tsm', added(some));
      await addTombstones({ disk, turn }, 'x-1.tsm', added(some.slice(1)));
      expect(await readTombstones(disk, 'x-1.tsm')).toEqual([...some, ...some.slice(1)]);
      const many = Array.from({ length: 25_000 }, (_, i) => ({ key: `k${i}`, minTimeNs: 1n, maxTimeNs: 2n })); // prettier-ignore
      await addTombstones({ disk, turn }, 'y-1.tsm', added(many));
      expect(await readTombstones(disk, 'y-1.tsm')).toEqual(many);
    })(),
  );
});

/** One entry as all versions have it. */
function plainEntry(): Uint8Array {
  const bytes = new Uint8Array(4 + 1 + 16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 1);
  bytes[4] = 'k'.charCodeAt(0);
  view.setBigInt64(5, 7n);
  view.setBigInt64(13, 9n);
  return bytes;
}

test('tombstones: the earlier versions of the reference are read', () => {
  const wanted = [{ key: 'k', minTimeNs: 7n, maxTimeNs: 9n }];
  expect(decodeTombstones('p', Buffer.from([0, 0, 0x15, 2, ...plainEntry()]))).toEqual(wanted);
  const packed = Buffer.concat([Buffer.from([0, 0, 0x15, 3]), gzipSync(plainEntry())]);
  expect(decodeTombstones('p', packed)).toEqual(wanted);
  expect(decodeTombstones('p', Buffer.from([0, 0, 0x15, 4]))).toEqual([]);
});

test('tombstones: cut anywhere or with any bit turned over they are corrupt, never fewer', () => {
  const whole = Buffer.concat([Buffer.from([0, 0, 0x15, 4]), gzipSync(plainEntry()), gzipSync(plainEntry())]); // prettier-ignore
  const wanted = decodeTombstones('p', whole);
  const outcome = (bytes: Uint8Array): string => {
    try {
      return JSON.stringify(decodeTombstones('p', bytes).map(String)) === JSON.stringify(wanted.map(String)) ? 'same' : 'other'; // prettier-ignore
    } catch (error) {
      return isDbError(error, 'corrupt') ? 'corrupt' : String(error);
    }
  };
  const oneMember = 4 + gzipSync(plainEntry()).length;
  for (let end = 0; end < whole.length; end++) {
    // A file is replaced as a whole, so that none of its members can be missing.
    if (end === 4 || end === oneMember) continue;
    expect(outcome(whole.subarray(0, end)), `cut at ${end}`).toBe('corrupt');
  }
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const bytes = Uint8Array.from(whole);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(['corrupt', 'same'], `bit ${bit}`).toContain(outcome(bytes));
  }
});

test('deleted ranges: those that touch become one', () => {
  const check = (text: readonly (readonly [bigint, bigint])[], want: string): void => {
    const ranges = text.reduce<ReturnType<typeof withRange>>(
      (all, [from, to]) => withRange(all, range(from, to)),
      [],
    );
    expect(ranges.map(({ minTimeNs, maxTimeNs }) => `${minTimeNs}..${maxTimeNs}`).join(' ')).toBe(want); // prettier-ignore
  };
  check([], '');
  check([[5n, 6n], [1n, 2n]], '1..2 5..6'); // prettier-ignore
  check([[1n, 2n], [3n, 4n]], '1..4'); // prettier-ignore
  check([[1n, 2n], [5n, 6n], [2n, 5n]], '1..6'); // prettier-ignore
  check([[least, most], [1n, 2n]], `${least}..${most}`); // prettier-ignore
  expect(covers([range(1n, 6n)], range(1n, 6n))).toBe(true);
  expect(covers([range(1n, 6n)], range(1n, 7n))).toBe(false);
});

test('deleted ranges: the rows that are left', () => {
  const timesNs = [1n, 3n, 5n, 7n];
  const spans = (...ranges: readonly ReturnType<typeof range>[]): string =>
    keptSpans(timesNs.length, (row) => timesNs[row] ?? 0n, ranges).join(' ');
  expect(spans()).toBe('0,4');
  expect(spans(range(3n, 5n))).toBe('0,1 3,4');
  expect(spans(range(least, 1n), range(6n, most))).toBe('1,3');
  expect(spans(range(least, most))).toBe('');
  expect(spans(range(2n, 2n))).toBe('0,1 1,4');
});
