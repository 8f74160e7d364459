import { exactBytesOf } from '../../base/exact-text.ts';
import { must } from '../../base/assert.ts';
import { DbError } from '../../base/errors.ts';
import { keySeparator } from '../../storage/tsm/tsm-format.ts';
import { readInfluxSegment, type InfluxLogEntry } from '../../storage/import/influx-log.ts'; // prettier-ignore
import { rowsInOrder } from '../../models/batch-rows.ts';
import { decodePointBatch, seriesKeysOf } from '../../models/point-batch.ts';
import { decodeFieldTypes } from '../../storage/store/log/field-types-record.ts';
import { isRefused } from '../../storage/engine/limits/refused-rows.ts';
import { readSegment } from '../../storage/wal/read-segment.ts';
import { parseSegmentName } from '../../storage/wal/segment-name.ts';
import { WalRecordKind, type WalRecord } from '../../storage/wal/wal-record.ts';
import { decodeVouch } from '../../storage/wal/wal-vouch.ts';
import type { InspectCommand, InspectPorts } from './inspect-ports.ts';
import { logLine } from './output/go-log.ts';
import { binaryOf, dumpedValue } from './output/print-values.ts';
import { nameOf } from './folders/walk-files.ts';

/** Keys that are told to be out of order: what a set of this many takes is no reason to end a node's tool. */
const keysMax = 10_000_000;

export const dumptsmwalCommand: InspectCommand = {
  name: 'dumptsmwal',
  flags: { 'show-duplicates': 'switch' },
  usage: () => `Dumps all entries from one or more TSM WAL files.

Usage: influx_inspect dumptsmwal path...`,
  run: async (ports, given) => {
    if (given.rest.length === 0) {
      await ports.out(`path required\n\n${dumptsmwalCommand.usage(ports)}`);
      return;
    }
    for (const path of given.rest) await dump(ports, path, given.has('show-duplicates'));
  },
};

async function dump(ports: InspectPorts, path: string, showsDuplicates: boolean): Promise<void> {
  const { out } = ports;
  if (!path.endsWith('.wal')) {
    logLine(ports, `invalid wal filename, skipping ${path}`);
    return;
  }
  const order = showsDuplicates ? new KeyOrder() : undefined;
  if (parseSegmentName(nameOf(path)) === undefined) {
    const { damage } = await readInfluxSegment(ports.disk, path, (entry) => dumpEntry(ports, entry, order)); // prettier-ignore
    if (damage !== undefined)
      throw new DbError('corrupt', `cannot read entry: ${damage.message}`, { cause: damage });
  } else await dumpOwn(ports, path, order);
  for (const key of order?.disordered() ?? []) await out(line(key));
}

/** Which keys have a time that is not after the one before it. */
class KeyOrder {
  readonly #lastNs = new Map<string, bigint>();
  readonly #disordered = new Set<string>();

  note(key: string, timeNs: bigint): void {
    const last = this.#lastNs.get(key);
    if (last !== undefined && timeNs <= last) this.#disordered.add(key);
    if (last === undefined && this.#lastNs.size >= keysMax)
      throw new DbError('limit_exceeded', `-show-duplicates looks at no more than ${keysMax} keys of a segment`); // prettier-ignore
    this.#lastNs.set(key, timeNs);
  }

  disordered(): readonly string[] {
    return [...this.#disordered].sort();
  }
}

async function dumpEntry(
  { out }: InspectPorts,
  entry: InfluxLogEntry,
  order: KeyOrder | undefined,
): Promise<void> {
  if (entry.kind === 'delete-range')
    await out(`[delete-range] min=${entry.minTimeNs} max=${entry.maxTimeNs} sz=${entry.plainBytes}\n`); // prettier-ignore
  else if (entry.kind === 'delete' || order === undefined)
    await out(`[${entry.kind}] sz=${entry.plainBytes}\n`);
  if (entry.kind !== 'write') {
    for (const key of entry.keys) await out(line(key));
    return;
  }
  const byKey = [...entry.values].sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { key, timesNs, values } of byKey)
    for (const [row, timeNs] of timesNs.entries())
      if (order !== undefined) order.note(key, timeNs);
      else await out(Buffer.concat([Buffer.from(`${key} `, 'latin1'), Buffer.from(`${dumpedValue(values, row)} ${timeNs}\n`)])); // prettier-ignore
}

/** A segment of our own log: its records in order, and what is no record. */
async function dumpOwn(
  { disk, out, err }: InspectPorts,
  path: string,
  order: KeyOrder | undefined,
): Promise<void> {
  const name = must(parseSegmentName(nameOf(path)), 'a segment of ours has a name of ours');
  const gaps: string[] = [];
  const file = await disk.open(path, 'read');
  try {
    await readSegment(file, name.salt, {
      onRecord: (record, offset) => dumpRecord(out, { record, offset }, order),
      onGap: ({ offset, end, isFollowed }) => {
        gaps.push(`${path}: ${end - offset} bytes are no record, at ${offset}${isFollowed ? '' : ', the end of the segment'}`); // prettier-ignore
      },
    });
  } finally {
    await file.close();
  }
  // A torn end is what a crash leaves; which gaps are damage the node says at its start.
  for (const gap of gaps) err(`${gap}\n`);
}

async function dumpRecord(
  out: InspectPorts['out'],
  { record, offset }: { readonly record: WalRecord; readonly offset: number },
  order: KeyOrder | undefined,
): Promise<void> {
  const { kind, shardId, sequence, payload } = record;
  const place = `shard=${shardId} seq=${sequence} at=${offset} sz=${payload.length}`;
  switch (kind) {
    case WalRecordKind.points:
      if (order === undefined) await out(`[write] ${place}\n`);
      await dumpPoints(out, record, order);
      return;
    case WalRecordKind.types:
      if (order !== undefined) return;
      await out(`[types] ${place}\n`);
      for (const { measurement, name, type } of decodeFieldTypes(payload))
        await out(`${measurement}${keySeparator}${name} type=${type}\n`);
      return;
    case WalRecordKind.vouch: {
      if (order !== undefined) return;
      const { segment, from, to } = decodeVouch(payload);
      await out(`[vouch] segment=${segment} from=${from} to=${to} at=${offset}\n`);
      return;
    }
    case WalRecordKind.delete:
    case WalRecordKind.void:
      if (order === undefined) await out(`[${kind === WalRecordKind.void ? 'void' : 'delete'}] ${place}\n`); // prettier-ignore
  }
}

async function dumpPoints(
  out: InspectPorts['out'],
  { shardId, payload, rejectBitmap }: WalRecord,
  order: KeyOrder | undefined,
): Promise<void> {
  const batch = decodePointBatch(payload);
  const keys = seriesKeysOf(batch);
  for (const { shape, row } of rowsInOrder(batch)) {
    const timeNs = shape.timesNs[row] ?? 0n;
    const isOut = isRefused(rejectBitmap, shape.ordinals[row] ?? 0);
    for (const [i, { name }] of shape.fields.entries()) {
      const key = `${keys[shape.series[row] ?? 0]}${keySeparator}${name}`;
      const column = shape.columns[i];
      if (column === undefined) continue;
      if (order === undefined)
        await out(`${key} ${dumpedValue(column, row)} ${timeNs}${isOut ? ' refused' : ''}\n`);
      else if (!isOut) order.note(binaryOf(exactBytesOf(`shard ${shardId}: ${key}`)), timeNs);
    }
  }
}

/** A key of one character a byte. */
function line(key: string): Uint8Array {
  return Buffer.from(`${key}\n`, 'latin1');
}
