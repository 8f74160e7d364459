import type { RpcHandlers, RpcTransport } from '../../../src/env/transport.ts';

/** The transport with some of its operations replaced. */
export function transportWith(
  transport: RpcTransport,
  replaced: Partial<RpcTransport>,
): RpcTransport {
  return {
    listen: (address, handlers) => transport.listen(address, handlers),
    call: (address, method, request, options) => transport.call(address, method, request, options),
    stream: (address, method, request, options) =>
      transport.stream(address, method, request, options),
    close: () => transport.close(),
    ...replaced,
  };
}

/** The transport; what it serves has some of its operations replaced. */
export function servingWith(
  transport: RpcTransport,
  replaced: (handlers: RpcHandlers) => Partial<RpcHandlers>,
): RpcTransport {
  return transportWith(transport, {
    listen: (address, handlers) => transport.listen(address, { ...handlers, ...replaced(handlers) }), // prettier-ignore
  });
}
