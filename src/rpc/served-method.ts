import type { RpcContext } from '../env/transport.ts';
import type { CallMethod, RpcAccess, StreamMethod } from './method.ts';

/** A method and what answers it. */
export type ServedMethod = ServedCall | ServedStream;

interface Served<Kind extends 'call' | 'stream' | 'dialog'> {
  readonly kind: Kind;
  readonly path: string;
  readonly access: RpcAccess;
  readonly requestBytesMax: number;
  readonly isLent: boolean;
}

interface ServedCall extends Served<'call' | 'dialog'> {
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

/** A method whose caller sends one request after the other on a stream and is answered each. */
export function serveDialog<Request, Reply>(
  method: CallMethod<Request, Reply>,
  handle: (request: Request) => Promise<Reply>,
): ServedMethod {
  return { ...(serveCall(method, handle) as ServedCall), kind: 'dialog' };
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
