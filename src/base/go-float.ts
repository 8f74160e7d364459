/** Numbers as Go's strconv.ParseFloat takes them: more than line protocol does, and not what JavaScript takes. */

/** Why a text is no number; the words of Go's errors. */
export type NoFloat = 'invalid syntax' | 'value out of range';

/** Without two ways to read the same digits: a text that is no number would take the square of its length. */
const decimal = /^[+-]?(?:\d[\d_]*(?:\.[\d_]*)?|\.[_]*\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?$/;
const hexadecimal =
  /^([+-]?)0[xX]_?([\da-fA-F][\da-fA-F_]*)?(?:\.([\da-fA-F_]*))?[pP]([+-]?\d[\d_]*)$/;

/** Undefined for what is no number, is none that a float can hold, or is infinite or not a number. */
export function parseGoFloat(text: string): number | undefined {
  const value = readGoFloat(text);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** NaN and the infinities are numbers. */
export function readGoFloat(text: string): number | NoFloat {
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return NaN;
  if (text.includes('_') && !hasGoodUnderscores(text)) return 'invalid syntax';
  if (decimal.test(text)) return inRange(Number(text.replaceAll('_', '')));
  const [, sign, whole = '', fraction = '', exponent = ''] = hexadecimal.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replaceAll('_', '');
  if (sign === undefined || digits === '') return 'invalid syntax';
  const shift = Number(exponent.replaceAll('_', '')) - 4 * fraction.replaceAll('_', '').length;
  const value = scaled(Number(BigInt(`0x${digits}`)), shift);
  return inRange(sign === '-' ? -value : value);
}

function inRange(value: number): number | NoFloat {
  return Number.isFinite(value) ? value : 'value out of range';
}

/** In steps, as a power of two that is too large or small for a double may be what brings `value` into its range. */
function scaled(value: number, shift: number): number {
  let rest = Math.max(-5_000, Math.min(5_000, shift));
  let result = value;
  for (; rest > 1_000; rest -= 1_000) result *= 2 ** 1_000;
  for (; rest < -1_000; rest += 1_000) result *= 2 ** -1_000;
  return result * 2 ** rest;
}

/** Between digits, or between the prefix of a base and a digit. */
function hasGoodUnderscores(text: string): boolean {
  const isHex = /^[+-]?0[xX]/.test(text);
  const number = text.replace(/^[+-]?(?:0[xX](?=_))?/, '');
  const digit = isHex ? /[\da-fA-F]/ : /\d/;
  for (let i = 0; i < number.length; i++) {
    if (number[i] !== '_') continue;
    const before = i === 0 ? (isHex ? '0' : '') : (number[i - 1] ?? '');
    if (!digit.test(before) || !digit.test(number[i + 1] ?? '')) return false;
  }
  return true;
}
