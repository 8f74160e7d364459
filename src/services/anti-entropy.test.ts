import { expect, test } from 'vitest';
import { MemoryMeta } from '../../test/support/memory-meta.ts';
import { DbError } from '../base/errors.ts';
import { hourNs } from '../base/units.ts';
import type { Clock } from '../env/clock.ts';
import type { Log } from '../env/log.ts';
import { AntiEntropy, type AntiEntropyOptions, type AntiEntropyPorts, type RepairReport } from './anti-entropy.ts'; // prettier-ignore

type Comparison = Awaited<ReturnType<AntiEntropyPorts['compare']>>;

const done: RepairReport = { ownCount: 2, otherCount: 1, deleteCount: 0, conflictCount: 0, refusedCount: 0, movedBytes: 9 }; // prettier-ignore
const patient: AntiEntropyOptions = { checkIntervalMs: 1_000, verifyIntervalMs: 7 * 24 * 3_600_000, fetchMax: 1, syncMax: 1, repairsMissing: true, repairsHot: false }; // prettier-ignore

interface Begun {
  readonly shardId: number;
  readonly only: number | undefined;
  end(report?: RepairReport): void;
  fail(error: Error): void;
}

/** Node 1 of two, or of those that are named, that own all shards: one an hour, from the first hour on. */
class Neighbours {
  readonly meta = new MemoryMeta();
  readonly compared: number[] = [];
  readonly begun: Begun[] = [];
  readonly damagedIds = new Set<number>();
  /** Damaged in part. */
  readonly hurtIds = new Set<number>();
  /** Of those compared, those of which all was read. */
  readonly readAnew: number[] = [];
  readonly waitingIds = new Set<number>();
  readonly awaitingIds = new Set<number>();
  readonly versions = new Map<string, string>();
  readonly warnings: string[] = [];
  found: Comparison | DbError = 'equal';
  /** What happens as a shard is compared. */
  meanwhile: () => Promise<unknown> = () => Promise.resolve();
  /** After all of the hours. */
  nowNs = 100n * hourNs;
  #tick: () => void = () => undefined;

  static async of(hourCount: number, names: readonly string[] = ['a', 'b']): Promise<Neighbours> {
    const all = new Neighbours();
    await all.meta.execute({ kind: 'found-cluster', clusterId: 7n });
    for (const name of names)
      await all.meta.execute({ kind: 'create-data-node', httpAddress: `${name}:1`, tcpAddress: `${name}:2`, dataNodesMax: 9 }); // prettier-ignore
    await all.database('d', names.length, hourCount);
    return all;
  }

  async database(name: string, replication: number, hourCount: number): Promise<void> {
    const policy = { replication, shardDurationNs: hourNs };
    await this.meta.execute({ kind: 'create-database', name, policy });
    const timesNs = Array.from({ length: hourCount }, (_, i) => BigInt(i) * hourNs);
    await this.meta.execute({ kind: 'create-shard-groups', database: name, retentionPolicy: 'autogen', timesNs }); // prettier-ignore
  }

  get ownId(): number {
    return this.meta.catalog.dataNodes[0]?.id ?? 0;
  }

  service(options: Partial<AntiEntropyOptions> = {}): AntiEntropy {
    const warn = (text: string): number => this.warnings.push(text);
    const log = { info: () => undefined, warn, error: () => undefined };
    const { meta, ownId: nodeId } = this;
    const ports: AntiEntropyPorts = {
      meta: {
        get catalog() {
          return meta.catalog;
        },
        nodeId,
      },
      clock: {
        wallNs: () => this.nowNs,
        monotonicMs: () => 0,
        every: (_ms: number, run: () => void) => {
          this.#tick = run;
          return { cancel: () => undefined };
        },
      } as unknown as Clock,
      log: log as unknown as Log,
      compare: async (shardId, _nodeId, { isAnew }) => {
        this.compared.push(shardId);
        if (isAnew) this.readAnew.push(shardId);
        await this.meanwhile();
        return this.found instanceof DbError ? Promise.reject(this.found) : Promise.resolve(this.found); // prettier-ignore
      },
      repair: (shardId, { only, signal }) =>
        new Promise((resolve, reject) => {
          this.begun.push({
            ...{ shardId, only },
            end: (report = done) => {
              resolve(report);
            },
            fail: reject,
          });
          signal.addEventListener('abort', () => {
            reject(new DbError('shutdown', 'the node ends'));
          });
        }),
      versionOf: (shardId, nodeId) => Promise.resolve(this.versions.get(`${shardId} ${nodeId}`)),
      isDamaged: (shardId) => Promise.resolve(this.damagedIds.has(shardId)),
      damagedIds: () => Promise.resolve(new Set([...this.hurtIds, ...this.damagedIds])),
      isWaiting: (shardId) => this.waitingIds.has(shardId),
      awaiting: () => Promise.resolve([...this.awaitingIds]),
      expectNone: (shardId) => {
        this.awaitingIds.delete(shardId);
        return Promise.resolve();
      },
    };
    return new AntiEntropy(ports, { ...patient, ...options });
  }

