import { quoteGo } from '../../base/go-format.ts';
import { exactBytesOf, exactTextOf } from '../../base/exact-text.ts';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { formatRfc3339 } from '../../base/rfc3339.ts';
import { quoteIdent } from '../../influxql/printer.ts';
import { parseTimeLiteral } from '../../influxql/time-literal.ts';
import { rowsInOrder } from '../../models/batch-rows.ts';
import type { BatchColumn } from '../../models/point-batch.ts';
import { isRefused } from '../../storage/engine/limits/refused-rows.ts';
import { readInfluxSegment } from '../../storage/import/influx-log.ts';
import type { TimeRange } from '../../storage/tsm/tombstones.ts';
import { splitTsmKey } from '../../storage/tsm/tsm-format.ts';
import { TsmScan, type ScannedKey } from '../../storage/tsm/tsm-scan.ts';
import type { WalRecord } from '../../storage/wal/wal-record.ts';
import { ExportSink } from './export-sink.ts';
import { exportSources, readOwnLog, type ExportSource } from './folders/export-sources.ts';
import type { GivenFlags, InspectCommand, InspectPorts } from './inspect-ports.ts';
import { wrongTime } from './output/wrong-time.ts';
import { binaryOf, lineValue } from './output/print-values.ts';

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;
const second = 1_000_000_000n;

interface Export {
  readonly ports: InspectPorts;
  readonly sink: ExportSink;
  /** Inclusive. */
  readonly range: TimeRange;
  readonly hasHeaders: boolean;
  /** Where is said how far it is. */
  readonly say: (text: string) => Promise<void> | void;
}

export const exportCommand: InspectCommand = {
  name: 'export',
  flags: {
    datadir: 'text',
    waldir: 'text',
    out: 'text',
    database: 'text',
    retention: 'text',
    tsmfile: 'text',
    start: 'text',
    end: 'text',
    lponly: 'switch',
    compress: 'switch',
  },
  usage: ({ home }) => `Exports TSM files into InfluxDB line protocol format.

Usage: influx_inspect export [flags]

  -compress
    	Compress the output
  -database string
    	Optional: the database to export
  -datadir string
    	Data storage path (default "${home}/.influxdb/data")
  -end string
    	Optional: the end time to export (RFC3339 format)
  -lponly
    	Only export line protocol
  -out string
    	'-' for standard out or the destination file to export to (default "${home}/.influxdb/export")
  -retention string
    	Optional: the retention policy to export (requires -database)
  -start string
    	Optional: the start time to export (RFC3339 format)
  -tsmfile string
    	Optional: path to a single tsm file to export (requires -database and -retention
  -waldir string
    	WAL storage path (default "${home}/.influxdb/wal")
`,
  run: async (ports, given) => {
    const range = { minTimeNs: timeOf(given, 'start', int64Min), maxTimeNs: timeOf(given, 'end', int64Max) }; // prettier-ignore
    const sources = await sourcesOf(ports, given, range);
    const path = given.text('out', `${ports.home}/.influxdb/export`);
    const isPacked = given.has('compress');
    const hasHeaders = !given.has('lponly');
    if (path === '-') {
      const sink = new ExportSink(ports.out, isPacked);
      await exportAll({ ports, sink, range, hasHeaders, say: ports.err }, sources);
      return;
    }
    const file = await ports.disk.open(path, 'create');
    try {
      const sink = ExportSink.toFile(file, isPacked);
      await exportAll({ ports, sink, range, hasHeaders, say: ports.out }, sources);
      await file.sync();
    } finally {
      await file.close();
    }
  },
};

