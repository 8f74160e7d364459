import { Counters } from '../telemetry/counters.ts';
import type { Statistic } from '../telemetry/statistics.ts';

const names = ['rpcCalls', 'rpcFailures', 'rpcReadBytes', 'rpcWriteBytes', 'totalStreams'] as const;
/**
 * What the reference's pools of connections count. Here all calls to a node share one connection, which is kept, and what
 * is tried again is tried by who called.
 */
const ofPools = { idleStreams: 0, liveConnections: 0, rpcRetries: 0, singleUse: 0, singleUseOpen: 0, totalConnections: 0 }; // prettier-ignore

/** The statistic `rpc` (spec 1.11): what this node asks of others. A call is a stream of HTTP/2. */
export class CallCounters {
  readonly #counters = new Counters(names);
  #liveCount = 0;

  /** Counts one that begins; the function it returns, that it has ended. */
  begin(requestBytes: number): (isGood: boolean) => void {
    this.#counters.add('rpcCalls');
    this.#counters.add('totalStreams');
    this.#counters.add('rpcWriteBytes', requestBytes);
    this.#liveCount++;
    return (isGood) => {
      this.#liveCount--;
      if (!isGood) this.#counters.add('rpcFailures');
    };
  }

  addRead(replyBytes: number): void {
    this.#counters.add('rpcReadBytes', replyBytes);
  }

  statistics(): readonly Statistic[] {
    const values = { ...ofPools, ...this.#counters.values(), liveStreams: this.#liveCount };
    return [{ name: 'rpc', tags: {}, values }];
  }
}
