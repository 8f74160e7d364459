import type { RpcClient } from './rpc-client.ts';

type Calls = Pick<RpcClient, 'call' | 'stream'>;

/**
 * Calls that end with whoever makes them: some take as long as another node has to erase, and a stop that waited for that would be ended by
 * force. Those that have a signal of their own end by that.
 */
export function endingCalls(rpc: Calls, signal: AbortSignal): Calls {
  return {
    call: (address, method, body, options) =>
      rpc.call(address, method, body, { signal, ...options }),
    stream: (address, method, body, options) =>
      rpc.stream(address, method, body, { signal, ...options }),
  };
}
