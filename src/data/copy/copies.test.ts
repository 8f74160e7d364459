import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import type { Env } from '../../env/env.ts';
import { DbError } from '../../base/errors.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import type { ShardCopy } from '../../meta/model/shard-copies.ts';
import { Copies } from './copies.ts';
import type { CopyJobPorts } from './copy-job.ts';

const ownId = 5;
const shardIds = [1, 2, 3];
const group = { id: 1, startNs: 0n, endNs: 9n, shards: shardIds.map((id) => ({ id, owners: [4] })) }; // prettier-ignore
const databases = Databases.of([{ name: 'db', retentionPolicies: [{ name: 'autogen', shardGroups: [group] }] }] as never); // prettier-ignore
const copyOf = (shardId: number): ShardCopy => ({ shardId, sourceId: 4, destinationId: ownId, startedNs: 1n, beganIndex: 10 + shardId, state: 'copying' }); // prettier-ignore
const catalog: Catalog = {
  ...emptyCatalog,
  databases,
  dataNodes: [{ id: 4, tcpAddress: 'a:8088', httpAddress: 'a:8086' }],
  copies: shardIds.map(copyOf),
};

/** What a copy of a shard waits for. */
type Hindrance = 'snapshot' | 'piece' | 'throughput' | 'retry' | 'damage' | 'nothing';

/** A node that all three shards are being copied to, one after the other, from a source that hinders them; what is staged is counted. */
class Destination {
  readonly copies: Copies;
  readonly staged = new Set<number>();
  readonly asked: string[] = [];
  readonly installed: number[] = [];

  constructor({ clock, log }: Env, hindrance: Hindrance) {
    const isWhole = hindrance === 'nothing';
    const never = (signal: AbortSignal | undefined): Promise<never> =>
      clock.sleep(3_600_000, signal).then(() => Promise.reject(new DbError('timeout', 'never')));
    const rpc = {
      call: (
        _address: string,
        { path }: { readonly path: string },
        _request: object,
        { signal }: { readonly signal?: AbortSignal },
      ) => {
        // prettier-ignore
        this.asked.push(path);
        if (hindrance === 'damage') return Promise.reject(new DbError('corrupt', 'damaged'));
        if (hindrance === 'retry') return Promise.reject(new DbError('unavailable', 'away'));
        if (hindrance === 'snapshot' && signal !== undefined) return never(signal);
        return Promise.resolve({ snapshotId: 1, files: [{ name: 'a.tsm', sizeBytes: 4 }] });
      },
      stream: async function* (
        _address: string,
        _method: object,
        _request: object,
        { signal }: { readonly signal?: AbortSignal },
      ) {
        // prettier-ignore
        if (hindrance === 'piece') await never(signal);
        yield { piece: new Uint8Array(2), crc32: 0 };
      },
    } as unknown as CopyJobPorts['rpc'];
    const stagings = {
      begin: ({ shardId }: { readonly shardId: number }) => {
        this.staged.add(shardId);
        return Promise.resolve(shardId);
      },
      write: ({ offsetBytes, piece }: { readonly offsetBytes: number; readonly piece: Uint8Array }) => Promise.resolve(offsetBytes + piece.length), // prettier-ignore
      install: (id: number) => Promise.resolve(void this.installed.push(id)),
      end: (id: number) => Promise.resolve(void this.staged.delete(id)),
    };
    const install = (_id: number, _job: object, done: (kept: readonly never[]) => Promise<void>) =>
      isWhole ? done([]) : Promise.reject(new Error('nothing is whole'));
    const deletes = { begin: () => undefined, end: () => undefined, install };
    const take = (_bytes: number, signal: AbortSignal): Promise<void> => isWhole ? Promise.resolve() : clock.sleep(3_600_000, signal); // prettier-ignore
    this.copies = new Copies(
      { clock, log, rpc, stagings, deletes, take, meta: { catalog, nodeId: ownId } },
      { concurrentMax: 1 },
    );
  }

  follow(shardId: number, copyIndex = copyOf(shardId).beganIndex) {
    return this.copies.follow({ shardId, copyIndex }, new AbortController().signal);
  }

  /** As the meta node that leads begins one; it goes on though nobody listens. */
  async begin(shardId: number): Promise<void> {
    await this.follow(shardId).next();
  }

  get shardIds(): readonly number[] {
    return this.copies.progress.map(({ shardId }) => shardId);
  }
}

const hindrances: readonly (readonly [Hindrance, string])[] = [
  ['snapshot', 'waits for the snapshot of a busy source'],
  ['piece', 'waits for a piece of a silent source'],
  ['throughput', 'waits for its turn by the throughput'],
  ['retry', 'waits for a source that is away'],
];

test.each(hindrances)('copies: one that %s: %s, ends at once when it is given up, and so do those behind it', async (hindrance) => {
  const world = new World(1);
  const { env } = world.addNode('a');
  const work = async (): Promise<number> => {
    const destination = new Destination(env, hindrance);
    for (const id of shardIds) await destination.begin(id);
    await env.clock.sleep(2_000);
    expect(destination.shardIds).toEqual(shardIds);
    expect(destination.copies.progress.map(({ isWaiting }) => isWaiting)).toEqual([false, true, true]);
    const fromMs = env.clock.monotonicMs();
    // The last one first: it has not had its turn yet.
    await destination.copies.cancel(3);
    expect(destination.shardIds).toEqual([1, 2]);
    await destination.copies.cancel(1);
    const tookMs = env.clock.monotonicMs() - fromMs;
    await env.clock.sleep(100);
    // The second one has the place that the first one had.
    expect(destination.shardIds).toEqual([2]);
    expect([...destination.staged].filter((id) => id !== 2)).toEqual([]);
    await destination.copies.close();
    expect(destination.staged.size).toBe(0);
    expect(destination.shardIds).toEqual([]);
    return tookMs;
  };
  expect(await world.complete(work(), 3_600_000)).toBeLessThan(100);
}); // prettier-ignore

test('copies: one that is whole leaves its place to the next one, and is told as whole to whoever asks again', async () => {
  const world = new World(1);
  const { env } = world.addNode('a');
  const work = async (): Promise<void> => {
    const destination = new Destination(env, 'nothing');
    for (const id of shardIds) await destination.begin(id);
    const told: boolean[] = [];
    for await (const { isWhole } of destination.follow(3)) told.push(isWhole);
    expect(told.at(-1)).toBe(true);
    expect(destination.installed).toEqual(shardIds);
    const askedCount = destination.asked.length;
    for (const id of shardIds)
      expect((await destination.follow(id).next()).value).toMatchObject({ isWhole: true, progress: { shardId: id, totalBytes: 4, doneBytes: 4 } }); // prettier-ignore
    expect(destination.asked.length).toBe(askedCount);
    await expect(destination.follow(1, 99).next()).rejects.toMatchObject({ code: 'cancelled' });
  };
  await world.complete(work(), 3_600_000);
});

test('copies: one that has failed is told as that, keeps no place, and is begun anew when it is asked for again', async () => {
  const world = new World(1);
  const { env } = world.addNode('a');
  const work = async (): Promise<void> => {
    const destination = new Destination(env, 'damage');
    for (const time of [1, 2]) {
      const follow = async () => {
        for await (const _ of destination.follow(1));
      };
      await expect(follow()).rejects.toMatchObject({ code: 'corrupt' });
      expect(destination.shardIds).toEqual([]);
      expect(destination.asked).toHaveLength(time);
    }
  };
  await world.complete(work(), 3_600_000);
});
