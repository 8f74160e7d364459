import { DbError } from '../base/errors.ts';
import type { RpcContext, RpcHandlers } from '../env/transport.ts';
import { openRequest } from './envelope.ts';
import { encodeMessage } from './message.ts';

export type RpcCall = (body: unknown, context: RpcContext) => Promise<unknown>;
export type RpcStream = (body: unknown, context: RpcContext) => AsyncIterable<unknown>;

export interface RpcMethods {
  readonly calls: Readonly<Record<string, RpcCall>>;
  readonly streams: Readonly<Record<string, RpcStream>>;
}

/** What a node answers to others, by method name. */
export function createRpcHandlers(
  clusterId: () => bigint,
  methods: RpcMethods,
  httpGet?: RpcHandlers['httpGet'],
): RpcHandlers {
  return {
    call: async (method, request, context) => {
      const handler = own(methods.calls, method);
      return encodeMessage((await handler(openRequest(clusterId(), request), context)) ?? null);
    },
    async *stream(method, request, context) {
      const handler = own(methods.streams, method);
      for await (const reply of handler(openRequest(clusterId(), request), context))
        yield encodeMessage(reply ?? null);
    },
    ...(httpGet !== undefined && { httpGet }),
  };
}

function own<T>(handlers: Readonly<Record<string, T>>, method: string): T {
  const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
  if (handler === undefined)
    throw new DbError('unsupported_version', `method ${method} is not known here`);
  return handler;
}
