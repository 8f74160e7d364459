import { DbError } from '../base/errors.ts';
import { scanFirstValue } from '../base/go-json.ts';
import { formatDuration } from './duration.ts';
import type { BoundValue } from './token-reader.ts';

/**
 * The `params` of /query (spec 4.3): a JSON object of values for `$name`. Whole numbers are exact over int64; a number is
 * a float when it is written with a point. What cannot be bound is an error where it is used. Throws `invalid_argument`
 * with the reference's text.
 */
export function parseParams(text: string): ReadonlyMap<string, BoundValue> {
  const params = new Map<string, BoundValue>();
  for (const [name, value] of Object.entries(parseObject(firstValue(text)))) {
    if (value instanceof NumberText) params.set(name, boundNumber(value.text));
    else params.set(name, bind(value));
  }
  return params;
}

/** A number as it was written: JSON.parse alone would round it. */
class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function parseObject(text: string): object {
  const value: unknown = JSON.parse(
    text,
    (_key, parsed: unknown, context?: { readonly source?: string }) => {
      if (typeof parsed === 'number') return new NumberText(context?.source ?? String(parsed));
      // Half a pair of surrogates is no byte (base/exact-text.ts), but what Go makes of it.
      return typeof parsed === 'string' ? parsed.toWellFormed() : parsed;
    },
  );
  if (value === null) return {};
  if (typeof value === 'object' && !isList(value) && !(value instanceof NumberText)) return value;
  const kind = isList(value) ? 'array' : value instanceof NumberText ? 'number' : typeof value;
  throw invalid(
    `error parsing query parameters: json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`,
  );
}

/** The first JSON value of a text: what follows it is not looked at, as in the reference. */
function firstValue(text: string): string {
  const scanned = scanFirstValue(text);
  if ('end' in scanned) return text.slice(0, scanned.end);
  const end = text.trim() === '' ? 'EOF' : 'unexpected EOF';
  const { isCutOff, text: reason } = scanned.fault;
  throw invalid(`error parsing query parameters: ${isCutOff ? end : reason}`);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function bind(value: unknown): BoundValue {
  if (typeof value === 'string') return { kind: 'string', value };
  if (typeof value === 'boolean') return { kind: 'boolean', value };
  if (isList(value)) return unbindable('unable to bind parameter with type []interface {}');
  if (typeof value === 'object' && value !== null) return bindTyped(value);
  return unbindable('unable to bind parameter with type <nil>');
}

/** One that stands by itself has to be right, wherever it is used. */
function boundNumber(text: string): BoundValue {
  const bound = bindNumber(text);
  if (bound.kind === 'error') throw invalid(`error parsing json value: ${bound.text}`);
  return bound;
}

function bindNumber(text: string): BoundValue {
  const isFloat = text.includes('.');
  const refused = (reason: string) =>
    unbindable(`strconv.Parse${isFloat ? 'Float' : 'Int'}: parsing "${text}": ${reason}`);
  if (isFloat) {
    const value = Number(text);
    return Number.isFinite(value) ? { kind: 'number', value } : refused('value out of range');
  }
  if (!/^-?\d+$/.test(text)) return refused('invalid syntax');
  const value = BigInt(text);
  if (BigInt.asIntN(64, value) !== value) return refused('value out of range');
  return { kind: 'integer', value };
}

/** `{"regex": "..."}` and its like say what a value stands for. */
function bindTyped(object: object): BoundValue {
  const [entry, ...others] = Object.entries(object) as [string, unknown][];
  if (entry === undefined || others.length > 0)
    return unbindable('bound object parameter value must have exactly one entry');
  const [type, value] = entry;
  const number = value instanceof NumberText ? bindNumber(value.text) : undefined;
  if (number?.kind === 'error') return number;
  switch (type) {
    case 'ident':
    case 'identifier':
      if (typeof value === 'string') return { kind: 'identifier', name: value };
      return unbindable('identifier must be a string value');
    case 'regex':
      if (typeof value === 'string') return { kind: 'regex', source: value };
      return unbindable('regex literal must be a string value');
    case 'string':
      if (typeof value === 'string') return { kind: 'string', value };
      return unbindable('string literal must be a string value');
    case 'float':
    case 'number':
      if (number !== undefined && 'value' in number)
        return { kind: 'number', value: Number(number.value) };
      return unbindable('number literal must be a float value');
    case 'int':
    case 'integer':
      if (number?.kind === 'integer') return number;
      return unbindable('integer literal must be an integer value');
    case 'duration':
      if (typeof value === 'string') return { kind: 'duration', text: value };
      if (number?.kind === 'integer')
        return { kind: 'duration', text: formatDuration(number.value) };
      return unbindable('duration literal must be a string or integer value');
    default:
      return unbindable(`unknown bind object type: ${type}`);
  }
}

function unbindable(text: string): BoundValue {
  return { kind: 'error', text };
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
