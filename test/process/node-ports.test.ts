import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Attack } from '../hostile/attack.ts';
import { foreignAddresses } from '../hostile/foreign-addresses.ts';
import { forgedRequests } from '../hostile/forged-requests.ts';
import { portNoise } from '../hostile/port-noise.ts';
import { DevCluster } from '../support/dev-cluster.ts';

const offset = 13_000;
const cluster = new DevCluster(offset, '--metas', '1', '--data', '2');
const limitMs = 120_000;

beforeAll(() => cluster.start(), limitMs);
afterAll(() => cluster.stop(), limitMs);

const target = {
  dataUrls: [1, 2].map((number) => cluster.url('data', number)),
  metaUrls: [cluster.url('meta', 1)],
  dataRpcAddresses: [1, 2].map((number) => `127.0.0.1:${8088 + offset + 100 * (number - 1)}`),
  metaRpcAddresses: [`127.0.0.1:${8089 + offset}`],
  folder: cluster.dir,
};
const nodes = [...target.dataUrls, ...target.metaUrls];

async function pingAll(): Promise<void> {
  const answers = await Promise.all(
    nodes.map((url) => fetch(`${url}/ping`, { signal: AbortSignal.timeout(5_000) })),
  );
  for (const { ok } of answers) expect(ok).toBe(true);
}

test.each<[string, Attack]>([
  ['requests forged by strangers are refused', forgedRequests],
  ['a foreign address tells nothing and is told nothing', foreignAddresses],
  ['noise, messages without end and connections without number pass', portNoise],
])(
  'node ports: %s, and every node lives',
  async (_what, attack) => {
    const names = ['meta-1', 'data-1', 'data-2'];
    const pids = names.map((name) => cluster.pid(name));
    await attack.run(target);
    await pingAll();
    expect(names.map((name) => cluster.pid(name))).toEqual(pids);
    expect(cluster.output).not.toContain('has died');
    // Its nodes still know each other.
    const body = new URLSearchParams({ q: 'CREATE DATABASE after' });
    const response = await fetch(`${nodes[1] ?? ''}/query`, { method: 'POST', body });
    expect(await response.text()).not.toContain('error');
  },
  limitMs,
);
