import { expect, test } from 'vitest';
import { encrypted, gauge, numberPart, signed, textPart, valuesPart } from '../../../../test/support/collectd-datagram.ts'; // prettier-ignore
import { CollectdSetting } from '../../../../test/support/collectd-setting.ts';

const typesDb = 'gauge value:GAUGE:U:U\n';
const alice = { name: 'alice', password: 'wonderland' };
const plain = { typesDb, securityLevel: 'none', multiValue: 'split' } as const;

test('collectd: statistics have the reference’s names and tag', async () => {
  const setting = await new CollectdSetting().open(plain);
  const { written } = await setting.send(gauge('h', 1_600_000_000n, 1.5));
  expect(written).toBe(
    'plugin_value,host=h,instance=one,type=gauge,type_instance=two value=1.5 1600000000000000000\n',
  );
  expect(setting.listener?.statistics()).toEqual([
    {
      name: 'collectd',
      tags: { bind: ':25826' },
      values: {
        ...{ pointsRx: 1, bytesRx: 70, pointsParseFail: 0, readFail: 0, datagramsDropped: 0 },
        ...{ batchesTx: 1, pointsTx: 1, batchesTxFail: 0, droppedPointsInvalid: 0 },
      },
    },
  ]);
});

test('collectd: a user whose password is changed is known by the new one within two seconds', async () => {
  const setting = await new CollectdSetting().open({ ...plain, securityLevel: 'sign', authFile: 'alice: old\n' }); // prettier-ignore
  const datagram = () => signed(gauge('h', 1_600_000_000n, 1), alice);
  expect((await setting.send(datagram())).counts['pointsParseFail']).toBe(1);
  const { world, node } = setting;
  await world.complete(node.env.disk.replaceFile('etc/auth', Buffer.from('alice: wonderland\n')));
  await world.run(world.nowMs + 1_000);
  // It asks for the file, and is answered from what was read last.
  await setting.send(datagram());
  expect((await setting.send(datagram())).counts['pointsRx']).toBe(1);
  // While the file is away, what was known holds.
  await world.complete(node.env.disk.remove('etc/auth'));
  await world.run(world.nowMs + 1_000);
  await setting.send(datagram());
  expect((await setting.send(datagram())).counts['pointsRx']).toBe(1);
});

test('collectd: without an auth-file what is signed is refused, and says why', async () => {
  const setting = await new CollectdSetting().open(plain);
  const { counts, lines } = await setting.send(signed(gauge('h', 1n, 1), alice));
  expect(counts).toMatchObject({ pointsRx: 0, pointsParseFail: 1 });
  expect(String(lines[0]?.fields?.['error'])).toContain('etc/auth');
});

test('collectd: a datagram with a fault at its end leaves nothing of what came before it, nor of others', async () => {
  const setting = await new CollectdSetting().open(plain);
  const bad = Buffer.concat([gauge('bad', 1n, 1), Buffer.from([0, 1, 0, 0])]);
  const { world } = setting;
  world.doors.sendDatagram('a', ':25826', gauge('first', 1n, 1));
  world.doors.sendDatagram('a', ':25826', bad);
  const { written, counts } = await setting.send(gauge('last', 1n, 2));
  expect(written.match(/host=\w+/g)).toEqual(['host=first', 'host=last']);
  expect(counts).toMatchObject({ pointsRx: 2, pointsTx: 2, pointsParseFail: 1 });
});

test('collectd: signatures and ciphers within each other end after a few', async () => {
  const setting = await new CollectdSetting().open({ ...plain, authFile: 'alice: wonderland\n' });
  const nested = (depth: number, wrap: typeof signed): Buffer =>
    Array.from({ length: depth }).reduce<Buffer>((body) => Buffer.from(wrap(body, alice)), gauge('h', 1n, 1)); // prettier-ignore
  expect((await setting.send(nested(4, signed))).counts).toMatchObject({ pointsRx: 1 });
  expect((await setting.send(nested(5, signed))).counts).toMatchObject({ pointsParseFail: 1 });
  expect((await setting.send(nested(1_500, signed))).counts).toMatchObject({ pointsParseFail: 1 });
  expect((await setting.send(nested(4, encrypted))).counts).toMatchObject({ pointsRx: 1 });
  expect((await setting.send(nested(5, encrypted))).counts).toMatchObject({ pointsParseFail: 1 });
});

test('collectd: a type that is unknown is told once, and its values are passed over', async () => {
  const setting = await new CollectdSetting().open(plain);
  const odd = Buffer.concat([textPart(0, 'h'), numberPart(1, 1n), textPart(2, 'p'), textPart(4, 'odd'), valuesPart([1])]); // prettier-ignore
  const first = await setting.send(odd);
  expect(first.lines.map(({ message }) => message)).toEqual(['unable to find "odd" in TypesDB']);
  const second = await setting.send(odd);
  expect(second.lines).toEqual([]);
  expect(second.counts).toMatchObject({ pointsRx: 0, pointsParseFail: 0, droppedPointsInvalid: 0 });
});

test('collectd: without any types it starts, says so, and drops what comes', async () => {
  const setting = await new CollectdSetting().open({ ...plain, typesDb: '# nothing\n' });
  const told = 'No collectd types are known: all values are dropped';
  expect(setting.lines.map(({ message }) => message)).toContain(told);
  expect((await setting.send(gauge('h', 1n, 1))).written).toBe('');
});

test('collectd: a folder of types is read with the folders in it, in their order', async () => {
  const setting = new CollectdSetting();
  const { disk } = setting.node.env;
  const write = async (): Promise<void> => {
    await disk.makeDir('etc/types.d/deep');
    await disk.replaceFile('etc/types.d/a.db', Buffer.from('t a:GAUGE:U:U\nu a:GAUGE:U:U\n'));
    await disk.replaceFile('etc/types.d/deep/b.db', Buffer.from('t b:GAUGE:U:U\n'));
  };
  await setting.world.complete(write());
  await setting.open({ ...plain, typesPath: 'etc/types.d' });
  const of = (type: string) => Buffer.concat([numberPart(1, 1n), textPart(2, 'p'), textPart(4, type), valuesPart([1])]); // prettier-ignore
  expect((await setting.send(of('t'))).written).toBe('p_b,type=t value=1 1000000000\n');
  expect((await setting.send(of('u'))).written).toBe('p_a,type=u value=1 1000000000\n');
});

test('collectd: a name too long for the storage is dropped alone', async () => {
  const setting = await new CollectdSetting().open(plain);
  const long = gauge('x'.repeat(60_000).replaceAll(/x{3}/g, 'x, '), 1n, 1);
  const { written, counts } = await setting.send(Buffer.concat([long, gauge('h', 2n, 1)]));
  expect(counts).toMatchObject({ pointsRx: 1, droppedPointsInvalid: 1 });
  expect(written).toContain('host=h,');
});
