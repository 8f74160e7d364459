import { expect, test } from 'vitest';
import { DbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import type { Env } from '../../../env/env.ts';
import type { Log } from '../../../env/log.ts';
import {
  batchOf,
  doomed,
  kept,
  openStore,
  readField,
} from '../../../../test/support/store-script.ts';
import { World, type SimNode } from '../../../../test/sim/world/world.ts';
import { decodeRecordHeader, encodeRecordHeader, WalRecordKind } from '../../wal/wal-record.ts';
import { markName } from './damage-mark.ts';
import type { Store } from '../store.ts';

const other = doomed;
const mark = `data/db/autogen/7/${markName}`;

/** Six records of shard 7 and two of shard 8 in one segment, each synced alone; shard 9 has none. */
async function fill({ disk, clock, random }: Env): Promise<void> {
  const store = await openStore(disk, clock, { random, segmentBytesMax: 100_000 });
  for (let i = 1; i <= 6; i++) {
    await store.write(kept, batchOf(`m v=${i} ${i}`));
    if (i % 3 === 0) await store.write(other, batchOf(`m v=${i} ${i}`));
  }
  await store.write({ ...kept, shardId: 9 }, batchOf('m v=1 1'));
  await store.flush(9);
  await store.close();
}

interface Place {
  readonly path: string;
  readonly offset: number;
  readonly kind: number;
  readonly shardId: number;
  readonly sequence: number;
}

/** Every record of the log, in order. */
async function recordsIn(disk: Disk): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const { name } of await disk.list('wal')) {
    if (!name.endsWith('.wal')) continue;
    const path = `wal/${name}`;
    const bytes = await disk.readFile(path);
    const salt = Number.parseInt(name.slice(-12, -4), 16);
    for (let offset = 0; offset < bytes.length;) {
      const header = decodeRecordHeader(bytes.subarray(offset), salt);
      if (header === undefined) break;
      places.push({ path, offset, ...header });
      offset += 40 + header.bitmapBytes + header.payloadBytes;
    }
  }
  return places;
}

async function recordOf(disk: Disk, shardId: number, sequence: number): Promise<Place> {
  const places = await recordsIn(disk);
  const found = places.find((one) => one.shardId === shardId && one.sequence === sequence);
  if (found === undefined) throw new Error(`no record ${sequence} of shard ${shardId}`);
  return found;
}

async function overwrite(
  disk: Disk,
  path: string,
  offset: number,
  bytes: Uint8Array,
): Promise<void> {
  const all = (await disk.readFile(path)).slice();
  all.set(bytes.subarray(0, all.length - offset), offset);
  await disk.replaceFile(path, all);
}

async function flip(disk: Disk, path: string, offset: number): Promise<void> {
  const byte = (await disk.readFile(path))[offset] ?? 0;
  await overwrite(disk, path, offset, Uint8Array.of(byte ^ 4));
}

function timesIn(store: Store, shardId: number): readonly number[] | string {
  try {
    return readField(store, 'm', 'v', shardId).map(({ time }) => time);
  } catch (error) {
    return (error as Error).message;
  }
}

interface Line {
  readonly message: string;
  readonly fields: unknown;
}

function logInto(lines: Line[]): Log {
  const write = (message: string, fields: unknown) => void lines.push({ message, fields });
  return { info: () => undefined, warn: write, error: write } as unknown as Log;
}

/** What each shard says after the damage; then the same again after another start. */
async function afterDamage(
  damage: (env: Env) => Promise<void>,
  check: (store: Store, lines: readonly Line[]) => void,
  end: (env: Env) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const world = new World(3);
  const { env } = world.addNode('a');
  const work = async () => {
    await fill(env);
    await damage(env);
    for (let start = 0; start < 2; start++) {
      const lines: Line[] = [];
      const store = await openStore(env.disk, env.clock, { random: env.random, log: logInto(lines) }); // prettier-ignore
      check(store, start === 0 ? lines : [{ message: '', fields: undefined }]);
      await store.close();
    }
    await end(env);
  };
  await world.complete(work());
}

