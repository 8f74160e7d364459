/** Who listens where, over all machines of a simulated network. */
import { DbError } from '../../../src/base/errors.ts';
import type { RpcHandlers } from '../../../src/env/transport.ts';
import type { Life } from './loop.ts';
import { chance, type SimNetwork } from './sim-network.ts';

export interface Listener {
  readonly address: string;
  readonly life: Life;
  readonly handlers: RpcHandlers;
  /** Requests being handled: what to tell their callers when the connection breaks. */
  readonly inFlight: Set<(isReset: boolean) => void>;
  readonly aborts: Set<AbortController>;
  isClosed: boolean;
}

export class SimSwitchboard {
  readonly network: SimNetwork;
  readonly #listeners = new Map<string, Listener>();
  /** Which machine an address belongs to, also while nobody listens. */
  readonly #machines = new Map<string, string>();
  #portNext = 20_000;

  constructor(network: SimNetwork) {
    this.network = network;
  }

  find(address: string): Listener | undefined {
    const listener = this.#listeners.get(address);
    return listener?.life.alive === true && !listener.isClosed ? listener : undefined;
  }

  machine(address: string): string {
    return this.#machines.get(address) ?? `nobody:${address}`;
  }

  listen(life: Life, asked: string, handlers: RpcHandlers): Listener {
    const address = asked.replace(/:0$/, () => `:${this.#portNext++}`);
    if (this.find(address) !== undefined) {
      throw new DbError('conflict', `listen tcp ${address}: bind: address already in use`);
    }
    const listener: Listener = {
      address,
      life,
      handlers,
      inFlight: new Set(),
      aborts: new Set(),
      isClosed: false,
    };
    this.#listeners.set(address, listener);
    this.#machines.set(address, life.node);
    return listener;
  }

  /** Tells the callers of a dead process, as the resets of its machine do. */
  crash(life: Life): void {
    for (const listener of this.#listeners.values()) {
      if (listener.life !== life) continue;
      // A dead process is reset by its machine; a dead machine only falls silent.
      for (const broken of listener.inFlight) broken(chance(this.network.random, 0.7));
      listener.inFlight.clear();
    }
  }
}
