import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { PointBatcher } from '../point-batcher.ts';
import { GraphiteListener, type GraphiteListenerOptions } from './graphite-listener.ts';

/** A listener in a world of its own. */
class Setting {
  readonly world: World;
  written = '';
  writeMs = 0;
  readonly listener: GraphiteListener;

  private constructor(world: World, listener: GraphiteListener) {
    this.world = world;
    this.listener = listener;
  }

  static async open(
    options: Partial<GraphiteListenerOptions> = {},
    pendingMax = 10,
  ): Promise<Setting> {
    const world = new World(1);
    const { clock, inbound, log } = world.addNode('a').env;
    const opened: { setting?: Setting } = {};
    const batcher = new PointBatcher(
      {
        clock,
        log,
        prepare: () => Promise.resolve(),
        write: async ({ body }) => {
          const { setting } = opened;
          if (setting === undefined) return;
          if (setting.writeMs > 0) await clock.sleep(setting.writeMs);
          setting.written += Buffer.from(body).toString('latin1');
        },
      },
      {
        ...{ database: 'graphite', retentionPolicy: '', stepNs: 1n, batchPointsMax: 1_000 },
        ...{ pendingMax, batchMs: 1_000, unpreparedText: 'Required database' },
      },
    );
    const opening = GraphiteListener.open(
      { clock, inbound, log, batcher },
      {
        ...{ bind: ':2003', network: 'tcp', bufferBytes: 0, templates: [], separator: '.' },
        ...{ tags: [], ...options },
      },
    );
    const setting = new Setting(world, await world.complete(opening));
    opened.setting = setting;
    return setting;
  }

  connect() {
    const sender = this.world.doors.connect('a', ':2003');
    if (sender === undefined) throw new Error('nobody listens');
    return sender;
  }

  pass(ms: number): Promise<void> {
    return this.world.run(this.world.nowMs + ms);
  }

  get values(): Readonly<Record<string, number>> {
    return this.listener.statistics()[0]?.values ?? {};
  }
}

test('graphite: lines in pieces are points; the last without its end is none; counted under the reference’s names', async () => {
  const setting = await Setting.open();
  const sender = setting.connect();
  for (const piece of ['a.b 1 15000', '00000\n\n  \nbad\na NaN 1\nc 2 15', '00000001\nlost 1 1'])
    sender.send(Buffer.from(piece));
  await setting.pass(10);
  expect(setting.listener.diagnostics()).toEqual([
    {
      name: 'graphite:tcp::2003',
      columns: ['local', 'remote', 'connect time'],
      rows: [['a:1', 'sender:1', '2026-01-01T00:00:00Z']],
    },
  ]);
  sender.end();
  await setting.pass(2_000);
  expect(setting.written).toBe('a.b value=1 1500000000000000000\nc value=2 1500000001000000000\n');
  expect(setting.listener.statistics()).toEqual([
    {
      name: 'graphite',
      tags: { proto: 'tcp', bind: ':2003' },
      values: {
        ...{ pointsRx: 6, bytesRx: 48, pointsParseFail: 1, pointsNaNFail: 1 },
        ...{ batchesTx: 1, pointsTx: 2, batchesTxFail: 0, connsActive: 0, connsHandled: 1 },
      },
    },
  ]);
  expect(setting.listener.diagnostics()[0]?.rows).toEqual([]);
});

test('graphite: of a line that does not end its beginning is held, it counts as bad once, and the next is read', async () => {
  const setting = await Setting.open();
  const sender = setting.connect();
  const part = Buffer.alloc(1_000_000, 'x');
  for (let i = 0; i < 100; i++) sender.send(part);
  sender.send(Buffer.from(' 1 1\na 1 1\n'));
  await setting.pass(2_000);
  expect(setting.written).toBe('a value=1 1000000000\n');
  expect(setting.values).toMatchObject({ pointsRx: 2, pointsParseFail: 1 });
});

test('graphite: many senders with lines that do not end hold no more than a limit: those beyond it are closed', async () => {
  const setting = await Setting.open();
  const senders = Array.from({ length: 1_100 }, () => setting.connect());
  const part = Buffer.alloc(65_000, 'x');
  for (const sender of senders) sender.send(part);
  await setting.pass(100);
  const closedCount = senders.filter(({ isClosed }) => isClosed).length;
  expect(closedCount).toBe(senders.length - Math.floor((64 * 1_024 * 1_024) / 65_000));
  for (const sender of senders) sender.close();
  await setting.pass(100);
  const late = setting.connect();
  late.send(part);
  await setting.pass(100);
  expect(late.isClosed).toBe(false);
});

test('graphite: a slow cluster holds the senders up, and nothing is lost', async () => {
  const setting = await Setting.open({}, 1);
  setting.writeMs = 10_000;
  const sender = setting.connect();
  const piece = Buffer.from(Array.from({ length: 500 }, (_, i) => `m.${i} ${i} 1500000000\n`).join('')); // prettier-ignore
  for (let i = 0; i < 40; i++) sender.send(piece);
  await setting.pass(5_000);
  expect(sender.waitingCount).toBeGreaterThan(30);
  await setting.pass(300_000);
  expect(sender.waitingCount).toBe(0);
  expect(setting.written.split('\n')).toHaveLength(40 * 500 + 1);
});

test('graphite: bad lines at any rate fill no log, and what was left out is told', async () => {
  const setting = await Setting.open({ network: 'udp' });
  const bad = Buffer.from('bad\n'.repeat(10_000));
  setting.world.doors.sendDatagram('a', ':2003', bad);
  await setting.pass(1_500);
  setting.world.doors.sendDatagram('a', ':2003', Buffer.from('x 1 1 1\nok 1 1'));
  await setting.pass(1_500);
  const lines = setting.world.traceTail(2_000);
  expect(setting.values).toMatchObject({ pointsRx: 10_003, pointsParseFail: 10_001, pointsTx: 1 });
  expect(lines.filter((line) => line.includes('Unable to parse line'))).toHaveLength(11);
  expect(lines.some((line) => /More of what was sent was bad.*9990/.test(line))).toBe(true);
});

test('graphite: binary garbage by TCP and UDP is counted, and the next point is taken', async () => {
  for (const network of ['tcp', 'udp'] as const) {
    const setting = await Setting.open({ network });
    const garbage = Uint8Array.from({ length: 60_000 }, (_, i) => (i * 7919) % 256);
    const all = Buffer.concat([garbage, Buffer.from('\na 1 1\n')]);
    if (network === 'tcp') setting.connect().send(all);
    else setting.world.doors.sendDatagram('a', ':2003', all);
    await setting.pass(2_000);
    expect(setting.written).toBe('a value=1 1000000000\n');
  }
});