test.each([
  ['header', 9],
  ['payload', 60],
])(
  'store: a flipped bit in the %s of a record costs its shard alone, which says so for good, and is logged',
  async (_where, at) => {
    let damaged: Place | undefined;
    await afterDamage(
      async ({ disk }) => {
        damaged = await recordOf(disk, 7, 4);
        await flip(disk, damaged.path, damaged.offset + at);
      },
      (store, [line]) => {
        const { path = '', offset = 0 } = damaged ?? {};
        expect(timesIn(store, 7)).toContain(
          `${path}: records of the shard may be lost at ${offset}`,
        );
        expect(timesIn(store, 8)).toEqual([3, 6]);
        expect(timesIn(store, 9)).toEqual([1]);
        if (line?.message === '') return;
        expect(line?.message).toBe('Damaged bytes in the write-ahead log');
        expect(line?.fields).toMatchObject({ path, offset, kind: 'damaged', shards: '7' });
      },
      async ({ disk, clock }) => {
        const names = (await disk.list('wal')).map(({ name }) => name);
        expect(names.filter((name) => name.endsWith('.bad'))).toHaveLength(1);
        // Who accepts the loss removes the mark: every other record is there.
        await disk.remove(mark);
        const store = await openStore(disk, clock);
        expect(timesIn(store, 7)).toEqual([1, 2, 3, 5, 6]);
        await store.write(kept, batchOf('m v=7 7'));
        await store.close();
        const again = await openStore(disk, clock);
        expect(timesIn(again, 7)).toEqual([1, 2, 3, 5, 6, 7]);
        await again.close();
      },
    );
  },
);

test('store: a damaged vouch costs nothing', async () => {
  await afterDamage(
    async ({ disk }) => {
      const vouch = (await recordsIn(disk)).find(({ kind, offset }) => kind === WalRecordKind.vouch && offset > 400); // prettier-ignore
      await flip(disk, vouch?.path ?? '', (vouch?.offset ?? 0) + 8);
    },
    (store) => {
      expect([7, 8, 9].map((shardId) => timesIn(store, shardId))).toEqual([[1, 2, 3, 4, 5, 6], [3, 6], [1]]); // prettier-ignore
    },
  );
});

test('store: a sector of zeros costs the shards of its records, as the next whole record knows them', async () => {
  await afterDamage(
    async ({ disk }) => {
      const from = await recordOf(disk, 7, 4);
      const to = await recordOf(disk, 7, 6);
      await overwrite(
        disk,
        from.path,
        from.offset + 1,
        new Uint8Array(to.offset - from.offset + 7),
      );
    },
    (store) => {
      expect(timesIn(store, 7)).toContain('may be lost');
      expect(timesIn(store, 8)).toEqual([3, 6]);
      expect(timesIn(store, 9)).toEqual([1]);
    },
  );
});

test('store: damage of what is in files already costs nothing', async () => {
  await afterDamage(
    async ({ disk, clock, random }) => {
      const before = await openStore(disk, clock, { random });
      await before.flush(7);
      const { path, offset } = await recordOf(disk, 7, 4);
      await before.close();
      await flip(disk, path, offset + 9);
    },
    (store) => {
      expect([7, 8].map((shardId) => timesIn(store, shardId))).toEqual([[1, 2, 3, 4, 5, 6], [3, 6]]); // prettier-ignore
    },
  );
});

test.each(['removed', 'cut'])(
  'store: a segment that was %s is missed by the next one',
  async (how) => {
    await afterDamage(
      async ({ disk, clock, random }) => {
        await disk.removeTree('wal');
        await disk.removeTree('data');
        await disk.removeTree('meta');
        const store = await openStore(disk, clock, { random, segmentBytesMax: 300 });
        for (let i = 1; i <= 6; i++) await store.write(kept, batchOf(`m v=${i} ${i}`));
        await store.write(other, batchOf('m v=3 3\nm v=6 6'));
        await store.write({ ...kept, shardId: 9 }, batchOf('m v=1 1'));
        await store.close();
        const { path, offset } = await recordOf(disk, 7, 4);
        if (how === 'removed') await disk.remove(path);
        else await disk.replaceFile(path, (await disk.readFile(path)).slice(0, offset + 11));
      },
      (store) => {
        expect(timesIn(store, 7)).toContain('may be lost');
        expect(timesIn(store, 8)).toEqual([3, 6]);
        expect(timesIn(store, 9)).toEqual([1]);
      },
    );
  },
);

test('store: a record that a client has put into a value is never replayed', async () => {
  await afterDamage(
    async ({ disk, clock, random }) => {
      const store = await openStore(disk, clock, { random, segmentBytesMax: 100_000 });
      await store.write(kept, batchOf(`m s="${'x'.repeat(900)}" 7`));
      await store.close();
      const { path, offset } = await recordOf(disk, 7, 7);
      const payload = batchOf('m v=99 99');
      const rejectBitmap = new Uint8Array();
      const forged = { kind: WalRecordKind.points, codec: 0, shardId: 8, sequence: 99, rejectBitmap, payload }; // prettier-ignore
      const bytes = [...encodeRecordHeader(forged, 0), ...payload];
      await overwrite(disk, path, offset + 300, Uint8Array.from(bytes));
      await flip(disk, path, offset + 9);
    },
    (store) => {
      expect(timesIn(store, 7)).toContain('may be lost');
      expect(timesIn(store, 8)).toEqual([3, 6]);
    },
  );
});