/** Throws invalid_argument for flags that do not go together. */
async function sourcesOf(
  { disk, home }: InspectPorts,
  given: GivenFlags,
  range: TimeRange,
): Promise<readonly ExportSource[]> {
  const wrong = (text: string) => new DbError('invalid_argument', text);
  const [database, policy, tsmPath] = [given.text('database'), given.text('retention'), given.text('tsmfile')]; // prettier-ignore
  if (policy !== '' && database === '') throw wrong('must specify a db (-database)');
  if (tsmPath !== '' && (database === '' || policy === ''))
    throw wrong('must specify a db (-database) and retention policy (-retention)');
  if (range.maxTimeNs < range.minTimeNs) throw wrong('end time before start time');
  if (tsmPath !== '') {
    const none = { influxPaths: [], segmentPaths: [], shards: new Map() };
    return [{ database, policy, tsmPaths: [tsmPath], ...none }];
  }
  const dataFolder = given.text('datadir', `${home}/.influxdb/data`);
  const walFolder = given.text('waldir', `${home}/.influxdb/wal`);
  return exportSources(disk, { dataFolder, walFolder, database, policy });
}

function timeOf(given: GivenFlags, flag: string, byDefault: bigint): bigint {
  const text = given.text(flag);
  if (text === '') return byDefault;
  const wrong = wrongTime(text);
  if (wrong !== undefined) throw new DbError('invalid_argument', wrong);
  const timeNs = text.includes('T') ? parseTimeLiteral(text) : undefined;
  if (timeNs === undefined)
    throw new DbError('invalid_argument', `-${flag}: ${text} is no time in RFC3339 format`);
  return timeNs;
}

async function exportAll(run: Export, sources: readonly ExportSource[]): Promise<void> {
  const { sink, range, hasHeaders } = run;
  const header = (text: string) =>
    hasHeaders ? sink.add(binaryOf(exactBytesOf(text))) : undefined;
  const [from, to] = [range.minTimeNs, range.maxTimeNs].map((timeNs) => formatRfc3339(wholeSecond(timeNs))); // prettier-ignore
  await header(`# INFLUXDB EXPORT: ${from} - ${to}\n`);
  if (hasHeaders) await header(ddlOf(sources));
  await header('# DML\n');
  for (const source of sources) {
    const key = `${source.database}/${source.policy}`;
    await header(`# CONTEXT-DATABASE:${source.database}\n`);
    await header(`# CONTEXT-RETENTION-POLICY:${source.policy}\n`);
    if (source.tsmPaths.length > 0) {
      await run.say(`writing out tsm file data for ${key}...`);
      await header('# writing tsm data\n');
      for (const path of source.tsmPaths) await exportFile(run, path);
      await run.say('complete.\n');
    }
    if (source.influxPaths.length + source.segmentPaths.length === 0) continue;
    await run.say(`writing out wal file data for ${key}...`);
    await header('# writing wal data\n');
    await exportInfluxLog(run, key, source.influxPaths);
    for (const path of source.segmentPaths)
      await readOwnLog(run.ports.disk, path, (record) => exportRecord(run, source, record));
    await run.say('complete.\n');
  }
  await sink.end();
}

function ddlOf(sources: readonly ExportSource[]): string {
  let text = '# DDL\n';
  for (const database of new Set(sources.map((source) => source.database))) {
    const policies = sources.filter((one) => one.database === database).map(({ policy }) => policy);
    const name = quoteIdent(database);
    if (policies.length === 1) {
      text += `CREATE DATABASE ${name} WITH NAME ${quoteIdent(policies[0] ?? '')}\n`;
      continue;
    }
    text += `CREATE DATABASE ${name} WITH NAME autogen\n`;
    for (const policy of policies.filter((one) => one !== 'autogen'))
      text += `CREATE RETENTION POLICY ${quoteIdent(policy)} ON ${name} DURATION 0s REPLICATION 1\n`;
  }
  return text;
}

/** A file that is none, and a key that cannot be read, are told, and passed over. */
async function exportFile(run: Export, path: string): Promise<void> {
  const { disk, err } = run.ports;
  let scan: TsmScan | undefined;
  try {
    scan = await TsmScan.open(disk, path);
    for await (const scanned of scan.keys()) await exportKey(run, scan, scanned);
  } catch (error) {
    if (!isDbError(error)) throw error;
    if (error.code === 'not_found') err(`skipped missing file: ${path}`);
    else if (isOfSource(error)) err(`unable to read ${path}, skipping: ${error.message}\n`);
    else throw error;
  } finally {
    await scan?.close();
  }
}

/** Of what is read, and not of what is written. */
function isOfSource(error: DbError): boolean {
  return error.code === 'corrupt' || error.code === 'unsupported_version';
}

