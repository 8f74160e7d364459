import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';
import { run } from '../support/lone-daemon.ts';

/** Announcements and their expiry (spec F15), by `influxd-ctl show` of each meta node. */
const limitMs = 120_000;
const offset = 15_400;
const cluster = new DevCluster(offset, '--metas', '3', '--data', '2');
const quick = {
  INFLUXDB_GOSSIP_FREQUENCY: '250ms',
  INFLUXDB_META_GOSSIP_FREQUENCY: '250ms',
  INFLUXDB_META_ANNOUNCEMENT_EXPIRATION: '3s',
};

beforeAll(() => cluster.start(quick), limitMs);
afterAll(() => cluster.stop(), limitMs);

const address = (number: number, port: number) => `127.0.0.1:${offset + 100 * (number - 1) + port}`;

/** Version by address of each node, as a meta node shows it. */
function versionsAt(meta: number): Readonly<Record<string, string>> {
  const { status, stdout, stderr } = run('influxd-ctl', '-bind', address(meta, 8_091), 'show');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const rows = stdout.matchAll(/^(\d+) +(\S+) +(\S+) +(v\S+)? *(\{.*?\})/gm);
  return Object.fromEntries([...rows].map(([, , tcp = '', , version = '']) => [tcp, version]));
}

const metas = [1, 2, 3].map((number) => address(number, 8_089));
const datas = [1, 2].map((number) => address(number, 8_088));

/** All versions but those of `silent`, which are blank. */
function shown(silent: readonly string[]): Readonly<Record<string, string>> {
  const all = [...datas, ...metas].map((one) => [one, silent.includes(one) ? '' : 'v1.12.4']);
  return Object.fromEntries(all) as Readonly<Record<string, string>>;
}

async function untilShown(silent: readonly string[], by: readonly number[]): Promise<void> {
  await eventually(() => {
    for (const meta of by) expect(versionsAt(meta)).toEqual(shown(silent));
    return Promise.resolve();
  }, 60_000);
}

test(
  'announcements: a node that is silent is shown without a version by all metas until it is heard again',
  async () => {
    await untilShown([], [1, 2, 3]);
    await cluster.kill('data-2');
    await untilShown(datas.slice(1), [1, 2, 3]);
    cluster.startByHand('data-2');
    await untilShown([], [1, 2, 3]);
  },
  limitMs,
);

test(
  'announcements: the same of a meta node; the others still say of each other that they are there',
  async () => {
    await cluster.kill('meta-3');
    await untilShown(metas.slice(2), [1, 2]);
    cluster.startByHand('meta-3');
    await untilShown([], [1, 2, 3]);
  },
  limitMs,
);
