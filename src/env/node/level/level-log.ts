/**
 * Looks at logs of a LevelDB folder before it is opened. LevelDB passes over records whose sum is wrong, and says so in its own
 * `LOG` alone: a vote or a committed command of Raft would be gone without a word, and a cluster of metas could elect one that
 * lacks what was acknowledged.
 *
 * A record that is wrong with another batch behind it was whole once, as each is synced before the next is counted on: that is
 * damage. What is wrong of the last batch, which may lie in several records, is what a loss of power leaves of one that nobody was
 * told of.
 *
 * Form of a log (LevelDB's doc/log_format): blocks of 32 KiB; in them records of u32 masked CRC-32C of type and payload, u16 length, u8
 * type (1 whole, 2 first, 3 middle, 4 last), payload; little-endian. The rest of a block that is too short for a head is zeros.
 */
import { crc32c } from './crc32c.ts';

const blockBytes = 32_768;
const headBytes = 7;
const wholeType = 1;
const lastType = 4;
const typeMax = 4;
/** Types up to it begin a batch. */
const beginsBatchMax = 2;
const maskDelta = 0xa282ead8;

/** Where the first damage is; undefined of a log that is sound, or torn at its end. */
export function findLogDamage(bytes: Uint8Array): number | undefined {
  let wrongAt: number | undefined;
  for (let at = 0; at + headBytes <= bytes.length;) {
    const blockEnd = Math.min(bytes.length, at - (at % blockBytes) + blockBytes);
    if (blockEnd - at < headBytes) {
      at = blockEnd;
      continue;
    }
    const end = endOfRecord(bytes, at, blockEnd);
    if (end !== undefined) {
      if (wrongAt !== undefined && (bytes[at + 6] ?? 0) <= beginsBatchMax) return wrongAt;
      at = end;
    } else if (wrongAt === undefined && isUnwritten(bytes, at, blockEnd)) at = blockEnd;
    else {
      wrongAt ??= at;
      // Where a length is wrong the next record begins anywhere.
      at++;
    }
  }
  return undefined;
}

/** Whole batches, in order, up to the first record that is none. */
export function* batchesOf(bytes: Uint8Array): Generator<Uint8Array> {
  let parts: Uint8Array[] = [];
  for (let at = 0; at + headBytes <= bytes.length;) {
    const blockEnd = Math.min(bytes.length, at - (at % blockBytes) + blockBytes);
    if (blockEnd - at < headBytes) {
      at = blockEnd;
      continue;
    }
    const end = endOfRecord(bytes, at, blockEnd);
    if (end === undefined) return;
    const type = bytes[at + 6] ?? 0;
    if (type <= beginsBatchMax) parts = [];
    parts.push(bytes.subarray(at + headBytes, end));
    if (type === wholeType || type === lastType) yield parts.length === 1 ? (parts[0] ?? bytes) : Buffer.concat(parts); // prettier-ignore
    at = end;
  }
}

/** Where the record at `at` ends; undefined when no sound one is there. */
function endOfRecord(bytes: Uint8Array, at: number, blockEnd: number): number | undefined {
  const type = bytes[at + 6] ?? 0;
  if (type === 0 || type > typeMax) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const end = at + headBytes + view.getUint16(at + 4, true);
  if (end > blockEnd) return undefined;
  return unmasked(view.getUint32(at, true)) === crc32c(bytes.subarray(at + 6, end)) ? end : undefined; // prettier-ignore
}

/** As a file that was made longer before it was written to. */
function isUnwritten(bytes: Uint8Array, at: number, blockEnd: number): boolean {
  return bytes.subarray(at, blockEnd).every((byte) => byte === 0);
}

function unmasked(masked: number): number {
  const rotated = (masked - maskDelta) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}
