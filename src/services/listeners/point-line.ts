/**
 * Lines of line protocol made of names that came in another protocol, byte by byte. What line protocol cannot hold is told, and
 * then nothing is pushed that a reader would take for something else: the reference, whose points are no lines, stores such
 * names in keys that it reads back as others.
 */
import type { GrowingBytes } from '../../base/growing-bytes.ts';
import { maxTimeNs, minTimeNs } from '../../base/units.ts';
import { Byte, keyBytesMax } from '../../models/line-bytes.ts';

/** What the storage puts between a series' key and a field's name. */
const fieldSeparatorBytes = 4;

/** Why names are no point: the reference's texts where it has one. */
export const PointFault = {
  name: 'a name cannot be written in line protocol',
  notANumber: (field: string): string => `NaN is an unsupported value for field ${field}`,
  infinite: (field: string): string => `+/-Inf is an unsupported value for field ${field}`,
  time: `time outside range ${minTimeNs} - ${maxTimeNs}`,
  key: (lengthBytes: number): string => `max key length exceeded: ${lengthBytes} > ${keyBytesMax}`,
} as const;

/** Texts of ASCII alone, as numbers are. */
export function pushAscii(into: GrowingBytes, text: string): void {
  for (let i = 0; i < text.length; i++) into.u8(text.charCodeAt(i));
}

/** A text of bytes [start, end) that may begin a line, as the name of a measurement does. */
export function canBegin(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start] ?? 0;
  const isSkipped = first === Byte.hash || first === Byte.tab || first === Byte.nul;
  return end > start && !isSkipped;
}

/** A text that line protocol can hold within a line: no newline, and no backslash at its end, which would hide what follows. */
export function canStand(bytes: Uint8Array, start: number, end: number): boolean {
  const isHiding = end > start && bytes[end - 1] === Byte.backslash;
  return !isHiding && isOneLine(bytes, start, end);
}

export function isOneLine(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === Byte.newline) return false;
  return true;
}

/** The name of a measurement. One that is escaped already is taken so, as the reference takes it. */
export function pushName(into: GrowingBytes, bytes: Uint8Array, start: number, end: number): void {
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    const isMeaning = byte === Byte.comma || byte === Byte.space;
    if (isMeaning && (i === start || bytes[i - 1] !== Byte.backslash)) into.u8(Byte.backslash);
    into.u8(byte);
  }
}

/** The key or the value of a tag. */
export function pushTagText(
  into: GrowingBytes,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === Byte.comma || byte === Byte.space || byte === Byte.equals) into.u8(Byte.backslash);
    into.u8(byte);
  }
}

/** A finite number as the line has it. */
export function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Undefined where a key of so many bytes, with the name of a field, can be stored. */
export function keyFault(keyBytes: number, fieldBytes: number): string | undefined {
  const lengthBytes = keyBytes + fieldSeparatorBytes + fieldBytes;
  return lengthBytes > keyBytesMax ? PointFault.key(lengthBytes) : undefined;
}

export function isStorableTime(timeNs: bigint): boolean {
  return timeNs >= minTimeNs && timeNs <= maxTimeNs;
}
