import { parse, TomlError, type TomlTable, type TomlValue } from 'smol-toml';
import { DbError, errorText, isDbError } from '../base/errors.ts';
import { formatGoDuration } from '../influxql/duration.ts';
import {
  describeTomlValue,
  formatTomlValue,
  plainValue,
  quoteToml,
  tomlReaders,
  type PlainOf,
  type Value,
} from './config-value.ts';
import { overrideOf, type Environment } from './environment.ts';
import type { Key, KeyTable } from './key.ts';

type Keys = Readonly<Record<string, Key>>;

export interface ConfigInput {
  /** Text of the file; undefined when there is none. */
  readonly text: string | undefined;
  /** `INFLUXDB_*` of it override the file (spec 5). */
  readonly environment: Environment;
  readonly keys: KeyTable;
  readonly arrayKeys?: KeyTable;
  /** The section that the repeated ones follow when it is printed; the last one when left out. */
  readonly arraysAfter?: string;
  /** Without a file the folders of data are under its `.influxdb` (spec 5). */
  readonly home?: string;
}

/** One section of the file, `[[name]]` ones as often as they are there. */
interface Section {
  readonly name: string;
  readonly isArray: boolean;
  readonly keys: Keys;
  readonly values: ReadonlyMap<string, Value>;
}

/** One of the `[[name]]` sections; values as Config's. */
export interface RepeatedSection<K extends Keys> {
  get<Name extends keyof K & string>(key: Name): PlainOf<K[Name]['kind']>;
  /** For people: durations as Go writes them, whole numbers as numbers. */
  shown(): Readonly<Record<string, unknown>>;
}

/** A checked configuration: defaults, then the file, then the environment. Unknown keys are passed over (spec 5). */
export class Config<Table extends KeyTable> {
  readonly #sections: readonly Section[];

  private constructor(sections: readonly Section[]) {
    this.#sections = sections;
  }

  /** Throws invalid_argument naming key, value and reason. */
  static read<Table extends KeyTable>(
    input: ConfigInput & { readonly keys: Table },
  ): Config<Table> {
    const file = parseToml(input.text ?? '');
    const home = input.text === undefined ? input.home : undefined;
    const sections: Section[] = [];
    for (const [name, keys] of Object.entries(input.keys)) {
      const table = name === '' ? file : tableOf(file[name], name);
      sections.push(readSection({ name, keys, home }, table, input.environment));
      if (name === input.arraysAfter) sections.push(...readArrays(input, file));
    }
    if (input.arraysAfter === undefined) sections.push(...readArrays(input, file));
    sections.forEach(refuseWrong);
    return new Config(sections);
  }

  /** Durations are milliseconds. */
  get<Name extends keyof Table & string, K extends keyof Table[Name] & string>(
    section: Name,
    key: K,
  ): PlainOf<Table[Name][K]['kind']> {
    const found = this.#sections.find(({ name, isArray }) => name === section && !isArray);
    const spec = found?.keys[key];
    const value = found?.values.get(key);
    if (spec === undefined || value === undefined)
      throw new DbError('internal', `no key [${section}] ${key}`);
    return usedValue(spec, value) as PlainOf<Table[Name][K]['kind']>;
  }

  /** The `[[name]]` sections in their order; `keys` are those that the configuration was read with. */
  repeated<K extends Keys>(name: string, keys: K): readonly RepeatedSection<K>[] {
    const found = this.#sections.filter((section) => section.isArray && section.name === name);
    return found.map(({ values }) => ({
      get: (key) => {
        const [spec, value] = [keys[key], values.get(key)];
        if (spec === undefined || value === undefined)
          throw new DbError('internal', `no key [[${name}]] ${key}`);
        const used = isNone(value) ? fallbackOf(spec, undefined) : value;
        return usedValue(spec, used) as PlainOf<K[typeof key]['kind']>;
      },
      shown: () => shownValues(keys, values),
    }));
  }

  /** TOML of all keys, as `influxd config` prints it; reads back to the same. */
  print(): string {
    return `${this.#sections.map(printSection).join('\n\n')}\n`;
  }

  /** A section for people: durations as Go writes them, whole numbers as numbers; keys of other releases not at all. */
  shown(section: keyof Table & string): Readonly<Record<string, unknown>> {
    const found = this.#sections.find(({ name, isArray }) => name === section && !isArray);
    return shownValues(found?.keys ?? {}, found?.values ?? new Map<string, Value>());
  }
}

/** The reference takes its own value in a repeated section where there is an empty text or 0. */
function isNone(value: Value): boolean {
  return value === '' || value === 0n;
}

function usedValue({ kind, isNoneBelowZero = false }: Key, value: Value): PlainOf<Key['kind']> {
  const isNegative = typeof value === 'bigint' && value < 0n;
  return plainValue(kind, isNegative && isNoneBelowZero ? 0n : value);
}

function shownValues(
  keys: Keys,
  values: ReadonlyMap<string, Value>,
): Readonly<Record<string, unknown>> {
  const entries = Array.from(values, ([name, value]): readonly [string, unknown] => {
    const isDuration = keys[name]?.kind === 'duration' && typeof value === 'bigint';
    if (isDuration) return [name, formatGoDuration(value)];
    return [name, typeof value === 'bigint' ? Number(value) : value];
  });
  return Object.fromEntries(entries);
}

