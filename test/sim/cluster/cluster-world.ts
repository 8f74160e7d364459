/**
 * Three meta and three data nodes with the production code on simulated machines. Nodes that end by an error of theirs
 * (a failed disk) are taken for crashed and started again.
 */
import { defaultPasswordScheme } from '../../../src/env/password-scheme.ts';
import { isDbError } from '../../../src/base/errors.ts';
import type { Random } from '../../../src/env/random.ts';
import { Config } from '../../../src/config/config.ts';
import { dataKeys } from '../../../src/config/data-keys.ts';
import type { StorageEngineOptions } from '../../../src/data/engine/engine-tasks.ts';
import { StorageEngine } from '../../../src/data/engine/storage-engine.ts';
import type { Clock } from '../../../src/env/clock.ts';
import type { EnginePorts, EngineSettings, Engine } from '../../../src/env/engine-host.ts';
import { addDataNode, addMetaNode } from '../../../src/http/meta/add-nodes.ts';
import { removeDataNode } from '../../../src/http/meta/change-nodes.ts';
import { NodeTurns } from '../../../src/http/meta/node-turns.ts';
import type { MetaApi } from '../../../src/http/meta/meta-api-options.ts';
import type { MetaIdentities } from '../../../src/http/meta/meta-gate.ts';
import { Announcements } from '../../../src/meta/server/announcements.ts';
import { CopyKeeper } from '../../../src/meta/server/copy-keeper.ts';
import { PlanKeeper } from '../../../src/meta/server/plan-keeper.ts';
import { Leases } from '../../../src/meta/server/leases.ts';
import { MetaNode } from '../../../src/meta/server/meta-node.ts';
import { RpcClient } from '../../../src/rpc/rpc-client.ts';
import { createRpcHandlers } from '../../../src/rpc/rpc-service.ts';
import { startDataNode, type DataNode } from '../../../src/server/node/data-node.ts';
import { World, type SimNode } from '../world/world.ts';
import { EngineMemories } from './engine-memories.ts';
import { HintOrder } from './check-hint-order.ts';
import { FenceWatch } from './check-queries.ts';
import { Victim, type DamageOptions } from './damage.ts';
import { Events } from './events.ts';
import { History } from './history.ts';
import { dataToml, drawKnobs, drawWorkerCount, repairsAsked, type Knobs } from './knobs.ts';
import { LastWrites } from './last-writes.ts';
import { plantedWrites } from './plants-engine.ts';
import { planted, plantedEngine, type Plant } from './plants.ts';
import { watchEngine, watchHints } from './watch-engine.ts';

const founders = ['m1', 'm2', 'm3', 'd1', 'd2', 'd3'] as const;
/** A data node that owns no shard, where a run has one. */
export const passive = 'd4';
/** Added while the cluster is at work. */
export const joiners = ['m4', 'd5'] as const;

export interface ClusterOptions {
  readonly plant?: Plant | undefined;
  readonly damage?: DamageOptions | undefined;
  readonly hasPassive?: boolean;
  /** Of `[anti-entropy]`: it is enabled, and does nothing by itself when left out. */
  readonly antiEntropy?: string | undefined;
  /** `[meta] restore-silent-after`; never when left out. */
  readonly restoreAfterMs?: number | undefined;
  /** See StorageEngineOptions. */
  readonly logKeptBytes?: number | undefined;
  readonly onTrace?: (line: string) => void;
}

const license = {
  id: 'simulation',
  type: 'simulation',
  notBeforeMs: 0,
  expiresAtMs: Number.MAX_SAFE_INTEGER,
  dataNodesMax: 10,
  coresMax: 4,
};

const unclearTexts = ['Late values whose order', 'A delete was late'];

