import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goTool } from '../support/go-tool.ts';
import { eventually } from '../support/dev-cluster.ts';
import { Workshop } from '../support/lone-daemon.ts';

const limitMs = 120_000;
const port = 24_600;
const workshop = new Workshop();

beforeAll(() => {
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2');
}, limitMs);
afterAll(() => workshop.close(), limitMs);

const flagsOf = (name: string) => {
  const [cpu, memory] = [workshop.path(`${name}.cpu`), workshop.path(`${name}.mem`)];
  return { cpu, memory, flags: ['-cpuprofile', cpu, '-memprofile', memory] };
};

test.each([
  ['influxd', `http://127.0.0.1:${port + 86}`],
  ['influxd-meta', `http://127.0.0.1:${port + 91}`],
] as const)(
  'run profiles: -cpuprofile and -memprofile of %s are there from the start and full at its end',
  async (bin, url) => {
    const { cpu, memory, flags } = flagsOf(bin);
    writeFileSync(cpu, 'of another run');
    const node = workshop.start(bin, '-config', workshop.config({ port, name: bin }), ...flags);
    await eventually(async () => {
      expect((await fetch(`${url}/ping`)).ok).toBe(true);
    }, 30_000);
    for (const [name, path] of [['CPU', cpu], ['mem', memory]]) {
      expect(node.output).toContain(`msg="writing ${name} profile"`);
      expect(node.output).toContain(`location=${path}`);
    } // prettier-ignore
    for (const path of [cpu, memory]) expect(readFileSync(path)).toHaveLength(0);
    const refused = await fetch(`${url}/debug/pprof/profile?seconds=1`);
    expect(refused.status).toBe(500);
    expect(await refused.text()).toContain('cpu profiling already in use');
    // The others are given meanwhile, and leave to the recording what is its own.
    for (const name of ['heap', 'goroutine', 'all'])
      expect((await fetch(`${url}/debug/pprof/${name}`)).status).toBe(200);
    node.child.kill('SIGTERM');
    expect(await node.ended).toBe(0);
    for (const name of ['CPU', 'mem'])
      expect(node.output).toContain(`msg="${name} profile stopped"`);
    for (const [path, type] of [[cpu, 'cpu'], [memory, 'inuse_space']] as const) {
      const text = gunzipSync(readFileSync(path)).toString('latin1');
      expect(text).toContain('main');
      if (bin === 'influxd') expect(text).toMatch(/worker \d/);
      const top = goTool('-top', path);
      if (top === undefined) continue;
      expect(top).toMatch(new RegExp(`^Type: ${type}$`, 'm'));
      expect(top).not.toMatch(/of 0 total/);
    } // prettier-ignore
  },
  limitMs,
);

test(
  'run profiles: a file that cannot be made stops the start; a start that fails writes them all the same',
  async () => {
    const { cpu, memory, flags } = flagsOf('failed');
    const file = workshop.config({ port, name: 'failed' });
    const nowhere = workshop.path('none/x');
    for (const flag of ['cpuprofile', 'memprofile']) {
      const node = workshop.start('influxd', '-config', file, `-${flag}`, nowhere);
      expect(await node.ended).toBe(1);
      expect(node.output).toContain(`run: open server: ${flag}: open ${nowhere}: no such file or directory\n`); // prettier-ignore
    }
    expect(existsSync(workshop.path('failed-data'))).toBe(false);
    writeFileSync(workshop.path('failed-data'), 'no folder');
    const node = workshop.start('influxd', '-config', file, ...flags);
    expect(await node.ended).toBe(1);
    for (const path of [cpu, memory]) expect(gunzipSync(readFileSync(path)).length).toBeGreaterThan(0); // prettier-ignore
  },
  limitMs,
);
