import { quoteGo } from '../base/go-format.ts';
import { formatGoDuration } from '../influxql/duration.ts';
import type { Value } from './config-value.ts';

/** Why a value of the right type will not do; undefined when it will. `sibling` reads a key of the same section. */
export type KeyCheck = (
  value: Value,
  sibling: (key: string) => Value | undefined,
) => string | undefined;

/** Checks that a value of the right type is one that a node can run with (spec 5); the texts are the reference's. */
export function specified(name: string): KeyCheck {
  return (value) => (value === '' ? `${name} must be specified` : undefined);
}

/** `host:port`; the host may be left out, and is in brackets when it holds colons. */
export const bindAddress: KeyCheck = (value) => {
  const text = textOf(value);
  const at = text.lastIndexOf(':');
  if (at < 0) return `address ${text}: missing port in address`;
  const [host, port] = [text.slice(0, at), text.slice(at + 1)];
  if (host.includes(':') && !/^\[[^[\]]*\]$/.test(host))
    return `address ${text}: too many colons in address`;
  const isPort = /^\d{1,5}$/.test(port) && Number(port) <= 65_535;
  return isPort ? undefined : `address ${text}: invalid port ${quoteGo(port)}`;
};

/** For listeners that have an address of their own where none is said. */
export const bindAddressOrNone: KeyCheck = (value, sibling) =>
  value === '' ? undefined : bindAddress(value, sibling);

export const notNegative: KeyCheck = (value) =>
  typeof value === 'bigint' && value < 0n ? 'must be non-negative' : undefined;

export const positive: KeyCheck = (value) =>
  typeof value === 'bigint' && value <= 0n ? 'must be positive' : undefined;

export const aboveZero: KeyCheck = (value) =>
  typeof value === 'bigint' && value <= 0n ? 'must be greater than 0' : undefined;

/** For sections that can be switched off: then their intervals do not matter. */
export const positiveWhenEnabled: KeyCheck = (value, sibling) =>
  sibling('enabled') === false ? undefined : positive(value, sibling);

export const positiveWhenStored: KeyCheck = (value, sibling) =>
  sibling('store-enabled') === false ? undefined : positive(value, sibling);

const gossipNsMin = 250_000_000n;

export const gossipFrequency: KeyCheck = (value) =>
  typeof value === 'bigint' && value < gossipNsMin
    ? `gossiping frequency ${formatGoDuration(value)} is too low (minimum 250ms)`
    : undefined;

/** Go's zap takes either case, and "" for info. */
export const logLevel: KeyCheck = (value) =>
  ['', 'debug', 'info', 'warn', 'error', 'dpanic', 'panic', 'fatal'].includes(
    textOf(value).toLowerCase(),
  )
    ? undefined
    : `unrecognized level: ${JSON.stringify(value)}`;

export const indexVersion: KeyCheck = (value) =>
  ['inmem', 'tsi1'].includes(textOf(value)) ? undefined : `unrecognized index ${textOf(value)}`;

export const storeDatabase: KeyCheck = (value) =>
  value === '' ? 'monitor store database name must not be empty' : undefined;

export const statusFilters: KeyCheck = (value) => {
  const filters = Array.isArray(value) ? (value as readonly string[]) : [];
  const wrong = filters.find((one) => !/^[1-5](\d\d|\dx|xx)$/i.test(one));
  if (wrong === undefined) return undefined;
  return /^[1-5]\d*x*$/i.test(wrong)
    ? 'status filter must be exactly 3 characters long'
    : 'status filter must be a digit that starts with 1-5 optionally followed by X characters';
};

/** In either case; '' stands for the default. */
export const consistencyLevel: KeyCheck = (value) =>
  ['', 'any', 'one', 'quorum', 'all'].includes(textOf(value).toLowerCase())
    ? undefined
    : 'invalid consistency level';

/** '' stands for the default. */
export const collectdSecurity: KeyCheck = (value) =>
  ['', 'none', 'sign', 'encrypt'].includes(textOf(value)) ? undefined : 'Invalid security level';

export const collectdMultiValue: KeyCheck = (value) =>
  ['', 'split', 'join'].includes(textOf(value))
    ? undefined
    : 'Invalid value for parse-multivalue-plugin. Valid options are "split" and "join"';

/** Names and values that a head can hold: anything else would be a line of its own. */
export const httpHeaders: KeyCheck = (value) => {
  const pairs: readonly (readonly [string, string])[] = typeof value === 'object' ? Object.entries(value) : []; // prettier-ignore
  const wrong = pairs.find(([name, text]) => !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) || !/^[\t -~]*$/.test(text)); // prettier-ignore
  return wrong && `invalid header ${quoteGo(wrong[0])}`;
};

function textOf(value: Value): string {
  return typeof value === 'string' ? value : '';
}

/** Who asks for Flux would otherwise find out with the first query. */
export const noFlux: KeyCheck = (value) =>
  value === true
    ? 'this version answers InfluxQL alone and has no Flux: set it to false, and send queries to /query'
    : undefined;
