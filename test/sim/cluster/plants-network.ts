import { hearCatalogMethod } from '../../../src/data/shards/heard-catalogs.ts';
import {
  stampBatch,
  stampNs,
  stampOf,
  stampOfBatch,
  stampOrigin,
} from '../../../src/models/stamp.ts';
import type { Clock } from '../../../src/env/clock.ts';
import type { KvOpener, KvStore } from '../../../src/env/kv.ts';
import type { Outbound } from '../../../src/env/outbound.ts';
import type { RpcTransport } from '../../../src/env/transport.ts';
import { fragmentMethod } from '../../../src/data/shards/fragment-message.ts';
import { decodeShareHead, encodeShareHead, type ShareHead } from '../../../src/data/engine/answers/answer-share.ts'; // prettier-ignore
import {
  answerMethod,
  deletePointsMethod,
  listMethod,
  marksMethod,
  writeShardsMethod,
} from '../../../src/data/shards/shard-methods.ts';
import { rangePointsMethod } from '../../../src/meta/client/digest-methods.ts';
import { copyMethod } from '../../../src/meta/client/transfer-methods.ts';
import {
  executeMethod,
  readIndexMethod,
  watchMethod,
} from '../../../src/meta/client/meta-methods.ts';
import type { Command } from '../../../src/meta/command/command.ts';
import { decodeRecord, encodeRecord } from '../../../src/meta/server/raft-records.ts';
import { servingWith, transportWith } from './transport-with.ts';

/** From when a request is begun to when all of it has left. */
const leavingMs = 2;

/** Whom it voted for is not written down. */
export function forgettingVotes(kv: KvOpener): KvOpener {
  return {
    open: async (path) => {
      const store = await kv.open(path);
      const lax: KvStore = {
        get: (key) => store.get(key),
        range: (range) => store.range(range),
        close: () => store.close(),
        batch: (operations, options) => {
          const kept = operations.map((operation) => {
            if (operation.kind !== 'put' || operation.key !== 'hard-state') return operation;
            const { value: state } = decodeRecord('hard-state', operation.value);
            return { ...operation, value: encodeRecord('hard-state', { ...state, vote: 0 }) };
          });
          return store.batch(kept, options);
        },
      };
      return lax;
    },
  };
}

/** A write to another node that failed counts as done. */
export function swallowingFailures(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    call: async (address, method, request, options) => {
      try {
        return await transport.call(address, method, request, options);
      } catch (error) {
        if (method !== writeShardsMethod.path) throw error;
        const { batches } = writeShardsMethod.request.decode(request);
        const written = { kind: 'written', droppedCount: 0, reason: '' } as const;
        return writeShardsMethod.reply.encode({ outcomes: batches.map(() => written) });
      }
    },
  });
}

/** What breaks in the middle of an answer counts as its end. */
export function endingBrokenStreams(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    stream: async function* (address, method, request, options) {
      try {
        yield* transport.stream(address, method, request, options);
      } catch (error) {
        if (method !== fragmentMethod.path) throw error;
      }
    },
  });
}

/** Shares of answers say something else of themselves than they do. */
export function tellingOfShares(
  transport: RpcTransport,
  told: (head: ShareHead) => ShareHead,
): RpcTransport {
  return transportWith(transport, {
    stream: async function* (address, method, request, options) {
      for await (const reply of transport.stream(address, method, request, options)) {
        const part = method === answerMethod.path ? answerMethod.reply.decode(reply) : undefined;
        if (part?.share?.head === undefined || part.share.head.length === 0) yield reply;
        else {
          const ascending = !/ DESC/.test(answerMethod.request.decode(request).statement);
          const head = encodeShareHead(told(decodeShareHead(part.share.head, ascending)));
          yield answerMethod.reply.encode({ ...part, share: { ...part.share, head } });
        }
      }
    },
  });
}

/** What other nodes are told to delete counts as deleted, and nobody tells them. */
export function forgettingDeletes(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    call: (address, method, request, options) =>
      method === deletePointsMethod.path
        ? Promise.resolve(new Uint8Array())
        : transport.call(address, method, request, options),
  });
}

