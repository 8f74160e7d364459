import { parse, TomlError, type TomlTable, type TomlValue } from 'smol-toml';
import { DbError, errorText } from '../base/errors.ts';
import {
  describeTomlValue,
  formatTomlValue,
  isSameValue,
  plainValue,
  tomlSchemas,
  type PlainOf,
  type Value,
} from './config-value.ts';
import type { Key, KeyTable } from './key.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Keys = Readonly<Record<string, Key>>;

export interface ConfigInput {
  /** Text of the file; undefined when there is none. */
  readonly text: string | undefined;
  /** `INFLUXDB_*` of it override the file (spec 5). */
  readonly environment: Environment;
  readonly keys: KeyTable;
  readonly arrayKeys?: KeyTable;
}

/** One section of the file, `[[name]]` ones as often as they are there. */
interface Section {
  readonly name: string;
  readonly isArray: boolean;
  readonly keys: Keys;
  readonly values: ReadonlyMap<string, Value>;
}

/** A checked configuration: defaults, then the file, then the environment. Unknown keys are passed over (spec 5). */
export class Config<Table extends KeyTable> {
  readonly #sections: readonly Section[];

  private constructor(sections: readonly Section[]) {
    this.#sections = sections;
  }

  /** Throws invalid_argument naming key, value and reason; and for keys that protect, that they cannot be kept. */
  static read<Table extends KeyTable>(
    input: ConfigInput & { readonly keys: Table },
  ): Config<Table> {
    const file = parseToml(input.text ?? '');
    const sections: Section[] = [];
    for (const [name, keys] of Object.entries(input.keys)) {
      const table = name === '' ? file : tableOf(file[name], name);
      sections.push(readSection({ name, isArray: false, keys }, table, input.environment));
    }
    for (const [name, keys] of Object.entries(input.arrayKeys ?? {})) {
      const found = file[name];
      const tables = Array.isArray(found) ? found : [found];
      tables.forEach((table, i) => {
        const head = { name, isArray: true, keys, index: i };
        sections.push(readSection(head, tableOf(table, name), input.environment));
      });
    }
    sections.forEach(refuseUnkept);
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
    return plainValue(spec.kind, value) as PlainOf<Table[Name][K]['kind']>;
  }

  /** One line for each key that was set and is not in effect in this version. */
  notices(): readonly string[] {
    return this.#changed('later').map(
      ([section, key]) => `${label(section, key)} is not in effect in this version`,
    );
  }

  /** TOML of all keys, as `influxd config` prints it; reads back to the same. */
  print(): string {
    const parts = this.#sections.map((section) => {
      const { name, isArray, keys, values } = section;
      const indent = name === '' ? '' : '  ';
      const lines = Object.entries(keys).flatMap(([key, { kind }]) => {
        const value = values.get(key);
        return value === undefined ? [] : [`${indent}${key} = ${formatTomlValue(kind, value)}`];
      });
      const head = name === '' ? [] : [isArray ? `[[${name}]]` : `[${name}]`];
      return [...head, ...lines].join('\n');
    });
    return `${parts.join('\n\n')}\n`;
  }

  #changed(status: Key['status']): readonly (readonly [Section, string])[] {
    return this.#sections.flatMap((section) =>
      changedKeys(section, status).map((key) => [section, key] as const),
    );
  }
}

function changedKeys({ keys, values }: Section, status: Key['status']): readonly string[] {
  return Object.entries(keys).flatMap(([name, key]) => {
    const value = values.get(name);
    const isChanged =
      key.status === status &&
      value !== undefined &&
      !isSameValue(key.kind, value, fallbackOf(key));
    return isChanged ? [name] : [];
  });
}

function refuseUnkept(section: Section): void {
  const [key] = changedKeys(section, 'protects');
  if (key === undefined) return;
  const kind = section.keys[key]?.kind ?? 'string';
  const isSecret = /secret|key/.test(key);
  const value = isSecret ? '[REDACTED]' : formatTomlValue(kind, section.values.get(key) ?? '');
  const reason = 'this version does not enforce it, and would run without that protection';
  throw new DbError('invalid_argument', `${label(section, key)} = ${value}: ${reason}`);
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

interface SectionHead {
  readonly name: string;
  readonly isArray: boolean;
  readonly keys: Keys;
  readonly index?: number;
}

function readSection(head: SectionHead, table: TomlTable, environment: Environment): Section {
  const values = new Map<string, Value>();
  for (const [name, key] of Object.entries(head.keys)) {
    const inFile = table[name];
    const base = inFile === undefined ? fallbackOf(key) : checked(head, name, inFile);
    values.set(name, overridden(head, name, base, environment));
  }
  return { name: head.name, isArray: head.isArray, keys: head.keys, values };
}

function fallbackOf({ kind, fallback }: Key): Value {
  const toml = typeof fallback === 'number' ? BigInt(fallback) : fallback;
  return tomlSchemas[kind].parse(toml);
}

function checked(head: SectionHead, name: string, value: TomlValue): Value {
  const kind = head.keys[name]?.kind ?? 'string';
  const result = tomlSchemas[kind].safeParse(value);
  if (result.success) return result.data;
  const reason = result.error.issues[0]?.message ?? 'it is wrong';
  const text = `${label(head, name)} = ${describeTomlValue(value)}: ${reason}`;
  throw new DbError('invalid_argument', text);
}

function overridden(head: SectionHead, name: string, base: Value, environment: Environment): Value {
  const plain = environmentName(head.name, name);
  const indexed = environmentName(`${head.name}_${head.index ?? 0}`, name);
  const text = (head.isArray ? environment[indexed] : undefined) ?? environment[plain];
  const kind = head.keys[name]?.kind ?? 'string';
  if (kind === 'list') return overriddenList(base as readonly string[], plain, environment);
  if (text === undefined || text === '' || kind === 'headers') return base;
  try {
    return checked(head, name, tomlOfText(kind, text));
  } catch (error) {
    throw new DbError('invalid_argument', `${plain}: ${errorText(error)}`);
  }
}

/** `NAME_0` replaces an entry that is there; `NAME=a,b` fills an empty list. */
function overriddenList(
  base: readonly string[],
  name: string,
  environment: Environment,
): readonly string[] {
  const all = environment[name];
  if (base.length === 0) return all === undefined || all === '' ? base : all.split(',');
  return base.map((entry, i) => environment[`${name}_${i}`] ?? entry);
}

function tomlOfText(kind: Key['kind'], text: string): TomlValue {
  if (kind === 'bool' && /^(true|false|1|0|t|f)$/i.test(text)) return /^(true|1|t)$/i.test(text);
  const isNumber = (kind === 'integer' || kind === 'bytes') && /^[+-]?\d+$/.test(text);
  return isNumber ? BigInt(text) : text;
}

function environmentName(section: string, key: string): string {
  const parts = ['INFLUXDB', ...(section === '' ? [] : [section]), key];
  return parts.join('_').replaceAll('-', '_').replaceAll('.', '_').toUpperCase();
}

function label({ name, isArray }: Pick<Section, 'name' | 'isArray'>, key: string): string {
  if (name === '') return key;
  return isArray ? `[[${name}]] ${key}` : `[${name}] ${key}`;
}
