import { endPledgeMethod, type Pledge } from '../../../src/data/shards/pledges/pledge.ts';
import { answerMethod, marksMethod } from '../../../src/data/shards/shard-methods.ts';
import type { RpcTransport } from '../../../src/env/transport.ts';
import { servingWith, transportWith } from './transport-with.ts';

/** Nobody is told that a pledge ends. */
export function endingAlone(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    call: (address, method, request, options) =>
      method === endPledgeMethod.path
        ? Promise.resolve(new Uint8Array())
        : transport.call(address, method, request, options),
  });
}

/** Who is told that a pledge ends says that he knows, and holds it. */
export function holdingPledges(transport: RpcTransport): RpcTransport {
  return servingWith(transport, (handlers) => ({
    call: (method, request, context) =>
      method === endPledgeMethod.path
        ? Promise.resolve(new Uint8Array())
        : handlers.call(method, request, context),
  }));
}

/** A pledge is taken for one of a minute. */
export function outlivingPledges(transport: RpcTransport): RpcTransport {
  const longer = (pledge: Pledge | undefined) => pledge && { ...pledge, durationMs: 60_000 };
  return transportWith(transport, {
    call: async (address, method, request, options) => {
      const reply = await transport.call(address, method, request, options);
      if (method !== marksMethod.path) return reply;
      const { pledge, ...marks } = marksMethod.reply.decode(reply);
      return marksMethod.reply.encode({ ...marks, pledge: longer(pledge) });
    },
    stream: async function* (address, method, request, options) {
      for await (const reply of transport.stream(address, method, request, options)) {
        const part = method === answerMethod.path ? answerMethod.reply.decode(reply) : undefined;
        const { empty } = part ?? {};
        if (part === undefined || empty === undefined) yield reply;
        else yield answerMethod.reply.encode({ ...part, empty: { ...empty, pledge: longer(empty.pledge) } }); // prettier-ignore
      }
    },
  });
}
