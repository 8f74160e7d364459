/**
 * What comes late to an owner that was started anew meanwhile: hints (decision 144), and what is brought again in the place of a node that died (decision
 * 126), which its owner may have had, and have forgotten that.
 */
import { expect, test } from 'vitest';
import { World, type SimNode } from '../../../test/sim/world/world.ts';
import {
  batchOf,
  deleteOf,
  kept,
  openStore,
  readField,
  silent,
} from '../../../test/support/store-script.ts';
import { FailingDisk } from '../../../test/support/failing-disk.ts';
import { makeStamp, markBrought, stampBatch } from '../../models/stamp.ts';
import type { Store } from './store.ts';

function said(line: string, ns: bigint, node: number): Uint8Array {
  const payload = batchOf(line);
  stampBatch(payload, makeStamp(ns, node));
  return payload;
}

function brought(line: string, ns: bigint, node: number): Uint8Array {
  const payload = said(line, ns, node);
  markBrought(payload);
  return payload;
}

const values = (store: Store): readonly string[] =>
  readField(store, 'm', 'v').map(({ time, value }) => `${time} ${value}`);

test('store: an owner that has restarted keeps what was written over a batch that is brought again, and gets what it lacks of it', () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const whole = async (): Promise<void> => {
    let store = await openStore(disk, clock);
    await store.write(kept, said('m v=1 10', 5_000n, 1));
    await store.write(kept, said('m v=2 10', 6_000n, 2));
    await store.flush(kept.shardId);
    // The log goes on, and has these no more.
    for (let time = 100; time < 120; time++) await store.write(kept, said(`m v=3 ${time}`, 7_000n + BigInt(time), 2)); // prettier-ignore
    await store.flush(kept.shardId);
    const first = values(store);
    for (let runs = 0; runs < 2; runs++) {
      await store.close();
      store = await openStore(disk, clock);
      if (runs === 0) await store.write(kept, brought('m v=1 10\nm v=1 11', 5_000n, 1));
      expect(values(store)).toEqual(['10 2', '11 1', ...first.slice(1)]);
    }
    await store.close();
  };
  return world.complete(whole());
});

test('store: a batch that is brought again and is remembered is no news', () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const whole = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    await store.write(kept, said('m v=1 10', 5_000n, 1));
    await store.write(kept, brought('m v=1 10\nm v=1 11', 5_000n, 1));
    expect(values(store)).toEqual(['10 1']);
    await store.close();
  };
  return world.complete(whole());
});

const later = ['m v=2 10', 'm v=4 11'] as const;

/**
 * An owner with `m v=3 10`, then `later` and more of it, all in one file of stamps from 4,000 on, that is started anew; behind that it takes `hint`
 * while it remembers all of it.
 */
async function startedAnew(
  { env: { disk, clock } }: SimNode,
  logKeptBytes: number,
  hint?: Uint8Array,
) {
  const warnings: string[] = [];
  const log = { ...silent, warn: (text: string) => warnings.push(text) };
  let store = await openStore(disk, clock, { logKeptBytes });
  await store.write(kept, said('m v=3 10', 4_000n, 1));
  await store.write(kept, said(later.join('\n'), 6_000n, 2));
  await store.flush(kept.shardId);
  for (let time = 100; time < 120; time++) await store.write(kept, said(`m v=0 ${time}`, 7_000n + BigInt(time), 2)); // prettier-ignore
  await store.flush(kept.shardId);
  await store.compact(kept.shardId);
  if (hint !== undefined) await store.write(kept, hint);
  const restart = async (): Promise<Store> => {
    await store.close();
    store = await openStore(disk, clock, { logKeptBytes, log });
    return store;
  };
  return { restart, warnings };
}

