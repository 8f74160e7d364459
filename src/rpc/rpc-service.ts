import { DbError } from '../base/errors.ts';
import type { RpcContext, RpcHandlers, RpcMetadata } from '../env/transport.ts';
import type { CallMethod, RpcAccess, StreamMethod } from './method.ts';

/** A method and what answers it. */
export type ServedMethod = ServedCall | ServedStream;

interface Served<Kind extends 'call' | 'stream'> {
  readonly kind: Kind;
  readonly path: string;
  readonly access: RpcAccess;
  readonly requestBytesMax: number;
}

interface ServedCall extends Served<'call'> {
  answer(request: Uint8Array, context: RpcContext): Promise<Uint8Array>;
}

interface ServedStream extends Served<'stream'> {
  answer(request: Uint8Array, context: RpcContext): AsyncIterable<Uint8Array>;
}

export function serveCall<Request, Reply>(
  method: CallMethod<Request, Reply>,
  handle: (request: Request, context: RpcContext) => Promise<Reply>,
): ServedMethod {
  return {
    ...method,
    answer: async (request, context) =>
      method.reply.encode(await handle(method.request.decode(request), context)),
  };
}

export function serveStream<Request, Reply>(
  method: StreamMethod<Request, Reply>,
  handle: (request: Request, context: RpcContext) => AsyncIterable<Reply>,
): ServedMethod {
  return {
    ...method,
    async *answer(request, context) {
      for await (const reply of handle(method.request.decode(request), context))
        yield method.reply.encode(reply);
    },
  };
}

/** Tells members of the cluster from others, by the metadata of a request (rpc/membership.ts). */
export interface Gate {
  /** Throws `wrong_cluster` or `unauthenticated` where `access` needs more than the request shows. */
  check(access: RpcAccess, metadata: RpcMetadata): { readonly isTrusted: boolean };
}

/** What a node answers to others. */
export function createRpcHandlers(
  gate: Gate,
  methods: readonly ServedMethod[],
  httpGet?: RpcHandlers['httpGet'],
): RpcHandlers {
  const byPath = new Map(methods.map((method) => [method.path, method]));
  return {
    admit: (path, metadata) => {
      const { kind, access, requestBytesMax } = find(byPath, path);
      return { kind, requestBytesMax, ...gate.check(access, metadata) };
    },
    call: (path, request, context) => {
      const method = find(byPath, path);
      if (method.kind !== 'call') throw unknownMethod(path);
      return method.answer(request, context);
    },
    stream: (path, request, context) => {
      const method = find(byPath, path);
      if (method.kind !== 'stream') throw unknownMethod(path);
      return method.answer(request, context);
    },
    ...(httpGet !== undefined && { httpGet }),
  };
}

function find(methods: ReadonlyMap<string, ServedMethod>, path: string): ServedMethod {
  const method = methods.get(path);
  if (method === undefined) throw unknownMethod(path);
  return method;
}

function unknownMethod(path: string): DbError {
  return new DbError('unsupported_version', `method ${path} is not known here`);
}
