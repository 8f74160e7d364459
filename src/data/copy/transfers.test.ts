import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { batchOf, kept, readField } from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import type { Env } from '../../env/env.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import {
  installMethod,
  readFileMethod,
  releaseMethod,
  snapshotMethod,
  stageMethod,
  unstageMethod,
  writeFileMethod,
} from '../../meta/client/transfer-methods.ts';
import { RpcClient } from '../../rpc/rpc-client.ts';
import { createRpcHandlers } from '../../rpc/rpc-service.ts';
import { Store } from '../../storage/store/store.ts';
import type { LocalShards } from '../engine/local-shards.ts';
import { checkSnapshotFile } from '../../storage/store/transfers/check-snapshot-file.ts';
import { servedTransfers } from './served-transfers.ts';
import { Snapshots, type SnapshotsPorts } from './snapshots.ts';
import { Stagings } from './stagings.ts';

const gate = { check: () => ({ isTrusted: true }) };
const options = { deadlineMs: 5_000 };
const address = 'a:8088';

const group = { id: 1, startNs: 0n, endNs: 9n, shards: [{ id: 7, owners: [4] }, { id: 9, owners: [5] }] }; // prettier-ignore
const policy = { name: 'autogen', shardGroups: [group] };
const databases = Databases.of([{ name: 'db', retentionPolicies: [policy] }] as never);
const catalog = { ...emptyCatalog, databases, maxShardId: 9 };

/** A node that serves transfers of one store, and who asks it. */
async function serve({ disk, clock, log, transport }: Env) {
  const store = await Store.open(
    { disk, clock, log, turn: () => Promise.resolve() },
    {
      ...{ dataFolder: 'data', walFolder: 'wal', worker: 0, isHome: () => true },
      ...{ segmentBytesMax: 1 << 20, queueBytesMax: 1 << 20, snapshotBytes: 1 << 20 },
      ...{ snapshotColdMs: 600_000, cacheBytesMax: 1 << 24, memtablesBytesMax: 1 << 24 },
    },
  );
  const local = {
    snapshot: (shardId: number, number: number) => store.transfers.snapshot(shardId, number),
    checkFile: (...[, file, signal]: Parameters<LocalShards['checkFile']>) =>
      checkSnapshotFile({ disk, clock, turn: () => Promise.resolve(), isCancelled: () => signal.aborted }, file), // prettier-ignore
    install: ({ staging, ...place }: Parameters<LocalShards['install']>[0]) =>
      store.transfers.install(place, { staging, deletes: [] }),
  };
  const ports = { clock, disk, log, local };
  const snapshots = new Snapshots({ ...ports, giveWay: () => Promise.resolve() });
  const stagings = new Stagings(ports, { dataFolder: 'data' });
  const meta = { catalog: catalog as Catalog, nodeId: 4, reach: () => Promise.resolve() };
  const methods = servedTransfers({ meta, snapshots, stagings, copies: noCopies });
  await transport.listen(address, createRpcHandlers(gate, methods));
  const close = async (): Promise<void> => {
    await snapshots.close();
    await stagings.close();
    await store.close();
  };
  return { store, meta, rpc: new RpcClient(transport, { credentials: () => ({}) }), close };
}

const noCopies = {
  progress: [],
  async *follow(): AsyncGenerator<never> {
    await Promise.reject(new Error('none is asked for'));
  },
};

type Served = Awaited<ReturnType<typeof serve>>;

async function onNode(
  body: (served: Served, env: Env, world: World) => Promise<void>,
): Promise<void> {
  const world = new World(3);
  const { env } = world.addNode('a');
  const work = async (): Promise<void> => {
    const served = await serve(env);
    await body(served, env, world);
    await served.close();
  };
  await world.complete(work(), 3_600_000);
}

