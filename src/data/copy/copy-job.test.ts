import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { DbError } from '../../base/errors.ts';
import { releaseMethod, snapshotMethod } from '../../meta/client/transfer-methods.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import { awaitedShardError } from '../../storage/engine/awaited-shard.ts';
import { CopyJob, type CopyJobPorts, type CopyTask } from './copy-job.ts';

const group = {
  id: 1,
  startNs: 0n,
  endNs: 9n,
  shards: [{ id: 7, owners: [4] }],
};
const databases = Databases.of([{ name: 'db', retentionPolicies: [{ name: 'rp', shardGroups: [group] }] }] as never); // prettier-ignore
const dataNodes = [{ id: 4, tcpAddress: 'a:8088', httpAddress: 'a:8086' }];
const catalog: Catalog = { ...emptyCatalog, databases, dataNodes };

const files: Readonly<Record<string, Uint8Array>> = {
  'a.tsm': Uint8Array.of(1, 2, 3, 4, 5),
  empty: new Uint8Array(0),
  'shard.json': Uint8Array.of(9, 8),
};

/** A source of one shard, which comes in pieces of two bytes, and what is staged of it here. */
class Copied {
  readonly staged = new Map<string, number[]>();
  readonly installed: unknown[] = [];
  readonly done: string[] = [];
  snapshotId = 3;
  meta = { catalog, nodeId: 5 };
  /** What the next calls, and the next pieces, come to; then all is well. */
  readonly snapshots: Error[] = [];
  readonly streams: (Error | 'damaged' | 'cut' | 'whole')[] = [];
  isWanted = true;
  isBegun: (() => Promise<boolean>) | undefined;
  readonly #world = new World(1);

  constructor() {
    this.#world.addNode('b');
  }

  run(signal?: (job: CopyJob) => void): Promise<CopyJob> {
    const [node] = this.#world.nodes;
    if (node === undefined) throw new Error('no node');
    const task: CopyTask = { shardId: 7, sourceId: 4, beganIndex: 20, isWanted: () => this.isWanted, ...(this.isBegun && { begins: this.isBegun }) }; // prettier-ignore
    const job = new CopyJob(this.#portsOn(node.env), task);
    signal?.(job);
    return this.#world.complete(
      job.run().then(() => job),
      3_600_000,
    );
  }

  #portsOn({ clock, log }: Pick<CopyJobPorts, 'clock' | 'log'>): CopyJobPorts {
    const { staged } = this;
    return {
      ...{ clock, log, meta: this.meta, rpc: this.#rpc() },
      take: () => Promise.resolve(),
      deletes: {
        begin: () => this.done.push('keeps deletes'),
        end: () => this.done.push('keeps none'),
        install: (_shardId, _job, install) => install([]),
      },
      stagings: {
        begin: () => {
          staged.clear();
          return Promise.resolve(1);
        },
        write: ({ name, offsetBytes, piece, crc32: sum }) => {
          const bytes = staged.get(name) ?? [];
          staged.set(name, bytes);
          if (bytes.length === offsetBytes && crc32(piece) === sum) bytes.push(...piece);
          return Promise.resolve(bytes.length);
        },
        install: (_id, request) => {
          this.installed.push(request, Object.fromEntries([...staged].map(([name, bytes]) => [name, Uint8Array.from(bytes)]))); // prettier-ignore
          return Promise.resolve();
        },
        end: () => Promise.resolve(void this.done.push('ends')),
      },
    };
  }

  #rpc(): CopyJobPorts['rpc'] {
    const { done, snapshots, streams } = this;
    const snapshotId = (): number => this.snapshotId;
    return {
      call: (_address: string, { path }: { readonly path: string }, request: { readonly snapshotId?: number }) => {
        done.push(path === releaseMethod.path ? `releases ${request.snapshotId}` : 'asks');
        const failure = path === snapshotMethod.path ? snapshots.shift() : undefined;
        if (failure !== undefined) return Promise.reject(failure);
        return Promise.resolve({ snapshotId: snapshotId(), files: Object.entries(files).map(([name, { length: sizeBytes }]) => ({ name, sizeBytes })) }); // prettier-ignore
      },
      async *stream(_address: string, _method: object, { name, offsetBytes }: { readonly name: string; readonly offsetBytes: number }) {
        const bytes = files[name] ?? new Uint8Array();
        for (let at = offsetBytes; at < bytes.length; at += 2) {
          const piece = bytes.subarray(at, at + 2);
          const fate = await Promise.resolve(streams.shift());
          if (fate instanceof Error) throw fate;
          yield { piece, crc32: fate === 'damaged' ? 1 : crc32(piece) };
          if (fate === 'cut') return;
        }
      },
    } as unknown as CopyJobPorts['rpc']; // prettier-ignore
  }
}

