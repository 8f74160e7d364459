/** Bugs of what answers fragments of many measurements in one stream (decision 123). */
import { fragmentMethod } from '../../../src/data/shards/fragment-message.ts';
import type { RpcTransport } from '../../../src/env/transport.ts';
import { transportWith } from './transport-with.ts';

/** The last block of a measurement is taken for one of the next. */
export function shiftingEnds(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    stream: async function* (address, method, request, options) {
      for await (const bytes of transport.stream(address, method, request, options)) {
        const reply = method === fragmentMethod.path ? fragmentMethod.reply.decode(bytes) : undefined; // prettier-ignore
        if (reply?.ends === undefined) {
          yield bytes;
          continue;
        }
        // The last one stays: that no block is left over is seen where the run is read.
        const shifted = reply.ends.map((end, i) => end > 0 && i + 1 < (reply.ends?.length ?? 0) ? end - 1 : end); // prettier-ignore
        yield fragmentMethod.reply.encode({ ...reply, ends: shifted });
      }
    },
  });
}

/** Of a node that fails on the way all measurements that it has not answered yet count as answered. */
export function endingBrokenRuns(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    stream: async function* (address, method, request, options) {
      if (method !== fragmentMethod.path) {
        yield* transport.stream(address, method, request, options);
        return;
      }
      const { following = [] } = fragmentMethod.request.decode(request);
      let left = following.length + 1;
      try {
        for await (const bytes of transport.stream(address, method, request, options)) {
          left -= fragmentMethod.reply.decode(bytes).ends?.length ?? 0;
          yield bytes;
        }
      } catch (error) {
        if (following.length === 0) throw error;
        yield fragmentMethod.reply.encode({ blocks: [], ends: Array<number>(left).fill(0), isLast: true }); // prettier-ignore
      }
    },
  });
}
