/** A bind address of the configuration, `:8086` or `host:8086`; '' as host listens on all interfaces. */
export interface BindAddress {
  readonly host: string;
  readonly port: number;
}

/** The text was checked with the configuration. */
export function parseBindAddress(text: string): BindAddress {
  const at = text.lastIndexOf(':');
  const host = text.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(text.slice(at + 1)) };
}

/** An address of both: an IPv6 address as host stands in brackets. */
export function hostAndPort(host: string, port: number | string): string {
  const isBare = host.includes(':') && !host.startsWith('[');
  return `${isBare ? `[${host}]` : host}:${port}`;
}
