import { compareUtf8 } from '../../base/compare-utf8.ts';
import { exactTextOf } from '../../base/exact-text.ts';
import { errorText, isDbError } from '../../base/errors.ts';
import { parseSeriesKey } from '../../models/parse-series-key.ts';
import { splitTsmKey } from '../../storage/tsm/tsm-format.ts';
import { TsmScan } from '../../storage/tsm/tsm-scan.ts';
import { goJson } from './output/go-json.ts';
import { formatElapsed } from '../../influxql/duration.ts';
import type { InspectCommand, InspectPorts } from './inspect-ports.ts';
import { shardFiles, type ShardFile } from './folders/shard-files.ts';

interface Sizes {
  readonly names: readonly [database: string, policy: string, last: string];
  bytes: number;
  files: number;
}

export const reportDiskCommand: InspectCommand = {
  name: 'report-disk',
  flags: { pattern: 'text', detailed: 'switch' },
  usage: () => `Displays report of disk usage.

Usage: influx_inspect report [flags] <directory>

    -pattern <pattern>
            Include only files matching a pattern.
    -detailed
            Report disk usage by measurement.
            Defaults to "false".
`,
  run: async (ports, given) => {
    const { clock, disk, err, out } = ports;
    const startMs = clock.monotonicMs();
    const [folder = ''] = given.rest;
    const files = await shardFiles(ports, folder, given.text('pattern'));
    const shards = new SizeTable();
    for (const file of files) {
      const bytes = await disk.size(file.path);
      shards.add([file.database, file.policy, file.shard], bytes ?? 0);
    }
    const measurements = given.has('detailed') ? await measure(ports, files) : undefined;
    err(`\nCompleted in ${formatElapsed(clock.monotonicMs() - startMs)}\n`);
    const { sizes } = shards;
    const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    await out(`{
  "Summary": {"shards": ${sizes.length}, "tsm_files": ${files.length}, "total_tsm_size": ${total} },
  "Shard": [`);
    await out(sizes.map(({ names, files: count, bytes }) => `
    {"db": ${goJson(names[0])}, "rp": ${goJson(names[1])}, "shard": ${goJson(names[2])}, "tsm_files": ${count}, "size": ${bytes}}`).join(',')); // prettier-ignore
    if (measurements !== undefined) {
      await out('\n  ],\n  "Measurement": [');
      await out(measurements.sizes.map(({ names, bytes }) => `
    {"db": ${goJson(names[0])}, "rp": ${goJson(names[1])}, "measurement": ${goJson(names[2])}, "size": ${bytes}}`).join(',')); // prettier-ignore
    }
    await out('\n  ]\n}\n');
  },
};

/** Bytes of blocks by measurement. A file that cannot be read is told, and passed over. */
async function measure(
  { disk, err }: InspectPorts,
  files: readonly ShardFile[],
): Promise<SizeTable> {
  const sizes = new SizeTable();
  err('\n');
  let widest = 1;
  const report = (count: number): void => {
    const line = `TSM files inspected: ${count}\t/${files.length}`.padEnd(widest);
    // One more each time, as the reference does.
    widest = line.length + 1;
    err(`${line}\r`);
  };
  for (const [number, { path, database, policy }] of files.entries()) {
    report(number);
    try {
      const scan = await TsmScan.open(disk, path);
      try {
        for await (const { key, entries } of scan.keys()) {
          const [series] = splitTsmKey(exactTextOf(key));
          const bytes = entries.reduce((sum, entry) => sum + entry.lengthBytes, 0);
          sizes.add([database, policy, parseSeriesKey(series).measurement], bytes);
        }
      } finally {
        await scan.close();
      }
    } catch (error) {
      if (!isDbError(error)) throw error;
      err(`error: ${path}: ${errorText(error)}. Skipping.\n`);
    }
  }
  report(files.length);
  return sizes;
}

/** Bytes and files by three names. */
class SizeTable {
  readonly #byNames = new Map<string, Sizes>();

  add(names: Sizes['names'], bytes: number): void {
    const key = names.join('\0');
    const sizes = this.#byNames.get(key) ?? { names, bytes: 0, files: 0 };
    sizes.bytes += bytes;
    sizes.files++;
    this.#byNames.set(key, sizes);
  }

  /** In the order of the names, each as text. */
  get sizes(): readonly Sizes[] {
    return [...this.#byNames].sort(([a], [b]) => compareUtf8(a, b)).map(([, sizes]) => sizes);
  }
}