test('store: a hint that was written over meanwhile is not taken for the latest by an owner that was started anew', () => {
  const world = new World(1);
  const whole = async (): Promise<void> => {
    const { restart, warnings } = await startedAnew(world.addNode('a'), 1 << 20);
    const store = await restart();
    await store.write(kept, said('m v=1 10\nm v=1 12', 5_000n, 1));
    expect(values(store).slice(0, 3)).toEqual(['10 2', '11 4', '12 1']);
    expect(warnings).toEqual([]);
    // What the log has of it is held against the same, whatever came to files.
    await store.flush(kept.shardId);
    expect(values(await restart()).slice(0, 3)).toEqual(['10 2', '11 4', '12 1']);
    await (await restart()).close();
  };
  return world.complete(whole());
});

test('store: an owner that was started anew gets of what is brought again the last value that it lacks', () => {
  const world = new World(1);
  const whole = async (): Promise<void> => {
    const { restart } = await startedAnew(world.addNode('a'), 1 << 20);
    const store = await restart();
    await store.write(kept, brought('m v=5 11', 6_500n, 1));
    expect(values(store).slice(0, 2)).toEqual(['10 2', '11 5']);
    await store.close();
  };
  return world.complete(whole());
});

test('store: where the log does not go back so far a hint is taken for the latest, and that is said', () => {
  const world = new World(1);
  const whole = async (): Promise<void> => {
    const { restart, warnings } = await startedAnew(world.addNode('a'), 0);
    const store = await restart();
    await store.write(kept, said('m v=1 10', 5_000n, 1));
    expect(warnings).toEqual(['Late values whose order is not known were taken as the latest']);
    await store.close();
  };
  return world.complete(whole());
});

test('store: a hint that had lost is told of as the log brings it, where that does not go back so far', () => {
  const world = new World(1);
  const whole = async (): Promise<void> => {
    const hint = said('m v=1 10', 5_000n, 1);
    const { restart } = await startedAnew(world.addNode('a'), 0, hint);
    const store = await restart();
    const { shardId, database, retentionPolicy } = kept;
    const batches = [{ shardId, database, retentionPolicy, payload: hint }];
    expect(store.replayedDoubts()).toEqual({ batches, isLast: true });
    expect(store.replayedDoubts().batches).toEqual([]);
    await store.close();
    const sure = await startedAnew(world.addNode('b'), 1 << 20, hint);
    const remembering = await sure.restart();
    expect([values(remembering)[0], ...remembering.replayedDoubts().batches]).toEqual(['10 2']);
    await remembering.close();
  };
  return world.complete(whole());
});

test('store: where nobody can tell, what is brought again is left, and that is answered', () => {
  const world = new World(1);
  const whole = async (): Promise<void> => {
    const { restart, warnings } = await startedAnew(world.addNode('a'), 0);
    const store = await restart();
    const receipt = await store.write(kept, brought('m v=1 10\nm v=1 12', 5_000n, 1));
    expect([receipt.isUnclear, ...values(store).slice(0, 3)]).toEqual([
      true,
      '10 2',
      '11 4',
      '12 1',
    ]);
    expect((await store.write(kept, brought('m v=1 13', 5_001n, 1))).isUnclear).toBeUndefined();
    expect(warnings).toEqual([]);
    await store.close();
  };
  return world.complete(whole());
});

test('store: a batch that is brought twice is answered as it was taken, whatever was deleted meanwhile', () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const whole = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    await store.write(kept, said('m v="text" 1', 4_000n, 1));
    const lines = 'm w=1 10\nm v=1 11\nm v=1 12';
    const first = await store.write(kept, said(lines, 5_000n, 1));
    expect([first.droppedCount, first.reason]).toEqual([
      2,
      expect.stringContaining('field type conflict'),
    ]);
    const all = { minTimeNs: -(1n << 63n), maxTimeNs: (1n << 63n) - 1n };
    await store.deletePoints(kept.shardId, deleteOf('m', all, makeStamp(6_000n, 1)));
    const again = await store.write(kept, said(lines, 5_000n, 1));
    expect([again.droppedCount, again.reason]).toEqual([
      2,
      'points were refused when they came first',
    ]);
    await store.close();
  };
  return world.complete(whole());
});

