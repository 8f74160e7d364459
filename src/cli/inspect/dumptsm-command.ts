import { exactTextOf } from '../../base/exact-text.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import { formatRfc3339 } from '../../base/rfc3339.ts';
import { ByteReader } from '../../codec/bytes.ts';
import { TsmScan } from '../../storage/tsm/tsm-scan.ts';
import { keySeparator, tsmHeaderBytes } from '../../storage/tsm/tsm-format.ts';
import type { TsmEntry } from '../../storage/tsm/tsm-column.ts';
import { formatSpan } from './output/go-times.ts';
import type { InspectCommand, InspectPorts } from './inspect-ports.ts';
import { formatTabs } from './output/tab-table.ts';

/** Rows of one table at most: what is wider than the widest of these begins a table of its own. */
const tableRowsMax = 100_000;
const tabs = { widthMin: 8, tabWidth: 8, padding: 1, pad: 'tabs' } as const;
const blockTypes = ['float64', 'int64', 'bool', 'string', 'unsigned'];
/** By kind of block, times first: the names of its encodings. */
const encodings = [
  ['none', 's8b', 'rle'],
  ['none', 'gor'],
  ['none', 's8b', 'rle'],
  ['none', 'bp'],
  ['none', 'snpy'],
  ['none', 's8b', 'rle'],
];
const kinds = ['Timestamp', 'Float', 'Int', 'Bool', 'String', 'Unsigned'];

interface DumpOptions {
  readonly path: string;
  readonly showsIndex: boolean;
  readonly showsBlocks: boolean;
  readonly filter: string;
}

export const dumptsmCommand: InspectCommand = {
  name: 'dumptsm',
  flags: { index: 'switch', blocks: 'switch', all: 'switch', 'filter-key': 'text' },
  usage: () => `Dumps low-level details about tsm1 files.

Usage: influx_inspect dumptsm [flags] <path

    -index
            Dump raw index data
    -blocks
            Dump raw block data
    -all
            Dump all data. Caution: This may print a lot of information
    -filter-key <name>
            Only display index and block data match this key substring
`,
  run: async (ports, given) => {
    const [path = ''] = given.rest;
    if (path === '') {
      await ports.out(`TSM file not specified\n\n${dumptsmCommand.usage(ports)}`);
      return;
    }
    const filter = given.text('filter-key');
    const showsAll = given.has('all') || filter !== '';
    const showsIndex = given.has('index') || showsAll;
    const showsBlocks = given.has('blocks') || showsAll;
    const scan = await openScan(ports, path);
    try {
      await dump(ports, scan, { path, showsIndex, showsBlocks, filter });
    } finally {
      await scan.close();
    }
  },
};

async function openScan({ disk }: InspectPorts, path: string): Promise<TsmScan> {
  try {
    return await TsmScan.open(disk, path);
  } catch (error) {
    if (!isDbError(error, 'corrupt')) throw error;
    const text = `Error opening TSM files: ${error.message}`;
    throw new DbError('corrupt', text, { cause: error });
  }
}

/** Line ends and headings that the reference prints with println go to standard error, as there. */
async function dump(ports: InspectPorts, scan: TsmScan, options: DumpOptions): Promise<void> {
  const { out, err } = ports;
  const { keyCount, minTimeNs, maxTimeNs } = await scan.summary();
  err('Summary:\n');
  await out(`  File: ${options.path}\n`);
  await out(`  Time Range: ${formatRfc3339(minTimeNs)} - ${formatRfc3339(maxTimeNs)}\n`);
  const span = formatSpan(minTimeNs, maxTimeNs);
  await out(`  Duration: ${span}   Series: ${keyCount}   File Size: ${scan.lengthBytes}\n`);
  err('\n');
  if (options.showsIndex) await dumpIndex(ports, scan, options.filter);
  await dumpBlocks(ports, scan, options);
}

async function dumpIndex({ out, err }: InspectPorts, scan: TsmScan, filter: string): Promise<void> {
  err('Index:\n');
  err('\n');
  let rows = [['  Pos', 'Min Time', 'Max Time', 'Ofs', 'Size', 'Key', 'Field']];
  let position = 0;
  for await (const { key, entries } of scan.keys()) {
    const text = exactTextOf(key);
    const [series = '', field = ''] = text.split(keySeparator);
    for (const { minTimeNs, maxTimeNs, offset, lengthBytes } of entries) {
      position++;
      if (!text.includes(filter)) continue;
      rows.push([
        `  ${position}`,
        formatRfc3339(minTimeNs),
        formatRfc3339(maxTimeNs),
        String(offset),
        String(lengthBytes),
        series,
        field,
      ]);
      // The reference lays out each line by itself behind the first, and no heading where there is none.
      await out(formatTabs(rows, tabs));
      rows = [];
    }
  }
}

/** What is counted over all blocks that are shown. */
class BlockStatistics {
  readonly counts: number[][] = [];
  blockCount = 0;
  pointCount = 0;
  sizeBytes = 0;
  leastBytes = 0;
  mostBytes = 0;