const away = new DbError('unavailable', 'away');
const whole = ['keeps deletes', 'asks', 'releases 3', 'ends', 'keeps none'];

test('copy job: all files of a snapshot, those without bytes too, are made the shard’s at once', async () => {
  const copied = new Copied();
  const job = await copied.run();
  expect(copied.installed).toEqual([{ copyIndex: 20, deletes: [] }, files]);
  expect(copied.done).toEqual(whole);
  expect([job.totalBytes, job.doneBytes]).toEqual([7, 7]);
});

test('copy job: a file goes on where its stream broke, was cut off, or brought what was damaged on its way', async () => {
  const copied = new Copied();
  // What comes behind a damaged piece has no place yet.
  copied.streams.push('cut', 'damaged', 'whole', away, away, away);
  const job = await copied.run();
  expect(copied.installed[1]).toEqual(files);
  expect(copied.done).toEqual(whole);
  expect(job.doneBytes).toBe(7);
});

test('copy job: only tries without a byte between them are counted', async () => {
  const copied = new Copied();
  const four = [away, away, away, away];
  copied.streams.push(...four, 'cut', ...four, 'cut', ...four);
  await copied.run();
  expect(copied.done).toEqual(whole);
});

test('copy job: a source that is away for long, or has lost the snapshot, is asked for another, eight times', async () => {
  const lost = new DbError('not_found', 'snapshot 3 is gone');
  const copied = new Copied();
  copied.snapshots.push(away, new DbError('conflict', 'too many deletes'));
  copied.streams.push(lost);
  await copied.run();
  expect(copied.installed[1]).toEqual(files);
  expect(copied.done.filter((one) => one === 'asks')).toHaveLength(4);
  const silent = new Copied();
  silent.snapshots.push(...Array.from({ length: 9 }, () => away));
  await expect(silent.run()).rejects.toBe(away);
  expect(silent.snapshots).toHaveLength(1);
});

test('copy job: a source that has yet to be brought the shard is asked three times, as its files may just be coming, and said to have nothing', async () => {
  const coming = new Copied();
  coming.snapshots.push(awaitedShardError(7), awaitedShardError(7));
  await coming.run();
  expect(coming.installed[1]).toEqual(files);
  const wiped = new Copied();
  wiped.snapshots.push(...Array.from({ length: 9 }, () => awaitedShardError(7)));
  await expect(wiped.run()).rejects.toMatchObject({
    code: 'shard_not_found',
    message: 'node 4 has nothing of shard 7 that can be read yet',
  });
  expect(wiped.snapshots).toHaveLength(6);
});

test.each(['corrupt', 'io_error'] as const)(
  'copy job: a shard that its source cannot read (%s) is not asked for again',
  async (code) => {
    const copied = new Copied();
    copied.snapshots.push(new DbError(code, 'damaged'));
    await expect(copied.run()).rejects.toMatchObject({ code });
    expect(copied.done).toEqual(['keeps deletes', 'asks', 'ends', 'keeps none']);
  },
);

test('copy job: what is wanted no more, or was given up, is not installed', async () => {
  const unwanted = new Copied();
  unwanted.isWanted = false;
  await expect(unwanted.run()).rejects.toMatchObject({ code: 'cancelled' });
  const cancelled = new Copied();
  cancelled.snapshots.push(away);
  await expect(cancelled.run((job) => job.cancel())).rejects.toMatchObject({
    code: 'cancelled',
  });
  const left = new Copied();
  left.meta = { ...left.meta, catalog: { ...catalog, dataNodes: [] } };
  await expect(left.run()).rejects.toMatchObject({ code: 'cancelled' });
  expect([unwanted, cancelled, left].flatMap(({ installed }) => installed)).toEqual([]);
});

test('copy job: what is begun only where the source has points ends well where it has none', async () => {
  for (const [snapshotId, begins, installs] of [[3, true, 2], [3, false, 0], [0, true, 0]] as const) {
    const copied = new Copied();
    copied.snapshotId = snapshotId;
    copied.isBegun = () => Promise.resolve(begins);
    await copied.run();
    expect(copied.installed).toHaveLength(installs);
    // There is nothing to release of a shard without a snapshot.
    expect(copied.done.includes('releases 3')).toBe(snapshotId === 3);
    expect(copied.done.includes('releases 0')).toBe(false);
  }
}); // prettier-ignore