test('store: a sector that the disk does not read costs its shard until it is read again, and nothing on the disk', async () => {
  await afterDamage(
    async (env) => {
      const { disk, clock } = env;
      const { path, offset } = await recordOf(disk, 7, 4);
      const before = await disk.readFile(path);
      const store = await openStore(unreadableAt(disk, path, offset), clock);
      expect(timesIn(store, 7)).toContain('may be lost');
      // One group was not vouched for when the sector begins there: what it held is not known of.
      expect(timesIn(store, 9)).toContain('may be lost');
      await store.close();
      expect(await disk.readFile(path)).toEqual(before);
    },
    (store) => {
      expect(timesIn(store, 7)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(timesIn(store, 9)).toEqual([1]);
    },
  );
});

test('store: a shard.json that the disk fails to read once is no reason to miss what was in the log before', async () => {
  const world = new World(3);
  const work = async ({ disk, clock, random }: Env) => {
    const store = await openStore(disk, clock, { random, segmentBytesMax: 100 });
    await store.write(kept, batchOf('m v=1 1'));
    await store.write(other, batchOf('m v=1 1'));
    await store.flush(7);
    await store.write(kept, batchOf('m v=2 2'));
    await store.close();
    // What is in files has left the log, and a later record still speaks of it.
    expect((await recordsIn(disk)).some(({ shardId, sequence }) => shardId === 7 && sequence === 1)).toBe(false); // prettier-ignore
    const readFile = (path: string) =>
      path === 'data/db/autogen/7/shard.json'
        ? Promise.reject(new DbError('io_error', `read ${path}: EIO`))
        : disk.readFile(path);
    const blind = await openStore(bound(disk, { readFile }), clock);
    expect(timesIn(blind, 8)).toEqual([1]);
    await blind.close();
    expect(await disk.list('data/db/autogen/7')).not.toContainEqual(expect.objectContaining({ name: markName })); // prettier-ignore
    const again = await openStore(disk, clock);
    expect(timesIn(again, 7)).toEqual([1, 2]);
    await again.close();
  };
  await world.complete(work(world.addNode('a').env));
});

/** The disk, whose file at `path` cannot be read from `offset` on. */
function unreadableAt(disk: Disk, path: string, offset: number): Disk {
  const open = async (name: string, mode: 'create' | 'open' | 'append' | 'read') => {
    const file = await disk.open(name, mode);
    if (name !== path) return file;
    const readAt = (at: number, into: Uint8Array) =>
      at + into.length > offset
        ? Promise.reject(new DbError('io_error', `read ${path}: EIO`))
        : file.readAt(at, into);
    return bound(file, { readAt });
  };
  return bound(disk, { open });
}

function bound<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get: (inner, name) => {
      const own: unknown = Reflect.get(replaced, name);
      if (own !== undefined) return own;
      const member: unknown = Reflect.get(inner, name);
      return typeof member === 'function' ? (member.bind(inner) as unknown) : member;
    },
  });
}

test('store: power lost after any call of the disk while damage is dealt with: never forgotten, never spread', async () => {
  for (let n = 1; ; n++) {
    const world = new World(n);
    const node: SimNode = world.addNode('a', { zeroTailRate: 0.3 });
    await world.complete(fill(node.env));
    const { path, offset } = await world.complete(recordOf(node.env.disk, 7, 4));
    await world.complete(flip(node.env.disk, path, offset + 9));
    const opening = { isOver: false };
    node.drive.afterCalls(n, () => {
      node.crash();
    });
    world.spawn(node, async ({ disk, clock }) => {
      await (await openStore(disk, clock)).close();
      opening.isOver = true;
    });
    await world.run(world.nowMs + 5_000);
    if (node.isAlive) node.crash();
    node.restart();
    const check = async () => {
      for (let start = 0; start < 2; start++) {
        const store = await openStore(node.env.disk, node.env.clock);
        expect(timesIn(store, 7), `call ${n}`).toContain('may be lost');
        expect([8, 9].map((shardId) => timesIn(store, shardId))).toEqual([[3, 6], [1]]);
        await store.close();
      }
    };
    await world.complete(check());
    if (opening.isOver) return;
    expect(n).toBeLessThan(300);
  }
});
