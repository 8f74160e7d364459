import { expect, test } from 'vitest';
import { hintOf } from '../../test/support/hint-script.ts';
import { batchOf } from '../../test/support/store-script.ts';
import { wrapped } from '../../test/sim/world/lax-disk.ts';
import { World, type SimNode } from '../../test/sim/world/world.ts';
import { DbError } from '../base/errors.ts';
import { MiB } from '../base/units.ts';
import type { Disk } from '../env/disk.ts';
import type { Log } from '../env/log.ts';
import { SharedBuffers } from '../base/shared-buffers.ts';
import { HintClock } from './hint-clock.ts';
import { HintQueue, type HintQueuePorts } from './hint-queue.ts';
import { HintQuarantine } from './hint-quarantine.ts';
import { HintedHandoff } from './hinted-handoff.ts';
import type { HintOptions } from './hint-options.ts';
import type { HintTarget } from './hint-target.ts';

const options: HintOptions = { folder: 'hh', isEnabled: true, sizeBytesMax: 300, ageMsMax: 1e9, pendingMax: 10, batchBytesMax: 1_000, concurrencyMax: 3, rateBytes: 0, retryMs: 100, retryMsMax: 100, purgeMs: 1e9, mayOvertake: false, segmentBytesMax: 1_000, deadlineMs: 5_000 }; // prettier-ignore

/** One node that keeps hints for node 5, which is away or takes all. */
class Holder {
  readonly world: World;
  readonly node: SimNode;
  readonly errors: string[] = [];
  /** That of the node when left out. */
  disk: Disk | undefined;
  isAway = false;
  broughtCount = 0;

  constructor(seed = 1) {
    this.world = new World(seed);
    this.node = this.world.addNode('a');
  }

  open(clusterId = 7n, changed: Partial<HintOptions> = {}): Promise<HintedHandoff> {
    const { clock } = this.node.env;
    const disk = this.disk ?? this.node.env.disk;
    const log = { info: () => undefined, warn: () => undefined, error: (text: string) => this.errors.push(text) } as unknown as Log; // prettier-ignore
    const target: HintTarget = {
      standing: () => 'owner',
      deliver: (_, payloads) => {
        if (this.isAway) return Promise.reject(new DbError('unavailable', 'away'));
        this.broughtCount += payloads.length;
        return Promise.resolve(payloads.map(() => ({ kind: 'written' as const })));
      },
      onQueued: () => undefined,
      onDropped: () => undefined,
      onDrained: () => undefined,
    };
    const ports = { disk, clock, log, target, clusterId: () => clusterId, freshCount: () => 0 };
    return this.world.complete(HintedHandoff.open(ports, { ...options, ...changed }));
  }

  pass(ms: number): Promise<void> {
    return this.world.run(this.world.nowMs + ms);
  }
}

test('hinted handoff: the room of what was kept comes back, however much comes', async () => {
  const holder = new Holder();
  const handoff = await holder.open();
  for (let number = 1; number <= 20; number++) {
    await holder.world.complete(handoff.append(5, 7, [hintOf(number)]));
    await holder.pass(50);
  }
  expect(holder.broughtCount).toBe(20);
});

test('hinted handoff: what is on its way to the disk takes room', async () => {
  const holder = new Holder();
  const handoff = await holder.open();
  holder.isAway = true;
  const appended = [1, 2].map((shardId) => handoff.append(5, shardId, [hintOf(1, 150)]));
  await expect(handoff.append(5, 3, [hintOf(1, 4)])).rejects.toThrow('queue is full');
  await holder.world.complete(Promise.all(appended));
});

test('hinted handoff: what it was asked, refused, brought and has is counted', async () => {
  const holder = new Holder();
  const handoff = await holder.open();
  holder.isAway = true;
  const [one, two] = [batchOf('m v=1 1'), batchOf('m v=1 1\nm v=2 2')];
  await holder.world.complete(handoff.append(5, 7, [one]));
  await expect(handoff.append(5, 7, [new Uint8Array([...one, ...new Uint8Array(300)])])).rejects.toThrow('queue is full'); // prettier-ignore
  const { sizeBytes = 0 } = { sizeBytes: await holder.world.complete(holder.node.env.disk.size('hh/5/7/0000000001.hint')) }; // prettier-ignore
  const valuesOf = (name: string) => handoff.statistics().find((one) => one.name === name)?.values;
  expect(valuesOf('hh_node')).toEqual({ queueTotalSize: sizeBytes });
  expect(valuesOf('hh_processor')).toMatchObject({ writeShardReq: 2, writeShardReqPoints: 2, writeBlocked: 1, bytesWritten: one.length, queueBytes: sizeBytes, queueDepth: 1, bytesRead: 0 }); // prettier-ignore
  holder.isAway = false;
  await holder.pass(1_000);
  await holder.world.complete(handoff.append(5, 7, [two]));
  await holder.pass(1_000);
  expect(valuesOf('hh_node')).toEqual({ queueTotalSize: 0 });
  expect(valuesOf('hh_processor')).toMatchObject({ writeNodeReq: 2, writeNodeReqPoints: 3, bytesRead: one.length + two.length, queueBytes: 0, queueDepth: 0 }); // prettier-ignore
  expect(valuesOf('hh')).toEqual({ writeShardReq: 1, writeShardReqPoints: 4 });
});

