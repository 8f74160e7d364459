import { errorText } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Inbound, InboundListener } from '../../env/inbound.ts';
import type { Log } from '../../env/log.ts';
import type { PointBatcher } from './point-batcher.ts';

export interface DatagramsPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly inbound: Inbound;
  readonly batcher: Pick<PointBatcher, 'hasDatagramRoom'>;
}

/** Between two lines of the log about what was dropped. */
const dropsToldMs = 10_000;

/**
 * Datagrams of a bind address. Their senders cannot be held up: what comes while the batcher has no room is dropped, counted as
 * `datagramsDropped`, which the reference leaves to the kernel and does not see, and said in the log now and then.
 */
export class Datagrams {
  readonly #ports: DatagramsPorts;
  readonly #take: (bytes: Uint8Array) => void;
  #listener: InboundListener | undefined;
  #bytesRx = 0;
  #readFail = 0;
  #datagramsDropped = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  private constructor(ports: DatagramsPorts, take: (bytes: Uint8Array) => void) {
    this.#ports = ports;
    this.#take = take;
  }

  /** `take` is given each datagram; the bytes are used again once it returns. Rejects with the reference's text. */
  static async open(
    ports: DatagramsPorts,
    { bind, bufferBytes }: { readonly bind: string; readonly bufferBytes: number },
    take: (bytes: Uint8Array) => void,
  ): Promise<Datagrams> {
    const datagrams = new Datagrams(ports, take);
    datagrams.#listener = await ports.inbound.listenDatagrams(bind, {
      bufferBytes,
      datagram: datagrams.#datagram.bind(datagrams),
      failed: (error) => {
        datagrams.#readFail++;
        ports.log.info('Failed to read UDP message', { error: errorText(error) });
      },
    });
    return datagrams;
  }

  get address(): string {
    return this.#listener?.address ?? '';
  }

  counts(): {
    readonly bytesRx: number;
    readonly readFail: number;
    readonly datagramsDropped: number;
  } {
    return {
      bytesRx: this.#bytesRx,
      readFail: this.#readFail,
      datagramsDropped: this.#datagramsDropped,
    };
  }

  async close(): Promise<void> {
    await this.#listener?.close();
  }

  #datagram(bytes: Uint8Array): void {
    this.#bytesRx += bytes.length;
    if (this.#ports.batcher.hasDatagramRoom) this.#take(bytes);
    else this.#drop();
  }

  #drop(): void {
    this.#datagramsDropped++;
    const nowMs = this.#ports.clock.monotonicMs();
    if (nowMs - this.#toldAtMs < dropsToldMs) return;
    this.#toldAtMs = nowMs;
    const text = 'Datagrams are dropped: the cluster takes points more slowly than they come';
    this.#ports.log.warn(text, { datagramsDropped: this.#datagramsDropped });
  }
}
