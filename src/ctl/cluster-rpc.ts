/** Calls to data nodes, as a member of their cluster makes them. */
import { createSecureContext } from 'node:tls';
import { DbError } from '../base/errors.ts';
import type { Clock } from '../env/clock.ts';
import { trustedRoots } from '../env/node/network/trusted-roots.ts';
import { NodeClock } from '../env/node/node-clock.ts';
import { decodeCatalog } from '../meta/codec/catalog-codec.ts';
import type { Catalog } from '../meta/model/catalog.ts';
import { GrpcTransport } from '../rpc/grpc/grpc-transport.ts';
import type { SecureDial } from '../rpc/grpc/secure-dial.ts';
import { Membership } from '../rpc/membership.ts';
import { RpcClient } from '../rpc/rpc-client.ts';
import type { DataTls, MetaCaller } from './meta-http.ts';

export interface ClusterRpcOptions {
  readonly meta: MetaCaller;
  /** `[meta] internal-shared-secret`; '' where the cluster has none. */
  readonly secret: string;
  /** Data nodes speak TLS; undefined: they do not. */
  readonly dataTls: DataTls | undefined;
}

/** What commands need of a cluster. */
export interface ClusterAccess {
  readonly clock: Clock;
  readonly rpc: Pick<RpcClient, 'call' | 'stream'>;
  /** As the leader has it. */
  catalog(): Promise<Catalog>;
}

function secureDialOf({ isVerified }: DataTls): SecureDial {
  const ca = isVerified ? [...trustedRoots()] : undefined;
  const context = createSecureContext({ ca });
  return { isVerified, context: () => context };
}

/** What a meta node says of the cluster, and the way to its data nodes. */
export class ClusterRpc implements ClusterAccess {
  readonly clock = new NodeClock();
  readonly rpc: RpcClient;
  readonly #transport: GrpcTransport;
  readonly #meta: MetaCaller;
  #clusterId = 0n;

  constructor({ meta, secret, dataTls }: ClusterRpcOptions) {
    this.#meta = meta;
    const secureDial = dataTls && secureDialOf(dataTls);
    this.#transport = new GrpcTransport({ clock: this.clock, secureDial: () => secureDial });
    const membership = new Membership(this.clock, { clusterId: () => this.#clusterId, secret });
    this.rpc = new RpcClient(this.#transport, membership);
  }

  /** As the leader has it. What is asked of data nodes comes after it. */
  async catalog(): Promise<Catalog> {
    const given = (await this.#meta.get('/backup-meta')) as { readonly catalog?: string } | undefined; // prettier-ignore
    if (typeof given?.catalog !== 'string')
      throw new DbError('unavailable', 'the meta node does not say what there is to back up');
    const catalog = decodeCatalog(Buffer.from(given.catalog, 'base64'));
    this.#clusterId = catalog.clusterId;
    return catalog;
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}

/** What to say when nobody answers who does not show the secret of the cluster. */
export function withoutSecret(cause: unknown): DbError {
  const text = `the nodes of this cluster share a secret: name a configuration that has [meta] internal-shared-secret with -config`; // prettier-ignore
  return new DbError('unauthenticated', text, { cause });
}
