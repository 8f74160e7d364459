import { DbError } from '../../base/errors.ts';
import { formatRfc3339 } from '../../base/rfc3339.ts';
import { exactTextOf } from '../../base/exact-text.ts';
import { parseSeriesKey } from '../../models/parse-series-key.ts';
import { readManifest, writeManifest } from '../../storage/store/shards/shard-manifest.ts';
import { readTsmSeal, type TsmSeal } from '../../storage/tsm/tsm-file.ts';
import { removeTsm } from '../../storage/tsm/tombstones.ts';
import { splitTsmKey } from '../../storage/tsm/tsm-format.ts';
import type { TsmEntry } from '../../storage/tsm/tsm-column.ts';
import { TsmScan, type ScannedKey } from '../../storage/tsm/tsm-scan.ts';
import { encodeIndexKey, summedBlock, TsmWriter } from '../../storage/tsm/tsm-writer.ts';
import type { InspectCommand, InspectPorts } from './inspect-ports.ts';
import { logLine } from './output/go-log.ts';
import { lockDataOf } from './folders/lock-data.ts';
import { folderOf, nameOf } from './folders/walk-files.ts';

const nothing = new Uint8Array();

export const deletetsmCommand: InspectCommand = {
  name: 'deletetsm',
  flags: { measurement: 'text', sanitize: 'switch', v: 'switch' },
  usage: () => `Deletes a measurement from a raw tsm file.

Usage: influx_inspect deletetsm [flags] path...

    -measurement NAME
            The name of the measurement to remove.
    -sanitize
            Remove all keys with non-printable unicode characters.
    -v
            Enable verbose logging.`,
  run: async (ports, given) => {
    if (given.rest.length === 0) {
      await ports.out(`path required\n\n${deletetsmCommand.usage(ports)}`);
      return;
    }
    const measurement = given.text('measurement');
    const sanitizes = given.has('sanitize');
    if (measurement === '' && !sanitizes)
      throw new DbError('invalid_argument', '-measurement or -sanitize flag required');
    const isDoomed = (key: Uint8Array): boolean => {
      const [series] = splitTsmKey(exactTextOf(key));
      const name = parseSeriesKey(series);
      if (name.measurement === measurement) return true;
      const texts = [name.measurement, ...name.tags.flatMap((tag) => [tag.key, tag.value])];
      return sanitizes && !texts.every(isPrintable);
    };
    const say = (text: string): void => {
      if (given.has('v')) logLine(ports, text);
    };
    for (const path of given.rest) {
      say(`processing: ${path}`);
      await deleteFrom(ports, path, { isDoomed, say });
    }
  },
};

/** Go's IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
function isPrintable(text: string): boolean {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u.test(text) && !text.includes('\ufffd');
}

interface Deletion {
  readonly isDoomed: (key: Uint8Array) => boolean;
  readonly say: (text: string) => void;
}

/**
 * Writes the file anew without what is doomed and puts that in its place, or removes a file of which nothing is left. In a
 * shard's folder of ours shard.json follows: it lists no file that is not what it says, whenever this ends.
 */
async function deleteFrom(ports: InspectPorts, path: string, deletion: Deletion): Promise<void> {
  const { disk } = ports;
  const lock = await lockDataOf(ports, folderOf(path));
  try {
    const fresh = `${path}.rewriting.tmp`;
    await disk.remove(fresh);
    const hasLeft = await rewrite(ports, { path, fresh }, deletion);
    await setSeal(ports, path, undefined);
    if (!hasLeft) {
      await removeTsm(disk, path);
      await disk.remove(fresh);
      return;
    }
    await disk.rename(fresh, path);
    await disk.syncDir(folderOf(path) || '.');
    await setSeal(ports, path, await readTsmSeal(disk, path));
  } finally {
    await lock?.release();
  }
}

/** Whether something is left. */
async function rewrite(
  { disk }: InspectPorts,
  { path, fresh }: { readonly path: string; readonly fresh: string },
  { isDoomed, say }: Deletion,
): Promise<boolean> {
  const scan = await TsmScan.open(disk, path);
  try {
    const writer = new TsmWriter(await disk.open(fresh, 'create'));
    let hasLeft = false;
    for await (const scanned of scan.keys()) {
      if (isDoomed(scanned.key)) {
        for (const entry of scanned.entries) say(deletedText(scanned.key, entry));
        continue;
      }
      hasLeft = true;
      await copyKey(scan, writer, scanned);
    }
    await writer.finish();
    return hasLeft;
  } catch (error) {
    await disk.remove(fresh);
    throw error;
  } finally {
    await scan.close();
  }
}

/** A block whose sum is wrong is no reason to lose the delete, and is not made whole by it either. */
async function copyKey(
  scan: TsmScan,
  writer: TsmWriter,
  { key, type, entries }: ScannedKey,
): Promise<void> {
  const moved: TsmEntry[] = [];
  for (const entry of entries) {
    const { storedCrc32, bytes } = await scan.block(entry);
    moved.push({ ...entry, offset: writer.offset });
    writer.addEncoded(summedBlock(storedCrc32, bytes), nothing);
    if (writer.isFull) await writer.drain();
  }
  writer.addEncoded(nothing, encodeIndexKey(key, type, moved));
}

function deletedText(key: Uint8Array, { minTimeNs, maxTimeNs, lengthBytes }: TsmEntry): string {
  const times = `${formatRfc3339(minTimeNs)}-${formatRfc3339(maxTimeNs)}`;
  return `deleting block: ${exactTextOf(key)} (${times}) sz=${lengthBytes - 4}`;
}

async function setSeal(
  { disk }: InspectPorts,
  path: string,
  seal: TsmSeal | undefined,
): Promise<void> {
  const folder = folderOf(path) || '.';
  if ((await disk.size(`${folder}/shard.json`)) === undefined) return;
  const manifest = await readManifest(disk, folder);
  const files = new Map(manifest.files);
  if (seal === undefined && !files.delete(nameOf(path))) return;
  if (seal !== undefined) files.set(nameOf(path), seal);
  // The index is made anew at the next start, without what was deleted.
  await writeManifest(disk, folder, { ...manifest, files, segments: undefined });
}
