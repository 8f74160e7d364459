/**
 * collectd's types.db (types.db(5)): the sources of each type, `load  shortterm:GAUGE:0:5000, midterm:GAUGE:0:5000`. Read as the
 * reference reads it: what is no type is passed over, and a later line of a name wins. ABSOLUTE, which the reference takes for
 * no type, is taken.
 */
import { GrowingBytes } from '../../../base/growing-bytes.ts';
import { readGoFloat } from '../../../base/go-float.ts';
import { canStand, pushName, pushTagText } from '../point-line.ts';

/** Of the values of a source, as datagrams name them too. */
export const SourceKind = { counter: 0, gauge: 1, derive: 2, absolute: 3 } as const;
export type SourceKind = (typeof SourceKind)[keyof typeof SourceKind];

export interface DataSource {
  readonly kind: SourceKind;
  readonly name: string;
  /** As the end of a measurement's name, and as the name of a field. */
  readonly suffix: Uint8Array;
  readonly field: Uint8Array;
  /** A later source of the type has the same name: of fields in one point the last one counts. */
  readonly isHidden: boolean;
}

export type Types = ReadonlyMap<string, readonly DataSource[]>;

const kinds: Readonly<Record<string, SourceKind>> = {
  COUNTER: SourceKind.counter,
  GAUGE: SourceKind.gauge,
  DERIVE: SourceKind.derive,
  ABSOLUTE: SourceKind.absolute,
};

const encoder = new TextEncoder();

/** Adds the types of a file to `types`. */
export function addTypes(types: Map<string, readonly DataSource[]>, text: string): void {
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const [name, ...words] = line.split(/\s+/).filter((word) => word !== '');
    if (name === undefined) continue;
    const sources = words.map((word) => readSource(word));
    if (sources.every((source) => source !== undefined)) types.set(name, hideRepeated(sources));
  }
}

function readSource(word: string): DataSource | undefined {
  const parts = word.replace(/,$/, '').split(':');
  const [name = '', kindText = '', ...range] = parts;
  const kind = kinds[kindText];
  const isRange = range.every((end) => end === 'U' || typeof readGoFloat(end) === 'number');
  if (parts.length !== 4 || kind === undefined || !isRange) return undefined;
  const bytes = encoder.encode(name);
  if (name === '' || !canStand(bytes, 0, bytes.length)) return undefined;
  const [suffix, field] = [new GrowingBytes(), new GrowingBytes()];
  pushName(suffix, bytes, 0, bytes.length);
  pushTagText(field, bytes, 0, bytes.length);
  const copies = { suffix: suffix.view().slice(), field: field.view().slice() };
  return { kind, name, ...copies, isHidden: false };
}

function hideRepeated(sources: readonly DataSource[]): readonly DataSource[] {
  return sources.map((source, i) => ({
    ...source,
    isHidden: sources.findLastIndex(({ name }) => name === source.name) !== i,
  }));
}
