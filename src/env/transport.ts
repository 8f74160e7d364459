import type { SecureSockets } from './secure-sockets.ts';

/**
 * Calls between nodes as bytes; their encoding (src/proto) lives above this port, so that the simulation covers it.
 *
 * Failure: a call rejects with DbError `unavailable` when it surely did not reach the handler (refused, no route),
 * `timeout` past its deadline, `cancelled` on abort, `outcome_unknown` when it broke after it was sent; errors thrown by
 * the handler arrive with their own code and text. A message may be delivered although the caller saw a failure.
 */
export interface RpcTransport {
  /** Serves `handlers` at `address` (host:port). Rejects with `conflict` when the address is taken. */
  listen(address: string, handlers: RpcHandlers, options?: ListenOptions): Promise<RpcListener>;
  /** One request, one reply. `method` is a path, `/package.Service/Method`. */
  call(
    address: string,
    method: string,
    request: Uint8Array,
    options: RpcOptions,
  ): Promise<Uint8Array>;
  /** One request, many replies, in order; ends normally or throws. Return from the loop cancels the handler. */
  stream(
    address: string,
    method: string,
    request: Uint8Array,
    options: RpcOptions,
  ): AsyncIterable<Uint8Array>;
  /** Closes idle and open connections to all peers. */
  close(): Promise<void>;
}

/** What goes with a request beside its bytes: small texts by lower-case name, read before the request is. */
export type RpcMetadata = Readonly<Record<string, string>>;

export interface RpcOptions {
  /** Milliseconds from now. For a stream: the longest silence between two messages. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly metadata?: RpcMetadata | undefined;
  /** Told once nobody looks at the bytes of the request any more. Never told where that is not sure: the call may be over before. */
  readonly onSent?: (() => void) | undefined;
}

export interface RpcContext {
  /** Aborts when the caller is gone or the deadline has passed. */
  readonly signal: AbortSignal;
}

/** What a request may be, once its caller is known. */
export interface RpcAdmission {
  /** `dialog`: each message of the request is a call by itself, answered in order, until the caller has no more. */
  readonly kind: 'call' | 'stream' | 'dialog';
  readonly requestBytesMax: number;
  /** The memory of the request may be used again once the handler has answered. */
  readonly isLent?: boolean;
  /** The caller has shown that it is of the cluster. */
  readonly isTrusted: boolean;
}

export interface RpcHandlers {
  /** Before anything of the request is read. Throws for a method that is not there and a caller that may not call it. */
  admit(method: string, metadata: RpcMetadata): RpcAdmission;
  /** Only what was admitted as a call comes here, and to stream() what was admitted as one. */
  call(method: string, request: Uint8Array, context: RpcContext): Promise<Uint8Array>;
  stream(method: string, request: Uint8Array, context: RpcContext): AsyncIterable<Uint8Array>;
  /** Plain HTTP/1.1 `GET path` on the same port (join asks the data node's /status so); undefined is 404. */
  httpGet?(path: string): { readonly contentType: string; readonly body: string } | undefined;
}

export interface ListenOptions {
  /** TLS over connections that come (spec F99, F100); left out, they are plain. */
  readonly secureSockets?: SecureSockets | undefined;
  /** Told of a connection that was closed since its other end does not speak TLS. */
  readonly onPlain?: (() => void) | undefined;
}

export interface RpcListener {
  /** The address in use; differs from the asked one when port 0 was asked. */
  readonly address: string;
  close(): Promise<void>;
}
