/**
 * Plans by which shards move, begun, paused, gone on with and stopped while clients write and nodes end, with a checker: no shard
 * has fewer owners than its policy wants at any time, plans come to their end, and then every owner has every point that all
 * owners had acknowledged, and no node keeps a shard that is not its own, whatever was down when it was to be deleted. Where
 * `hasQuiet` most shards are not written to when plans begin, so that their moves follow each other at once, and are again later.
 */
import { below, fraction, type Random } from '../../../src/env/random.ts';
import { activePlan, type MovePlan } from '../../../src/meta/model/move-plan.ts';
import type { MetaNode } from '../../../src/meta/server/meta-node.ts';
import type { PlanRequest } from '../../../src/meta/server/plan-keeper.ts';
import { beginLoad, strikeFor, type LoadRunOptions } from './load-run.ts';
import type { PointLoad } from './point-load.ts';
import { Copying } from './run-copies.ts';

export interface PlansResult {
  readonly acknowledged: number;
  /** Plans that have ended, stopped ones too. */
  readonly ended: number;
  /** Moves that were made. */
  readonly moved: number;
}

const weekCount = 5;
const quietWeekCount = 12;
/** Behind it all is in files, and has not been written to for as long as plans want. */
const pauseMs = 75_000;
const replicaCount = 2;
const settleMsMax = 240_000;

class Planning {
  readonly #load: PointLoad;
  readonly #ended = new Map<number, MovePlan>();

  constructor(load: PointLoad) {
    this.#load = load;
  }

  get ended(): readonly MovePlan[] {
    return [...this.#ended.values()];
  }

  get #leader(): readonly [string, MetaNode] | undefined {
    return [...this.#load.cluster.metas].find(([, node]) => node.isLeader);
  }

  async drive(random: Random): Promise<void> {
    const { cluster } = this.#load;
    const { clock } = cluster.machine('client').env;
    while (!this.#load.isOver) {
      await clock.sleep(below(random, 2_000));
      // The next plan takes the place of one that has ended.
      this.look();
      const [name = '', node] = this.#leader ?? [];
      const keeper = cluster.plans.get(name);
      if (node === undefined || keeper === undefined) continue;
      const plan = activePlan(node.catalog);
      if (plan === undefined) await this.#orLate(keeper.begin(drawRequest(node, random)));
      else if (plan.isPaused) await this.#orLate(keeper.pause(false));
      else if (fraction(random) < 0.1) await this.#orLate(keeper.pause(true));
      else if (fraction(random) < 0.05) await this.#orLate(keeper.stop());
    }
  }

  /** What may be seen of the catalog at any time. */
  look(): void {
    for (const [name, { catalog }] of this.#load.cluster.metas) {
      const { movePlan } = catalog;
      if (movePlan !== undefined && movePlan.endedNs !== 0n)
        this.#ended.set(movePlan.beganIndex, movePlan);
      for (const { database, shard } of catalog.databases.shards())
        if (database === 'k' && shard.owners.length < replicaCount)
          throw new Error(`${name}: shard ${shard.id} has owners ${shard.owners.join()} only`);
    }
  }

  /** Nobody is down any more: what failed before is tried again, and the plan ends, and what was left is deleted. */
  async settle(): Promise<void> {
    const { world } = this.#load.cluster;
    const untilMs = world.nowMs + settleMsMax;
    while (world.nowMs < untilMs) {
      await world.run(world.nowMs + 3_000);
      this.look();
      const [name = '', node] = this.#leader ?? [];
      if (node === undefined) continue;
      const { movePlan } = node.catalog;
      if (movePlan === undefined) return;
      const isActive = movePlan.endedNs === 0n;
      if (!isActive && movePlan.moves.every(({ state }) => state !== 'left')) return;
      const keeper = this.#load.cluster.plans.get(name);
      if (isActive && movePlan.isPaused) await world.complete(this.#orLate(keeper?.pause(false)));
    }
    throw new Error('a plan does not end');
  }

  #orLate(work: Promise<unknown> | undefined): Promise<boolean> {
    return this.#load.orLate(work);
  }
}

/** A balance, or a node that is to own nothing and stays. */
function drawRequest({ catalog }: MetaNode, random: Random): PlanRequest {
  const ids = catalog.dataNodes.map(({ id }) => id);
  const first = below(random, ids.length);
  const [leavingId = 0, joiningId = 0] = [ids[first], ids[(first + 1) % ids.length]];
  const dice = fraction(random);
  if (dice < 0.4) return { goal: 'balance', leavingId: 0, joiningId: 0, isRemoval: false };
  const goal = dice < 0.7 ? 'decommission' : 'replace';
  return { goal, leavingId, joiningId: goal === 'replace' ? joiningId : 0, isRemoval: false };
}

/** Leaves most weeks alone for so long that they are quiet; they are written to again at some time of the run. */
async function makeQuiet(load: PointLoad, random: Random): Promise<void> {
  const { world } = load.cluster;
  await world.run(world.nowMs + 2_000);
  load.isPaused = true;
  await world.run(world.nowMs + pauseMs);
  load.isPaused = false;
  load.firstWeek = quietWeekCount;
  world.schedule(2_000 + below(random, 12_000), () => {
    load.firstWeek = 0;
  });
}

export interface PlansOptions extends LoadRunOptions {
  readonly hasQuiet?: boolean;
}

export async function runPlans(seed: number, options: PlansOptions = {}): Promise<PlansResult> {
  const { hasQuiet = false } = options;
  const load = await beginLoad(seed, { ...options, weekCount: weekCount + (hasQuiet ? quietWeekCount : 0) }); // prettier-ignore
  const { world } = load.cluster;
  const random = world.random('plans');
  if (hasQuiet) await makeQuiet(load, random.fork('quiet'));
  const planning = new Planning(load);
  world.spawn(load.cluster.machine('client'), () => planning.drive(random.fork('drive')));
  const look = (): void => {
    planning.look();
  };
  await strikeFor(load, random, { faultsMs: 30_000, ...options, look });
  await planning.settle();
  await world.run(world.nowMs + 75_000);
  await new Copying(load).check(false);
  const moves = planning.ended.flatMap((plan) => plan.moves);
  const acknowledged = load.acknowledged.length;
  const moved = moves.filter(({ state }) => state === 'done' || state === 'left').length;
  return { acknowledged, ended: planning.ended.length, moved };
}
