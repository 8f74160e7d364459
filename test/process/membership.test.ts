import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { Workshop } from '../support/lone-daemon.ts';

const limitMs = 120_000;
const workshop = new Workshop();
const ports = [22_000, 22_100];
const http = (port: number) => `127.0.0.1:${port + 91}`;

beforeAll(async () => {
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2');
  for (const port of ports) {
    const file = workshop.config({ port, name: `m${port}` });
    workshop.start('influxd-meta', '-config', file);
  }
  for (const port of ports) await eventually(() => fetch(`http://${http(port)}/status`), 30_000);
}, limitMs);
afterAll(() => workshop.close(), limitMs);

test(
  'membership: meta nodes joined many times at once, the founding one too, are members once',
  async () => {
    const join = async (addr: string) => {
      const body = new URLSearchParams({ addr });
      const answer = await fetch(`http://${http(22_000)}/join`, { method: 'POST', body });
      return `${answer.status} ${((await answer.json()) as { id?: number }).id}`;
    };
    const asked = [22_100, 22_000, 22_100, 22_100, 22_000, 22_100].map((port) => join(http(port)));
    const answers = await Promise.all(asked);
    expect(answers).toEqual(['200 2', '200 1', '200 2', '200 2', '200 1', '200 2']);
    const peers = await (await fetch(`http://${http(22_000)}/peers`)).json();
    expect(peers).toEqual(['127.0.0.1:22089', '127.0.0.1:22189']);
    await eventually(async () => {
      expect(await (await fetch(`http://${http(22_100)}/peers`)).json()).toEqual(peers);
    }, 10_000);
  },
  limitMs,
);
