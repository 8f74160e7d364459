import { expect, test } from 'vitest';
import {
  copyOver,
  deleteOf,
  fillSource,
  incoming,
  openDestination,
  openSource,
  pointsOf,
  stage,
  stamped,
} from '../../../../test/support/copy-script.ts';
import { makeStamp } from '../../../models/stamp.ts';
import {
  batchOf,
  deleteOf as stampedDelete,
  kept,
  readField,
} from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { Latch } from '../../../base/async/latch.ts';
import type { Disk } from '../../../env/disk.ts';
import type { Env } from '../../../env/env.ts';

async function onNode(body: (env: Env) => Promise<void>): Promise<void> {
  const world = new World(7);
  await world.complete(body(world.addNode('a').env));
}

const ofSource = '10:1 11:1 20:2 21:2 30:3';

test('install: an empty shard gets what the source had, with its deletes and its index', async () => {
  await onNode(async ({ disk, clock }) => {
    const source = await openSource(disk, clock);
    await fillSource(source);
    const store = await openDestination(disk, clock);
    await copyOver(disk, source, store);
    expect(pointsOf(store)).toBe(`${ofSource} | 2 | 0`);
    expect(store.facts.numbers[0]?.seriesCount).toBe(source.facts.numbers[0]?.seriesCount);
    // The source goes on.
    expect(pointsOf(source)).toBe(`${ofSource} | 2 | 0`);
    await store.close();
    const again = await openDestination(disk, clock);
    expect(pointsOf(again)).toBe(`${ofSource} | 2 | 0`);
    await again.compact(7);
    expect(pointsOf(again)).toBe(`${ofSource} | 2 | 0`);
    await Promise.all([again.close(), source.close()]);
  });
});

test('install: one that was set aside is read by nobody until a copy has come as a whole, whatever makes it again', async () => {
  await onNode(async ({ disk, clock }) => {
    const source = await openSource(disk, clock);
    await fillSource(source);
    const store = await openDestination(disk, clock);
    await store.write(kept, batchOf('m,h=a v=1 10'));
    const seen = new Set<string>();
    const reading = clock.every(1, () => {
      seen.add(pointsOf(store));
    });
    await clock.sleep(5);
    await store.setAside(7);
    expect(store.lacks(7)).toBe(true);
    // A client's, that knows nothing of a copy.
    await store.write(kept, batchOf('m,h=e v=7 40'));
    expect(await store.transfers.expectCopy(incoming)).toBe(true);
    await copyOver(disk, source, store);
    reading.cancel();
    const [before, ...meanwhile] = seen;
    const whole = '10:1 11:1 20:2 21:2 30:3 40:7 | 2 | 0';
    expect(before).toMatch(/^10:1 /);
    expect(meanwhile.filter((one) => one !== whole)).toEqual(['shard 7 is being copied to this node']); // prettier-ignore
    expect(pointsOf(store)).toBe(whole);
    expect([store.lacks(7), await store.transfers.expectCopy(incoming)]).toEqual([false, false]);
    await Promise.all([store.close(), source.close()]);
  });
});

test('install: a shard whose copy will never come is what it has, also after a restart', async () => {
  await onNode(async ({ disk, clock }) => {
    const store = await openDestination(disk, clock);
    await store.transfers.expectCopy(incoming);
    await store.write(kept, batchOf('m,h=e v=7 40'));
    expect(store.facts.awaitingIds).toEqual([7]);
    await store.close();
    const again = await openDestination(disk, clock);
    expect(pointsOf(again)).toBe('shard 7 is being copied to this node');
    await again.transfers.expectNone(7);
    expect([pointsOf(again), again.facts.awaitingIds]).toEqual(['40:7 | - | 0', []]);
    await again.close();
    const last = await openDestination(disk, clock);
    expect(pointsOf(last)).toBe('40:7 | - | 0');
    await last.close();
  });
});