test('store: a start remembers nothing of a shard that nobody else has', () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const whole = async (): Promise<void> => {
    for (const isAlone of [true, false]) {
      const store = await openStore(disk, clock, { logKeptBytes: 1 << 20 });
      await store.write({ ...kept, isAlone }, said(`m v=1 ${isAlone ? 10 : 11}`, isAlone ? 5_000n : 5_001n, 1)); // prettier-ignore
      await store.flush(kept.shardId);
      const { logMarks } = JSON.parse(manifestText(await disk.readFile('data/db/autogen/7/shard.json'))) as { logMarks?: { after: number } }; // prettier-ignore
      expect(logMarks?.after).toBe(isAlone ? undefined : 1);
      await store.close();
    }
  };
  return world.complete(whole());
});

/** Behind its checksum. */
function manifestText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  return text.slice(text.indexOf('{'));
}

test.each([
  ['a batch', said],
  ['what is brought again', brought],
])(
  'store: %s that is remembered stays where a delete is late, though a file has it with what is deleted, and nothing else of it is put over what is later',
  (_what, coming) => {
    const world = new World(1);
    const { disk, clock } = world.addNode('a').env;
    const whole = async (): Promise<void> => {
      // Two of them.
      const store = await openStore(disk, clock, { recentBytesMax: 850, log: silent });
      await store.write(kept, said('m v=1 10', 1_000n, 1));
      await store.write(kept, said('m,k=b v=3 30', 9_000n, 2));
      await store.write(kept, coming('m v=7 20\nm,k=b v=4 30', 5_000n, 1));
      await store.write(kept, said('m v=8 40', 9_001n, 2));
      await store.flush(kept.shardId);
      expect(values(store)).toEqual(['10 1', '20 7', '40 8', '30 3']);
      await store.deletePoints(kept.shardId, deleteOf('m', { minTimeNs: 0n, maxTimeNs: 25n }, makeStamp(2_000n, 2))); // prettier-ignore
      expect(values(store)).toEqual(['20 7', '40 8', '30 3']);
      await store.close();
    };
    return world.complete(whole());
  },
);

test.each([
  ['a batch', said],
  ['what is brought again', brought],
])(
  'store: %s that a late delete spared is there whenever the node dies meanwhile',
  async (_what, coming) => {
    const logKeptBytes = 1 << 20;
    for (let n = 1; ; n++) {
      const world = new World(1);
      const { disk, clock } = world.addNode('a').env;
      const failing = new FailingDisk(disk, { failAt: Infinity, code: 'io_error', stays: true });
      const whole = async (): Promise<boolean> => {
        let store = await openStore(failing, clock, { recentBytesMax: 850, log: silent, logKeptBytes }); // prettier-ignore
        await store.write(kept, said('m v=1 10', 1_000n, 1));
        await store.write(kept, said('n v=3 30', 9_000n, 2));
        await store.write(kept, coming('m v=7 20', 5_000n, 1));
        await store.flush(kept.shardId);
        // What goes to a file beside it is older than the delete.
        await store.write(kept, said('n v=1 5', 500n, 1));
        failing.failIn(n);
        const erase = deleteOf('m', { minTimeNs: 0n, maxTimeNs: 25n }, makeStamp(2_000n, 2));
        const isDone = await store.deletePoints(kept.shardId, erase).then(() => true, () => false); // prettier-ignore
        const { hasFailed } = failing;
        // Nor is what is in memory put in a file then.
        failing.failIn(1);
        await store.close().catch(() => undefined);
        store = await openStore(disk, clock, { recentBytesMax: 850, log: silent, logKeptBytes });
        if (!isDone) await store.deletePoints(kept.shardId, erase);
        expect(values(store), `call ${n}`).toEqual(['20 7']);
        await store.close();
        return hasFailed;
      };
      if (!(await world.complete(whole()))) break;
    }
  },
);
