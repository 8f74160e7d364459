import { compareUtf8 } from '../../base/compare-utf8.ts';
import { exactTextOf } from '../../base/exact-text.ts';
import { HyperLogLog } from '../../base/collections/hyper-log-log.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import { formatRfc3339 } from '../../base/rfc3339.ts';
import { parseSeriesKey } from '../../models/parse-series-key.ts';
import { splitTsmKey } from '../../storage/tsm/tsm-format.ts';
import { TsmScan } from '../../storage/tsm/tsm-scan.ts';
import { formatElapsed } from '../../influxql/duration.ts';
import { formatSpan } from './output/go-times.ts';
import { withoutPath } from './output/without-path.ts';
import type { InspectCommand, InspectPorts } from './inspect-ports.ts';
import { isShardFolder, shardFiles, type ShardFile } from './folders/shard-files.ts';
import { formatTabs } from './output/tab-table.ts';
import { nameOf } from './folders/walk-files.ts';

interface Counter {
  add(text: string): void;
  count(): number;
}

const table = { widthMin: 8, tabWidth: 2, padding: 1, pad: 'spaces' } as const;
/** Of one counter that counts exactly: what a Set takes. */
const exactMax = 2 ** 24;

export const reportCommand: InspectCommand = {
  name: 'report',
  flags: { pattern: 'text', detailed: 'switch', exact: 'switch' },
  usage: () => `Displays shard level report.

Usage: influx_inspect report [flags]

    -pattern <pattern>
            Include only files matching a pattern.
    -exact
            Report exact cardinality counts instead of estimates.  Note: this can use a lot of memory.
            Defaults to "false".
    -detailed
            Report detailed cardinality estimates.
            Defaults to "false".
`,
  run: async (ports, given) => {
    const [folder = ''] = given.rest;
    const isDetailed = given.has('detailed');
    if (isDetailed && !isShardFolder(folder.replace(/\/+$/, '')))
      throw new DbError('invalid_argument', '-detailed only supported for shard dirs');
    const startMs = ports.clock.monotonicMs();
    const report = new Report(ports, { isExact: given.has('exact'), isDetailed });
    for (const file of await shardFiles(ports, folder, given.text('pattern')))
      await report.add(file);
    await report.print();
    await ports.out(`Completed in ${formatElapsed(ports.clock.monotonicMs() - startMs)}\n`);
  },
};

class Report {
  readonly #ports: InspectPorts;
  readonly #isDetailed: boolean;
  readonly #estimated: string;
  readonly #newCounter: () => Counter;
  readonly #total: Counter;
  readonly #databases = new Map<string, Counter>();
  readonly #measurements = new Map<string, Counter>();
  readonly #fields = new Map<string, Counter>();
  readonly #tags = new Map<string, Counter>();
  readonly #rows: (readonly string[])[] = [];
  #fileCount = 0;
  #minTimeNs = 2n ** 63n - 1n;
  #maxTimeNs = -(2n ** 63n);

  constructor(
    ports: InspectPorts,
    { isExact, isDetailed }: { readonly isExact: boolean; readonly isDetailed: boolean },
  ) {
    this.#ports = ports;
    this.#isDetailed = isDetailed;
    this.#estimated = isExact ? '' : ' (est)';
    this.#newCounter = isExact ? exactCounter : estimatingCounter;
    this.#total = this.#newCounter();
    const head = ['DB', 'RP', 'Shard', 'File', 'Series', `New${this.#estimated}`];
    this.#rows.push([...head, 'Min Time', 'Max Time', 'Load Time']);
  }

