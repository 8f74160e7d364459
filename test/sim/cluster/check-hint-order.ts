/**
 * What is promised of the order of hinted handoff (spec F44): of a shard an owner gets what waited for it as it was queued. What is
 * brought again counts as it came first: a node that crashed begins a segment anew. What waited for a node that owns the shard no longer
 * goes to those that do: a batch that waits for both comes to one by either queue, whichever is first, and says of neither how far it
 * has come. Nor does one that an owner could not take, its disk being full: it may come behind those that were sent beside it, and stamps
 * make that the same. So may what is no hint of the keeper, as what a node had in hand that died (decision 137), and what the keeper was
 * brought as an owner and passes on to those that joined since (decision 24).
 */
import { crc32 } from 'node:zlib';
import { ingressUsers } from '../../../src/data/engine/ingress-users.ts';
import { writeShardsMethod } from '../../../src/data/shards/shard-methods.ts';
import type { RpcTransport } from '../../../src/env/transport.ts';
import { stampOfBatch } from '../../../src/models/stamp.ts';
import { transportWith } from './transport-with.ts';

interface Queue {
  /** Places of what was queued, in order: a batch that could not be queued is queued again, and either may come out. */
  readonly places: Map<string, number[]>;
  queuedCount: number;
  readonly brought: Set<string>;
  /** Sent, and not taken. */
  readonly failed: Set<string>;
  lastPlace: number;
}

export class HintOrder {
  /** How often something was brought that waited behind something else. */
  inOrderCount = 0;
  readonly #fail: (error: Error) => void;
  /** By the node that keeps it, the one that it is for, and the shard. */
  readonly #queues = new Map<string, Queue>();
  /** Those that a batch waits for, by the node that keeps it, its shard and its name. */
  readonly #owners = new Map<string, Set<string>>();
  /** What is brought to a node, by that, its shard and its name. */
  readonly #received = new Set<string>();

  constructor(fail: (error: Error) => void) {
    this.#fail = fail;
  }

  /** `keeper` is about to queue a batch for `owner`. */
  noteQueued(keeper: string, owner: string, shardId: number, payload: Uint8Array): void {
    const key = `${keeper} ${owner} ${shardId}`;
    const queue = this.#queues.get(key) ?? { places: new Map<string, number[]>(), queuedCount: 0, brought: new Set<string>(), failed: new Set<string>(), lastPlace: 0 }; // prettier-ignore
    this.#queues.set(key, queue);
    const name = nameOf(payload);
    const places = queue.places.get(name) ?? [];
    places.push(++queue.queuedCount);
    queue.places.set(name, places);
    const owners = this.#owners.get(`${keeper} ${shardId} ${name}`) ?? new Set();
    this.#owners.set(`${keeper} ${shardId} ${name}`, owners.add(owner));
  }

  /** What `keeper` brings to others is looked at. */
  watch(transport: RpcTransport, keeper: string): RpcTransport {
    return transportWith(transport, {
      call: async (address, method, request, options) => {
        if (method !== writeShardsMethod.path)
          return transport.call(address, method, request, options);
        // Its memory may be used again before the answer is there.
        const { batches } = writeShardsMethod.request.decode(request.slice());
        const [owner = ''] = address.split(':');
        for (const { shardId, payload, login } of batches)
          if (login === ingressUsers.hintedHandoff) this.#received.add(`${owner} ${shardId} ${nameOf(payload)}`); // prettier-ignore
        const reply = await transport.call(address, method, request, options);
        const { outcomes } = writeShardsMethod.reply.decode(reply);
        for (const [i, { shardId, payload, login }] of batches.entries())
          if (login !== ingressUsers.hintedHandoff) continue;
          else if (outcomes[i]?.kind === 'written') this.#look({ keeper, owner, shardId }, payload);
          else this.#queues.get(`${keeper} ${owner} ${shardId}`)?.failed.add(nameOf(payload));
        return reply;
      },
    });
  }

  #look(
    { keeper, owner, shardId }: { keeper: string; owner: string; shardId: number },
    payload: Uint8Array,
  ): void {
    const key = `${keeper} ${owner} ${shardId}`;
    const queue = this.#queues.get(key);
    const name = nameOf(payload);
    const places = queue?.places.get(name);
    const [first] = places ?? [];
    if (queue === undefined || first === undefined || queue.brought.has(name)) return;
    const isShared = (this.#owners.get(`${keeper} ${shardId} ${name}`)?.size ?? 0) > 1;
    const isPassedOn = this.#received.has(`${keeper} ${shardId} ${name}`);
    if (isShared || isPassedOn || queue.failed.has(name)) return;
    // Of what is queued more than once the first is brought first, unless it could not be queued.
    const place = places?.find((one) => one > queue.lastPlace) ?? first;
    if (place < queue.lastPlace)
      this.#fail(new Error(`${key}: what was queued as number ${place} was brought behind number ${queue.lastPlace}`)); // prettier-ignore
    if (queue.lastPlace > 0) this.inOrderCount++;
    queue.brought.add(name);
    queue.lastPlace = place;
  }
}

/** No two batches of a coordinator have one stamp and one content. */
function nameOf(payload: Uint8Array): string {
  return `${stampOfBatch(payload)} ${crc32(payload)}`;
}
