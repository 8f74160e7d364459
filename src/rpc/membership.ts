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
import { checkToken, signToken, type TokenUse } from './json-web-token.ts';
import type { RpcAccess } from './method.ts';
import type { Gate } from './rpc-service.ts';

const clusterKey = 'varve-cluster';
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
  readonly #own = { member: { token: '', renewAtS: 0 }, join: { token: '', renewAtS: 0 } };

  constructor(clock: Clock, options: MembershipOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** What goes with a request of this node: no more than its method asks for, since anybody may listen there. */
  credentials(access: RpcAccess): RpcMetadata {
    if (access === 'anyone') return {};
    const use = access === 'member' ? 'member' : 'join';
    const hasSecret = this.#options.secret !== '';
    return {
      ...(use === 'member' && { [clusterKey]: String(this.#options.clusterId()) }),
      ...(hasSecret && { [tokenKey]: `Bearer ${this.#token(use)}` }),
    };
  }

  check(access: RpcAccess, metadata: RpcMetadata): { readonly isTrusted: boolean } {
    if (access === 'anyone') return { isTrusted: false };
    if (access === 'member') this.#checkCluster(metadata);
    if (this.#options.secret !== '')
      this.#checkToken(metadata, access === 'member' ? 'member' : 'join');
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

  #checkToken(metadata: RpcMetadata, use: TokenUse): void {
    const [scheme, token = ''] = (metadata[tokenKey] ?? '').split(' ', 2);
    if (scheme !== 'Bearer' || token === '')
      throw new DbError('unauthenticated', 'internal token: it is missing');
    const nowS = this.#nowS;
    const key = `${use} ${token}`;
    const knownEndS = this.#known.get(key);
    if (knownEndS !== undefined && knownEndS >= nowS) return;
    const endS = checkToken(token, { secret: this.#options.secret, use, nowS });
    this.#known.delete(key);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= knownMax && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, endS);
  }

  #token(use: TokenUse): string {
    const nowS = this.#nowS;
    const { token, renewAtS } = this.#own[use];
    // Also when the clock was set back, for a token whose end is too far off is refused.
    if (nowS < renewAtS && nowS >= renewAtS - renewS) return token;
    const made = { token: signToken(this.#options.secret, use, nowS), renewAtS: nowS + renewS };
    this.#own[use] = made;
    return made.token;
  }

  get #nowS(): number {
    return Number(this.#clock.wallNs() / 1_000_000_000n);
  }
}
