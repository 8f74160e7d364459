import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { DbError } from '../../base/errors.ts';
import { PointBatcher, type PointBatcherOptions } from './point-batcher.ts';

/** A batcher in a world of its own, whose writes do as they are told. */
class Setting {
  readonly world: World;
  readonly lines: string[] = [];
  readonly written: string[] = [];
  prepareError: DbError | undefined;
  writeError: DbError | undefined;
  writeMs = 0;
  prepareCount = 0;
  readonly batcher: PointBatcher;
  readonly #sleep: (durationMs: number) => Promise<void>;

  constructor(options: Partial<PointBatcherOptions> = {}) {
    this.world = new World(1, { onTrace: (line) => this.lines.push(line) });
    const { clock, log } = this.world.addNode('a').env;
    this.#sleep = (durationMs) => clock.sleep(durationMs);
    this.batcher = new PointBatcher(
      {
        clock,
        log,
        prepare: () => {
          this.prepareCount++;
          return this.prepareError === undefined ? Promise.resolve() : Promise.reject(this.prepareError); // prettier-ignore
        },
        write: async ({ database, retentionPolicy, body, stepNs }) => {
          if (this.writeMs > 0) await this.#sleep(this.writeMs);
          if (this.writeError !== undefined) throw this.writeError;
          const text = Buffer.from(body).toString();
          // A body moves to a worker: its sender has none of it any more.
          structuredClone(body, { transfer: [body.buffer as ArrayBuffer] });
          this.written.push(`${database}.${retentionPolicy} ${stepNs} ${text}`); // prettier-ignore
        },
      },
      {
        ...{ database: 'db', retentionPolicy: 'rp', stepNs: 1n, batchPointsMax: 3, pendingMax: 2 },
        ...{ batchMs: 1_000, unpreparedText: 'Required database does not yet exist' },
        ...options,
      },
    );
  }

  add(text: string): void {
    this.batcher.lines.push(Buffer.from(`${text}\n`));
    this.batcher.added();
  }

  addMany(count: number): void {
    for (let i = 0; i < count; i++) this.add(`m f=${i}`);
  }

  pass(ms: number): Promise<void> {
    return this.world.run(this.world.nowMs + ms);
  }

  logged(text: string): readonly string[] {
    return this.lines.filter((line) => line.includes(text));
  }
}

test('point batcher: a batch goes when it has its points, and at its timeout with what it has', async () => {
  const setting = new Setting();
  setting.addMany(4);
  await setting.pass(10);
  expect(setting.written).toEqual(['db.rp 1 m f=0\nm f=1\nm f=2\n']);
  await setting.pass(980);
  expect(setting.written).toHaveLength(1);
  await setting.pass(20);
  expect(setting.written[1]).toBe('db.rp 1 m f=3\n');
  expect(setting.batcher.counts()).toEqual({ batchesTx: 2, pointsTx: 4, batchesTxFail: 0 });
  await setting.pass(5_000);
  expect(setting.written).toHaveLength(2);
});

test('point batcher: the timeout counts from the first point of a batch', async () => {
  const setting = new Setting({ batchPointsMax: 100 });
  setting.add('m f=1');
  await setting.pass(900);
  setting.add('m f=2');
  await setting.pass(150);
  expect(setting.written).toEqual(['db.rp 1 m f=1\nm f=2\n']);
});

test('point batcher: a batch that is large goes before it has its points', async () => {
  const setting = new Setting({ batchPointsMax: 1e9 });
  for (let i = 0; i < 70; i++) setting.add(`m f="${'x'.repeat(65_000)}"`);
  await setting.pass(10);
  expect(setting.written).toHaveLength(1);
  expect(setting.written[0]?.length).toBeLessThan(4.4e6);
});

