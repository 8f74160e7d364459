/** A bind address of the configuration, `:8086` or `host:8086`; '' as host listens on all interfaces. */
export interface BindAddress {
  readonly host: string;
  readonly port: number;
}

export function parseBindAddress(text: string): BindAddress {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
}

/** Where others reach it: the advertised name with the port that is bound. */
export function advertised(hostname: string, bind: string): string {
  const name = hostname === '' ? 'localhost' : hostname;
  return `${name}:${parseBindAddress(bind).port}`;
}
