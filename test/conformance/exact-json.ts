/**
 * JSON as data with the digits of its numbers: 9007199254740993 and 9007199254740992 are two values here.
 */

/** A number as it was written. */
export class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Json = null | boolean | string | Digits | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

interface Source {
  readonly source?: string;
}

/** Documents that follow one another (`chunked`), each on a line or, with `pretty`, on several. */
export function parseDocuments(text: string): Json[] {
  if (text.trim() === '') return [];
  try {
    return [parseExact(text)];
  } catch {
    const parts = text.includes('\n}\n') ? text.split(/(?<=^\}\n)/m) : text.trim().split('\n');
    return parts.map(parseExact);
  }
}

function parseExact(text: string): Json {
  const keepDigits = (_key: string, value: unknown, { source = '' }: Source = {}): unknown =>
    typeof value === 'number' ? new Digits(source) : value;
  return JSON.parse(text, keepDigits) as Json;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Digits)
  );
}

/** A text of its own for each value, whatever the order of keys. */
export function canonicalText(value: Json): string {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonicalText).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalText(value[key]!)}`).join()}}`;
}
