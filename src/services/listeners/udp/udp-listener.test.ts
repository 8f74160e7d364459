import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { PointBatcher } from '../point-batcher.ts';
import { UdpListener } from './udp-listener.ts';

/** A listener in a world of its own. */
class Setting {
  readonly world: World;
  readonly lines: string[] = [];
  written = '';
  writeMs = 0;
  listener: UdpListener | undefined;

  constructor() {
    this.world = new World(1, { onTrace: (line) => this.lines.push(line) });
  }

  async open(stepNs = 1n): Promise<this> {
    const { clock, inbound, log } = this.world.addNode('a').env;
    const batcher = new PointBatcher(
      {
        clock,
        log,
        prepare: () => Promise.resolve(),
        write: async ({ body }) => {
          if (this.writeMs > 0) await clock.sleep(this.writeMs);
          this.written += Buffer.from(body).toString('latin1');
        },
      },
      {
        ...{ database: 'udp', retentionPolicy: '', stepNs, batchPointsMax: 2, pendingMax: 1 },
        ...{ batchMs: 1_000, unpreparedText: 'Required database does not yet exist' },
      },
    );
    const opening = UdpListener.open({ clock, inbound, log, batcher }, { bind: ':8089', bufferBytes: 0, stepNs }); // prettier-ignore
    this.listener = await this.world.complete(opening);
    return this;
  }

  async send(text: string): Promise<void> {
    this.world.doors.sendDatagram('a', ':8089', Buffer.from(text, 'latin1'));
    await this.world.run(this.world.nowMs + 5);
  }

  get values(): Readonly<Record<string, number>> {
    return this.listener?.statistics()[0]?.values ?? {};
  }
}

/** World time 0. */
const startNs = 1_767_225_600_000_000_000n;

test('udp: points are written as they came, in nanoseconds, and counted under the reference’s names', async () => {
  const setting = await new Setting().open();
  await setting.send('m,t=a f=1 10\n# a comment\n\nm f="x\ny" 11');
  expect(setting.written).toBe('m,t=a f=1 10\nm f="x\ny" 11\n');
  expect(setting.listener?.statistics()).toEqual([
    {
      name: 'udp',
      tags: { bind: ':8089' },
      values: {
        ...{ pointsRx: 2, bytesRx: 38, pointsParseFail: 0, readFail: 0, datagramsDropped: 0 },
        ...{ batchesTx: 1, pointsTx: 2, batchesTxFail: 0 },
      },
    },
  ]);
});

test('udp: points without a time get that of their datagram, in steps of the precision', async () => {
  const setting = await new Setting().open(1_000_000n);
  await setting.send('m f=1');
  await setting.send('m f=2  \nm f=3 7');
  await setting.world.run(2_000);
  const times = [...setting.written.matchAll(/m f=\d (\d+)/g)].map(([, time]) => Number(time));
  const startMs = Number(startNs / 1_000_000n);
  expect(times).toEqual([startMs + 2, startMs + 7, 7]);
});

test('udp: a datagram with a bad line is dropped as a whole, and counts once', async () => {
  const setting = await new Setting().open();
  await setting.send('m f=1 1\nbad\nworse\nm f=2 2');
  await setting.send('\0\xff\xfe garbage');
  await setting.world.run(3_000);
  expect(setting.written).toBe('');
  expect(setting.values).toMatchObject({ pointsRx: 0, pointsParseFail: 2 });
  expect(setting.lines.filter((line) => line.includes('Failed to parse points'))).toHaveLength(2);
});

test('udp: while the cluster is slow what comes is dropped, counted, and said', async () => {
  const setting = await new Setting().open();
  setting.writeMs = 30_000;
  const long = `m f=1 1\nm s="${'x'.repeat(60_000)}" 2`;
  for (let i = 0; i < 100; i++) await setting.send(long);
  // A MiB of batches, however few may wait.
  expect(setting.values).toMatchObject({ pointsRx: 36, datagramsDropped: 82 });
  expect(setting.values['bytesRx']).toBe(100 * long.length);
  expect(setting.lines.filter((line) => line.includes('Datagrams are dropped'))).toHaveLength(1);
});

test('udp: a burst of small datagrams is not dropped where batches are small and few may wait', async () => {
  const setting = await new Setting().open();
  setting.writeMs = 10;
  for (let i = 0; i < 1_000; i++) await setting.send(`m f=1 ${i}`);
  await setting.world.run(setting.world.nowMs + 10_000);
  expect(setting.values).toMatchObject({ pointsRx: 1_000, datagramsDropped: 0, pointsTx: 1_000 });
});

test('udp: a stop writes what came', async () => {
  const setting = await new Setting().open();
  await setting.send('m f=1 1');
  await setting.world.complete(setting.listener?.close() ?? Promise.resolve());
  expect(setting.written).toBe('m f=1 1\n');
});
