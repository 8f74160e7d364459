import { Latch } from '../../../src/base/async/latch.ts';
import { DbError } from '../../../src/base/errors.ts';
import type { Outbound, PostAnswer, PostOptions } from '../../../src/env/outbound.ts';
import type { Life, Loop } from './loop.ts';

/** A server that is none of the cluster, by `host:port`. */
export interface SimReceiver {
  /** Undefined when it does not answer: the caller waits until its deadline. */
  post(url: string, body: Uint8Array): PostAnswer | undefined;
  datagram(part: Uint8Array): void;
}

const oneWayMs = 2;

export class SimOutbound implements Outbound {
  readonly #loop: Loop;
  readonly #life: Life;
  readonly #receivers: ReadonlyMap<string, SimReceiver>;

  constructor(loop: Loop, life: Life, receivers: ReadonlyMap<string, SimReceiver>) {
    this.#loop = loop;
    this.#life = life;
    this.#receivers = receivers;
  }

  post(url: string, body: Uint8Array, options: PostOptions): Promise<PostAnswer> {
    const answer = new Latch<PostAnswer>();
    const onAbort = (): void => {
      answer.fail(options.signal.reason);
    };
    options.signal.addEventListener('abort', onAbort, { once: true });
    if (options.signal.aborted) onAbort();
    const answered = this.#loop.later(this.#life, oneWayMs, () => {
      const receiver = this.#receivers.get(new URL(url).host);
      if (receiver === undefined) throw new DbError('unavailable', 'connection refused');
      return receiver.post(url, body.slice());
    });
    answered.then((given) => {
      if (given !== undefined) answer.open(given);
    }, answer.fail.bind(answer));
    const late = this.#loop.later(this.#life, options.deadlineMs, () => undefined);
    late.then(() => {
      answer.fail(new DbError('timeout', 'timeout awaiting the answer'));
    }, answer.fail.bind(answer));
    return answer.promise.finally(() => {
      options.signal.removeEventListener('abort', onAbort);
    });
  }

  sendDatagrams(
    { host, port }: { readonly host: string; readonly port: number },
    parts: readonly Uint8Array[],
  ): Promise<void> {
    const receiver = this.#receivers.get(`${host}:${port}`);
    return this.#loop.later(this.#life, oneWayMs, () => {
      for (const part of parts) receiver?.datagram(part.slice());
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
