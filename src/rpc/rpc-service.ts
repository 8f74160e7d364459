import { DbError } from '../base/errors.ts';
import type { RpcHandlers, RpcMetadata } from '../env/transport.ts';
import type { RpcAccess } from './method.ts';
import type { ServedMethod } from './served-method.ts';
import { toolMethods } from './tool-methods.ts';

export { serveCall, serveStream, type ServedMethod } from './served-method.ts';

/** Tells members of the cluster from others, by the metadata of a request (rpc/membership.ts). */
export interface Gate {
  /** Throws `wrong_cluster` or `unauthenticated` where `access` needs more than the request shows. */
  check(access: RpcAccess, metadata: RpcMetadata): { readonly isTrusted: boolean };
}

/** What a node answers to others, and to the tools that ask what there is (rpc/tool-methods.ts). */
export function createRpcHandlers(
  gate: Gate,
  served: readonly ServedMethod[],
  httpGet?: RpcHandlers['httpGet'],
): RpcHandlers {
  const methods = [...served, ...toolMethods(served.map(({ path }) => path))];
  const byPath = new Map(methods.map((method) => [method.path, method]));
  return {
    admit: (path, metadata) => {
      const { kind, access, requestBytesMax, isLent } = find(byPath, path);
      return { kind, requestBytesMax, isLent, ...gate.check(access, metadata) };
    },
    call: (path, request, context) => {
      const method = find(byPath, path);
      if (method.kind === 'stream') throw unknownMethod(path);
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