test('hinted handoff: a queue that cannot be read keeps no other from being dropped for its age', async () => {
  const holder = new Holder();
  const { disk } = holder.node.env;
  holder.disk = wrapped(disk, {
    open: (path, mode) =>
      mode === 'read' && path.startsWith('hh/5/6/')
        ? Promise.reject(new DbError('io_error', 'a bad inode'))
        : disk.open(path, mode),
  });
  const handoff = await holder.open(7n, { ageMsMax: 100_000, purgeMs: 60_000, retryMsMax: 60_000 });
  holder.isAway = true;
  for (const shardId of [6, 7]) await holder.world.complete(handoff.append(5, shardId, [hintOf(1)])); // prettier-ignore
  await holder.pass(300_000);
  expect(handoff.waiting()).toEqual([{ nodeId: 5, shardIds: [6] }]);
});

test('hinted handoff: what was set aside makes way for that of the next cluster that is left', async () => {
  const holder = new Holder();
  holder.isAway = true;
  for (const clusterId of [7n, 8n, 9n]) {
    const handoff = await holder.open(clusterId);
    expect(handoff.isEmpty).toBe(true);
    await holder.world.complete(handoff.append(5, Number(clusterId), [hintOf(1)]));
    await holder.world.complete(handoff.close());
  }
  const { disk } = holder.node.env;
  const aside = await holder.world.complete(disk.list('hh/of-another-cluster-5'));
  expect(aside.map(({ name }) => name)).toEqual(['8']);
});

test('hinted handoff: what was noted of queues is gone for good before they are brought, also where power is lost then', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const holder = new Holder(seed);
    const noted = { endsFolder: 'meta' };
    await holder.world.complete(holder.node.env.disk.makeDir('meta'));
    const first = await holder.open(7n, noted);
    holder.isAway = true;
    await holder.world.complete(first.append(5, 7, [hintOf(1)]));
    await holder.world.complete(first.close());
    holder.isAway = false;
    await holder.open(7n, noted);
    await holder.pass(1_000);
    expect(holder.broughtCount).toBe(1);
    holder.node.crash();
    holder.node.restart();
    await holder.open(7n, noted);
    expect(holder.errors).toEqual([]);
  }
});

test('hint quarantine: beyond 64 MiB, also of runs before, damage is told of and not kept', async () => {
  const { log } = new World(1).addNode('a').env;
  const kept: number[] = [];
  const disk = {
    list: () => Promise.resolve([{ name: 'of-before.bad', isDirectory: false }]),
    size: () => Promise.resolve(64 * MiB - 100),
    makeDir: () => Promise.resolve(),
    replaceFile: (_path: string, { length }: Uint8Array) => Promise.resolve(void kept.push(length)),
  } as unknown as Disk;
  const quarantine = new HintQuarantine({ disk, log }, 'hh');
  for (const lengthBytes of [101, 60, 41, 40, 1]) {
    const bytes = new Uint8Array(lengthBytes).fill(9);
    expect(await quarantine.take('hh/5/7/0000000001.hint', { offset: 0, lengthBytes, isTail: false }, bytes)).toBe(true); // prettier-ignore
  }
  expect(kept).toEqual([60, 40]);
});

test('hint queue: of damage that is longer than a mebibyte so much is handed over, and all of it told, once', async () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const told: (readonly [lengthBytes: number, keptBytes: number])[] = [];
  const onDamage: HintQueuePorts['onDamage'] = (_path, { lengthBytes }, { length }) => {
    told.push([lengthBytes, length]);
    return Promise.resolve();
  };
  const isDiskWell = () => Promise.resolve(true);
  const ports = { disk, clock: new HintClock(clock), onDamage, isDiskWell, buffers: new SharedBuffers(MiB) }; // prettier-ignore
  const queue = new HintQueue(ports, { folder: 'hh/5/7', segmentBytesMax: 10 * MiB });
  const work = async (): Promise<void> => {
    await queue.append([hintOf(1, MiB + 100), hintOf(2)]);
    const file = await disk.open('hh/5/7/0000000001.hint', 'open');
    await file.writeAt(0, new Uint8Array(MiB + 50));
    await file.close();
    for (const count of [0, 0, 1]) await queue.consume(MiB, () => count);
  };
  await world.complete(work());
  expect(queue.isEmpty).toBe(true);
  expect(told).toEqual([[MiB + 124, MiB]]);
});
