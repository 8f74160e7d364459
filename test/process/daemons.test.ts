import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { run, Workshop } from '../support/lone-daemon.ts';

const limitMs = 120_000;
const port = 24_000;
const workshop = new Workshop();
const form = { 'content-type': 'application/x-www-form-urlencoded' };

beforeAll(() => {
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2');
}, limitMs);
afterAll(() => workshop.close(), limitMs);

const answers = () =>
  eventually(async () => {
    expect((await fetch(`http://127.0.0.1:${port + 86}/ping`)).status).toBe(204);
  }, 30_000);

test(
  'daemons: what stops the start is told with its reason, and exits with 1',
  () => {
    const config = (more: string) => workshop.config({ port, more });
    const hint = 'To generate a valid configuration file run `influxd config > influxdb.generated.conf`'; // prettier-ignore
    const check = (args: readonly string[], text: string): void => {
      const { status, stderr } = run('influxd', ...args);
      expect({ status, stderr }).toEqual({ status: 1, stderr: `${text}\n` });
    };
    check(['-config', config('[[collectd]]\n  security-level = "x"')], `run: parse config: [[collectd]] security-level = "x": Invalid security level. ${hint}`); // prettier-ignore
    check(['-config', config('  max-body-size = "x"')], `run: parse config: [http] max-body-size = "x": incompatible types: TOML value has type string; destination has type integer. ${hint}`); // prettier-ignore
    check(['-config', workshop.path('none.conf')], `run: parse config: open ${workshop.path('none.conf')}: no such file or directory. ${hint}`); // prettier-ignore
    check(['run', '-config', workshop.folder], `run: parse config: read ${workshop.folder}: is a directory. ${hint}`); // prettier-ignore
    check(['-what'], 'flag provided but not defined: -what');
    check(['frob'], `unknown command "frob"\nRun 'influxd help' for usage`);
    check(['backup'], 'backup: this command is not supported in this version');
    expect(run('influxd-meta', '-what').stderr).toBe('flag provided but not defined: -what\n');
    const twice = run('influxd', '-config', config('  enabled = true\n  enabled = true'));
    expect(twice.stderr).toMatch(/^run: parse config: Invalid TOML document: .*redefine/);
  },
  limitMs,
);

test(
  'daemons: config prints what config reads, version and help say what they are',
  () => {
    const printed = run('influxd', 'config', '-config', '/dev/null');
    expect(printed.stderr).toBe('');
    expect(printed.stdout).toMatch(/\[data\]\n {2}dir = ".*\/\.influxdb\/data"\n/);
    writeFileSync(workshop.path('printed.conf'), printed.stdout);
    expect(run('influxd', 'config', '-config', workshop.path('printed.conf'))).toMatchObject({
      stdout: printed.stdout,
      stderr: `Merging with configuration at: ${workshop.path('printed.conf')}\n`,
    });
    const meta = run('influxd-meta', 'config', '-config', '/dev/null', '-hostname', 'm1');
    expect(meta.stdout).toContain('lease-duration = "1m0s"');
    expect(meta.stdout).toContain('hostname = "m1"');
    const isProtected = workshop.config({ port, more: '  https-enabled = true' });
    expect(run('influxd', 'config', '-config', isProtected).stdout).toContain('https-enabled = true'); // prettier-ignore
    expect(run('influxd', 'version').stdout).toBe(
      'InfluxDB v1.12.4-c1.12.4 (git: unknown unknown)\n',
    );
    expect(run('influxd-meta', 'version').stdout).toMatch(
      /^InfluxDB Meta v1\.12\.4-c1\.12\.4 \(git: unknown unknown, build: node24\.\S+ linux\/\w+\)\n$/,
    );
    expect(run('influxd', '-h')).toMatchObject({ status: 0, stderr: '' });
    expect(run('influxd', 'help').stdout).toContain('Usage: influxd [[command] [arguments]]');
  },
  limitMs,
);

test(
  'daemons: SIGHUP for the level, SIGTERM ends with 0 and the pid file goes',
  async () => {
    const file = workshop.config({ port, more: '[logging]\n  format = "logfmt"' });
    const pidfile = workshop.path('run/influxd.pid');
    const node = workshop.start('influxd', '-config', file, '-pidfile', pidfile);
    await answers();
    const line = /^ts=\S+Z lvl=info msg="InfluxDB starting" log_id=\S{11} version=1\.12\.4-c1\.12\.4 /; // prettier-ignore
    expect(node.output).toMatch(line);
    expect(readFileSync(pidfile, 'utf8')).toBe(`${node.child.pid}`);
    const status = await (await fetch(`http://127.0.0.1:${port + 88}/status`)).json();
    expect(status).toEqual({
      nodeType: 'data',
      hostname: '127.0.0.1',
      tcpBind: '127.0.0.1:24088',
      tcpAddr: '127.0.0.1:24088',
      httpAddr: '127.0.0.1:24086',
      nodeStatus: 'disjoined',
      metaAddrs: [],
    });
    const level = (text: string, license = 'good.json'): void => {
      const logging = `[logging]\n  format = "logfmt"\n  level = "${text}"`;
      workshop.config({ port, license, more: logging });
      node.child.kill('SIGHUP');
    };
    level('loud');
    await node.says(/lvl=error msg="The configuration was not reloaded" .*unrecognized level/);
    // The error about the licence comes after the level was set, and before what it silences.
    level('ERROR', 'none.json');
    await node.says(/lvl=error msg="The license was not reloaded, the one before stays"/);
    expect(node.output).not.toContain('msg="Reloaded the configuration"');
    level('info');
    await node.says(/lvl=info msg="Reloaded the configuration"/);
    node.child.kill('SIGTERM');
    expect(await node.ended).toBe(0);
    expect(node.output).toContain('msg=Stopping');
    expect(existsSync(pidfile)).toBe(false);
  },
  limitMs,
);

