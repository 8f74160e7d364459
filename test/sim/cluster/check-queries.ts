/** What is promised of continuous queries: no window is left out, and an old holder of the lease writes nothing late. */
import type { RpcTransport } from '../../../src/env/transport.ts';
import { writeShardsMethod } from '../../../src/data/shards/shard-methods.ts';
import { servingWith } from './transport-with.ts';

interface Range {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

const finished =
  /continuous_querier Finished continuous query .*\bname=(\S+) .*\bstart=(\S+) end=(\S+)/;

/** Reads the lines of finished runs out of the trace. */
export class FinishedRuns {
  readonly #ranges = new Map<string, Range[]>();
  readonly nodes = new Set<string>();

  note(line: string): void {
    if (!line.includes('Finished continuous query')) return;
    const [, name = '', start = '', end = ''] = finished.exec(line) ?? [];
    if (name === '') return;
    this.nodes.add(/log (\w+)/.exec(line)?.[1] ?? '');
    const ranges = this.#ranges.get(name) ?? [];
    this.#ranges.set(name, ranges);
    ranges.push({ startNs: nsOf(start), endNs: nsOf(end) });
  }

  count(name: string): number {
    return this.#ranges.get(name)?.length ?? 0;
  }

  /** Throws for a moment of [startNs, endNs) that no run covered. */
  check(name: string, { startNs, endNs }: Range): void {
    const ranges = [...(this.#ranges.get(name) ?? [])].sort((a, b) => Number(a.startNs - b.startNs)); // prettier-ignore
    let coveredNs = startNs;
    for (const range of ranges) {
      if (range.startNs > coveredNs) break;
      if (range.endNs > coveredNs) coveredNs = range.endNs;
    }
    if (coveredNs < endNs)
      throw new Error(`continuous query ${name}: the window at ${coveredNs} is left out, before ${endNs}`); // prettier-ignore
  }
}

/**
 * Watches what a data node takes from others as one life of it: once it has answered that it wrote under a token, it must
 * not take a write under a lower one.
 */
export class FenceWatch {
  /** Writes that were refused since their holder had lost its lease. */
  refusedCount = 0;
  readonly #fail: (error: Error) => void;

  constructor(fail: (error: Error) => void) {
    this.#fail = fail;
  }

  watch(transport: RpcTransport, node: string): RpcTransport {
    const highest = { token: 0 };
    return servingWith(transport, (handlers) => ({
      call: async (method, request, context) => {
        const before = highest.token;
        const reply = await handlers.call(method, request, context);
        if (method === writeShardsMethod.path) this.#look({ node, highest, before }, request, reply); // prettier-ignore
        return reply;
      },
    }));
  }

  #look(
    { node, highest, before }: { readonly node: string; readonly highest: { token: number }; readonly before: number }, // prettier-ignore
    request: Uint8Array,
    reply: Uint8Array,
  ): void {
    const { batches } = writeShardsMethod.request.decode(request);
    const { outcomes } = writeShardsMethod.reply.decode(reply);
    for (const [i, { fence }] of batches.entries()) {
      const outcome = outcomes[i];
      if (fence === undefined || outcome === undefined) continue;
      if (outcome.kind === 'failed') {
        if (outcome.code === 'lease_lost') this.refusedCount++;
        continue;
      }
      if (fence.token < before)
        this.#fail(new Error(`${node} took a write under token ${fence.token} after one under ${before}`)); // prettier-ignore
      highest.token = Math.max(highest.token, fence.token);
    }
  }
}

function nsOf(text: string): bigint {
  return BigInt(Date.parse(text)) * 1_000_000n;
}
