/**
 * Three meta and three data nodes with the production code on simulated machines. Nodes that end by an error of theirs
 * (a failed disk) are taken for crashed and started again.
 */
import { isDbError } from '../../../src/base/errors.ts';
import { Config } from '../../../src/config/config.ts';
import { dataKeys } from '../../../src/config/data-keys.ts';
import { StorageEngine } from '../../../src/data/engine/storage-engine.ts';
import type { ShardBatch } from '../../../src/data/shards/shard-access.ts';
import type { Engine, EnginePorts, EngineSettings } from '../../../src/env/engine-host.ts';
import { addDataNode, addMetaNode } from '../../../src/http/meta/add-nodes.ts';
import type { MetaApi } from '../../../src/http/meta/meta-api-options.ts';
import { Announcements } from '../../../src/meta/server/announcements.ts';
import { MetaNode } from '../../../src/meta/server/meta-node.ts';
import { decodePointBatch } from '../../../src/models/point-batch.ts';
import { RpcClient } from '../../../src/rpc/rpc-client.ts';
import { createRpcHandlers } from '../../../src/rpc/rpc-service.ts';
import { startDataNode, type DataNode } from '../../../src/server/data-node.ts';
import { World, type SimNode } from '../world/world.ts';
import { History } from './history.ts';
import { planted, withoutSync, type Plant } from './plants.ts';

export const metaNames = ['m1', 'm2', 'm3'] as const;
export const dataNames = ['d1', 'd2', 'd3'] as const;

const license = {
  id: 'simulation',
  type: 'simulation',
  notBeforeMs: 0,
  expiresAtMs: Number.MAX_SAFE_INTEGER,
  dataNodesMax: 10,
  coresMax: 2,
};

export class ClusterWorld {
  readonly world: World;
  readonly history = new History();
  readonly metas = new Map<string, MetaNode>();
  readonly data = new Map<string, DataNode>();
  readonly #plant: Plant | undefined;
  readonly #onTrace: (line: string) => void;