async function readFrom(
  { rpc }: Served,
  snapshotId: number,
  name: string,
  { offsetBytes = 0, asIs = false } = {},
): Promise<Uint8Array> {
  // prettier-ignore
  const pieces: Uint8Array[] = [];
  for await (const { piece, crc32: sum } of rpc.stream(
    address,
    readFileMethod,
    { snapshotId, name, offsetBytes, asIs },
    options,
  )) {
    // prettier-ignore
    expect(crc32(piece)).toBe(sum);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

test('transfers: files of a snapshot make a shard that was empty, sent in pieces and again where one was cut off', async () => {
  await onNode(async (served) => {
    const { rpc, store } = served;
    await store.write(kept, batchOf('m,h=a v=1 10\nm,h=b v=2 20'));
    const { snapshotId, files } = await rpc.call(address, snapshotMethod, { shardId: 7, catalogIndex: 0 }, options); // prettier-ignore
    const bytes = new Map<string, Uint8Array>();
    for (const { name, sizeBytes } of files) {
      const whole = await readFrom(served, snapshotId, name);
      expect(whole.length).toBe(sizeBytes);
      expect(await readFrom(served, snapshotId, name, { offsetBytes: sizeBytes - 3 })).toEqual(
        whole.subarray(-3),
      );
      bytes.set(name, whole);
    }
    await store.deleteShard(7);
    const { stagingId } = await rpc.call(address, stageMethod, { shardId: 7 }, options);
    for (const [name, whole] of bytes) {
      const send = async (offsetBytes: number, piece: Uint8Array, sum = crc32(piece)) => {
        const request = { stagingId, name, offsetBytes, piece, crc32: sum };
        return (await rpc.call(address, writeFileMethod, request, options)).sizeBytes;
      };
      const half = whole.length >> 1;
      expect(await send(0, whole.subarray(0, half))).toBe(half);
      // Sent again, from somewhere else, and damaged on its way: none is taken.
      expect(await send(0, whole.subarray(0, half))).toBe(half);
      expect(await send(half + 1, whole.subarray(half + 1))).toBe(half);
      expect(await send(half, whole.subarray(half), 1)).toBe(half);
      expect(await send(half, whole.subarray(half))).toBe(whole.length);
    }
    expect(() => store.view(7)).toThrow('shard 7 is not on this node');
    await rpc.call(address, installMethod, { stagingId, copyIndex: 1 }, options);
    expect(readField(store, 'm', 'v')).toEqual([
      { time: 10, value: '1' },
      { time: 20, value: '2' },
    ]);
    await expect(rpc.call(address, installMethod, { stagingId, copyIndex: 1 }, options)).rejects.toThrow(`staging ${stagingId} is gone`); // prettier-ignore
  });
});

test('transfers: a shard without points has no snapshot, one of another node is refused', async () => {
  await onNode(async ({ rpc }) => {
    const ask = (shardId: number) =>
      rpc.call(address, snapshotMethod, { shardId, catalogIndex: 0 }, options);
    expect(await ask(7)).toMatchObject({ snapshotId: 0, files: [] });
    await expect(ask(9)).rejects.toThrow('shard 9 is not on this node');
    await expect(rpc.call(address, stageMethod, { shardId: 9 }, options)).rejects.toThrow('shard 9 is not on this node'); // prettier-ignore
  });
});

test('transfers: snapshots and stagings leave nothing once they are released, idle or the node closes', async () => {
  await onNode(async (served, { disk, clock }, world) => {
    const { rpc, store } = served;
    await store.write(kept, batchOf('m v=1 10'));
    const folders = async () => (await disk.list('data/db/autogen')).map(({ name }) => name);
    const snapshot = () => rpc.call(address, snapshotMethod, { shardId: 7, catalogIndex: 0 }, options); // prettier-ignore
    const first = await snapshot();
    const { stagingId } = await rpc.call(address, stageMethod, { shardId: 7 }, options);
    expect(await folders()).toEqual(['7', '7.snapshot-1', '7.staging-1']);
    await rpc.call(address, releaseMethod, first, options);
    await rpc.call(address, unstageMethod, { stagingId }, options);
    expect(await folders()).toEqual(['7']);
    await expect(readFrom(served, first.snapshotId, 'shard.json')).rejects.toThrow('snapshot 1 is gone'); // prettier-ignore
    const second = await snapshot();
    // Reading keeps it.
    for (let i = 0; i < 4; i++) {
      await clock.sleep(300_000);
      await readFrom(served, second.snapshotId, 'shard.json');
    }
    expect(await folders()).toEqual(['7', `7.snapshot-${second.snapshotId}`]);
    await clock.sleep(700_000);
    expect(await folders()).toEqual(['7']);
    expect(world.nowMs).toBeGreaterThan(1_900_000);
  });
});

test('transfers: the snapshot of a copy that was given up goes long before one that somebody may come back for', async () => {
  await onNode(async ({ rpc, store, meta }, { disk, clock }) => {
    await store.write(kept, batchOf('m v=1 10'));
    const names = async () => (await disk.list('data/db/autogen')).map(({ name }) => name);
    const copy = { shardId: 7, sourceId: 4, destinationId: 5, startedNs: 1n, beganIndex: 3, state: 'copying' } as const; // prettier-ignore
    meta.catalog = { ...catalog, copies: [copy] };
    for (const catalogIndex of [3, 0])
      await rpc.call(address, snapshotMethod, { shardId: 7, catalogIndex }, options);
    await clock.sleep(120_000);
    expect(await names()).toEqual(['7', '7.snapshot-1', '7.snapshot-2']);
    meta.catalog = { ...catalog, copies: [{ ...copy, state: 'discarding' }] };
    await clock.sleep(40_000);
    expect(await names()).toEqual(['7', '7.snapshot-2']);
  });
});

test('transfers: as many snapshots as there may be, and no name of another file', async () => {
  await onNode(async (served) => {
    const { rpc, store } = served;
    await store.write(kept, batchOf('m v=1 10'));
    const ask = () => rpc.call(address, snapshotMethod, { shardId: 7, catalogIndex: 0 }, options);
    for (let i = 0; i < 64; i++) await ask();
    await expect(ask()).rejects.toThrow('too many snapshots: there are 64 already');
    for (const name of ['../shard.json', 'damaged.json', '000000001-000000001.tsm.bad', ''])
      await expect(readFrom(served, 1, name)).rejects.toThrow('is no file of a shard');
    await expect(readFrom(served, 1, '000000009-000000001.tsm')).rejects.toThrow('snapshot 1 has no 000000009-000000001.tsm'); // prettier-ignore
  });
});

test('transfers: a file with a damaged block, or a damaged part of its index, is not handed on, unless it is wanted as it is', async () => {
  for (const placeOf of [() => 20, (bytes: Uint8Array) => bytes.lastIndexOf(0x6d)])
    await onNode(async (served, { disk }) => {
      const { rpc, store } = served;
      await store.write(kept, batchOf('m,h=a v=1 10\nm,h=b v=2 20'));
      await store.flush(7);
      const path = 'data/db/autogen/7/000000001-000000001.tsm';
      const bytes = (await disk.readFile(path)).slice();
      const at = placeOf(bytes);
      bytes[at] = (bytes[at] ?? 0) ^ 0x20;
      const file = await disk.open(path, 'open');
      await file.writeAt(at, bytes.subarray(at, at + 1));
      await file.close();
      const { snapshotId, files } = await rpc.call(address, snapshotMethod, { shardId: 7, catalogIndex: 0 }, options); // prettier-ignore
      const [{ name } = { name: '' }] = files.filter((one) => one.name.endsWith('.tsm'));
      await expect(readFrom(served, snapshotId, name)).rejects.toMatchObject({
        code: 'corrupt',
        message: expect.stringMatching(/^shard 7 is damaged: .*is damaged$/) as string,
      });
      expect(await readFrom(served, snapshotId, name, { asIs: true })).toEqual(Buffer.from(bytes));
    });
});

test('transfers: a reader that leaves ends the check of the file that it read', async () => {
  const world = new World(3);
  const { clock, disk, log } = world.addNode('a').env;
  const name = '000000001-000000001.tsm';
  let checking: AbortSignal | undefined;
  const local: SnapshotsPorts['local'] = {
    snapshot: () => Promise.resolve({ folder: 'f', files: [{ name, lengthBytes: 900_000 }], idleMs: 0 }), // prettier-ignore
    checkFile: (_shardId, _file, signal) => {
      checking = signal;
      return new Promise(() => undefined);
    },
  };
  const work = async (): Promise<void> => {
    await disk.makeDir('f');
    await disk.replaceFile(`f/${name}`, new Uint8Array(900_000));
    const snapshots = new Snapshots({ clock, disk, log, local, giveWay: () => Promise.resolve() });
    const { snapshotId } = await snapshots.take(7);
    const pieces = snapshots.read({ snapshotId, name, offsetBytes: 0, asIs: false });
    const first = await pieces.next();
    expect(first.done === true ? 0 : first.value.piece.length).toBeGreaterThan(0);
    expect(checking?.aborted).toBe(false);
    await pieces.return(undefined);
    expect(checking?.aborted).toBe(true);
    await snapshots.close();
  };
  await world.complete(work(), 3_600_000);
});
