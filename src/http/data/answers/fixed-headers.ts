/** `[http.headers]`: what the configuration adds to every answer of the API. */

/** What an answer says of itself, or of its connection: a configuration cannot say it. */
const ownNames = new Set(['connection', 'content-encoding', 'content-length', 'content-type', 'date', 'keep-alive', 'request-id', 'trailer', 'transfer-encoding', 'upgrade', 'x-influxdb-build', 'x-influxdb-error', 'x-influxdb-version', 'x-request-id']); // prettier-ignore

export interface FixedHeaders {
  /** Written as Go writes them: `X-One` for `x-one`. */
  readonly pairs: readonly (readonly [string, string])[];
  /** The same as lines of a head. */
  readonly text: string;
}

export function fixedHeaders(headers: Readonly<Record<string, string>>): FixedHeaders {
  const pairs = Object.entries(headers)
    .filter(([name]) => !ownNames.has(name.toLowerCase()))
    .map(([name, value]) => [canonical(name), value.trim()] as const);
  return { pairs, text: pairs.map(([name, value]) => `${name}: ${value}\r\n`).join('') };
}

function canonical(name: string): string {
  return name.toLowerCase().replaceAll(/(^|-)[a-z]/g, (one) => one.toUpperCase());
}