  constructor(
    seed: number,
    options: { readonly plant?: Plant | undefined; readonly onTrace?: (line: string) => void } = {},
  ) {
    // prettier-ignore
    this.#plant = options.plant;
    this.#onTrace = options.onTrace ?? (() => undefined);
    this.world = new World(seed, { onTrace: this.#onTrace });
    const random = this.world.random('machines');
    for (const name of [...metaNames, ...dataNames]) {
      const isData = name.startsWith('d');
      this.world.addNode(name, {
        skewMs: (random.u32() % 400) - 200,
        driftPpm: (random.u32() % 200) - 100,
        zeroTailRate: 0.2,
        ...(isData && { engineFactory: (settings, ports) => this.#engine(name, settings, ports) }),
      });
    }
    this.world.addNode('client');
  }

  machine(name: string): SimNode {
    const found = this.world.nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`no machine ${name}`);
    return found;
  }

  /** Founds the cluster of the meta nodes. */
  async formMetas(): Promise<void> {
    const { world } = this;
    for (const name of metaNames) await world.complete(this.start(name));
    const first = this.#api('m1');
    for (const name of metaNames) await world.complete(addMetaNode(`${name}:8091`, first));
  }

  /** Founds the cluster, adds all nodes and creates database d. */
  async form(): Promise<void> {
    const { world } = this;
    await this.formMetas();
    for (const name of dataNames) await world.complete(this.start(name));
    const first = this.#api('m1');
    for (const name of dataNames) await world.complete(addDataNode(`${name}:8088`, first));
    const policy = { replication: 2 };
    await world.complete(first.ports.node.execute({ kind: 'create-database', name: 'd', policy }));
    await world.run(world.nowMs + 3_000);
  }

  async start(name: string): Promise<void> {
    await (name.startsWith('m') ? this.#startMeta(name) : this.#startData(name));
  }

  /** Power loss now, another process after `downMs`. */
  crash(name: string, downMs: number): void {
    const machine = this.machine(name);
    if (!machine.isAlive) return;
    this.metas.delete(name);
    this.data.delete(name);
    machine.crash();
    this.world.schedule(downMs, () => {
      this.restart(name);
    });
  }

  restart(name: string): void {
    const machine = this.machine(name);
    if (machine.isAlive) return;
    machine.restart();
    this.start(name).catch((error: unknown) => {
      this.#onEnd(name, error);
    });
  }

  /** A node whose disk failed it goes down, as the real one exits; anything else is a bug. */
  #onEnd(name: string, error: unknown): void {
    const mayHappen = isDbError(error, 'io_error') || isDbError(error, 'disk_full');
    if (!mayHappen) this.world.fail(error);
    else
      this.world.schedule(1, () => {
        this.crash(name, 500);
      });
  }

  async #startMeta(name: string): Promise<void> {
    const env = planted(this.machine(name).env, this.#plant);
    const { clock, random, log, transport } = env;
    const kv = await env.kv.open('meta');
    const onFatal = (error: unknown): void => {
      this.#onEnd(name, error);
    };
    const node = await MetaNode.open(
      { clock, random, log, kv, transport, onFatal },
      {
        httpAddress: `${name}:8091`,
        tcpAddress: `${name}:8089`,
        tickMs: 100,
        electionTicks: 10,
        heartbeatTicks: 1,
        snapshotEntries: 30,
      },
    );
    await transport.listen(
      `${name}:8089`,
      createRpcHandlers(() => node.clusterId, node.methods),
    );
    this.metas.set(name, node);
  }

  async #startData(name: string): Promise<void> {
    const text = `hostname = "${name}"
bind-address = "${name}:8088"
[meta]
dir = "meta"
[data]
dir = "data"
wal-dir = "wal"
cache-snapshot-memory-size = "3k"
cache-snapshot-write-cold-duration = "4s"
[cluster]
write-timeout = "3s"`;
    const config = Config.read({ text, environment: {}, keys: dataKeys });
    const env = planted(this.machine(name).env, this.#plant);
    const onFatal = (error: unknown): void => {
      this.#onEnd(name, error);
    };
    this.data.set(
      name,
      await startDataNode(env, config, {
        license,
        coreCount: 2,
        onFatal,
        walSegmentBytesMax: 5_000,
      }),
    );
  }

  /** The production engine; what it acknowledges is noted. */
  async #engine(name: string, settings: EngineSettings, ports: EnginePorts): Promise<Engine> {
    const disk = this.#plant === 'ack-before-fsync' ? withoutSync(ports.disk) : ports.disk;
    const engine = await StorageEngine.create(settings, { ...ports, disk });
    const { history } = this;
    return {
      call: async (kind, body, context) => {
        const timesNs =
          kind === 'write'
            ? decodePointBatch((body as ShardBatch).payload).shapes.flatMap((shape) => [
                ...shape.timesNs,
              ])
            : [];
        const reply = await engine.call(kind, body, context);
        history.noteDurable(name, timesNs);
        return reply;
      },
      stream: (kind, body, context) => engine.stream(kind, body, context),
      close: () => engine.close(),
    };
  }

  #api(name: string): MetaApi {
    const { env } = this.machine(name);
    const { clock, log, transport } = env;
    const node = this.metas.get(name);
    if (node === undefined) throw new Error(`${name} is down`);
    const probe = (httpAddress: string) =>
      Promise.resolve({
        nodeType: 'meta',
        leader: '',
        raftAddr: httpAddress.replace('8091', '8089'),
        peers: null,
      });
    const rpc = new RpcClient(transport, () => node.clusterId);
    const announcements = new Announcements(clock, 30_000);
    return {
      ports: { clock, log, node, rpc, announcements, probe, requestId: () => '' },
      options: {
        version: '',
        httpAddress: `${name}:8091`,
        tcpAddress: `${name}:8089`,
        leaseDurationMs: 60_000,
        dataNodesMax: license.dataNodesMax,
        tracing: false,
      },
    };
  }
}
