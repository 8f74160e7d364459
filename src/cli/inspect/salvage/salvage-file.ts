import { DbError, errorText, isDbError } from '../../../base/errors.ts';
import { formatRfc3339 } from '../../../base/rfc3339.ts';
import type { Disk } from '../../../env/disk.ts';
import { exactTextOf } from '../../../base/exact-text.ts';
import { soundKeys, type LostIndex } from '../../../storage/tsm/sound-keys.ts';
import type { TsmEntry } from '../../../storage/tsm/tsm-column.ts';
import { splitTsmKey } from '../../../storage/tsm/tsm-format.ts';
import { TsmScan, type ScannedKey } from '../../../storage/tsm/tsm-scan.ts';
import type { TsmSeal } from '../../../storage/tsm/tsm-seal.ts';
import { encodeIndexKey, summedBlock, TsmWriter } from '../../../storage/tsm/tsm-writer.ts';

export interface FileToSalvage {
  /** Where its bytes are. */
  readonly path: string;
  /** What it was when it was written; without one its index is believed, as far as it adds up. */
  readonly seal: TsmSeal | undefined;
  /** Where what is left of it is written; nothing is when left out. */
  readonly fresh: string | undefined;
  /** A line about something that cannot be read. */
  readonly lost: (text: string) => Promise<void>;
}

export interface SalvagedFile {
  readonly keptCount: number;
  /** Blocks that cannot be read. */
  readonly lostCount: number;
  /** The index, or a part of it, cannot be read: nobody knows what it had. */
  readonly isIndexLost: boolean;
  /** Of what was written; undefined where nothing was, or nothing is left. */
  readonly seal: TsmSeal | undefined;
}

const nothing = new Uint8Array();

/** Reads all of a file and, where that is wanted, writes what is sound of it to a new one. */
export async function salvageFile(disk: Disk, file: FileToSalvage): Promise<SalvagedFile> {
  const scan = await openFor(disk, file);
  if (scan === undefined) return { keptCount: 0, lostCount: 0, isIndexLost: true, seal: undefined };
  const writer = file.fresh === undefined ? undefined : new TsmWriter(await disk.open(file.fresh, 'create')); // prettier-ignore
  try {
    const counts = await copySound(scan, writer, file);
    const written = await writer?.finish();
    const isEmpty = counts.keptCount === 0;
    if (isEmpty && file.fresh !== undefined) await disk.remove(file.fresh);
    return { ...counts, seal: isEmpty || written === undefined ? undefined : { ...written, ...stampsOf(file.seal) } }; // prettier-ignore
  } finally {
    await scan.close();
  }
}

/** Those of the writes that its points are from: of fewer points they hold all the same. */
function stampsOf(seal: TsmSeal | undefined): Pick<TsmSeal, 'stamps'> {
  return seal?.stamps === undefined ? {} : { stamps: seal.stamps };
}

async function openFor(
  disk: Disk,
  { path, seal, lost }: FileToSalvage,
): Promise<TsmScan | undefined> {
  // prettier-ignore
  try {
    return await TsmScan.openBare(disk, path, seal);
  } catch (error) {
    if (!isDbError(error, 'corrupt')) throw error;
    await lost(errorText(error));
    return undefined;
  }
}

async function copySound(
  scan: TsmScan,
  writer: TsmWriter | undefined,
  { path, seal, lost }: FileToSalvage,
): Promise<Omit<SalvagedFile, 'seal'>> {
  let [keptCount, lostCount, isIndexLost] = [0, 0, false];
  let last: Uint8Array | undefined;
  try {
    for await (const found of seal === undefined ? scan.keys() : soundKeys(scan, seal)) {
      if (!isKey(found)) {
        isIndexLost = true;
        await lost(`${path}: ${found.lengthBytes} bytes of the index at ${found.offset} are damaged, ${placeText(last)}`); // prettier-ignore
        continue;
      }
      const sound = await copyKey(scan, writer, { scanned: found, lost });
      keptCount += sound;
      last = found.key;
      lostCount += found.entries.length - sound;
    }
  } catch (error) {
    // An index without a sum: what is behind the place is not known.
    if (!isDbError(error, 'corrupt')) throw error;
    isIndexLost = true;
    await lost(errorText(error));
  }
  return { keptCount, lostCount, isIndexLost };
}

function isKey(found: ScannedKey | LostIndex): found is ScannedKey {
  return 'entries' in found;
}

/** Answers how many of its blocks are sound. */
async function copyKey(
  scan: TsmScan,
  writer: TsmWriter | undefined,
  { scanned: { key, type, entries }, lost }: { readonly scanned: ScannedKey; readonly lost: FileToSalvage['lost'] }, // prettier-ignore
): Promise<number> {
  const moved: TsmEntry[] = [];
  for (const entry of entries) {
    const bytes = await soundBlock(scan, entry);
    if (bytes instanceof DbError) {
      await lost(`${bytes.message}: ${keyText(key)} from ${formatRfc3339(entry.minTimeNs)} to ${formatRfc3339(entry.maxTimeNs)}`); // prettier-ignore
      continue;
    }
    moved.push({ ...entry, offset: writer?.offset ?? 0 });
    writer?.addEncoded(bytes, nothing);
    if (writer?.isFull === true) await writer.drain();
  }
  if (moved.length > 0) writer?.addEncoded(nothing, encodeIndexKey(key, type, moved));
  return moved.length;
}

/** With its sum; or why it is not. */
async function soundBlock(scan: TsmScan, entry: TsmEntry): Promise<Uint8Array | DbError> {
  try {
    const { storedCrc32, crc32, bytes } = await scan.block(entry);
    if (storedCrc32 !== crc32)
      return new DbError('corrupt', `${scan.path}: the block at ${entry.offset} is damaged`);
    scan.decode(entry, bytes);
    return summedBlock(storedCrc32, bytes);
  } catch (error) {
    if (!isDbError(error, 'corrupt')) throw error;
    return error;
  }
}

/** Which keys those are that nobody can read. */
function placeText(last: Uint8Array | undefined): string {
  return last === undefined ? 'from its first key on' : `of keys behind ${keyText(last)}`;
}

function keyText(key: Uint8Array): string {
  const [series, field] = splitTsmKey(exactTextOf(key));
  return `${series} ${field}`;
}