test(
  'daemons: a folder or a port that another node has stops the start; SIGINT ends with 0',
  async () => {
    const first = workshop.config({ port, more: '[logging]\n  format = "json"' });
    const node = workshop.start('influxd', '-config', first);
    await answers();
    const [line = ''] = node.output.split('\n');
    const keys = Object.keys(JSON.parse(line) as Record<string, unknown>);
    expect(keys.slice(0, 4)).toEqual(['lvl', 'ts', 'msg', 'log_id']);
    const same = workshop.start('influxd', '-config', first);
    expect(await same.ended).toBe(1);
    expect(same.output).toContain(`run: open server: ${workshop.path('node-meta')}/.lock is locked by another process`); // prettier-ignore
    const rpc = workshop.start('influxd', '-config', workshop.config({ port, name: 'other' }));
    expect(await rpc.ended).toBe(1);
    expect(rpc.output).toMatch(/run: open server: .*127\.0\.0\.1:24088/);
    const environment = workshop.config({ port: port + 100, name: 'third' });
    const text = readFileSync(environment, 'utf8').replace('24186', '24086');
    writeFileSync(environment, text);
    const http = workshop.start('influxd', '-config', environment);
    expect(await http.ended).toBe(1);
    expect(http.output).toContain('run: open server: listen tcp 127.0.0.1:24086: bind: address already in use'); // prettier-ignore
    node.child.kill('SIGINT');
    expect(await node.ended).toBe(0);
  },
  limitMs,
);

test(
  'daemons: -single-server makes one meta node a cluster, and keeps it one',
  async () => {
    const file = workshop.config({ port, name: 'single' });
    for (const _start of ['first', 'second']) {
      const meta = workshop.start('influxd-meta', '-single-server', '-config', file);
      await eventually(async () => {
        const status = await (await fetch(`http://127.0.0.1:${port + 91}/status`)).json();
        expect(status).toMatchObject({ leader: '127.0.0.1:24089', peers: ['127.0.0.1:24089'] });
      }, 30_000);
      meta.child.kill('SIGTERM');
      expect(await meta.ended).toBe(0);
    }
  },
  limitMs,
);

test(
  'daemons: SIGTERM lets a request that is under way end, and takes no new ones',
  async () => {
    const node = workshop.start('influxd', '-config', workshop.config({ port, name: 'drained' }));
    await answers();
    const headers = { ...form, expect: '100-continue' };
    const slow = request({ port: port + 86, path: '/query', method: 'POST', headers });
    const seen = new Promise<void>((resolve) => slow.on('continue', resolve));
    const answered = new Promise<number | undefined>((resolve, reject) => {
      slow.on('response', (response) => {
        resolve(response.resume().statusCode);
      });
      slow.on('error', reject);
    });
    slow.write('q=SHOW+');
    // What is asked on another connection may overtake it; this answer says that the server has it.
    await seen;
    node.child.kill('SIGTERM');
    await node.says(/msg=Stopping/);
    await eventually(async () => {
      await expect(fetch(`http://127.0.0.1:${port + 86}/ping`)).rejects.toThrow();
    }, 10_000);
    expect(node.child.exitCode).toBeNull();
    slow.end('QUERIES');
    expect(await answered).toBe(200);
    expect(await node.ended).toBe(0);
  },
  limitMs,
);

test(
  'daemons: nodes start, serve and stop while the disk of their log is full',
  async () => {
    const meta = workshop.startInto('/dev/full', 'influxd-meta', '-config', workshop.config({ port, name: 'full-m' }), '-single-server'); // prettier-ignore
    const data = workshop.startInto('/dev/full', 'influxd', '-config', workshop.config({ port: port + 100, name: 'full-d' })); // prettier-ignore
    const isUp = (url: string) =>
      eventually(async () => {
        expect((await fetch(url)).ok).toBe(true);
      }, 30_000);
    await isUp(`http://127.0.0.1:${port + 91}/status`);
    await isUp(`http://127.0.0.1:${port + 186}/ping`);
    // Each of these is a line of the log.
    for (let i = 0; i < 20; i++)
      expect((await fetch(`http://127.0.0.1:${port + 186}/query?q=SHOW`)).status).toBe(400);
    for (const { child, ended } of [data, meta]) {
      child.kill('SIGTERM');
      expect(await ended).toBe(0);
    }
  },
  limitMs,
);