test('install: one that was set aside is no empty one where its node ends before a copy is awaited', async () => {
  await onNode(async ({ disk, clock }) => {
    const source = await openSource(disk, clock);
    await fillSource(source);
    const store = await openDestination(disk, clock);
    await store.write(kept, batchOf('m,h=a v=1 10'));
    await store.setAside(7);
    await store.close();
    const again = await openDestination(disk, clock);
    expect(pointsOf(again)).toMatch(/^shard 7 is damaged: .* the folder of the shard is gone$/);
    await expect(again.write(kept, batchOf('m,h=e v=7 40'))).rejects.toThrow('is damaged');
    await again.setAside(7);
    await again.transfers.expectCopy(incoming);
    await copyOver(disk, source, again);
    expect(pointsOf(again)).toBe(`${ofSource} | 2 | 0`);
    // Another one that is dropped while nothing of it is here is not missed.
    await again.setAside(7);
    await again.deleteShard(7);
    await again.close();
    const last = await openDestination(disk, clock);
    expect(last.facts.places).toEqual([]);
    await Promise.all([last.close(), source.close()]);
  });
});

test('install: a shard is not read before, and what came to it meanwhile is above what is brought', async () => {
  await onNode(async ({ disk, clock }) => {
    const source = await openSource(disk, clock);
    await fillSource(source);
    const store = await openDestination(disk, clock);
    await store.write(incoming, batchOf('m,h=a v=7 20\nm,h=e v=7 40\no v=7i 5'));
    await store.flush(7);
    await store.write(incoming, batchOf('m,h=f v=8 50\nm,h=b,n=x extra=1 51'));
    expect(pointsOf(store)).toBe('shard 7 is being copied to this node');
    expect(await store.facts.states()).toEqual([]);
    const wanted = '10:1 11:1 20:7 21:2 30:3 40:7 50:8 | 7 | 0';
    await copyOver(disk, source, store);
    expect(pointsOf(store)).toBe(wanted);
    // a to f, one with a tag more, and the register.
    expect(store.facts.numbers[0]?.seriesCount).toBe(8);
    expect(readField(store, 'm', 'extra')).toEqual([{ time: 51, value: '1' }]);
    await store.write(kept, batchOf('m,h=a v=9 10'));
    await store.close();
    const again = await openDestination(disk, clock);
    expect(pointsOf(again)).toBe(wanted.replace('10:1', '10:9'));
    await again.flush(7);
    await again.compact(7);
    expect(pointsOf(again)).toBe(wanted.replace('10:1', '10:9'));
    expect(again.facts.numbers[0]?.seriesCount).toBe(8);
    await Promise.all([again.close(), source.close()]);
  });
});

test('install: a delete that came meanwhile is done to what is brought, not to what was written after it', async () => {
  await onNode(async ({ disk, clock }) => {
    const source = await openSource(disk, clock);
    await fillSource(source);
    const store = await openDestination(disk, clock);
    await store.write(incoming, batchOf('m,h=a v=7 12'));
    const staging = await stage(disk, source);
    await store.transfers.install(incoming, { staging, deletes: [deleteOf('m')] });
    expect(pointsOf(store)).toBe('12:7 | 2 | 0');
    // a, and the register: what is deleted shows no more.
    expect(store.facts.numbers[0]?.seriesCount).toBe(2);
    await store.close();
    const again = await openDestination(disk, clock);
    expect(pointsOf(again)).toBe('12:7 | 2 | 0');
    await Promise.all([again.close(), source.close()]);
  });
});

test('install: the same copy is taken once, and points that are no copy are no place for one', async () => {
  await onNode(async ({ disk, clock }) => {
    const source = await openSource(disk, clock);
    await fillSource(source);
    const store = await openDestination(disk, clock);
    await copyOver(disk, source, store);
    const files = store.facts.numbers[0]?.fileCount;
    await copyOver(disk, source, store);
    expect(store.facts.numbers[0]?.fileCount).toBe(files);
    const other = { ...incoming, copyIndex: 6 };
    const staging = await stage(disk, source);
    await expect(store.transfers.install(other, { staging, deletes: [] })).rejects.toThrow(
      'shard 7 has points here already',
    );
    expect(pointsOf(store)).toBe(`${ofSource} | 2 | 0`);
    await Promise.all([store.close(), source.close()]);
  });
});

