import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DevCluster } from '../../test/support/dev-cluster.ts';

/** A server under test. `influx` ones speak InfluxQL. */
export interface BenchServer {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  readonly folder: string;
  /** Killed with -9 and started again; resolves at once, with the process, while it starts. */
  readonly restart?: () => Promise<number>;
  readonly countPoints: (of: CountedField) => Promise<number>;
  /** The files that hold points once they are written out. */
  readonly tables: RegExp;
  /** Writes out what is in memory, where a server has to be told. */
  readonly flush?: () => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

const tsmFile = /\.tsm$/;

export interface CountedField {
  readonly measurement: string;
  readonly field: string;
}

export interface Usage {
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly diskBytes: number;
}

/** With a folder, which stays: what is in it is there again. */
export async function startVarve(offset = 13_000, keptFolder?: string): Promise<BenchServer> {
  // The limits of series are off on both sides.
  process.env['INFLUXDB_DATA_MAX_SERIES_PER_DATABASE'] = '0';
  process.env['INFLUXDB_DATA_MAX_VALUES_PER_TAG'] = '0';
  // As on the other side.
  process.env['INFLUXDB_DATA_QUERY_LOG_ENABLED'] = 'false';
  const kept = keptFolder === undefined ? [] : ['--dir', keptFolder];
  const cluster = new DevCluster(offset, '--metas', '1', '--data', '1', ...kept);
  await cluster.start();
  await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 1');
  const url = cluster.url('data', 1);
  let restarted: ChildProcess | undefined;
  return {
    name: 'varve',
    url,
    pid: cluster.pid('data-1'),
    folder: join(cluster.dir, 'data-1'),
    restart: async () => {
      if (restarted === undefined) await cluster.kill('data-1');
      else {
        const ended = new Promise((resolve) => restarted?.once('exit', resolve));
        restarted.kill('SIGKILL');
        await ended;
      }
      restarted = cluster.startByHand('data-1');
      return restarted.pid ?? 0;
    },
    countPoints: (of) => countByInfluxQl(url, of),
    tables: tsmFile,
    stop: () => cluster.stop({ keepsFolder: keptFolder !== undefined }),
  };
}

/** `command` may be the path of another release; each shard of `tsi1` holds some ten descriptors, of `inmem` two. */
export async function startInfluxd(
  offset = 13_000,
  command = 'influxd',
  indexVersion: 'tsi1' | 'inmem' = 'tsi1',
  keptFolder?: string,
): Promise<BenchServer | undefined> {
  const version = spawnSync(command, ['version'], { encoding: 'utf8' });
  if (version.status !== 0) return undefined;
  const release = /v(\d+\.\d+\.\d+)/.exec(version.stdout)?.[1] ?? `(${command})`;
  const folder = folderOf('bench-influxd-', keptFolder);
  const url = `http://127.0.0.1:${10_186 + offset}`;
  const start = (): ChildProcess =>
    spawn(command, ['run', '-config', '/dev/null'], {
      stdio: 'ignore',
      env: {
        ...process.env,
        INFLUXDB_BIND_ADDRESS: `127.0.0.1:${10_188 + offset}`,
        INFLUXDB_META_DIR: join(folder, 'meta'),
        INFLUXDB_DATA_DIR: join(folder, 'data'),
        INFLUXDB_DATA_WAL_DIR: join(folder, 'wal'),
        INFLUXDB_DATA_QUERY_LOG_ENABLED: 'false',
        INFLUXDB_DATA_INDEX_VERSION: indexVersion,
        INFLUXDB_DATA_MAX_SERIES_PER_DATABASE: '0',
        INFLUXDB_DATA_MAX_VALUES_PER_TAG: '0',
        INFLUXDB_MONITOR_STORE_ENABLED: 'false',
        INFLUXDB_HTTP_BIND_ADDRESS: `127.0.0.1:${10_186 + offset}`,
        INFLUXDB_HTTP_LOG_ENABLED: 'false',
        INFLUXDB_REPORTING_DISABLED: 'true',
      },
    });
  let child = start();
  await answers(`${url}/ping`, child);
  await fetch(`${url}/query`, {
    method: 'POST',
    body: new URLSearchParams({ q: 'CREATE DATABASE d' }),
  });
  return {
    name: `influxd ${release}`,
    url,
    pid: child.pid ?? 0,
    folder,
    restart: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      child = start();
      return child.pid ?? 0;
    },
    countPoints: (of) => countByInfluxQl(url, of),
    tables: tsmFile,
    stop: () => end(child, keptFolder === undefined ? folder : undefined),
  };
}

