/**
 * What a request shows of who sends it, in its metadata: the id of its cluster, and a token signed with the secret that
 * the nodes of a cluster share, where they have one.
 * - A node without a cluster serves only what `anyone` and a `newcomer` may ask, and so does any node to a sender
 *   without one.
 * - Where a secret is set no request changes or reads anything without a token.
 */
import { DbError } from '../base/errors.ts';
import type { Clock } from '../env/clock.ts';
import type { RpcMetadata } from '../env/transport.ts';
import { checkToken, signToken } from './json-web-token.ts';
import type { RpcAccess } from './method.ts';
import type { Gate } from './rpc-service.ts';

export const clusterKey = 'varve-cluster';
const tokenKey = 'authorization';
/** A token is made anew when half of its life is over. */
const renewS = 150;
/** Tokens of so many senders are remembered. */
const knownMax = 256;

export interface MembershipOptions {
  /** 0 before this node is of a cluster. */
  readonly clusterId: () => bigint;
  /** '' where none is set. */
  readonly secret: string;
}

export class Membership implements Gate {
  readonly #clock: Clock;
  readonly #options: MembershipOptions;
  /** When tokens that were found to be good end. */
  readonly #known = new Map<string, number>();
  #own = { token: '', renewAtS: 0 };

  constructor(clock: Clock, options: MembershipOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** What goes with a request of this node. */
  get credentials(): RpcMetadata {
    const cluster = { [clusterKey]: String(this.#options.clusterId()) };
    if (this.#options.secret === '') return cluster;
    return { ...cluster, [tokenKey]: `Bearer ${this.#token()}` };
  }

  check(access: RpcAccess, metadata: RpcMetadata): { readonly isTrusted: boolean } {
    if (access === 'anyone') return { isTrusted: false };
    if (access === 'member') this.#checkCluster(metadata);
    if (this.#options.secret !== '') this.#checkToken(metadata);
    return { isTrusted: access === 'member' };
  }

  #checkCluster(metadata: RpcMetadata): void {
    const clusterId = this.#options.clusterId();
    const given = metadata[clusterKey] ?? '';
    if (clusterId !== 0n && given === String(clusterId)) return;
    // Whoever asks is told nothing of the cluster.
    const text =
      clusterId === 0n ? 'this node is of no cluster' : 'the request is not of this cluster';
    throw new DbError('wrong_cluster', text);
  }

  #checkToken(metadata: RpcMetadata): void {
    const [scheme, token = ''] = (metadata[tokenKey] ?? '').split(' ', 2);
    if (scheme !== 'Bearer' || token === '')
      throw new DbError('unauthenticated', 'internal token: it is missing');
    const nowS = this.#nowS;
    const knownEndS = this.#known.get(token);
    if (knownEndS !== undefined && knownEndS >= nowS) return;
    const endS = checkToken(this.#options.secret, token, nowS);
    this.#known.delete(token);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= knownMax && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(token, endS);
  }

  #token(): string {
    const nowS = this.#nowS;
    // Also when the clock was set back, for a token whose end is too far off is refused.
    const isFresh = nowS < this.#own.renewAtS && nowS >= this.#own.renewAtS - renewS;
    if (!isFresh)
      this.#own = { token: signToken(this.#options.secret, nowS), renewAtS: nowS + renewS };
    return this.#own.token;
  }

  get #nowS(): number {
    return Number(this.#clock.wallNs() / 1_000_000_000n);
  }
}
