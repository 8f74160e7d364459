import { exactBytesOf } from '../base/exact-text.ts';
import type { FieldValue } from './field-value.ts';
import type { LinePoint } from './line-protocol.ts';
import { seriesKey } from './series-key.ts';

const encoder = new TextEncoder();

/**
 * The line of a point in the spelling that the kernel takes: names escaped no more than needed, the time always there, in
 * steps. parseLines() gives the same point again. Undefined for names with backslashes or newlines, which the kernel would
 * not take either.
 */
export function printLine(
  { measurement, tags, fields, timeNs }: LinePoint,
  stepNs: bigint,
): Uint8Array | undefined {
  const isPlain = (name: string): boolean => !/[\\\n]/.test(name);
  if (!isPlain(measurement) || !tags.every(({ key, value }) => isPlain(key) && isPlain(value)))
    return undefined;
  if (![...fields.keys()].every(isPlain)) return undefined;
  const parts: Uint8Array[] = [exactBytesOf(`${seriesKey(measurement, tags)} `)];
  let separator = '';
  for (const [name, value] of fields) {
    parts.push(exactBytesOf(`${separator}${escapeFieldName(name)}=`), printValue(value));
    separator = ',';
  }
  parts.push(encoder.encode(` ${timeNs / stepNs}\n`));
  return Buffer.concat(parts);
}

function escapeFieldName(name: string): string {
  return name.replaceAll(/[,"= ]/g, (one) => `\\${one}`);
}

function printValue(value: FieldValue): Uint8Array {
  switch (value.type) {
    case 'string':
      return exactBytesOf(`"${value.value.replaceAll(/["\\]/g, (one) => `\\${one}`)}"`);
    case 'float':
      return encoder.encode(Object.is(value.value, -0) ? '-0' : String(value.value));
    case 'integer':
      return encoder.encode(`${value.value}i`);
    case 'unsigned':
      return encoder.encode(`${value.value}u`);
    case 'boolean':
      return encoder.encode(value.value ? 't' : 'f');
  }
}
