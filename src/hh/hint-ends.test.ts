import { expect, test } from 'vitest';
import { hintOf, numberOf } from '../../test/support/hint-script.ts';
import { World } from '../../test/sim/world/world.ts';
import { FailingDisk } from '../../test/support/failing-disk.ts';
import { DbError } from '../base/errors.ts';
import type { Env } from '../env/env.ts';
import type { Log } from '../env/log.ts';
import { HintedHandoff } from './hinted-handoff.ts';
import type { HintOptions } from './hint-options.ts';

const options: HintOptions = {
  folder: 'hh',
  endsFolder: 'meta',
  isEnabled: true,
  sizeBytesMax: 10_000,
  ageMsMax: 600_000,
  pendingMax: 100,
  batchBytesMax: 40,
  concurrencyMax: 1,
  rateBytes: 0,
  retryMs: 1_000,
  retryMsMax: 4_000,
  purgeMs: 60_000,
  mayOvertake: false,
  // Two of 64 bytes.
  segmentBytesMax: 100,
  deadlineMs: 5_000,
};

/** A node with hints for an owner, that is stopped and started. */
class Machine {
  readonly world = new World(1);
  readonly env: Env = this.world.addNode('a').env;
  readonly brought: number[] = [];
  readonly missed: string[] = [];
  /** Shards of which the owner is known to lack something. */
  readonly lacking = new Set<number>();
  /** So many requests more the owner answers. */
  answeredCount = 0;
  /** Whether the disk removes what was noted. */
  removes = true;
  #handoff: HintedHandoff | undefined;

  start(): Promise<HintedHandoff> {
    const log = {
      ...{ info: () => undefined, warn: () => undefined },
      error: (message: string, { path, bytes }: Record<string, unknown>) => {
        this.missed.push(`${message}: ${String(path)} ${String(bytes)}`);
      },
    } as unknown as Log;
    const target = {
      standing: () => 'owner' as const,
      onQueued: () => undefined,
      onDropped: (_nodeId: number, shardId: number) => this.lacking.add(shardId),
      onDrained: () => undefined,
      deliver: (_: unknown, payloads: readonly Uint8Array[]) => {
        if (this.answeredCount-- <= 0) return Promise.reject(new DbError('unavailable', 'away'));
        this.brought.push(...payloads.map(numberOf));
        return Promise.resolve(payloads.map(() => ({ kind: 'written' }) as const));
      },
    };
    const { clock } = this.env;
    // It is read, looked for and removed.
    const disk = new FailingDisk(this.env.disk, { failAt: this.removes ? Infinity : 3 });
    const ports = { disk, clock, log, target, clusterId: () => 7n, freshCount: () => 0 };
    return this.run(async () => {
      await this.env.disk.makeDir('meta');
      this.#handoff = await HintedHandoff.open(ports, options);
      return this.#handoff;
    });
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return this.world.complete(work());
  }

  async stop(): Promise<void> {
    await this.run(async () => this.#handoff?.close());
  }

  /** Stopped while `numbers` wait for the owner, some of which it has got. */
  static async withWaiting(numbers: readonly number[], answeredCount = 0): Promise<Machine> {
    const machine = new Machine();
    const handoff = await machine.start();
    for (const number of numbers) await machine.run(() => handoff.append(5, 7, [hintOf(number)]));
    machine.answeredCount = answeredCount;
    handoff.wake(5);
    await machine.world.run(machine.world.nowMs + 100);
    await machine.stop();
    return machine;
  }

  /** Starts again with an owner that takes all. */
  async end(): Promise<void> {
    this.answeredCount = 100;
    await this.start();
    await this.world.run(this.world.nowMs + 1_000);
    await this.stop();
  }
}

const gone = 'Hinted writes that waited for a node are not there any more';

test('hint ends: files of a queue that were removed or cut while the node was stopped are missed, and the rest is brought', async () => {
  const machine = await Machine.withWaiting([1, 2, 3, 4, 5, 6]);
  const { disk } = machine.env;
  await machine.run(async () => {
    await disk.remove('hh/5/7/0000000002.hint');
    const file = await disk.open('hh/5/7/0000000003.hint', 'open');
    await file.truncate(64);
    await file.close();
  });
  await machine.end();
  expect(machine.missed).toEqual([
    `${gone}: hh/5/7/0000000002.hint 128`,
    `${gone}: hh/5/7/0000000003.hint 64`,
  ]);
  expect(machine.brought).toEqual([1, 2, 5]);
  expect([...machine.lacking]).toEqual([7]);
});

test('hint ends: a folder that is empty, as where its disk is not mounted, is missed once', async () => {
  const machine = await Machine.withWaiting([1, 2, 3]);
  await machine.run(() => machine.env.disk.removeTree('hh'));
  await machine.end();
  expect(machine.missed).toEqual([
    `${gone}: hh/5/7/0000000001.hint 128`,
    `${gone}: hh/5/7/0000000002.hint 64`,
  ]);
  await machine.end();
  expect(machine.missed).toHaveLength(2);
});

test.each(['stopped', 'killed'])(
  'hint ends: what an owner has got before its holder is %s is not brought again',
  async (how) => {
    const machine = new Machine();
    const handoff = await machine.start();
    for (const number of [1, 2, 3, 4, 5])
      await machine.run(() => handoff.append(5, 7, [hintOf(number)]));
    machine.answeredCount = 3;
    handoff.wake(5);
    await machine.world.run(machine.world.nowMs + 100);
    expect(machine.brought.splice(0)).toEqual([1, 2, 3]);
    await machine.stop();
    // A process that is killed leaves the same files, but for this one.
    if (how === 'killed') await machine.run(() => machine.env.disk.remove('meta/hints.json'));
    await machine.end();
    expect([machine.brought, machine.missed]).toEqual([[4, 5], []]);
    const left = await machine.run(() => machine.env.disk.list('hh/5/7'));
    expect(left).toEqual([]);
    expect(await machine.run(() => machine.env.disk.size('meta/hints.json'))).toBeUndefined();
  },
);

test('hint ends: how far a queue was brought says nothing of a later segment with the same number', async () => {
  const machine = await Machine.withWaiting([1, 2], 1);
  const { disk } = machine.env;
  const mark = await machine.run(() => disk.readFile('hh/5/7/brought'));
  await machine.end();
  machine.brought.splice(0);
  machine.answeredCount = 0;
  const handoff = await machine.start();
  for (const number of [3, 4]) await machine.run(() => handoff.append(5, 7, [hintOf(number)]));
  await machine.stop();
  await machine.run(() => disk.replaceFile('hh/5/7/brought', mark));
  await machine.end();
  expect(machine.brought).toEqual([3, 4]);
});

test('hint ends: what was written of another run than the last, or is no such file, says nothing', async () => {
  const machine = await Machine.withWaiting([1, 2, 3]);
  await machine.run(() =>
    machine.env.disk.replaceFile('meta/hints.json', Buffer.from('00000000 [[5,7,[[9,9]]]]\n')),
  );
  await machine.end();
  expect([machine.brought, machine.missed, machine.lacking.size]).toEqual([[1, 2, 3], [], 0]);
});

test('hint ends: queues are brought also where what was noted of them cannot be removed', async () => {
  const machine = await Machine.withWaiting([1, 2]);
  machine.removes = false;
  await machine.end();
  expect([machine.brought, machine.missed]).toEqual([[1, 2], []]);
});