/** A command that arrives again, sent anew or doubled by the network, is taken for another one. */
export function forgettingCommands(transport: RpcTransport): RpcTransport {
  let arrivedCount = 0;
  return servingWith(transport, (handlers) => ({
    call: (method, request, context) => {
      if (method !== executeMethod.path) return handlers.call(method, request, context);
      const logged = executeMethod.request.decode(request);
      const other = { ...logged, id: `${logged.id} ${++arrivedCount}` };
      return handlers.call(method, executeMethod.request.encode(other), context);
    },
  }));
}

/** A leader lets others read what they have, however little that is. */
export function readingAtOnce(transport: RpcTransport): RpcTransport {
  return servingWith(transport, (handlers) => ({
    call: (method, request, context) =>
      method === readIndexMethod.path
        ? Promise.resolve(readIndexMethod.reply.encode({ index: 0 }))
        : handlers.call(method, request, context),
  }));
}

/** Nobody says of which catalog it has heard. */
export function tellingNoIndex(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    call: (address, method, request, options) => {
      if (method !== executeMethod.path) return transport.call(address, method, request, options);
      const logged = executeMethod.request.decode(request);
      const untold = executeMethod.request.encode({ ...logged, heardIndex: 0 });
      return transport.call(address, method, untold, options);
    },
    stream: (address, method, request, options) => {
      if (method !== watchMethod.path) return transport.stream(address, method, request, options);
      const from = watchMethod.request.decode(request);
      const untold = watchMethod.request.encode({ ...from, index: 0 });
      return transport.stream(address, method, untold, options);
    },
  });
}

/** Owners do not look at the lease that a write shows. */
export function ignoringFences(transport: RpcTransport): RpcTransport {
  return servingWith(transport, (handlers) => ({
    call: (method, request, context) => {
      if (method !== writeShardsMethod.path) return handlers.call(method, request, context);
      const { batches } = writeShardsMethod.request.decode(request);
      const open = batches.map((batch) => ({ ...batch, fence: undefined }));
      return handlers.call(method, writeShardsMethod.request.encode({ batches: open }), context);
    },
  }));
}

/** The first word of a copy's destination is taken for the last one. */
export function wholeTooSoon(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    stream: async function* (address, method, request, options) {
      for await (const reply of transport.stream(address, method, request, options))
        yield method === copyMethod.path
          ? copyMethod.reply.encode({ ...copyMethod.reply.decode(reply), isWhole: true })
          : reply;
    },
  });
}

/** A query is marked as if it had run four seconds further. */
export function markingAhead(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    call: (address, method, request, options) => {
      if (method !== executeMethod.path) return transport.call(address, method, request, options);
      const logged = executeMethod.request.decode(request);
      const command = logged.command as Command;
      if (command.kind !== 'mark-continuous-queries')
        return transport.call(address, method, request, options);
      const marks = command.marks.map((mark) => ({ ...mark, ranUntilNs: mark.ranUntilNs + 4_000_000_000n })); // prettier-ignore
      const ahead = executeMethod.request.encode({ ...logged, command: { ...command, marks } });
      return transport.call(address, method, ahead, options);
    },
  });
}

/** What a subscriber did not answer well is sent to it once more. */
export function sendingAgain(outbound: Outbound): Outbound {
  return {
    sendDatagrams: (address, parts, signal) => outbound.sendDatagrams(address, parts, signal),
    close: () => outbound.close(),
    post: async (url, body, options) => {
      const answer = await outbound.post(url, body, options).catch(() => undefined);
      if (answer?.status === 204) return answer;
      return outbound.post(url, body, options);
    },
  };
}

/** What a node remembers of the schemas of this one it may plan with, however they have changed since. */
export function trustingMemory(transport: RpcTransport): RpcTransport {
  return servingWith(transport, (handlers) => ({
    stream: (method, request, context) => {
      if (method === listMethod.path) {
        const { describedAt: _mark, ...asked } = listMethod.request.decode(request);
        return handlers.stream(method, listMethod.request.encode(asked), context);
      }
      if (method !== fragmentMethod.path) return handlers.stream(method, request, context);
      const { describedAt: _mark, ...asked } = fragmentMethod.request.decode(request);
      return handlers.stream(method, fragmentMethod.request.encode(asked), context);
    },
  }));
}