  /** As the clock does it each interval. */
  async tick(): Promise<void> {
    this.#tick();
    await turns();
  }
}

/** Lets what waits for promises alone go on. */
async function turns(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

const statusOf = (service: AntiEntropy): readonly string[] =>
  service.repairs.map(
    ({ shardId, status, isQueued, isProcessing }) =>
    [shardId, status, isQueued ? 'queued' : '', isProcessing ? 'processing' : ''].filter((one) => one !== '').join(' '), // prettier-ignore
  );

test('anti-entropy: shards that differ are named, and repaired only when asked for', async () => {
  const all = await Neighbours.of(2);
  const service = all.service();
  all.found = 'differ';
  await service.check();
  expect(statusOf(service)).toEqual(['1 diff', '2 diff']);
  expect(all.begun).toEqual([]);
  service.queueRepair(1);
  expect(statusOf(service)).toEqual(['1 diff queued processing', '2 diff']);
  expect(all.begun.map(({ only }) => only)).toEqual([undefined]);
  all.begun[0]?.end();
  await turns();
  expect(statusOf(service)).toEqual(['2 diff']);
  const [statistic] = service.statistics();
  expect(statistic?.values).toMatchObject({ checks: 2, repairs: 1, valuesRepaired: 3, bytesRx: 9, errors: 0 }); // prettier-ignore
  all.found = 'equal';
  await service.check();
  expect(statusOf(service)).toEqual([]);
});

test('anti-entropy: a repair that is asked for twice is queued once, and one that is under way is not queued again', async () => {
  const all = await Neighbours.of(2);
  const service = all.service();
  service.queueRepair(1);
  service.queueRepair(1);
  service.queueRepair(2);
  service.queueRepair(2);
  expect(statusOf(service)).toEqual(['1 queued processing', '2 queued']);
  expect(all.begun.map(({ shardId }) => shardId)).toEqual([1]);
  all.begun[0]?.end();
  await turns();
  expect(all.begun.map(({ shardId }) => shardId)).toEqual([1, 2]);
  all.begun[1]?.end();
  await turns();
  expect(statusOf(service)).toEqual([]);
});

test('anti-entropy: a repair can be cancelled, whether it waits or has begun; it is no failure, and may be asked for again', async () => {
  const all = await Neighbours.of(2);
  const service = all.service();
  all.found = 'differ';
  await service.check();
  service.queueRepair(1);
  service.queueRepair(2);
  service.cancelRepair(2);
  expect(statusOf(service)).toEqual(['1 diff queued processing', '2 diff']);
  service.cancelRepair(1);
  // Asked for again before it is over: the next one waits for that.
  service.queueRepair(1);
  expect(all.begun.length).toBe(1);
  await turns();
  expect(all.begun.map(({ shardId }) => shardId)).toEqual([1, 1]);
  service.cancelRepair(1);
  await turns();
  expect(statusOf(service)).toEqual(['1 diff', '2 diff']);
  expect(service.statistics()[0]?.values).toMatchObject({ repairs: 0, errors: 0, jobs: 0 });
});

test('anti-entropy: a shard that is written to waits until its time has passed, unless hot ones may be repaired', async () => {
  const all = await Neighbours.of(1);
  all.nowNs = hourNs / 2n;
  const service = all.service();
  service.queueRepair(1);
  await all.tick();
  expect(statusOf(service)).toEqual(['1 queued']);
  expect(all.compared).toEqual([]);
  all.nowNs = hourNs;
  await all.tick();
  expect(statusOf(service)).toEqual(['1 queued processing']);
  all.nowNs = hourNs / 2n;
  const eager = all.service({ repairsHot: true });
  eager.queueRepair(1);
  expect(statusOf(eager)).toEqual(['1 queued processing']);
});

test('anti-entropy: what is queued is begun by the options that it is given later, and what is under way goes on', async () => {
  const all = await Neighbours.of(3);
  const service = all.service();
  for (const shardId of [1, 2, 3]) service.queueRepair(shardId);
  expect(statusOf(service)).toEqual(['1 queued processing', '2 queued', '3 queued']);
  service.configure({ ...patient, syncMax: 2 });
  expect(statusOf(service)).toEqual(['1 queued processing', '2 queued processing', '3 queued']);
  await all.tick();
  expect(all.begun.map(({ shardId }) => shardId)).toEqual([1, 2]);
});

test('anti-entropy: the time of a shard that was truncated has passed', async () => {
  const all = await Neighbours.of(1);
  all.nowNs = hourNs / 2n;
  await all.service().check();
  expect(all.compared).toEqual([]);
  await all.meta.execute({ kind: 'truncate-shard-groups', timeNs: hourNs / 4n });
  const service = all.service();
  await service.check();
  expect(all.compared).toEqual([1]);
  service.queueRepair(1);
  expect(statusOf(service)).toEqual(['1 queued processing']);
});

test('anti-entropy: what is missing here is brought from the next owner by itself, hot or not, where that is allowed', async () => {
  const all = await Neighbours.of(2);
  const otherId = all.meta.catalog.dataNodes[1]?.id;
  all.found = 'own-missing';
  const service = all.service();
  await service.check();
  expect(statusOf(service)).toEqual(['1 missing queued processing', '2 missing queued']);
  expect(all.begun[0]?.only).toBe(otherId);
  const modest = all.service({ repairsMissing: false });
  await modest.check();
  expect(statusOf(modest)).toEqual(['1 missing', '2 missing']);
  all.nowNs = 0n;
  all.damagedIds.add(2);
  const hot = all.service();
  await hot.check();
  expect(statusOf(hot)).toEqual(['2 missing queued processing']);
  await all.service({ repairsMissing: false }).check();
  expect(all.begun.length).toBe(2);
});

test('anti-entropy: what the other owner lacks is named, and left for that one to bring', async () => {
  const all = await Neighbours.of(1);
  all.found = 'other-missing';
  const service = all.service();
  await service.check();
  expect(statusOf(service)).toEqual(['1 missing']);
  expect(all.begun).toEqual([]);
});

test('anti-entropy: shards that were equal are compared again once one of the two is another one', async () => {
  const all = await Neighbours.of(1);
  const otherId = all.meta.catalog.dataNodes[1]?.id ?? 0;
  const service = all.service();
  const check = async (): Promise<number> => {
    all.compared.length = 0;
    await service.check();
    return all.compared.length;
  };
  expect([await check(), await check()]).toEqual([1, 1]);
  for (const id of [all.ownId, otherId]) all.versions.set(`1 ${id}`, 'a');
  expect([await check(), await check()]).toEqual([1, 0]);
  all.versions.set(`1 ${otherId}`, 'b');
  expect([await check(), await check()]).toEqual([1, 0]);
  all.versions.delete(`1 ${all.ownId}`);
  expect([await check(), await check()]).toEqual([1, 1]);
  all.versions.set(`1 ${all.ownId}`, 'a');
  all.found = 'differ';
  expect([await check(), await check()]).toEqual([1, 1]);
  // After a repair nothing of before is believed.
  all.found = 'equal';
  expect([await check(), await check()]).toEqual([1, 0]);
  service.queueRepair(1);
  all.begun[0]?.end();
  await turns();
  expect(await check()).toBe(1);
});

/** One shard whose owners stay as they are; how many comparisons a check makes of it. */
async function unchangedShard(options: Partial<AntiEntropyOptions> = {}) {
  const all = await Neighbours.of(1);
  for (const { id } of all.meta.catalog.dataNodes) all.versions.set(`1 ${id}`, 'a');
  const service = all.service(options);
  const check = async (): Promise<number> => {
    all.compared.length = 0;
    await service.check();
    return all.compared.length;
  };
  return { all, service, check };
}

test('anti-entropy: a shard in which a reader has met damage is compared once more, though nobody has written to it', async () => {
  const { all, service, check } = await unchangedShard();
  expect([await check(), await check()]).toEqual([1, 0]);
  all.hurtIds.add(1);
  expect([await check(), await check()]).toEqual([1, 0]);
  all.hurtIds.clear();
  expect([await check(), await check()]).toEqual([1, 0]);
  all.hurtIds.add(1);
  all.found = 'own-missing';
  expect(await check()).toBe(1);
  expect(statusOf(service)).toEqual(['1 missing queued processing']);
});

test('anti-entropy: every verify-interval all of a shard is read, whatever is known of it', async () => {
  const { all, check } = await unchangedShard({ verifyIntervalMs: 3_600_000 });
  const counts: number[] = [];
  for (let hour = 0; hour < 3; hour++) {
    counts.push(await check(), await check());
    all.nowNs += hourNs;
  }
  expect(counts).toEqual([1, 0, 1, 0, 1, 0]);
  expect(all.readAnew).toEqual([1, 1]);
  // One that fails is tried again.
  all.found = new DbError('unavailable', 'the other owner is down');
  expect([await check(), await check()]).toEqual([1, 1]);
  expect(all.readAnew).toEqual([1, 1, 1, 1]);
});

test('anti-entropy: a shard for which something waits is left alone, and so are those of one owner and those that go', async () => {
  const all = await Neighbours.of(2);
  await all.database('alone', 1, 1);
  all.waitingIds.add(1);
  const service = all.service();
  await service.check();
  expect(all.compared).toEqual([2]);
  expect(() => {
    service.queueRepair(99);
  }).toThrow('shard 99 is not on this node');
  const [alone] = [...all.meta.catalog.databases.shards()].filter(({ database, shard }) => database === 'alone' && shard.owners.includes(all.ownId)); // prettier-ignore
  expect(() => {
    service.queueRepair(alone?.shard.id ?? 0);
  }).toThrow('has one owner only');
});

test('anti-entropy: a shard whose other owners have left differs from nobody any more', async () => {
  const all = await Neighbours.of(2);
  all.found = 'differ';
  const service = all.service();
  await service.check();
  expect(statusOf(service)).toEqual(['1 diff', '2 diff']);
  const nodeId = all.meta.catalog.dataNodes.find(({ id }) => id !== all.ownId)?.id ?? 0;
  await all.meta.execute({ kind: 'remove-shard-owner', shardId: 1, nodeId, nowNs: all.nowNs });
  await service.check();
  expect(statusOf(service)).toEqual(['2 diff']);
});

test('anti-entropy: a damaged shard is brought although something waits for it, which only then gets to it', async () => {
  const all = await Neighbours.of(1);
  all.waitingIds.add(1);
  all.damagedIds.add(1);
  const service = all.service();
  await service.check();
  expect(statusOf(service)).toEqual(['1 missing queued processing']);
});

test('anti-entropy: one that cannot be compared or repaired is counted, keeps its status and may be asked for again', async () => {
  const all = await Neighbours.of(1);
  const service = all.service();
  all.found = 'differ';
  await service.check();
  all.found = new DbError('io_error', 'EIO');
  await service.check();
  expect(statusOf(service)).toEqual(['1 diff']);
  service.queueRepair(1);
  all.begun[0]?.fail(new DbError('unavailable', 'the other one is down'));
  await turns();
  expect(statusOf(service)).toEqual(['1 diff']);
  service.queueRepair(1);
  all.begun[1]?.end({ ...done, refusedCount: 1 });
  await turns();
  // What was refused still differs.
  expect(statusOf(service)).toEqual(['1 diff']);
  expect(service.statistics()[0]?.values).toMatchObject({ checks: 2, errors: 2, repairs: 1 });
});

test('anti-entropy: a shard that awaits files is read as it is once its other owners have left', async () => {
  const all = await Neighbours.of(1);
  await all.database('alone', 1, 2);
  const idsOf = (owned: (owners: readonly number[]) => boolean): readonly number[] =>
    [...all.meta.catalog.databases.shards()]
      .filter(({ shard }) => owned(shard.owners))
      .map(({ shard }) => shard.id);
  const [alone = 0] = idsOf((owners) => owners.length === 1 && owners[0] === all.ownId);
  const [foreign = 0] = idsOf((owners) => owners.length === 1 && owners[0] !== all.ownId);
  const [shared = 0] = idsOf((owners) => owners.length === 2);
  for (const id of [alone, foreign, shared]) all.awaitingIds.add(id);
  await all.service().check();
  expect([...all.awaitingIds]).toEqual([foreign, shared]);
});

test('anti-entropy: no more repairs at once than are allowed, those that bring and those that mend apart', async () => {
  const all = await Neighbours.of(5);
  const service = all.service({ fetchMax: 2, syncMax: 1 });
  service.queueRepair(1);
  service.queueRepair(2);
  all.found = 'own-missing';
  await service.check();
  expect(all.begun.map(({ shardId }) => shardId)).toEqual([1, 3, 4]);
  all.begun[1]?.end();
  await turns();
  expect(all.begun.map(({ shardId }) => shardId)).toEqual([1, 3, 4, 5]);
});

test('anti-entropy: when the node ends what is under way ends too, and nothing more begins', async () => {
  const all = await Neighbours.of(2);
  const service = all.service();
  service.queueRepair(1);
  service.queueRepair(2);
  await service.close();
  expect(all.begun.map(({ shardId }) => shardId)).toEqual([1]);
  expect(service.statistics()[0]?.values).toMatchObject({ errors: 0, jobsActive: 0 });
});

test('anti-entropy: what this node lacks comes from another owner where the next one can not give it', async () => {
  const all = await Neighbours.of(1, ['a', 'b', 'c']);
  const { owners = [] } = all.meta.catalog.databases.shard(1)?.shard ?? {};
  const at = owners.indexOf(all.ownId);
  const [next, other] = [owners[(at + 1) % 3], owners[(at + 2) % 3]];
  all.damagedIds.add(1);
  // The next owner is down.
  all.found = new DbError('unavailable', 'no answer');
  const service = all.service();
  const check = async (): Promise<number | undefined> => {
    await service.check();
    await turns();
    return all.begun.map(({ only }) => only).pop();
  };
  expect(await check()).toBe(other);
  // Nor can that one: the next one may be back.
  all.begun[0]?.fail(new DbError('corrupt', 'shard 1 is damaged'));
  await turns();
  expect(await check()).toBe(next);
  all.begun[1]?.fail(new DbError('unavailable', 'no answer'));
  await turns();
  expect(await check()).toBe(other);
  all.begun[2]?.end();
  await turns();
  all.damagedIds.clear();
  all.found = 'equal';
  await service.check();
  expect([all.begun.length, service.repairs]).toEqual([3, []]);
  // Also while it is written to.
  all.nowNs = 0n;
  all.damagedIds.add(1);
  expect(await check()).toBe(next);
  all.begun[3]?.fail(new DbError('unavailable', 'no answer'));
  await turns();
  expect(await check()).toBe(other);
});

test('anti-entropy: shards that are dropped while they are compared, or before it is their turn, are no failures', async () => {
  const all = await Neighbours.of(3);
  all.found = new DbError('shard_not_found', 'shard not found for id: 1');
  all.meanwhile = () => all.meta.execute({ kind: 'drop-database', name: 'd' });
  const service = all.service();
  await all.tick();
  expect([all.compared, all.warnings]).toEqual([[1], []]);
  expect(service.statistics()[0]?.values).toMatchObject({ checks: 1, errors: 0 });
  await service.close();
});
