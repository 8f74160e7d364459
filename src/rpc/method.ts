/** How values of one type are written down. */
export interface Codec<T> {
  /** In memory that is lent, if it likes. */
  encode(value: T, lend?: (lengthBytes: number) => Uint8Array): Uint8Array;
  /** Gives nothing of a wrong type, out of range or over a limit: throws `corrupt` or `invalid_argument` instead. */
  decode(bytes: Uint8Array): T;
}

/**
 * Who may call a method: a `member` shows that it is of this cluster; a `newcomer` need not, as when a node is asked to
 * join, but has the secret of the cluster where there is one; `anyone` changes nothing and is told nothing that matters.
 */
export type RpcAccess = 'member' | 'newcomer' | 'anyone';

interface MethodOf<Kind extends 'call' | 'stream', Request, Reply> {
  readonly kind: Kind;
  /** `/package.Service/Method`, as in the .proto file. */
  readonly path: string;
  readonly access: RpcAccess;
  readonly requestBytesMax: number;
  /** The memory of a request is used again once it is sent, and where it is served once it is answered: nobody keeps any of it. */
  readonly isLent: boolean;
  readonly request: Codec<Request>;
  readonly reply: Codec<Reply>;
}

/** One request, one reply. */
export type CallMethod<Request, Reply> = MethodOf<'call', Request, Reply>;
/** One request, many replies. */
export type StreamMethod<Request, Reply> = MethodOf<'stream', Request, Reply>;

interface MethodOptions<Request, Reply> {
  readonly request: Codec<Request>;
  readonly reply: Codec<Reply>;
  readonly access?: RpcAccess;
  readonly requestBytesMax?: number;
  readonly isLent?: boolean;
}

/** Most requests are some numbers and names. */
const requestBytesMaxDefault = 1 << 20;

const defaults = {
  access: 'member',
  requestBytesMax: requestBytesMaxDefault,
  isLent: false,
} as const;

export function callMethod<Request, Reply>(
  path: string,
  options: MethodOptions<Request, Reply>,
): CallMethod<Request, Reply> {
  return { ...defaults, ...options, kind: 'call', path };
}

export function streamMethod<Request, Reply>(
  path: string,
  options: MethodOptions<Request, Reply>,
): StreamMethod<Request, Reply> {
  return { ...defaults, ...options, kind: 'stream', path };
}