/** Whoever remembers lists of a node is told that they hold, whatever has come to it since. */
export function holdingMarks(transport: RpcTransport): RpcTransport {
  const told = new Map<string, Promise<Uint8Array>>();
  return transportWith(transport, {
    call: (address, method, request, options) => {
      const call = (): Promise<Uint8Array> => transport.call(address, method, request, options);
      if (method !== marksMethod.path) return call();
      const known = told.get(address) ?? call();
      told.set(address, known);
      return known;
    },
  });
}

/** Owners are told of each call that all of its copies are settled. */
export function settlingAhead(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    call: (address, method, request, options) => {
      if (method !== writeShardsMethod.path)
        return transport.call(address, method, request, options);
      const { batches, call } = writeShardsMethod.request.decode(request);
      const ahead = call && { ...call, settledBelow: call.number + 1 };
      const told = writeShardsMethod.request.encode({ batches, call: ahead });
      return transport.call(address, method, told, options);
    },
  });
}

const broughtBit = 1n << 63n;

/** Owners take what is brought in the place of a dead coordinator for what it sends itself. */
export function withoutBroughtMark(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    call: (address, method, request, options) => {
      if (method !== writeShardsMethod.path)
        return transport.call(address, method, request, options);
      const { batches, call } = writeShardsMethod.request.decode(request);
      const unmarked = batches.map((batch) => {
        const payload = batch.payload.slice();
        const stamp = stampOfBatch(payload);
        stampBatch(payload, stampOf(stampNs(stamp), stampOrigin(stamp) & ~broughtBit));
        return { ...batch, payload };
      });
      const told = writeShardsMethod.request.encode({ batches: unmarked, call });
      return transport.call(address, method, told, options);
    },
  });
}

/** Owners have no points of series that another one asks for. */
export function withoutRangePoints(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    stream: async function* (address, method, request, options) {
      if (method !== rangePointsMethod.path) yield* transport.stream(address, method, request, options); // prettier-ignore
    },
  });
}

/** Batches that go to an owner together go last first. */
export function sendingBackwards(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    call: async (address, method, request, options) => {
      if (method !== writeShardsMethod.path)
        return transport.call(address, method, request, options);
      const { batches } = writeShardsMethod.request.decode(request);
      const backwards = writeShardsMethod.request.encode({ batches: [...batches].reverse() });
      const reply = await transport.call(address, method, backwards, options);
      const { outcomes } = writeShardsMethod.reply.decode(reply);
      return writeShardsMethod.reply.encode({ outcomes: [...outcomes].reverse() });
    },
  });
}

/** What is on its way to an owner lies in memory that was given back: what goes out next is read over it. */
export function lendingTooEarly(transport: RpcTransport, clock: Clock): RpcTransport {
  let leaving: readonly Uint8Array[] = [];
  return transportWith(transport, {
    call: async (address, method, request, options) => {
      if (method !== writeShardsMethod.path)
        return transport.call(address, method, request, options);
      const { batches } = writeShardsMethod.request.decode(request.slice());
      const payloads = batches.map(({ payload }) => payload);
      for (const [i, payload] of leaving.entries()) {
        const over = payloads[i] ?? payload;
        payload.set(over.subarray(0, payload.length));
      }
      leaving = payloads;
      await clock.sleep(leavingMs);
      const late = writeShardsMethod.request.encode({ batches });
      return transport.call(address, method, late, options);
    },
  });
}

/** What a node asks of others it waits for to the end, also when nobody wants it any more. */
export function waitingToTheEnd(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    call: (address, method, request, options) =>
      transport.call(address, method, request, { ...options, signal: undefined }),
    stream: (address, method, request, options) =>
      transport.stream(address, method, request, { ...options, signal: undefined }),
  });
}

/** Who is asked whether it has heard of a catalog is said to have. */
export function hearingAtOnce(transport: RpcTransport): RpcTransport {
  return transportWith(transport, {
    call: (address, method, request, options) =>
      method === hearCatalogMethod.path
        ? Promise.resolve(hearCatalogMethod.reply.encode(hearCatalogMethod.request.decode(request)))
        : transport.call(address, method, request, options),
  });
}