  /** A file that cannot be read is told, and passed over. */
  async add(file: ShardFile): Promise<void> {
    const { clock, disk, err } = this.#ports;
    const startMs = clock.monotonicMs();
    try {
      const scan = await TsmScan.open(disk, file.path);
      try {
        // Looked through before anything of it counts.
        const { minTimeNs, maxTimeNs, keyCount } = await scan.summary();
        const loadMs = clock.monotonicMs() - startMs;
        const counter = this.#of(this.#databases, file.database);
        const before = counter.count();
        for await (const { key } of scan.keys()) this.#count(key, counter);
        this.#fileCount++;
        if (minTimeNs < this.#minTimeNs) this.#minTimeNs = minTimeNs;
        if (maxTimeNs > this.#maxTimeNs) this.#maxTimeNs = maxTimeNs;
        this.#rows.push([
          file.database,
          file.policy,
          file.shard,
          nameOf(file.path),
          String(keyCount),
          String(counter.count() - before),
          formatRfc3339(minTimeNs),
          formatRfc3339(maxTimeNs),
          formatElapsed(loadMs),
        ]);
      } finally {
        await scan.close();
      }
    } catch (error) {
      if (!isDbError(error)) throw error;
      err(`error: ${file.path}: ${withoutPath(error, file.path)}. Skipping.\n`);
    }
    if (this.#isDetailed) await this.#flushRows();
  }

  async print(): Promise<void> {
    const { out, err } = this.#ports;
    await this.#flushRows();
    err('\n');
    err('Summary:\n');
    const [from, to] = [this.#minTimeNs, this.#maxTimeNs];
    await out(`  Files: ${this.#fileCount}
  Time Range: ${formatRfc3339(from)} - ${formatRfc3339(to)}
  Duration: ${formatSpan(from, to)} 
`);
    err('\n');
    const total = this.#total.count();
    const percent = (counter: Counter): number => Math.trunc((counter.count() / total) * 100);
    await out('Statistics\n  Series:\n');
    for (const [name, counter] of this.#databases)
      await out(`     - ${name}${this.#estimated}: ${counter.count()} (${percent(counter)}%)\n`);
    await out(`  Total${this.#estimated}: ${total}\n`);
    if (!this.#isDetailed) return;
    await out('\n  Measurements (est):\n');
    for (const [name, counter] of sorted(this.#measurements))
      await out(`    - ${name}: ${counter.count()} (${percent(counter)}%)\n`);
    await out('\n  Fields (est):\n');
    for (const [name, counter] of sorted(this.#fields))
      await out(`    - ${name}: ${counter.count()}\n`);
    await out('\n  Tags (est):\n');
    for (const [name, counter] of sorted(this.#tags))
      await out(`    - ${name}: ${counter.count()}\n`);
  }

  #count(keyBytes: Uint8Array, database: Counter): void {
    const key = exactTextOf(keyBytes);
    this.#total.add(key);
    database.add(key);
    if (!this.#isDetailed) return;
    const [series, field] = splitTsmKey(key);
    const { measurement, tags } = parseSeriesKey(series);
    this.#of(this.#measurements, measurement).add(key);
    this.#of(this.#fields, measurement).add(field);
    for (const tag of tags) this.#of(this.#tags, tag.key).add(tag.value);
  }

  #of(counters: Map<string, Counter>, name: string): Counter {
    const known = counters.get(name);
    if (known !== undefined) return known;
    const made = this.#newCounter();
    counters.set(name, made);
    return made;
  }

  /** In detail, each file is laid out by itself, as it comes. */
  async #flushRows(): Promise<void> {
    if (this.#rows.length > 0) await this.#ports.out(formatTabs(this.#rows, table));
    this.#rows.length = 0;
  }
}

function sorted(counters: ReadonlyMap<string, Counter>): readonly (readonly [string, Counter])[] {
  return [...counters].sort(([a], [b]) => compareUtf8(a, b));
}

function estimatingCounter(): Counter {
  const sketch = new HyperLogLog();
  return {
    add: (text) => {
      sketch.add(text);
    },
    count: () => sketch.estimate(),
  };
}

function exactCounter(): Counter {
  const texts = new Set<string>();
  return {
    add: (text) => {
      if (texts.size >= exactMax)
        throw new DbError('limit_exceeded', `-exact counts no more than ${exactMax} of a kind: leave it out for an estimate`); // prettier-ignore
      texts.add(text);
    },
    count: () => texts.size,
  };
}