async function exportKey(
  { sink, range, ports }: Export,
  scan: TsmScan,
  { key, entries, deleted }: ScannedKey,
): Promise<void> {
  const [series, field] = splitTsmKey(binaryOf(key));
  const head = `${series} ${escapeField(field)}=`;
  for (const entry of entries) {
    if (entry.minTimeNs > range.maxTimeNs || entry.maxTimeNs < range.minTimeNs) continue;
    try {
      const { timesNs, values } = await scan.values(entry);
      await sink.add(linesOf({ head, timesNs, values }, range, deleted));
    } catch (error) {
      if (!isDbError(error, 'corrupt')) throw error;
      const name = quoteGo(exactTextOf(key));
      ports.err(`unable to read key ${name} in ${scan.path}, skipping: ${errorText(error)}\n`);
    }
  }
}

interface Values {
  /** All of a line that is before the value. */
  readonly head: string;
  readonly timesNs: BigInt64Array;
  readonly values: BatchColumn;
}

function linesOf(
  { head, timesNs, values }: Values,
  { minTimeNs, maxTimeNs }: TimeRange,
  deleted: readonly TimeRange[],
): string {
  let text = '';
  for (let row = 0; row < timesNs.length; row++) {
    const timeNs = timesNs[row] ?? 0n;
    if (timeNs < minTimeNs || timeNs > maxTimeNs) continue;
    if (deleted.some((one) => timeNs >= one.minTimeNs && timeNs <= one.maxTimeNs)) continue;
    text += `${head}${lineValue(values, row)} ${timeNs}\n`;
  }
  return text;
}

async function exportInfluxLog(run: Export, key: string, paths: readonly string[]): Promise<void> {
  const { ports, sink, range } = run;
  let hasWarned = false;
  for (const path of paths) {
    const { damage } = await readInfluxSegment(ports.disk, path, async (entry) => {
      if (entry.kind !== 'write') {
        if (!hasWarned) ports.err(deleteWarning(key));
        hasWarned = true;
        return;
      }
      for (const { key: tsmKey, timesNs, values } of entry.values) {
        const [series, field] = splitTsmKey(tsmKey);
        await sink.add(linesOf({ head: `${series} ${escapeField(field)}=`, timesNs, values }, range, [])); // prettier-ignore
      }
    });
    if (damage !== undefined) ports.err(`${damage.message}; what is behind it is not exported\n`);
  }
}

function deleteWarning(key: string): string {
  return `WARNING: detected deletes in wal file.
Some series for ${JSON.stringify(key)} may be brought back by replaying this data.
To resolve, you can either let the shard snapshot prior to exporting the data
or manually editing the exported file.
\t\t\t
`;
}

async function exportRecord(
  { sink, range }: Export,
  { shards }: ExportSource,
  record: WalRecord,
): Promise<void> {
  const batch = shards.get(record.shardId)?.take(record);
  if (batch === undefined) return;
  const { rejectBitmap } = record;
  const { offsets, bytes } = batch.series;
  let text = '';
  for (const { shape, row } of rowsInOrder(batch)) {
    const timeNs = shape.timesNs[row] ?? 0n;
    if (isRefused(rejectBitmap, shape.ordinals[row] ?? 0)) continue;
    if (timeNs < range.minTimeNs || timeNs > range.maxTimeNs) continue;
    const number = shape.series[row] ?? 0;
    const key = binaryOf(bytes.subarray(offsets[number], offsets[number + 1]));
    for (const [i, { name }] of shape.fields.entries()) {
      const column = shape.columns[i];
      if (column === undefined) continue;
      text += `${key} ${escapeField(binaryOf(exactBytesOf(name)))}=${lineValue(column, row)} ${timeNs}\n`;
    }
  }
  await sink.add(text);
}

function escapeField(field: string): string {
  return field.replaceAll(/[,"= ]/g, '\\$&');
}

/** Go prints the second that a time is in. */
function wholeSecond(timeNs: bigint): bigint {
  const rest = ((timeNs % second) + second) % second;
  return timeNs - rest;
}
