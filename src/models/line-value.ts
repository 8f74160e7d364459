import { exactTextOf } from '../base/exact-text.ts';
import type { FieldValue } from './field-value.ts';
import { Byte, isDigit, textOf } from './line-bytes.ts';

/** Where a value ends, or the reference's text when it is none. */
export type ValueEnd = number | string;

const int64Min = -(1n << 63n);
const int64Max = (1n << 63n) - 1n;

/** True for the first byte of what has to be a number. */
export function startsNumber(byte: number | undefined): boolean {
  const isSign = byte === Byte.minus || byte === Byte.upperN || byte === Byte.lowerN;
  return isSign || byte === Byte.dot || isDigit(byte);
}

/** The end of a number or a boolean: the next comma or space, whatever stands before it. */
export function endOfPlainValue(line: Uint8Array, start: number): number {
  let end = start;
  while (end < line.length && line[end] !== Byte.comma && line[end] !== Byte.space) end++;
  return end;
}

/** The value of a number as written; a text says why it is none (spec 4.2). */
export function readNumber(line: Uint8Array, start: number, end: number): FieldValue | string {
  const kind = kindOfNumber(line, start, end);
  if (kind === 'invalid') return 'invalid number';
  if (kind === 'integer') {
    const digits = textOf(line, start, end - 1);
    const value = parseInteger(digits);
    return typeof value === 'bigint'
      ? { type: 'integer', value }
      : `unable to parse integer ${digits}: ${value}`;
  }
  const value = kind === 'float' ? Number(textOf(line, start, end)) : Number.NaN;
  return Number.isFinite(value) ? { type: 'float', value } : 'invalid float';
}

/**
 * By the bytes one after the other, as a number may be as long as a body. `broken` has the right bytes, an exponent among
 * them, in a wrong order: the difference shows in the text of the error alone.
 */
function kindOfNumber(
  line: Uint8Array,
  start: number,
  end: number,
): 'integer' | 'float' | 'broken' | 'invalid' {
  const first = line[start] === Byte.minus ? start + 1 : start;
  let dots = 0;
  let exponents = 0;
  let mantissaDigits = 0;
  let exponentDigits = 0;
  for (let at = first; at < end; at++) {
    const byte = line[at];
    if (isDigit(byte)) {
      if (exponents === 0) mantissaDigits++;
      else exponentDigits++;
    } else if (byte === Byte.dot) {
      if (++dots > 1) return 'invalid';
      // Well formed no more, whatever follows.
      if (exponents > 0) exponents++;
    } else if (isExponent(byte) && at > start) {
      exponents++;
    } else if (byte === Byte.lowerI && at === end - 1) {
      return at > first && dots + exponents === 0 ? 'integer' : 'invalid';
    } else if (!isSign(byte) || !isExponent(line[at - 1])) {
      return 'invalid';
    }
  }
  if (end - first - dots === 0) return 'invalid';
  if (exponents === 0) return 'float';
  return exponents === 1 && mantissaDigits > 0 && exponentDigits > 0 ? 'float' : 'broken';
}

function isExponent(byte: number | undefined): boolean {
  return byte === Byte.lowerE || byte === Byte.upperE;
}

function isSign(byte: number | undefined): boolean {
  return byte === Byte.plus || byte === Byte.minus;
}

/** An int64, or the text of Go's parser. Digits without end are not turned into a number to be refused. */
export function parseInteger(digits: string): bigint | string {
  if (digits === '-') return 'strconv.ParseInt: parsing "-": invalid syntax';
  const significant = digits.replace(/^(-?)0+(?=\d)/, '$1');
  const value = significant.length > 20 ? int64Max + 1n : BigInt(significant);
  if (value >= int64Min && value <= int64Max) return value;
  return `strconv.ParseInt: parsing "${digits}": value out of range`;
}

const booleanOf = (value: boolean) => (text: string) => [text, value] as const;
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['t', 'T', 'true', 'True', 'TRUE'].map(booleanOf(true)),
  ...['f', 'F', 'false', 'False', 'FALSE'].map(booleanOf(false)),
]);
const booleanBytesMax = 5;

export function readBoolean(line: Uint8Array, start: number, end: number): FieldValue | string {
  const text = end - start > booleanBytesMax ? '' : textOf(line, start, end);
  const value = booleans.get(text);
  return value === undefined ? 'invalid boolean' : { type: 'boolean', value };
}

/** What lies between the first and the last byte, which are not looked at: bytes may follow a closing quote. */
export function readText(line: Uint8Array, start: number, end: number): FieldValue {
  const text = exactTextOf(line.subarray(start + 1, Math.max(start + 1, end - 1)));
  const value = text.includes('\\') ? text.replaceAll(/\\(["\\])/g, '$1') : text;
  return { type: 'string', value };
}
