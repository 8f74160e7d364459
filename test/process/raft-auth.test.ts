import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { run, Workshop, type LoneDaemon } from '../support/lone-daemon.ts';

const limitMs = 180_000;
const workshop = new Workshop();
const ports = [26_700, 26_800, 26_900] as const;
const [firstPort] = ports;
const running = new Map<number, LoneDaemon>();
const http = (port: number) => `127.0.0.1:${port + 91}`;
const secretLine = (secret: string) => `  internal-shared-secret = "${secret}"\n`;
const portal = '  raft-portal-auth-required = true\n';
const dialer = '  raft-dialer-auth-required = true\n';

beforeAll(() => {
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2', '--data-nodes', '9');
});
afterAll(() => workshop.close(), limitMs);

function configOf(port: number, lines: string): string {
  const path = workshop.config({ port, name: `m${port}` });
  writeFileSync(path, readFileSync(path, 'utf8').replace('[meta]\n', `[meta]\n${lines}`));
  return path;
}

async function restart(port: number, lines: string): Promise<void> {
  await stop(port);
  running.set(port, workshop.start('influxd-meta', '-config', configOf(port, lines)));
  await eventually(() => fetch(`http://${http(port)}/ping`), 30_000);
}

async function stop(port: number): Promise<void> {
  running.get(port)?.child.kill('SIGTERM');
  await running.get(port)?.ended;
  running.delete(port);
}

const ctl = (...command: readonly string[]) => run('influxd-ctl', '-bind', http(firstPort), '-timeout', '30s', ...command); // prettier-ignore

/** A change that a majority has to take, asked at each node. */
async function mustChange(): Promise<void> {
  await eventually(() => {
    for (const port of ports) {
      const { status, stdout, stderr } = run('influxd-ctl', '-bind', http(port), 'truncate-shards');
      expect({ port, status, stdout, stderr }).toMatchObject({ status: 0, stdout: 'Truncated shards.\n' }); // prettier-ignore
    }
    return Promise.resolve();
  }, 30_000);
}

test.each([
  [portal, 'internal-shared-secret is blank and must be set in config when raft-portal-auth-required is enabled'], // prettier-ignore
  [`${secretLine('s')}${dialer}`, 'raft-portal-auth-required must be enabled when raft-dialer-auth-required is'], // prettier-ignore
])(
  'raft auth: a meta node with %j does not start',
  (lines, text) => {
    const { status, stderr } = run('influxd-meta', '-config', configOf(firstPort, lines));
    expect(status).toBe(1);
    expect(stderr).toContain(`run: open server: ${text}`);
  },
  limitMs,
);

test(
  'raft auth: a cluster gets portal and then dialer node by node, and goes on all the time',
  async () => {
    const secret = secretLine('of nodes');
    for (const port of ports) await restart(port, secret);
    for (const port of ports)
      expect(ctl('add-meta', http(port)).stdout).toMatch(/^Added meta node \d at /);
    for (const lines of [secret + portal, secret + portal + dialer])
      for (const port of ports) {
        await restart(port, lines);
        await mustChange();
      }
    for (const port of ports) expect(running.get(port)?.output).not.toContain('is not spoken to');
  },
  limitMs,
);

test(
  'raft auth: what stands at the address of a meta node and has another secret is not spoken to',
  async () => {
    const [first, second, last] = ports;
    await stop(last);
    running.set(last, workshop.start('influxd-meta', '-config', configOf(last, secretLine('of others') + portal))); // prettier-ignore
    // Whichever of the two leads.
    await eventually(() => {
      const said = [first, second].map((port) => running.get(port)?.output ?? '').join('');
      expect(said).toContain('A meta node is not spoken to');
      return Promise.resolve();
    }, 30_000);
    // The two that are left are a majority.
    await eventually(() => {
      expect(ctl('truncate-shards').stdout).toBe('Truncated shards.\n');
      return Promise.resolve();
    }, 30_000);
    await restart(last, secretLine('of nodes') + portal + dialer);
    await mustChange();
  },
  limitMs,
);
