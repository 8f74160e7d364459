import { exactBytesOf } from '../base/exact-text.ts';
import { compareUtf8 } from '../base/compare-utf8.ts';

/** A tag as unescaped text. */
export interface Tag {
  readonly key: string;
  readonly value: string;
}

/**
 * The canonical key of a series: escaped measurement, then `,key=value` for each tag with a value, sorted by the bytes
 * of the key. Two spellings of a series have one canonical key; shards are chosen by its hash (spec F28).
 */
export function seriesKey(measurement: string, tags: readonly Tag[]): string {
  const sorted = tags.filter((tag) => tag.value !== '').sort(compareTags);
  let key = escapeMeasurement(measurement);
  for (const tag of sorted) key += `,${escapeTag(tag.key)}=${escapeTag(tag.value)}`;
  return key;
}

export function compareTags(left: Tag, right: Tag): number {
  return compareUtf8(left.key, right.key);
}

/** Commas and spaces end a measurement, so they are escaped in it. */
export function escapeMeasurement(text: string): string {
  return text.replaceAll(/[, ]/g, (character) => `\\${character}`);
}

/** Whether a line can name this measurement: one that begins so would be a comment, or begin later, and no error would say so. */
export function canBeginLine(measurement: string): boolean {
  return !/^[#\t\0]/.test(measurement);
}

/** Tag keys and values escape the equals sign too. */
export function escapeTag(text: string): string {
  return text.replaceAll(/[, =]/g, (character) => `\\${character}`);
}

const fnvOffset = 0xcbf29ce484222325n;
const fnvPrime = 0x100000001b3n;

/** FNV-1a 64 of the key's bytes: the slow, obvious form that kernels are held to. */
export function seriesKeyHash(key: string): bigint {
  let hash = fnvOffset;
  for (const byte of exactBytesOf(key)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * fnvPrime);
  }
  return hash;
}