  count(kind: number, encoding: number): void {
    while (this.counts.length <= kind) this.counts.push([]);
    const counts = this.counts[kind] ?? [];
    while (counts.length <= encoding) counts.push(0);
    counts[encoding] = (counts[encoding] ?? 0) + 1;
  }

  size(lengthBytes: number): void {
    if (this.leastBytes === 0 || lengthBytes < this.leastBytes) this.leastBytes = lengthBytes;
    this.mostBytes = Math.max(this.mostBytes, lengthBytes);
  }
}

async function dumpBlocks(
  ports: InspectPorts,
  scan: TsmScan,
  { showsBlocks, filter }: DumpOptions,
): Promise<void> {
  const statistics = new BlockStatistics();
  const table = new BlockTable(ports, showsBlocks);
  // The column "Ofs" adds up what was summed up before, as the reference's does; "Ofs" of the index is the true one.
  let offset = tsmHeaderBytes;
  for await (const { key, entries } of scan.keys()) {
    const isShown = filter === '' || exactTextOf(key).includes(filter);
    for (const entry of entries) {
      statistics.sizeBytes += entry.lengthBytes;
      if (isShown) await table.add(await rowOf(scan, { entry, offset }, statistics));
      offset += statistics.sizeBytes;
      statistics.blockCount++;
    }
  }
  await table.end();
  await printStatistics(ports, scan, statistics);
}

/** The row of a block, which is counted. */
async function rowOf(
  scan: TsmScan,
  { entry, offset }: { readonly entry: TsmEntry; readonly offset: number },
  statistics: BlockStatistics,
): Promise<readonly string[]> {
  const { storedCrc32, bytes } = await scan.block(entry);
  const { timesNs } = scan.decode(entry, bytes);
  const reader = new ByteReader(bytes);
  const kind = reader.u8() + 1;
  const times = reader.take(reader.count());
  const values = reader.rest();
  const [timeEncoding, valueEncoding] = [(times[0] ?? 0) >>> 4, (values[0] ?? 0) >>> 4];
  statistics.count(0, timeEncoding);
  statistics.count(kind, valueEncoding);
  statistics.size(bytes.length);
  statistics.pointCount += timesNs.length;
  return [
    `  ${statistics.blockCount}`,
    String(storedCrc32),
    String(offset),
    String(bytes.length),
    blockTypes[kind - 1] ?? '',
    formatRfc3339(timesNs[0] ?? 0n),
    String(timesNs.length),
    `${encodings[0]?.[timeEncoding]}/${encodings[kind]?.[valueEncoding]}`,
    `${times.length}/${values.length}`,
  ];
}

class BlockTable {
  readonly #ports: InspectPorts;
  readonly #isShown: boolean;
  #rows: (readonly string[])[] = [
    ['  Blk', 'Chk', 'Ofs', 'Len', 'Type', 'Min Time', 'Points', 'Enc [T/V]', 'Len [T/V]'],
  ];
  #isBegun = false;

  constructor(ports: InspectPorts, isShown: boolean) {
    this.#ports = ports;
    this.#isShown = isShown;
  }

  async add(row: readonly string[]): Promise<void> {
    if (!this.#isShown) return;
    this.#rows.push(row);
    if (this.#rows.length >= tableRowsMax) await this.#flush();
  }

  async end(): Promise<void> {
    if (!this.#isShown) return;
    await this.#flush();
    this.#ports.err('\n');
  }

  async #flush(): Promise<void> {
    if (!this.#isBegun) this.#ports.err('Blocks:\n');
    this.#isBegun = true;
    await this.#ports.out(formatTabs(this.#rows, tabs));
    this.#rows = [];
  }
}

async function printStatistics(
  { out, err }: InspectPorts,
  scan: TsmScan,
  { counts, blockCount, pointCount, sizeBytes, leastBytes, mostBytes }: BlockStatistics,
): Promise<void> {
  const average = blockCount === 0 ? 0 : Math.floor(sizeBytes / blockCount);
  await out(`Statistics
  Blocks:
    Total: ${blockCount} Size: ${sizeBytes} Min: ${leastBytes} Max: ${mostBytes} Avg: ${average}
  Index:
    Total: ${blockCount} Size: ${scan.indexBytes}
  Points:
    Total: ${pointCount}`);
  err('\n');
  err('  Encoding:\n');
  for (const [kind, byEncoding] of counts.entries()) {
    if (byEncoding.length === 0) continue;
    await out(`    ${kinds[kind]}: `);
    for (const [encoding, count] of byEncoding.entries()) {
      const percent = Math.trunc((count / blockCount) * 100);
      await out(`\t${encodings[kind]?.[encoding]}: ${count} (${percent}%) `);
    }
    err('\n');
  }
  await out(`  Compression:
    Per block: ${perPoint(sizeBytes, pointCount)} bytes/point
    Total: ${perPoint(scan.lengthBytes, pointCount)} bytes/point
`);
}

/** As `%0.2f` has it, also where no block was of a key that is asked for. */
function perPoint(lengthBytes: number, pointCount: number): string {
  if (pointCount > 0) return (lengthBytes / pointCount).toFixed(2);
  return lengthBytes > 0 ? '+Inf' : 'NaN';
}
