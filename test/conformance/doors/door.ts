/** A section of a listener that is configured alike at ours and at a real influxd, and what both are sent. */
export interface Door {
  readonly section: 'graphite' | 'udp' | 'collectd' | 'opentsdb';
  /** `http`: each of `sends` is a connection, whose answer is compared. */
  readonly network: 'tcp' | 'udp' | 'exchange';
  readonly database: string;
  /** TOML of the section besides its address and database. */
  readonly keys: readonly string[];
  /** Datagrams, pieces of one connection, or connections. */
  readonly sends: readonly Buffer[];
}

/** What is sent has signs beyond ASCII as UTF-8, and bytes that are none as `\uf8xx`. */
export function bytesOf(text: string): Buffer {
  const parts = text
    .split(/([\uf800-\uf8ff])/)
    .map((part) =>
      /^[\uf800-\uf8ff]$/.test(part) ? Buffer.from([part.charCodeAt(0) & 255]) : Buffer.from(part),
    );
  return Buffer.concat(parts);
}
