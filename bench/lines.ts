/**
 * `npm run bench:lines -- --kind cpu`: bodies of `npm run bench:ingest` put to one engine in this thread, without HTTP and without
 * messages: nanoseconds of processor a value, log, flushes and compactions included. For `perf record` with `--perf-basic-prof`, which
 * says how much of it each kernel takes, and to compare two commits on a machine that is busy.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MiB } from '../src/base/units.ts';
import { LinesWriter, openEngine } from './support/lone-engine.ts';
import { workloads } from './workloads.ts';

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'cpu' },
    bodies: { type: 'string', default: '200' },
    rows: { type: 'string', default: '5000' },
    series: { type: 'string' },
    /** Bodies that are on their way at once. */
    clients: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    /** Each second body comes before the one before it, as they do from several connections. */
    overtaking: { type: 'boolean', default: false },
    /** Nothing is flushed. */
    memtable: { type: 'boolean', default: false },
  },
});
const make = workloads[values.kind];
if (make === undefined) throw new Error(`--kind is one of ${Object.keys(workloads).join(', ')}`);
const seriesOf: Readonly<Record<string, number>> = {
  cpu: 1_000,
  narrow: 100_000,
  metrics: 5_000,
  mixed: 1_000,
};
const rows = Number(values.rows);
const workload = make({
  bodies: Number(values.bodies),
  rows,
  series: Number(values.series ?? seriesOf[values.kind] ?? 0),
  passes: 1,
});
const nowNs = 1_800_000_000_000_000_000n;
const placeOf = (at: number): number =>
  values.overtaking ? Math.min(at ^ 1, workload.bodies.length - 1) : at;
for (let round = 0; round < Number(values.rounds); round++) {
  const folder = mkdtempSync(join(tmpdir(), 'varve-lines-'));
  const isKept = values.memtable;
  const flushes = {
    snapshotBytes: (isKept ? 2_048 : 25) * MiB,
    snapshotColdMs: isKept ? 36_000_000 : 500,
  };
  const engine = await openEngine(folder, flushes);
  const writer = new LinesWriter(engine, nowNs * 2n);
  let next = 0;
  const send = async (): Promise<void> => {
    for (let at = next++; at < workload.bodies.length; at = next++)
      await writer.write(workload.bodyAt(placeOf(at)), nowNs);
  };
  const before = process.cpuUsage();
  const startMs = performance.now();
  await Promise.all(Array.from({ length: Number(values.clients) }, send));
  const seconds = (performance.now() - startMs) / 1_000;
  const { user, system } = process.cpuUsage(before);
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
  const nsOf = (us: number): string =>
    ((us * 1e3) / workload.lineCount / workload.fieldCount).toFixed(1);
  process.stdout.write(`${values.kind}: ${(workload.lineCount / seconds / 1e3).toFixed(0)} k lines/s; ns of processor a value: ${nsOf(user)} user, ${nsOf(system)} kernel\n`); // prettier-ignore
}