export async function startVictoriaMetrics(
  offset = 13_000,
  keptFolder?: string,
): Promise<BenchServer | undefined> {
  if (spawnSync('victoria-metrics', ['-version']).status !== 0) return undefined;
  const folder = folderOf('bench-vm-', keptFolder);
  const address = `127.0.0.1:${10_428 + offset}`;
  const url = `http://${address}`;
  const flags = [
    `-storageDataPath=${folder}`,
    `-httpListenAddr=${address}`,
    '-retentionPeriod=100y',
  ];
  const child = spawn('victoria-metrics', flags, { stdio: 'ignore' });
  await answers(`${url}/health`, child);
  return {
    name: 'victoria-metrics',
    url,
    pid: child.pid ?? 0,
    folder,
    countPoints: async () => {
      await fetch(`${url}/internal/force_flush`);
      const text = await (await fetch(`${url}/metrics`)).text();
      const rows = [...text.matchAll(/^vm_rows\{type="storage\/[^"]*"\} (\d+)/gm)];
      return rows.reduce((sum, [, count]) => sum + Number(count), 0);
    },
    tables: /\.bin$/,
    flush: () => fetch(`${url}/internal/force_flush`),
    stop: () => end(child, keptFolder === undefined ? folder : undefined),
  };
}

/** User and system time, the most memory it ever had, and its folder's bytes. */
export function usageOf({ pid, folder }: BenchServer): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / 100;
  const peakKb = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  const du = spawnSync('du', ['-sb', folder], { encoding: 'utf8' }).stdout.split('\t')[0];
  return { cpuSeconds, peakBytes: Number(peakKb) * 1_024, diskBytes: Number(du) };
}

async function countByInfluxQl(url: string, { measurement, field }: CountedField): Promise<number> {
  const q = encodeURIComponent(`SELECT count(${field}) FROM ${measurement}`);
  const answer = (await (await fetch(`${url}/query?db=d&q=${q}`)).json()) as {
    results: { error?: string; series?: { values: number[][] }[] }[];
  };
  const [result] = answer.results;
  if (result?.error !== undefined) throw new Error(result.error);
  return (result?.series ?? []).reduce((sum, { values }) => sum + (values[0]?.[1] ?? 0), 0);
}

/** Of one whose port is taken another would answer. */
async function answers(url: string, child: ChildProcess): Promise<void> {
  for (let i = 0; i < 300; i++) {
    try {
      await fetch(url);
      await new Promise((wake) => setTimeout(wake, 500));
      if (child.exitCode !== null) throw new Error(`${child.spawnfile} has ended`);
      return;
    } catch (error) {
      if (child.exitCode !== null) throw error;
      await new Promise((wake) => setTimeout(wake, 100));
    }
  }
  throw new Error(`${url} does not answer`);
}

function folderOf(prefix: string, keptFolder: string | undefined): string {
  if (keptFolder === undefined) return mkdtempSync(join(tmpdir(), prefix));
  mkdirSync(keptFolder, { recursive: true });
  return keptFolder;
}

async function end(child: ChildProcess, goneFolder: string | undefined): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    await ended;
  }
  if (goneFolder !== undefined) rmSync(goneFolder, { recursive: true, force: true });
}
