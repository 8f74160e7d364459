import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { DbError } from '../../base/errors.ts';
import type { Log, LogFields } from '../../env/log.ts';
import type { Destination, PointLines } from './destination.ts';
import { Forwarder } from './forwarder.ts';

/** A subscription whose destinations do as they are told. */
class Setting {
  readonly world = new World(1);
  readonly warned: string[] = [];
  readonly forwarder: Forwarder;
  failedCount = 0;
  sentCount = 0;

  constructor(mode: 'ALL' | 'ANY', ...sends: readonly Destination['send'][]) {
    const { clock } = this.world.addNode('a').env;
    const log = { warn: (text: string, fields: LogFields) => this.warned.push(`${text} ${JSON.stringify(fields)}`) }; // prettier-ignore
    const ports = {
      clock,
      log: log as unknown as Log,
      onSent: (count: number) => {
        this.sentCount += count;
      },
      onFailed: () => {
        this.failedCount++;
      },
    };
    const destinations = sends.map((send, i) => ({ url: `http://u:secret@h${i}:1`, send }));
    const options = { database: 'd', retentionPolicy: 'p', name: 's', mode, concurrencyMax: 1, requestsMax: 2 }; // prettier-ignore
    this.forwarder = new Forwarder(ports, destinations, options);
  }

  async offer(pointCount = 1): Promise<void> {
    const lines = new TextEncoder().encode('m v=1 1\n'.repeat(pointCount));
    const ends = Uint32Array.from({ length: pointCount }, (_, i) => 8 * (i + 1));
    const points: PointLines = { database: 'd', retentionPolicy: 'p', lines, ends };
    this.forwarder.offer(points);
    await this.pass(1);
  }

  pass(ms: number): Promise<void> {
    return this.world.run(this.world.nowMs + ms);
  }
}

const takes = (): Promise<void> => Promise.resolve();
const refuses = (): Promise<void> =>
  Promise.reject(new DbError('write_failed', 'no answer of http://u:secret@h0:1/write'));

test('forwarder: of a receiver that is away a line is logged every ten seconds, with how many there were before and without its password', async () => {
  const setting = new Setting('ALL', refuses);
  for (let i = 0; i < 5; i++) await setting.offer();
  expect(setting.warned).toEqual([
    'Write failed {"name":"s","db_instance":"d","db_rp":"p","destination":"http://u:[REDACTED]@h0:1","error":"no answer of http://u:[REDACTED]@h0:1/write"}',
  ]);
  await setting.pass(9_000);
  await setting.offer();
  expect(setting.warned).toHaveLength(1);
  await setting.pass(1_000);
  await setting.offer();
  expect(setting.warned[1]).toMatch(/"before":5}$/);
  await setting.pass(10_000);
  await setting.offer();
  expect(setting.warned[2]).not.toContain('before');
  expect([setting.failedCount, setting.sentCount]).toEqual([8, 0]);
});

test('forwarder: points count as sent once each that is to have them has', async () => {
  const all = new Setting('ALL', takes, refuses);
  await all.offer(3);
  expect([all.sentCount, all.failedCount]).toEqual([0, 1]);
  const any = new Setting('ANY', refuses, takes);
  await any.offer(3);
  expect([any.sentCount, any.failedCount]).toEqual([3, 0]);
  const none = new Setting('ANY', refuses, refuses);
  await none.offer(3);
  expect([none.sentCount, none.failedCount]).toEqual([0, 1]);
  const values = none.forwarder.statistics().map(({ values: { writeFailures } }) => writeFailures);
  expect(values).toEqual([1, 1]);
});

test('forwarder: one that is closed ends what is on its way, drops what waits and takes no more', async () => {
  let sendCount = 0;
  const setting = new Setting('ALL', (_points, signal) => {
    sendCount++;
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        reject(signal.reason as Error);
      });
    });
  });
  for (let i = 0; i < 4; i++) await setting.offer();
  expect(setting.warned).toEqual([expect.stringContaining('Write rejected, queue full')]);
  expect(setting.forwarder.queuedBytes).toBeGreaterThan(0);
  await setting.world.complete(setting.forwarder.close());
  await setting.offer();
  expect([sendCount, setting.failedCount, setting.warned.length]).toEqual([1, 1, 1]);
});
