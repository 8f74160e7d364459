import { anyInt64, text } from '../proto/field.ts';
import type { Value } from './value.ts';

const textLengthMax = 1 << 26;

/** A value of the language as a node is sent it. Throws `invalid_argument`. */
export function checkValue(value: unknown, path: string): Value {
  if (typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value === 'string') return text({ lengthMax: textLengthMax }).fromWire(value, path);
  return anyInt64.fromWire(value, path);
}