test('point batcher: while writes are slow no more may wait than is said, and then there is room again', async () => {
  const setting = new Setting();
  setting.writeMs = 1_000;
  let roomCount = 0;
  setting.addMany(6);
  expect(setting.batcher.hasRoom).toBe(true);
  setting.addMany(3);
  expect(setting.batcher.hasRoom).toBe(false);
  setting.batcher.whenRoom(() => roomCount++);
  await setting.pass(1_500);
  // One of three batches has gone, and more than a half still waits.
  expect(roomCount).toBe(0);
  await setting.pass(1_000);
  expect([roomCount, setting.batcher.hasRoom]).toEqual([1, true]);
  await setting.pass(1_000);
  expect([roomCount, setting.written.length]).toEqual([1, 3]);
});

test('point batcher: large batches that wait leave no room either', () => {
  const setting = new Setting({ pendingMax: 1e9, batchPointsMax: 1e9 });
  setting.writeMs = 60_000;
  for (let i = 0; i < 1_200; i++) setting.add(`m f="${'x'.repeat(65_000)}"`);
  expect(setting.batcher.hasRoom).toBe(false);
});

test('point batcher: there is room however much was written before', async () => {
  const setting = new Setting({ batchPointsMax: 60 });
  for (let i = 0; i < 30; i++) {
    for (let k = 0; k < 60; k++) setting.add(`m f="${'x'.repeat(65_000)}"`);
    await setting.pass(10);
    setting.written.length = 0;
  }
  expect(setting.batcher.counts().batchesTx).toBe(30);
  expect(setting.batcher.hasRoom).toBe(true);
});

test('point batcher: a batch that cannot be written is counted, said in the reference’s words, and gone', async () => {
  const setting = new Setting();
  setting.writeError = new DbError('timeout', 'timeout');
  setting.addMany(3);
  await setting.pass(10);
  setting.writeError = undefined;
  setting.addMany(3);
  await setting.pass(10);
  expect(setting.written).toHaveLength(1);
  expect(setting.batcher.counts()).toEqual({ batchesTx: 1, pointsTx: 3, batchesTxFail: 1 });
  expect(setting.logged('Failed to write point batch to database')).toHaveLength(1);
});

test('point batcher: while the metas are away points wait for their database, and it is made once', async () => {
  const setting = new Setting();
  setting.prepareError = new DbError('unavailable', 'meta service unavailable');
  setting.addMany(3);
  await setting.pass(20_000);
  expect([setting.written.length, setting.logged('Required database').length]).toEqual([0, 1]);
  setting.prepareError = undefined;
  await setting.pass(6_000);
  expect(setting.written).toHaveLength(1);
  const { prepareCount } = setting;
  expect(prepareCount).toBeLessThan(12);
  setting.addMany(3);
  await setting.pass(10);
  expect([setting.written.length, setting.prepareCount]).toEqual([2, prepareCount]);
});

test('point batcher: points for a database that cannot be are dropped, as the reference does, and it is tried again', async () => {
  const setting = new Setting();
  setting.prepareError = new DbError('invalid_argument', 'invalid name');
  setting.addMany(3);
  await setting.pass(10);
  setting.prepareError = undefined;
  setting.addMany(2);
  await setting.pass(1_100);
  expect(setting.written).toEqual(['db.rp 1 m f=0\nm f=1\n']);
});

test('point batcher: a stop writes what was added', async () => {
  const setting = new Setting();
  setting.writeMs = 2_000;
  setting.addMany(7);
  await setting.world.complete(setting.batcher.close(), 9_000);
  expect(setting.written).toHaveLength(3);
});

test('point batcher: a stop does not wait for metas that are away, and says what it lost', async () => {
  const setting = new Setting();
  setting.prepareError = new DbError('unavailable', 'meta service unavailable');
  setting.addMany(4);
  await setting.world.complete(setting.batcher.close(), 11_000);
  expect(setting.written).toEqual([]);
  expect(setting.logged('Points were not written before the stop')).toHaveLength(1);
  setting.addMany(9);
  await setting.pass(5_000);
  expect(setting.written).toEqual([]);
});