function parseToml(text: string): TomlTable {
  try {
    return parse(text.replace(/^\uFEFF/, ''), { integersAsBigInt: true });
  } catch (error) {
    if (error instanceof TomlError) throw new DbError('invalid_argument', error.message);
    throw error;
  }
}

function tableOf(value: TomlValue | undefined, name: string): TomlTable {
  if (value === undefined) return {};
  if (typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date)) return value;
  throw new DbError('invalid_argument', `[${name}] is ${describeTomlValue(value)}, not a section`);
}

/** The `[[name]]` sections; one of defaults for a name that the file does not have, as the reference. */
function readArrays({ arrayKeys, environment }: ConfigInput, file: TomlTable): readonly Section[] {
  return Object.entries(arrayKeys ?? {}).flatMap(([name, keys]) => {
    const found = file[name];
    if (found !== undefined && !Array.isArray(found)) {
      const text = `[[${name}]] is ${describeTomlValue(found)}, not a list of sections`;
      throw new DbError('invalid_argument', text);
    }
    return (found ?? [undefined]).map((table, index) =>
      readSection({ name, keys, index }, tableOf(table, name), environment),
    );
  });
}

interface SectionHead {
  readonly name: string;
  readonly keys: Keys;
  /** Of a `[[name]]`. */
  readonly index?: number;
  readonly home?: string | undefined;
}

function readSection(head: SectionHead, table: TomlTable, environment: Environment): Section {
  const values = new Map<string, Value>();
  for (const [name, key] of Object.entries(head.keys)) {
    const inFile = table[name];
    const fallback = fallbackOf(key, head.home);
    // The reference keeps its own value where a duration is "".
    const isLeft = inFile === undefined || (key.kind === 'duration' && inFile === '');
    const base = isLeft ? fallback : checked(head, name, inFile);
    values.set(name, overridden(head, name, base, environment));
  }
  const isArray = head.index !== undefined;
  return { name: head.name, isArray, keys: head.keys, values };
}

function fallbackOf({ kind, fallback, homeFolder }: Key, home: string | undefined): Value {
  if (homeFolder !== undefined && home !== undefined) return `${home}/.influxdb/${homeFolder}`;
  const toml = typeof fallback === 'number' ? BigInt(fallback) : fallback;
  return tomlReaders[kind](toml);
}

/** What no node could run with, although its type is right. */
function refuseWrong(section: Section): void {
  for (const [name, { kind, check }] of Object.entries(section.keys)) {
    const value = section.values.get(name);
    if (value === undefined) continue;
    const reason = check?.(value, (key) => section.values.get(key));
    if (reason === undefined) continue;
    const text = `${label(section, name)} = ${formatTomlValue(kind, value)}: ${reason}`;
    throw new DbError('invalid_argument', text);
  }
}

function checked(head: SectionHead, name: string, value: TomlValue): Value {
  try {
    return readValue(head.keys[name], value);
  } catch (error) {
    if (!isDbError(error, 'invalid_argument')) throw error;
    const text = `${label(head, name)} = ${describeTomlValue(value)}: ${error.message}`;
    throw new DbError('invalid_argument', text);
  }
}

function readValue({ kind, takesWholeNs = false }: Partial<Key> = {}, value: TomlValue): Value {
  const text = typeof value === 'object' ? '' : String(value);
  return tomlReaders[kind ?? 'string'](takesWholeNs && /^\d+$/.test(text) ? `${text}ns` : value);
}

function overridden(head: SectionHead, name: string, base: Value, environment: Environment): Value {
  const { kind = 'string', alias } = head.keys[name] ?? {};
  const place = { section: head.name, index: head.index, key: name, alias };
  const said = overrideOf(place, kind, base, environment);
  if (said === undefined) return base;
  try {
    return checked(head, name, said.value);
  } catch (error) {
    throw new DbError('invalid_argument', `${said.variable}: ${errorText(error)}`);
  }
}

function printSection({ name, isArray, keys, values }: Section): string {
  const indent = name === '' ? '' : '  ';
  const lines = Object.entries(keys).flatMap(([key, { kind, isShownEmpty = false }]) => {
    const value = values.get(key);
    if (value === undefined || (!isShownEmpty && isLeftOut(kind, value))) return [];
    if (kind === 'headers') return ['', `  [${name}.${key}]`, ...headerLines(value)];
    return [`${indent}${key} = ${formatTomlValue(kind, value)}`];
  });
  const head = name === '' ? [] : [isArray ? `[[${name}]]` : `[${name}]`];
  return [...head, ...lines].join('\n');
}

/** Go's encoder prints nothing for what is nil: an empty list, a group that is not set, no headers. */
function isLeftOut(kind: Key['kind'], value: Value): boolean {
  if (kind === 'group') return value === '';
  if (kind !== 'list' && kind !== 'headers') return false;
  return Object.keys(value).length === 0;
}

function headerLines(value: Value): readonly string[] {
  return Object.entries(value).map(
    ([header, text]) => `    ${quoteToml(header)} = ${quoteToml(String(text))}`,
  );
}

function label(
  { name, isArray = false, index }: Partial<Section & SectionHead>,
  key: string,
): string {
  if (name === '' || name === undefined) return key;
  return isArray || index !== undefined ? `[[${name}]] ${key}` : `[${name}] ${key}`;
}
