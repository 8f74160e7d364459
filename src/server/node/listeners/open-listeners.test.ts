import { expect, test } from 'vitest';
import { MemoryMeta } from '../../../../test/support/memory-meta.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { Config } from '../../../config/config.ts';
import { dataArrayKeys, dataKeys } from '../../../config/data-keys.ts';
import { findDatabase } from '../../../meta/model/catalog.ts';
import type { WriteRequest } from '../../../data/write/body-routes.ts';
import { Statistics } from '../../../telemetry/statistics.ts';
import { openListeners, type Listeners } from './open-listeners.ts';

/** A node in a world of its own, with nothing but its listeners. */
class Setting {
  readonly world = new World(1);
  readonly node = this.world.addNode('a');
  readonly meta = new MemoryMeta();
  readonly statistics = new Statistics();
  readonly requests: WriteRequest[] = [];

  async open(text: string): Promise<Listeners> {
    const { meta, statistics } = this;
    await meta.execute({ kind: 'create-data-node', httpAddress: 'a:1', tcpAddress: 'a:2', dataNodesMax: 9 }); // prettier-ignore
    const config = Config.read({ text, environment: {}, keys: dataKeys, arrayKeys: dataArrayKeys });
    const writer = {
      write: (request: WriteRequest) => {
        this.requests.push(request);
        return Promise.resolve();
      },
    };
    return this.world.complete(openListeners(config, { ...this.node.env, meta, statistics, writer })); // prettier-ignore
  }

  async datagram(bind: string, text: string): Promise<void> {
    this.world.doors.sendDatagram('a', bind, Buffer.from(text));
    await this.world.run(this.world.nowMs + 1_500);
  }
}

test('open listeners: nothing is open, and nothing said, where no section is enabled', async () => {
  const setting = new Setting();
  const listeners = await setting.open('[[udp]]\n[[graphite]]');
  expect([listeners.diagnostics(), await setting.statistics.read()]).toEqual([[], []]);
  expect(setting.world.doors.connect('a', ':2003')).toBe(undefined);
});

test('open listeners: each section has its address, database and counts; those that are off are shown as such', async () => {
  const setting = new Setting();
  const listeners = await setting.open(`[[udp]]\nenabled = true
[[udp]]\n[[udp]]\nenabled = true\nbind-address = ":9"\ndatabase = "second"\nprecision = "ms"`);
  await setting.datagram(':8089', 'm f=1 1');
  await setting.datagram(':9', 'm f=1 2\nm f=2 3');
  expect(setting.requests).toMatchObject([
    { database: 'udp', retentionPolicy: '', level: 'any', stepNs: 1n, timeoutMs: 10_000 },
    { database: 'second', stepNs: 1_000_000n },
  ]);
  const read = await setting.statistics.read();
  expect(read.map(({ tags, values }) => [tags['bind'], values['pointsTx']])).toEqual([[':8089', 1], [':9', 2]]); // prettier-ignore
  const [table] = listeners.diagnostics();
  expect(table).toMatchObject({ name: 'config-udp', rows: [[true, ':8089', 'udp', '', 5_000, 10, '1s', ''], [false], [true, ':9', 'second', '', 5_000, 10, '1s', 'ms']] }); // prettier-ignore
});

test('open listeners: a port that is taken ends the start in the reference’s words, and frees those before it', async () => {
  const setting = new Setting();
  const twice = '[[graphite]]\nenabled = true\n[[graphite]]\nenabled = true';
  await expect(setting.open(twice)).rejects.toThrow('open service: listen tcp :2003: bind: address already in use'); // prettier-ignore
  expect(setting.world.doors.connect('a', ':2003')).toBe(undefined);
});

test.each([
  ['protocol = "sctp"', 'open service: unrecognized Graphite input protocol sctp'],
  ['consistency-level = "most"', 'open service: invalid consistency level'],
])('open listeners: %s ends the start: %s', async (keys, text) => {
  await expect(new Setting().open(`[[graphite]]\nenabled = true\n${keys}`)).rejects.toThrow(text);
});

test('open listeners: Graphite makes its policy, as the default, and is content with the one that is there', async () => {
  const setting = new Setting();
  await setting.meta.execute({ kind: 'create-database', name: 'there' });
  const section = (port: number, keys: string): string =>
    `[[graphite]]\nenabled = true\nprotocol = "udp"\nbind-address = ":${port}"\n${keys}\n`;
  await setting.open(
    section(1, 'retention-policy = "raw"') + section(2, 'database = "there"') + section(3, 'database = "there"\nretention-policy = "raw"'), // prettier-ignore
  );
  const policies = (name: string) => {
    const database = findDatabase(setting.meta.catalog, name);
    const names = database?.retentionPolicies.map((policy) => `${policy.name} ${policy.replicaCount}`); // prettier-ignore
    return [names, database?.defaultRetentionPolicy];
  };
  await setting.datagram(':2', 'a 1 1');
  expect(policies('there')).toEqual([['autogen 1'], 'autogen']);
  await setting.datagram(':1', 'a 1 1');
  await setting.datagram(':3', 'a 1 1');
  expect(policies('graphite')).toEqual([['raw 1'], 'raw']);
  expect(policies('there')).toEqual([['autogen 1', 'raw 1'], 'raw']);
  expect(setting.requests).toHaveLength(3);
});
