import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { isDbError } from '../../base/errors.ts';
import { TsmFile } from './tsm-file.ts';
import { TsmWriter } from './tsm-writer.ts';
import { covers, keptSpans, withRange } from './deleted-ranges.ts';
import { addTombstones, decodeTombstones, readTombstones, type Tombstone } from './tombstones.ts';

const least = -(1n << 63n);
const most = (1n << 63n) - 1n;
const some: readonly Tombstone[] = [
  { key: Buffer.from('m,h=a#!~#v'), minTimeNs: least, maxTimeNs: most },
  { key: Buffer.from('ünï\ncode#!~#'), minTimeNs: -1n, maxTimeNs: 0n },
];

function range(minTimeNs: bigint, maxTimeNs: bigint) {
  return { minTimeNs, maxTimeNs };
}

/** With places to rest at among them. */
function* added(tombstones: readonly Tombstone[]): Generator<Tombstone | undefined> {
  for (const [i, tombstone] of tombstones.entries()) {
    if (i % 7 === 3) yield undefined;
    yield tombstone;
  }
}

function textsOf(tombstones: Iterable<Tombstone>): readonly string[] {
  return Array.from(tombstones, ({ key, minTimeNs, maxTimeNs }) => `${Buffer.from(key).toString()} ${minTimeNs} ${maxTimeNs}`); // prettier-ignore
}

test('tombstones: what was added is read, all of it', async () => {
  const world = new World(1);
  const { disk } = world.addNode('a').env;
  const turn = () => Promise.resolve();
  const readTexts = async (path: string) => textsOf((await readTombstones(disk, path)).list);
  await world.complete(
    (async () => {
      expect(await readTexts('x-1.tsm')).toEqual([]);
      await addTombstones({ disk, turn }, { path: 'x-1.tsm' }, added(some));
      await addTombstones({ disk, turn }, { path: 'x-1.tsm' }, added(some.slice(1)));
      expect(await readTexts('x-1.tsm')).toEqual(textsOf([...some, ...some.slice(1)])); // prettier-ignore
      const many = Array.from({ length: 25_000 }, (_, i) => ({ key: Buffer.from(`k${i}`), minTimeNs: 1n, maxTimeNs: 2n })); // prettier-ignore
      await addTombstones({ disk, turn }, { path: 'y-1.tsm' }, added(many));
      expect(await readTexts('y-1.tsm')).toEqual(textsOf(many));
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
  const wanted = ['k 7 9'];
  const decoded = (bytes: Uint8Array): readonly string[] => textsOf(decodeTombstones('p', bytes));
  expect(decoded(Buffer.from([0, 0, 0x15, 2, ...plainEntry()]))).toEqual(wanted);
  const packed = Buffer.concat([Buffer.from([0, 0, 0x15, 3]), gzipSync(plainEntry())]);
  expect(decoded(packed)).toEqual(wanted);
  expect(decoded(Buffer.from([0, 0, 0x15, 4]))).toEqual([]);
});

test('tombstones: what looks like the head of a member is within one, and an entry goes over from one to the next', () => {
  const looks = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]), Buffer.from('m#!~#f')]);
  const entry = Buffer.concat([Buffer.from([0, 0, 0, looks.length]), looks, plainEntry().subarray(5)]); // prettier-ignore
  // Not packed: the head is there as it is.
  const stored = gzipSync(entry, { level: 0 });
  expect(stored.indexOf(looks)).toBeGreaterThan(0);
  const [left, right] = [entry.subarray(0, 9), entry.subarray(9)];
  const members = [stored, gzipSync(left), gzipSync(right), gzipSync(plainEntry())];
  const whole = Buffer.concat([Buffer.from([0, 0, 0x15, 4]), ...members]);
  const texts = textsOf(decodeTombstones('p', whole));
  expect(texts).toEqual([...textsOf([entry, entry].map(() => ({ key: looks, minTimeNs: 7n, maxTimeNs: 9n }))), 'k 7 9']); // prettier-ignore
});

test('tombstones: cut anywhere or with any bit turned over they are corrupt, never fewer', () => {
  const whole = Buffer.concat([Buffer.from([0, 0, 0x15, 4]), gzipSync(plainEntry()), gzipSync(plainEntry())]); // prettier-ignore
  const wanted = textsOf(decodeTombstones('p', whole));
  const outcome = (bytes: Uint8Array): string => {
    try {
      return textsOf(decodeTombstones('p', bytes)).join() === wanted.join() ? 'same' : 'other';
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

test('tombstones: more than a gibibyte of them is read, unpacked one member after the other', () => {
  const keyBytes = 60_000;
  const entry = Buffer.alloc(4 + keyBytes + 16);
  entry.writeUInt32BE(keyBytes);
  const member = gzipSync(Buffer.concat(Array.from({ length: 512 }, () => entry)));
  const memberCount = 36;
  const whole = Buffer.concat([Buffer.from([0, 0, 0x15, 4]), ...Array.from({ length: memberCount }, () => member)]); // prettier-ignore
  let plainBytes = 0;
  for (const { key } of decodeTombstones('p', whole)) plainBytes += key.length;
  expect(plainBytes).toBe(memberCount * 512 * keyBytes);
  expect(plainBytes).toBeGreaterThan(2 ** 30);
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

test('tsm file: a million tombstones are taken in slices as it is opened', async () => {
  const world = new World(1);
  const { disk } = world.addNode('a').env;
  const keyCount = 2_000;
  await world.complete(
    (async () => {
      const writer = new TsmWriter(await disk.open('a-1.tsm', 'create'));
      const keys = Array.from({ length: keyCount }, (_, i) => Buffer.from(`m,h=${String(i).padStart(5, '0')}#!~#v`)); // prettier-ignore
      for (const key of keys)
        writer.add({ key, type: 0, minTimeNs: 1n, maxTimeNs: 9n, bytes: Uint8Array.of(1) });
      await writer.finish();
      const struck = keys.flatMap((key, i) => {
        if (i % 4 === 0) return [{ key, minTimeNs: 0n, maxTimeNs: 9n }];
        // Two halves cover it as well; one leaves the other.
        if (i % 4 === 1) return [{ key, minTimeNs: 1n, maxTimeNs: 4n }, { key, minTimeNs: 5n, maxTimeNs: 9n }]; // prettier-ignore
        return i % 4 === 2 ? [{ key, minTimeNs: 2n, maxTimeNs: 4n }] : [];
      });
      await addTombstones({ disk, turn: () => Promise.resolve() }, { path: 'a-1.tsm' }, struck);
      let restCount = 0;
      let ms = 0;
      const rest = (): Promise<void> => {
        restCount++;
        return Promise.resolve();
      };
      const clock = { monotonicMs: () => (ms += 20), sleep: rest };
      const file = await TsmFile.open({ disk, clock, turn: rest }, 'a-1.tsm');
      expect(restCount).toBeGreaterThanOrEqual(Math.floor(struck.length / 256));
      expect([...file.columns()].length).toBe(keyCount / 2);
      expect(file.hasTombstones).toBe(true);
      expect(file.deletedRanges(keys[2] ?? new Uint8Array())).toEqual([range(2n, 4n)]);
      expect(file.deletedRanges(keys[3] ?? new Uint8Array())).toEqual([]);
      await file.close();
    })(),
  );
});
