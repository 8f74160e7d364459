import { quoteGo } from '../base/go-format.ts';
import { DbError } from '../base/errors.ts';
import type { TomlValue } from 'smol-toml';
import type { Kind, Value } from './config-value.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a value stands: `index` is that of a `[[section]]`. */
export interface Place {
  readonly section: string;
  readonly index?: number | undefined;
  readonly key: string;
  readonly alias?: string | undefined;
}

export interface Override {
  /** The variable that said so, for the text of an error. */
  readonly variable: string;
  readonly value: TomlValue;
}

/**
 * What the environment says in place of `base` (spec 5): `INFLUXDB_SECTION_KEY`, for a `[[section]]` also
 * `INFLUXDB_SECTION_0_KEY`, which is stronger. An empty variable says nothing. Throws invalid_argument on what is
 * no bool or number.
 */
export function overrideOf(
  place: Place,
  kind: Kind,
  base: Value,
  environment: Environment,
): Override | undefined {
  // The reference reads no variable for tables of headers.
  if (kind === 'headers') return undefined;
  const names = variablesOf(place);
  if (kind === 'list') return listOverride(names, base as readonly string[], environment);
  const variable = names.findLast((name) => (environment[name] ?? '') !== '');
  if (variable === undefined) return undefined;
  const text = environment[variable] ?? '';
  const value = tomlOfText(kind, text);
  if (value !== undefined) return { variable, value };
  const go = kind === 'bool' ? 'ParseBool' : 'ParseInt';
  const where = `${variable}: ${place.section === '' ? '' : `[${place.section}] `}${place.key}`;
  const reason = `strconv.${go}: parsing ${quoteGo(text)}: invalid syntax`;
  throw new DbError('invalid_argument', `${where} = ${quoteGo(text)}: ${reason}`);
}

/** Names of a place, the weakest first. */
export function variablesOf({ section, index, key, alias }: Place): readonly string[] {
  const name = (...parts: string[]): string =>
    ['INFLUXDB', ...parts]
      .filter((part) => part !== '')
      .join('_')
      .replaceAll(/[-.]/g, '_')
      .toUpperCase();
  const names = alias === undefined ? [] : [alias];
  names.push(name(section, key));
  if (index !== undefined) names.push(name(section, `${index}`, key));
  return names;
}

/** `NAME` and, stronger, `NAME_0` replace entries that are there; `NAME=a,b` fills an empty list. */
function listOverride(
  names: readonly string[],
  base: readonly string[],
  environment: Environment,
): Override | undefined {
  const said = (name: string): string | undefined => environment[name] || undefined;
  const variable = names.findLast((name) => said(name) !== undefined) ?? names.at(-1) ?? '';
  const whole = said(variable);
  if (base.length === 0)
    return whole === undefined ? undefined : { variable, value: whole.split(',') };
  const value = base.map((entry, i) => {
    const indexed = names.map((name) => said(`${name}_${i}`)).findLast((one) => one !== undefined);
    return indexed ?? whole ?? entry;
  });
  return { variable, value };
}

/** Go's ParseBool and ParseInt with base 0; everything else is text as in a file. Undefined: it is none. */
function tomlOfText(kind: Kind, text: string): TomlValue | undefined {
  if (kind === 'bool') {
    if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
    return /^(0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
  }
  if (kind !== 'integer' && kind !== 'bytes') return text;
  const [, sign = '', digits = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  // Between digits an underscore is nothing.
  const bare = digits.replaceAll(/(?<=[\da-f])_(?=[\da-f])/gi, '');
  const octal = /^0[0-7]+$/.test(bare) ? `0o${bare.slice(1)}` : bare.toLowerCase();
  if (!/^(0|[1-9]\d*|0x[\da-f]+|0o[0-7]+|0b[01]+)$/.test(octal)) return undefined;
  return sign === '-' ? -BigInt(octal) : BigInt(octal);
}