/** Whoever opens a file that waits to be installed is held up until `gate` is open. */
function heldUp(disk: Disk, gate: Promise<void>): Disk {
  return new Proxy(disk, {
    get(inner, name) {
      const member: unknown = Reflect.get(inner, name);
      if (typeof member !== 'function') return member;
      const call = member.bind(inner) as (path: string, ...rest: unknown[]) => unknown;
      if (name !== 'open') return call;
      return async (path: string, mode: string) => {
        if (mode === 'read' && path.includes('.staging-')) await gate;
        return call(path, mode);
      };
    },
  });
}

test('install: of a shard that is gone by then nothing is done to the one that took its place', async () => {
  await onNode(async ({ disk, clock }) => {
    const source = await openSource(disk, clock);
    await fillSource(source);
    const gate = new Latch<void>();
    const store = await openDestination(heldUp(disk, gate.promise), clock);
    await store.transfers.expectCopy(incoming);
    const staging = await stage(disk, source);
    const installed = store.transfers.install(incoming, { staging, deletes: [] }).then(
      () => 'installed',
      (error: unknown) => String(error),
    );
    await store.deleteShard(7);
    await store.write(kept, batchOf('m,h=e v=7 40'));
    await store.flush(7);
    gate.open();
    expect(await installed).toContain('shard is deleted');
    await store.close();
    const again = await openDestination(disk, clock);
    expect(pointsOf(again)).toBe('40:7 | - | 0');
    expect(again.facts.health.damaged).toEqual([]);
    await Promise.all([again.close(), source.close()]);
  });
});

test.each([
  ['in memory alone', 0, 0],
  ['in files above those of the copy', 4, 0],
  ['in both', 1, 1],
] as const)(
  'install: a shard with points %s that was made for no copy takes none, and stays as it was',
  async (_, flushes, writes) => {
    await onNode(async ({ disk, clock }) => {
      const source = await openSource(disk, clock);
      await fillSource(source);
      const store = await openDestination(disk, clock);
      await store.write(kept, batchOf('m,h=a v=9 10'));
      for (let i = 0; i < flushes; i++) {
        await store.write(kept, batchOf(`m,h=a v=9 ${10 + i}`));
        await store.flush(7);
      }
      if (flushes > 1) await store.compact(7);
      for (let i = 0; i < writes; i++) await store.write(kept, batchOf('m,h=a v=9 90'));
      const before = pointsOf(store);
      const staging = await stage(disk, source);
      await expect(store.transfers.install(incoming, { staging, deletes: [] })).rejects.toThrow('shard 7 has points here already'); // prettier-ignore
      expect(pointsOf(store)).toBe(before);
      await store.close();
      const again = await openDestination(disk, clock);
      expect(pointsOf(again)).toBe(before);
      await Promise.all([again.close(), source.close()]);
    });
  },
);

test('snapshot: has what was acknowledged before it, and stays as it was; the next start removes it', async () => {
  await onNode(async ({ disk, clock }) => {
    const source = await openSource(disk, clock);
    expect(await source.transfers.snapshot(7, 1)).toBeUndefined();
    await fillSource(source);
    const snapshot = await source.transfers.snapshot(7, 1);
    const folder = 'here/db/autogen/7.snapshot-1';
    expect(snapshot?.folder).toBe(folder);
    expect(snapshot?.files.at(-1)?.name).toBe('shard.json');
    const bytesOf = async () => {
      const files = (snapshot?.files ?? []).map(({ name }) => disk.readFile(`${folder}/${name}`));
      return (await Promise.all(files)).map((bytes) => bytes.length);
    };
    const before = await bytesOf();
    expect(before).toEqual(snapshot?.files.map(({ lengthBytes }) => lengthBytes));
    await source.write(kept, batchOf('m,h=a v=4 31'));
    await source.deletePoints(7, deleteOf('o'));
    await source.flush(7);
    await source.compact(7);
    expect(await bytesOf()).toEqual(before);
    await source.deleteShard(7);
    expect(await bytesOf()).toEqual(before);
    await source.close();
    await (await openSource(disk, clock)).close();
    expect(await disk.list(folder)).toEqual([]);
  });
});

