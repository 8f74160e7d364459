/** `influxd-ctl` on a simulated machine: what it asks of meta nodes and of data nodes goes over the network of the simulation. */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Compress } from '../../../src/backup/gzip-blocks.ts';
import type { Decompress } from '../../../src/backup/shard-archive.ts';
import { DbError, errorText } from '../../../src/base/errors.ts';
import type { ClusterAccess } from '../../../src/ctl/cluster-rpc.ts';
import type { MetaCaller } from '../../../src/ctl/meta-http.ts';
import type { Clock } from '../../../src/env/clock.ts';
import type { Env } from '../../../src/env/env.ts';
import { executeMethod } from '../../../src/meta/client/meta-methods.ts';
import type { Command } from '../../../src/meta/command/command.ts';
import type { Catalog } from '../../../src/meta/model/catalog.ts';
import { decodeMessage } from '../../../src/rpc/message.ts';
import { RpcClient } from '../../../src/rpc/rpc-client.ts';
import type { ClusterWorld } from './cluster-world.ts';

/** As that of a command, `-timeout`. */
const metaMs = 10_000;
/** As long as a peer may be silent that is pinged (rpc/grpc/peer-session.ts), which no simulated connection is. */
const silentMsMax = 15_000;

const commandOf: Readonly<Record<string, (form: Readonly<Record<string, string>>) => Command>> = {
  '/restore-meta': ({ content = '' }) => {
    const given = decodeMessage(Buffer.from(content, 'base64url')) as object;
    return { ...given, kind: 'restore-databases' } as Command;
  },
  '/finish-restore': ({ shards = '' }) => {
    return { kind: 'finish-restore', shardIds: shards.split(',').map(Number) };
  },
};

export class SimCtl implements ClusterAccess, MetaCaller {
  readonly clock: Clock;
  readonly rpc: ClusterAccess['rpc'];
  readonly #cluster: ClusterWorld;
  readonly #env: Env;
  #commandCount = 0;

  constructor(cluster: ClusterWorld, env: Env) {
    this.#cluster = cluster;
    this.#env = env;
    this.clock = env.clock;
    const [node] = [...cluster.metas.values()];
    if (node === undefined) throw new DbError('unavailable', 'no meta node');
    const rpc = new RpcClient(env.transport, node.membership);
    const within = <T extends { readonly deadlineMs: number }>(options: T): T => {
      return { ...options, deadlineMs: Math.min(options.deadlineMs, silentMsMax) };
    };
    this.rpc = {
      call: (address, method, body, options) => rpc.call(address, method, body, within(options)),
      stream: (address, method, body, options) => rpc.stream(address, method, body, within(options)), // prettier-ignore
    };
  }

  async catalog(): Promise<Catalog> {
    const leader = [...this.#cluster.metas.values()].find(({ isLeader }) => isLeader);
    if (leader === undefined) throw new DbError('unavailable', 'no leader');
    const late = this.clock.sleep(metaMs).then(() => {
      throw new DbError('unavailable', 'context deadline exceeded');
    });
    await Promise.race([leader.readBarrier(), late]);
    return leader.catalog;
  }

  get(): Promise<unknown> {
    throw new Error('asked for nothing but the catalog');
  }

  at(): MetaCaller {
    return this;
  }

  /** As the HTTP client does: whoever leads is asked, and of a call that broke nobody knows what became of it. */
  async post(path: string, form: Readonly<Record<string, string>>): Promise<unknown> {
    const command = commandOf[path]?.(form);
    if (command === undefined) throw new Error(`no such route: ${path}`);
    const id = `ctl/${this.#env.random.u32()}/${++this.#commandCount}`;
    let address = `m${1 + (this.#commandCount % 3)}:8089`;
    for (let i = 0; i < 3; i++) {
      const reply = await this.#execute(address, { id, command });
      if (reply.kind === 'leader') {
        if (reply.leader === '') break;
        address = reply.leader;
        continue;
      }
      const { answer } = reply;
      if (!answer.ok)
        throw new DbError('unavailable', `operation exited with error: ${answer.text}`);
      return answer.value;
    }
    throw new DbError('unavailable', 'operation exited with error: no leader');
  }

  async #execute(address: string, request: { readonly id: string; readonly command: Command }) {
    try {
      return await this.rpc.call(
        address,
        executeMethod,
        { ...request, heardIndex: 0 },
        { deadlineMs: metaMs },
      );
    } catch (error) {
      throw new DbError('unavailable', `operation timed out with error: ${errorText(error)}`);
    }
  }
}

/** In the thread of the simulation. */
export const compressNow: Compress = (block) => Promise.resolve(gzipSync(block));

export const decompressNow: Decompress = async function* (pieces) {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  try {
    yield gunzipSync(Buffer.concat(parts));
  } catch (error) {
    throw new DbError('corrupt', `gzip: ${errorText(error)}`, { cause: error });
  }
};