export class ClusterWorld {
  readonly world: World;
  readonly knobs: Knobs;
  readonly history = new History();
  readonly lastWrites = new LastWrites();
  readonly metas = new Map<string, MetaNode>();
  readonly data = new Map<string, DataNode>();
  /** Of the meta nodes. */
  readonly copies = new Map<string, CopyKeeper>();
  readonly plans = new Map<string, PlanKeeper>();
  /** What must happen in a run for it to show anything, counted from the trace. */
  readonly events = new Events();
  /**
   * Nodes that have said that they took late values or a late delete whose order nobody knows (decision 0014): registers of theirs
   * may be of an earlier write, or gone.
   */
  readonly unclearNodes = new Set<string>();
  readonly victim: Victim;
  readonly fences: FenceWatch;
  readonly hintOrder: HintOrder;
  /** Machines that are part of the cluster, or about to be. */
  names: readonly string[];
  readonly #plant: Plant | undefined;
  readonly #antiEntropy: string;
  readonly #restoreAfterMs: number;
  readonly #logKeptBytes: number | undefined;
  readonly #random: Random;
  readonly #memories = new EngineMemories();
  /** Data nodes that have joined: they announce themselves. */
  readonly #members = new Set<string>();

  constructor(seed: number, options: ClusterOptions = {}) {
    this.#plant = options.plant;
    this.#antiEntropy = options.antiEntropy ?? repairsAsked;
    this.#restoreAfterMs = options.restoreAfterMs ?? 0;
    this.#logKeptBytes = options.plant === 'log-let-go' ? 0 : options.logKeptBytes;
    this.names = [...founders, ...(options.hasPassive === true ? [passive] : [])];
    this.world = new World(seed, {
      onTrace: (line) => {
        this.events.note(line);
        if (unclearTexts.some((text) => line.includes(text))) {
          const [, unclear] = /^\S+ log (\w+)\/\d+ warn /.exec(line) ?? [];
          if (unclear !== undefined) this.unclearNodes.add(unclear);
        }
        options.onTrace?.(line);
      },
    });
    const fail = (error: Error): void => {
      this.world.fail(error);
    };
    this.fences = new FenceWatch(fail);
    this.hintOrder = new HintOrder(fail);
    this.#random = this.world.random('machines');
    this.victim = new Victim(this.world.random('victim'), options.damage);
    this.knobs = drawKnobs(this.world.random('knobs'));
    for (const name of [...this.names, ...joiners]) {
      const isData = name.startsWith('d');
      this.world.addNode(name, {
        skewMs: (this.#random.u32() % 400) - 200,
        driftPpm: (this.#random.u32() % 200) - 100,
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
    const names = this.names.filter((name) => name.startsWith('m'));
    for (const name of names) await world.complete(this.start(name));
    const first = this.#api('m1');
    for (const name of names) await world.complete(addMetaNode(`${name}:8091`, first));
  }

  /** Founds the cluster, adds all nodes and creates database d. */
  async form(): Promise<void> {
    const { world } = this;
    await this.formMetas();
    const names = this.names.filter((name) => name.startsWith('d'));
    for (const name of names) await world.complete(this.start(name));
    const first = this.#api('m1');
    for (const name of names) {
      const isPassive = name === passive && this.#plant !== 'passive-owns';
      await world.complete(addDataNode(`${name}:8088`, first, { isPassive }));
      this.#members.add(name);
    }
    const policy = { replication: this.knobs.replicaCount };
    await world.complete(first.ports.node.execute({ kind: 'create-database', name: 'd', policy }));
    await world.run(world.nowMs + 3_000);
  }

  /** Starts a machine that is no part of the cluster yet. */
  boot(name: (typeof joiners)[number]): void {
    this.names = [...this.names, name];
    this.start(name).catch((error: unknown) => {
      this.#onEnd(name, error);
    });
  }

  /** Asks the leader, when there is one, to take in a machine that is up; what goes wrong is the caller's to know. */
  async add(name: string): Promise<void> {
    const leader = [...this.metas].find(([, node]) => node.isLeader)?.[0];
    if (leader === undefined) throw new Error('no leader');
    if (name.startsWith('m')) await addMetaNode(`${name}:8091`, this.#api(leader));
    else {
      await addDataNode(`${name}:8088`, this.#api(leader));
      this.#members.add(name);
    }
  }

  /** Asks the leader, when there is one, to take out a data node, which erases what it has. */
  async remove(name: string): Promise<void> {
    const leader = [...this.metas].find(([, node]) => node.isLeader)?.[0];
    if (leader === undefined) throw new Error('no leader');
    await removeDataNode(`${name}:8088`, false, this.#api(leader));
  }

  /** Nothing of the cluster is to run any more: its memories are others'. */
  end(): void {
    this.#memories.takeBackAll();
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
    this.#memories.takeBack(name);
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
        electionTicks: this.knobs.electionTicks,
        heartbeatTicks: 1,
        snapshotEntries: this.knobs.raftSnapshotEntries,
      },
    );
    const rpc = new RpcClient(transport, node.membership);
    const copies = new CopyKeeper({ clock, log, node, rpc });
    this.copies.set(name, copies);
    const plans = { clock, log, node, rpc, copies };
    this.plans.set(
      name,
      new PlanKeeper(plans, { movesAtOnce: 2, restoreAfterMs: this.#restoreAfterMs }),
    );
    const methods = [...node.methods, ...leasesOf(clock, node).methods];
    await transport.listen(`${name}:8089`, createRpcHandlers(node.membership, methods));
    this.metas.set(name, node);
  }

  async #startData(name: string): Promise<void> {
    const avoidsLagging = this.#plant !== 'laggards-read';
    const { knobs } = this;
    const text = dataToml(name, { ...knobs, avoidsLagging }, this.#antiEntropy);
    const config = Config.read({ text, environment: {}, keys: dataKeys });
    const bare = this.machine(name).env;
    const transport = this.hintOrder.watch(this.fences.watch(bare.transport, name), name);
    const watched = { ...bare, transport };
    const env = planted(watched, this.#plant);
    const onFatal = (error: unknown): void => {
      this.#onEnd(name, error);
    };
    const node = await startDataNode(env, config, {
      license,
      coreCount: drawWorkerCount(this.#random),
      onFatal,
      walSegmentBytesMax: this.knobs.walSegmentBytesMax,
    });
    const nameOf = (nodeId: number): string => {
      const found = node.meta.catalog.dataNodes.find(({ id }) => id === nodeId);
      return found?.tcpAddress.split(':')[0] ?? '';
    };
    const { history, hintOrder: order } = this;
    watchHints(node.hints, { keeper: name, history, order, nameOf });
    this.data.set(name, node);
  }

  /** The production engine; what it acknowledges is noted. */
  async #engine(name: string, settings: EngineSettings, ports: EnginePorts): Promise<Engine> {
    const parts = this.#memories.lend(name);
    const given = settings.options as StorageEngineOptions;
    const { tsmFileBytesMax: fileBytesMax = given.compaction.fileBytesMax } = this.knobs;
    const options = { ...given, compaction: { ...given.compaction, fileBytesMax }, logKeptBytes: this.#logKeptBytes }; // prettier-ignore
    const engine = await StorageEngine.create({ ...settings, options }, plantedEngine(ports, this.#plant), parts); // prettier-ignore
    const { history, lastWrites } = this;
    return watchEngine(plantedWrites(engine, ports, this.#plant), {
      node: name,
      history,
      lastWrites,
    });
  }

  #api(name: string): MetaApi {
    const { env } = this.machine(name);
    const { clock, jobs, random, log, transport } = env;
    const node = this.metas.get(name);
    const copies = this.copies.get(name);
    const plans = this.plans.get(name);
    if (node === undefined || copies === undefined || plans === undefined)
      throw new Error(`${name} is down`);
    const probe = (httpAddress: string) =>
      Promise.resolve({
        nodeType: 'meta',
        leader: '',
        raftAddr: httpAddress.replace('8091', '8089'),
        peers: null,
      });
    const rpc = new RpcClient(transport, node.membership);
    const announcements = new Announcements(clock, 30_000);
    for (const name of this.#members) announcements.note({ tcpAddress: `${name}:8088`, version: '' }); // prettier-ignore
    return {
      ports: { clock, jobs, passwordScheme: defaultPasswordScheme, random, log, node, rpc, announcements, leases: leasesOf(clock, node), copies, plans, probe, requestId: () => '' }, // prettier-ignore
      options: {
        version: '',
        httpAddress: `${name}:8091`,
        tcpAddress: `${name}:8089`,
        dataNodesMax: license.dataNodesMax,
        tracing: false,
        // No client of the simulation asks whose password it is.
        identities: {} as MetaIdentities,
      },
      turns: new NodeTurns(),
    };
  }
}

/** Short, so that leases go from node to node while things break. */
const leaseMs = 5_000;

function leasesOf(clock: Clock, node: MetaNode): Leases {
  return new Leases({ clock, node }, { durationMs: leaseMs });
}
