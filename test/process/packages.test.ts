import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { Workshop } from '../support/lone-daemon.ts';

const limitMs = 240_000;
const root = join(import.meta.dirname, '../..');
const hasDpkg = spawnSync('dpkg-deb', ['--version']).status === 0;
if (!hasDpkg) process.stdout.write('no dpkg-deb: the test of Debian packages is skipped\n');
const [metaPort, dataPort] = [27_500, 27_600];
const workshop = new Workshop();
const made = workshop.path('made');

function call(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Paths of what was made. */
function makePackages(...names: readonly string[]): readonly string[] {
  const dist = workshop.path('dist');
  if (!existsSync(dist)) call(process.execPath, join(root, 'scripts/build-bundles.ts'), '--out', dist); // prettier-ignore
  const only = names.flatMap((name) => ['--only', name]);
  const script = join(root, 'scripts/package.ts');
  // As root of a machine where nobody sees what others make.
  return call('/bin/sh', '-c', 'umask 077; exec "$@"', 'sh', process.execPath, script, '--fast', '--out', made, '--dist', dist, ...only).trim().split('\n'); // prettier-ignore
}

/** What others than its owner cannot read, or not look into, of a list that tar makes. */
function closedIn(list: string): readonly string[] {
  return list.trim().split('\n').filter((line) => !/^(l|-..x..xr-x|-..-..-r--|drwxr-xr-x)/.test(line)); // prettier-ignore
}

beforeAll(() => {
  workshop.keygen('key');
  workshop.issue('good.json', '--data-nodes', '1', '--days', '1');
}, limitMs);
afterAll(() => workshop.close(), limitMs);

test(
  'packages: programs of the archive are a cluster, wherever it is unpacked',
  async () => {
    const [archive = ''] = makePackages('archive');
    expect(archive).toMatch(/varve_1\.12\.4-c1\.12\.4_linux_\w+\.tar\.gz$/);
    expect(closedIn(call('tar', '--list', '--verbose', `--file=${archive}`))).toEqual([]);
    call('tar', '--extract', `--file=${archive}`, `--directory=${made}`);
    const unpacked = join(made, 'varve-1.12.4-c1.12.4');
    const installed = new Workshop(join(unpacked, 'bin'));
    try {
      installed.start('influxd-meta', '-config', workshop.config({ name: 'meta', port: metaPort }));
      installed.start('influxd', '-config', workshop.config({ name: 'data', port: dataPort }));
      const ctl = (...args: readonly string[]) => call(join(unpacked, 'bin/influxd-ctl'), '-bind', `127.0.0.1:${metaPort + 91}`, ...args); // prettier-ignore
      // Both start by themselves: each is added once it listens.
      for (const [command, port] of [
        ['add-meta', metaPort + 91],
        ['add-data', dataPort + 88],
      ] as const)
        // prettier-ignore
        await eventually(() => {
          ctl(command, `127.0.0.1:${port}`);
          return Promise.resolve();
        }, 30_000);
      const url = `http://127.0.0.1:${dataPort + 86}`;
      const query = async (q: string) => (await fetch(`${url}/query?${new URLSearchParams({ q, db: 'd' }).toString()}`, { method: 'POST' })).text(); // prettier-ignore
      await eventually(async () => {
        expect(await query('CREATE DATABASE d')).toBe('{"results":[{"statement_id":0}]}\n');
      }, 30_000);
      const written = await fetch(`${url}/write?db=d`, { method: 'POST', body: 'm v=1 1' });
      expect(written.status).toBe(204);
      expect(await query('SELECT v FROM m')).toBe('{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","v"],"values":[["1970-01-01T00:00:00.000000001Z",1]]}]}]}\n'); // prettier-ignore
      expect(call(join(unpacked, 'bin/influx_inspect'), 'help')).toContain('Usage: influx_inspect');
    } finally {
      await installed.close();
    }
  },
  limitMs,
);

test.skipIf(!hasDpkg)(
  'packages: Debian packages have what systemd, dpkg and an operator look for',
  () => {
    const paths = makePackages('data', 'meta');
    const target = join(made, 'root');
    for (const path of paths) {
      expect(closedIn(call('dpkg-deb', '--contents', path))).toEqual([]);
      call('dpkg-deb', '--extract', path, target);
    }
    for (const [service, program] of [
      ['influxdb', 'influxd'],
      ['influxdb-meta', 'influxd-meta'],
    ] as const) {
      const unit = readFileSync(join(target, `lib/systemd/system/${service}.service`), 'utf8');
      expect(unit).toContain(`\nExecStart=/usr/bin/${program} -config /etc/influxdb/${service}.conf `); // prettier-ignore
      expect(unit).toContain(`\nEnvironmentFile=-/etc/default/${service}\n`);
      expect(existsSync(join(target, `etc/default/${service}`))).toBe(true);
      const config = call(join(target, 'usr/bin', program), 'config', '-config', join(target, `etc/influxdb/${service}.conf`)); // prettier-ignore
      expect(config).toContain('\n  dir = "/var/lib/influxdb/meta"\n');
    }
    const commands = [
      'influxd',
      'influx_inspect',
      'influxd-meta',
      'influxd-ctl',
      'influxd-license',
    ];
    for (const command of commands) expect(readlinkSync(join(target, 'usr/bin', command))).toMatch(/^\.\.\/lib\/varve-(data|meta)\/bin\//); // prettier-ignore
    expect(call(join(target, 'usr/bin/influxd'), 'version')).toMatch(/^InfluxDB v1\.12\.4-c1\.12\.4 /); // prettier-ignore
    expect(call(join(target, 'usr/bin/influxd-ctl'), 'help')).toContain('Usage: influxd-ctl');
    const [data = '', meta = ''] = paths;
    expect(call('dpkg-deb', '--field', data, 'Package', 'Version', 'Provides')).toBe('Package: varve-data\nVersion: 1.12.4-c1.12.4\nProvides: influxdb-data\n'); // prettier-ignore
    expect(call('dpkg-deb', '--info', meta, 'conffiles')).toBe('/etc/influxdb/influxdb-meta.conf\n/etc/default/influxdb-meta\n'); // prettier-ignore
    for (const script of ['postinst', 'prerm', 'postrm']) expect(call('dpkg-deb', '--info', meta, script)).not.toContain('@'); // prettier-ignore
    // Whoever unpacks it owns nothing that others may write.
    expect(statSync(join(target, 'usr/lib/varve-data/dist/main-data')).mode & 0o022).toBe(0);
    expect(readFileSync(join(target, 'usr/share/doc/varve-data/copyright'), 'utf8')).toContain('fastify'); // prettier-ignore
  },
  limitMs,
);