test('install: a delete that the source has seen counts here too, for what came meanwhile and for what comes late', async () => {
  await onNode(async ({ disk, clock }) => {
    const source = await openSource(disk, clock);
    await source.write(kept, stamped('m,h=a v=1 1\nm,h=a v=1 2', 10n));
    const range = { minTimeNs: 0n, maxTimeNs: 99n };
    const erase = stampedDelete('m', range, makeStamp(20n, 1));
    await source.deletePoints(7, erase);
    await source.write(kept, stamped('m,h=a v=2 2', 30n));
    const store = await openDestination(disk, clock);
    // Hints that reach the new owner before the copy does: one of before the delete, and one of after it.
    await store.write(incoming, stamped('m,h=a v=5 3\no v=5i 3', 15n));
    await store.write(incoming, stamped('m,h=a v=6 4', 25n));
    const staging = await stage(disk, source);
    // It came while the copy was under way, and the source had done it already.
    await store.transfers.install(incoming, { staging, deletes: [erase] });
    const wanted = '2:2 4:6';
    const shown = (): string => readField(store, 'm', 'v').map(({ time, value }) => `${time}:${value}`).join(' '); // prettier-ignore
    expect(shown()).toBe(wanted);
    await store.write(kept, stamped('m,h=a v=7 5', 16n));
    expect(shown()).toBe(wanted);
    await Promise.all([store.close(), source.close()]);
  });
});

test('install: a delete that came while a copy was awaited is done to a copy of an owner that has not heard of it', async () => {
  await onNode(async ({ disk, clock }) => {
    const source = await openSource(disk, clock);
    await source.write(kept, stamped('m,h=a v=1 1\nm,h=b v=1 2', 10n));
    await source.flush(7);
    await source.write(kept, stamped('m,h=a v=1 200', 11n));
    await source.flush(7);
    const store = await openDestination(disk, clock);
    await store.transfers.expectCopy(incoming);
    const erase = stampedDelete('m', { minTimeNs: 0n, maxTimeNs: 99n }, makeStamp(20n, 1));
    await store.deletePoints(7, erase);
    // Its node ends, and the copy that is awaited begins afterwards.
    await store.close();
    const again = await openDestination(disk, clock);
    await source.write(kept, stamped('m,h=a v=3 3', 30n));
    const staging = await stage(disk, source);
    await again.transfers.install(incoming, { staging, deletes: [] });
    const shown = readField(again, 'm', 'v').map(({ time, value }) => `${time}:${value}`).join(' '); // prettier-ignore
    expect(shown).toBe('3:3 200:1');
    await Promise.all([again.close(), source.close()]);
  });
});

test('install: a delete at any moment of it is done to the copy as well', async () => {
  const install = { isOver: false };
  for (let ms = 0; !install.isOver; ms++)
    await onNode(async ({ disk, clock }) => {
      const source = await openSource(disk, clock);
      await source.write(kept, stamped('m,h=a v=1 1\nm,h=b v=1 2\nm,h=a v=1 200', 10n));
      const store = await openDestination(disk, clock);
      await store.transfers.expectCopy(incoming);
      const staging = await stage(disk, source);
      const installing = store.transfers.install(incoming, { staging, deletes: [] }).then(() => {
        install.isOver = true;
      });
      await clock.sleep(ms);
      const hasEnded = install.isOver;
      await store.deletePoints(7, stampedDelete('m', { minTimeNs: 0n, maxTimeNs: 99n }, makeStamp(20n, 1))); // prettier-ignore
      await installing;
      install.isOver = hasEnded;
      const shown = readField(store, 'm', 'v').map(({ time, value }) => `${time}:${value}`).join(' '); // prettier-ignore
      expect(shown, `after ${ms} ms`).toBe('200:1');
      await Promise.all([store.close(), source.close()]);
    });
});
