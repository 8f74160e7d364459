/**
 * Goes on with the plan in the catalog by which shards move, on the meta node that leads (decision 40).
 *
 * Invariants:
 * - How far a move is shows in the catalog (move-steps.ts): whoever leads next goes on there.
 * - No more than `movesAtOnce` of a plan are under way, and the next ones begin at the next look: what a move costs at its begin and
 *   its end, a flush, an install and commands, does not come in a row for those who write meanwhile. Shards that
 *   nobody writes to, of which a node may have thousands, follow each other as soon as the processors have had rest for some times as long as a move took.
 * - A node leaves the cluster when it owns nothing and, if it answers, nothing waits on it for others.
 *
 * Not here: which shards go where (plan-moves.ts), what a move consists of (move-steps.ts).
 */
import { Tasks } from '../../base/async/tasks.ts';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { millisecondNs } from '../../base/units.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import { endingCalls } from '../../rpc/ending-calls.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { DataNode } from '../model/catalog.ts';
import { activePlan, type MoveGoal, type MovePlan, type ProposedMove, type ShardMove } from '../model/move-plan.ts'; // prettier-ignore
import { copiesOf } from '../model/shard-copies.ts';
import { askToLeave } from './ask-to-leave.ts';
import { hear, planView, quietShards, type Heard } from './cluster-view.ts';
import type { CopyKeeper } from './copy-keeper.ts';
import { dropFigures, lostFigures } from './lost-figures.ts';
import type { MetaNode } from './meta-node.ts';
import { MoveSteps, ownersOf } from './move-steps.ts';
import { SilentNodes } from './silent-nodes.ts';
import { planBalance, planLeaving, type PlanView } from './plan-moves.ts';

export interface PlanKeeperPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly node: Pick<MetaNode, 'catalog' | 'isLeader' | 'execute' | 'readBarrier' | 'status' | 'clusterId'>; // prettier-ignore
  readonly rpc: Pick<RpcClient, 'call' | 'stream'>;
  readonly copies: Pick<CopyKeeper, 'copy' | 'kill'>;
}

export interface PlanKeeperOptions {
  readonly movesAtOnce: number;
  /** How long a data node may be silent before what it owns is brought to others; 0 for ever. */
  readonly restoreAfterMs: number;
}

/** What is asked for: a plan of its own, and what is to become of the node. */
export interface PlanRequest {
  readonly goal: MoveGoal;
  /** 0 for none, of both. */
  readonly leavingId: number;
  readonly joiningId: number;
  readonly isRemoval: boolean;
}

/** Also between moves: eight small ones without it take 3 s, and p99 of writes is 2.8 times what it was (docs/performance). */
const lookMs = 2_000;
/** Of what a move took, where nobody writes to what moves. */
const restShare = 3;
/** Without a write for so long, nobody writes to a shard; and how long that counts. */
const quietMs = 60_000;
/** Of one move, in a row. */
const attemptsMax = 5;
const retryMs = 5_000;

interface Attempts {
  readonly count: number;
  readonly notBeforeMs: number;
}

export class PlanKeeper {
  readonly #ports: PlanKeeperPorts;
  readonly #options: PlanKeeperOptions;
  readonly #timer: Timer;
  readonly #tasks: Tasks;
  readonly #running = new Set<string>();
  /** Of moves of the plan at hand. */
  readonly #attempts = new Map<string, Attempts>();
  /** Moves that were begun and are open still, as what waits for a hint: the one that was looked at last at the end. */
  readonly #waited = new Set<string>();
  readonly #silent: SilentNodes;
  readonly #closing = new AbortController();
  readonly #steps: MoveSteps;
  /** Shards that nobody has written to of late. */
  #quiet: { readonly shardIds: ReadonlySet<number>; readonly untilMs: number } | undefined;
  /** Of the plan that was stopped last: nothing of it begins any more, also while its end is on its way into the catalog. */
  #stoppedIndex = 0;
  #isLooking = false;

  constructor(ports: PlanKeeperPorts, options: PlanKeeperOptions) {
    this.#ports = { ...ports, rpc: endingCalls(ports.rpc, this.#closing.signal) };
    this.#options = options;
    this.#silent = new SilentNodes(ports.clock);
    this.#steps = new MoveSteps(this.#ports, this.#silent);
    this.#tasks = new Tasks((name, error) => {
      // What is left to do is looked for again.
      ports.log.debug('A plan was left', { name, error: errorText(error) });
    });
    this.#timer = ports.clock.every(lookMs, () => {
      if (!ports.node.isLeader) this.#silent.forget();
      this.#wake(false);
    });
  }

  /** What a plan would do, as things are. */
  async propose(request: PlanRequest): Promise<readonly ProposedMove[]> {
    const view = await this.#view();
    refuseJoining(view, request.joiningId);
    return this.#proposed(view, request);
  }

  async #view(): Promise<PlanView> {
    const { node, rpc } = this.#ports;
    await node.readBarrier();
    return planView(rpc, node.catalog);
  }

  #proposed(view: PlanView, { leavingId, joiningId }: PlanRequest): readonly ProposedMove[] {
    return leavingId === 0 ? planBalance(view) : planLeaving(view, { leavingId, joiningId });
  }

  /** Begins a plan; throws `conflict` while another is in force. */
  async begin(request: PlanRequest): Promise<readonly ProposedMove[]> {
    const { node, clock, log } = this.#ports;
    const moves = [...this.#cutOff(), ...(await this.propose(request))];
    const startedNs = clock.wallNs();
    await node.execute({ kind: 'begin-move-plan', ...request, startedNs, moves });
    log.info('Shards are to move', { goal: request.goal, moves: moves.length });
    return moves;
  }

  /**
   * Of a plan that has ended, as it was stopped or its leader died: shards that were handed over, whose old owners may not have
   * deleted them. As moves of the next plan they have nothing else to do.
   */
  #cutOff(): readonly ProposedMove[] {
    const { catalog } = this.#ports.node;
    const { movePlan } = catalog;
    if (movePlan === undefined || movePlan.endedNs === 0n) return [];
    const open = movePlan.moves.filter(({ state }) => state === 'open');
    return open
      .filter(({ shardId, fromId }) => {
        const owners = ownersOf(catalog, shardId);
        return owners !== undefined && !owners.includes(fromId);
      })
      .map(({ shardId, fromId, toId, sizeBytes, reason }) => ({ shardId, fromId, toId, sizeBytes, reason })); // prettier-ignore
  }

  /** Moves under way go on to their end. Throws `conflict` without a plan. */
  async pause(isPaused: boolean): Promise<void> {
    this.#attempts.clear();
    const { node } = this.#ports;
    await node.readBarrier();
    const { beganIndex: planIndex } = mustHave(activePlan(node.catalog));
    await node.execute({ kind: 'pause-move-plan', planIndex, isPaused });
  }

  /** Ends the plan and its copies; what was moved stays where it is. Throws `conflict` without a plan. */
  async stop(): Promise<void> {
    const { node, copies } = this.#ports;
    await node.readBarrier();
    const plan = mustHave(activePlan(node.catalog));
    this.#stoppedIndex = plan.beganIndex;
    await this.#end(plan).catch((error: unknown) => {
      this.#stoppedIndex = 0;
      throw error;
    });
    const isOfPlan = (shardId: number, destinationId: number): boolean =>
      plan.moves.some((move) => move.state === 'open' && move.shardId === shardId && move.toId === destinationId); // prettier-ignore
    const own = copiesOf(node.catalog).filter((copy) => isOfPlan(copy.shardId, copy.destinationId));
    await Promise.all(own.map((copy) => copies.kill(copy)));
  }

  async close(): Promise<void> {
    this.#closing.abort(new DbError('shutdown', 'the node stops'));
    this.#timer.cancel();
    await this.#tasks.settled();
  }

  /** `isEarly`: before the next look, behind a rest. */
  #wake(isEarly: boolean): void {
    if (this.#isLeading && !this.#isLooking) this.#tasks.spawn('plan', this.#guarded(isEarly));
  }

  async #guarded(isEarly: boolean): Promise<void> {
    this.#isLooking = true;
    try {
      await this.#look(isEarly);
    } finally {
      this.#isLooking = false;
    }
  }

  async #look(isEarly: boolean): Promise<void> {
    const { node, rpc } = this.#ports;
    const { movePlan } = node.catalog;
    const hasLeft = movePlan?.moves.some(({ state }) => state === 'left') === true;
    const hasWork = hasLeft || this.#cutOff().length > 0 || activePlan(node.catalog) !== undefined;
    if (!hasWork && this.#options.restoreAfterMs === 0) return;
    const heard = await hear(rpc, node.catalog, node.status.nodeId);
    if (!this.#isLeading) return;
    this.#silent.note(node.catalog.dataNodes.map(({ id }) => id), heard.nodeIds); // prettier-ignore
    if (movePlan !== undefined && hasWork) await this.#goOn(movePlan, heard, isEarly);
    if (activePlan(node.catalog) === undefined) await this.#restoreSilent(heard);
  }

  get #isLeading(): boolean {
    return this.#ports.node.isLeader && !this.#closing.signal.aborted;
  }

  async #goOn(plan: MovePlan, heard: Heard, isEarly: boolean): Promise<void> {
    const left = plan.moves.filter(({ state }) => state === 'left');
    for (const move of [...left, ...this.#cutOff()]) await this.#steps.clearLeft(plan, move, heard);
    if (plan.endedNs !== 0n) return;
    if (this.#isPointless(plan, heard)) {
      await this.#end(plan);
      return;
    }
    const open = this.#inTurn(plan);
    if (plan.isPaused) return;
    if (open.length > 0) await this.#findQuiet();
    for (const move of open) {
      if (this.#running.size >= this.#options.movesAtOnce || !this.#mayGoOn(plan)) return;
      if (isEarly && !this.#isQuiet(move)) continue;
      // Those behind it do not wait for its node.
      if (this.#steps.isSourceAway(plan, move, heard)) continue;
      if (this.#mayStart(move)) this.#tasks.spawn('move', this.#run(plan, move, heard));
    }
    if (open.length === 0 && this.#running.size === 0) await this.#finish(plan, heard);
  }

  /** It may have been paused or stopped while nodes were asked. */
  #mayGoOn({ beganIndex }: MovePlan): boolean {
    const now = activePlan(this.#ports.node.catalog);
    return now?.beganIndex === beganIndex && !now.isPaused && beganIndex !== this.#stoppedIndex;
  }

  /** Those that wait hold up none of the others. */
  #inTurn({ moves }: MovePlan): readonly ShardMove[] {
    const places = new Map(Array.from(this.#waited, (key, i) => [key, i + 1]));
    const placeOf = (move: ShardMove): number => places.get(keyOf(move)) ?? 0;
    const open = moves.filter(({ state }) => state === 'open');
    return open.sort((a, b) => placeOf(a) - placeOf(b));
  }

  /** A node that it is about has left the cluster, or the silent one is back. */
  #isPointless({ goal, leavingId, joiningId }: MovePlan, heard: Heard): boolean {
    const { dataNodes } = this.#ports.node.catalog;
    const isGone = (id: number) => id !== 0 && !dataNodes.some((one) => one.id === id);
    if (isGone(leavingId) || isGone(joiningId)) return true;
    return goal === 'restore' && heard.nodeIds.has(leavingId) && this.#running.size === 0;
  }

  #mayStart(move: ShardMove): boolean {
    const { clock } = this.#ports;
    if (this.#running.has(keyOf(move))) return false;
    return (this.#attempts.get(keyOf(move))?.notBeforeMs ?? 0) <= clock.monotonicMs();
  }

  async #findQuiet(): Promise<void> {
    const { clock, rpc, node } = this.#ports;
    if (this.#quiet !== undefined && clock.monotonicMs() < this.#quiet.untilMs) return;
    const beforeNs = clock.wallNs() - BigInt(quietMs) * millisecondNs;
    const shardIds = await quietShards(rpc, node.catalog, beforeNs);
    this.#quiet = { shardIds, untilMs: clock.monotonicMs() + quietMs };
  }

  #isQuiet({ shardId }: ShardMove): boolean {
    return this.#quiet?.shardIds.has(shardId) === true;
  }

  /** It is under way until its rest is over. */
  async #run(plan: MovePlan, move: ShardMove, heard: Heard): Promise<void> {
    const { clock } = this.#ports;
    const key = keyOf(move);
    const beganMs = clock.monotonicMs();
    const isQuiet = this.#isQuiet(move);
    this.#running.add(key);
    try {
      await this.#tried(plan, move, heard);
      const restMs = Math.min((clock.monotonicMs() - beganMs) * restShare, lookMs);
      if (isQuiet) await clock.sleep(restMs, this.#closing.signal);
    } finally {
      this.#running.delete(key);
    }
    this.#waited.delete(key);
    // One that waits, or has failed, is taken up at a later look, and what is behind it at the next one.
    if (this.#isOpen(key)) this.#waited.add(key);
    else if (isQuiet) this.#wake(true);
  }

  #isOpen(key: string): boolean {
    const { movePlan } = this.#ports.node.catalog;
    return movePlan?.moves.some((move) => move.state === 'open' && keyOf(move) === key) === true;
  }

  async #tried(plan: MovePlan, move: ShardMove, heard: Heard): Promise<void> {
    const { node, clock, log } = this.#ports;
    const key = keyOf(move);
    try {
      const isWanted = (): boolean => plan.beganIndex !== this.#stoppedIndex;
      await this.#steps.goOn(plan, move, { heard, isWanted });
      this.#attempts.delete(key);
    } catch (error) {
      if (!this.#isLeading || isDbError(error, 'outcome_unknown')) throw error;
      const count = (this.#attempts.get(key)?.count ?? 0) + 1;
      const fields = { shard: move.shardId, to: move.toId, error: errorText(error) };
      log.warn('A move of a shard has failed', fields);
      this.#attempts.set(key, { count, notBeforeMs: clock.monotonicMs() + retryMs * count });
      if (count < attemptsMax || activePlan(node.catalog)?.beganIndex !== plan.beganIndex) return;
      this.#attempts.delete(key);
      await this.#steps.advance(plan, move, 'failed', errorText(error));
    }
  }

  /** All moves are made. Of a node that is to leave there may be shards that came to be meanwhile. */
  async #finish(plan: MovePlan, heard: Heard): Promise<void> {
    const { node, log } = this.#ports;
    const { beganIndex: planIndex, leavingId, goal } = plan;
    if (leavingId === 0) return this.#end(plan);
    const isRestore = goal === 'restore';
    const isGone = this.#silent.isAway(leavingId);
    // Away, or back in a moment.
    if (plan.isRemoval && !isGone && !heard.nodeIds.has(leavingId)) return;
    const figures = lostFigures(node.catalog, plan.isRemoval && isGone ? leavingId : 0);
    const failed = plan.moves.filter(({ state }) => state === 'failed');
    if (!isRestore && failed.some(({ shardId }) => !figures.has(shardId))) {
      log.warn('Shards could not be moved: the plan waits to be resumed or stopped', { goal });
      return node.execute({ kind: 'pause-move-plan', planIndex, isPaused: true }).then(nothing);
    }
    // What cannot be restored now is looked at again by a later plan.
    if (isRestore) return this.#end(plan);
    if (!this.#mayGoOn(plan)) return;
    await dropFigures(this.#ports, figures);
    // The node that was to have them may be away by now: others take what is left.
    const moves = this.#proposed(await this.#view(), plan);
    if (!this.#mayGoOn(plan)) return;
    if (moves.length > 0)
      return node.execute({ kind: 'extend-move-plan', planIndex, moves }).then(nothing);
    const leaving = node.catalog.dataNodes.find(({ id }) => id === leavingId);
    if (plan.isRemoval && leaving !== undefined && !(await this.#remove(leaving, heard))) return;
    await this.#end(plan);
  }

  /** False when it has to wait. */
  async #remove({ id: nodeId, tcpAddress }: DataNode, heard: Heard): Promise<boolean> {
    const { node, rpc, log } = this.#ports;
    if (heard.nodeIds.has(nodeId)) {
      if (heard.holderIds.has(nodeId)) return false;
      const request = { nodeId, clusterId: node.clusterId };
      await askToLeave(rpc, tcpAddress, request);
    } else if (!this.#silent.isAway(nodeId)) return false;
    await node.execute({ kind: 'delete-data-node', nodeId });
    log.info('A data node was taken out of the cluster', { node: tcpAddress });
    return true;
  }

  /** One node at a time, and only while most answer: who hears of few is cut off by itself. */
  async #restoreSilent(heard: Heard): Promise<void> {
    const { clock, node } = this.#ports;
    const { restoreAfterMs } = this.#options;
    if (restoreAfterMs === 0 || !this.#isLeading) return;
    const { dataNodes } = node.catalog;
    if (heard.nodeIds.size * 2 <= dataNodes.length) return;
    for (const leavingId of this.#silent.silentFor(restoreAfterMs)) {
      const request = { goal: 'restore', leavingId, joiningId: 0, isRemoval: false } as const;
      const moves = (await this.propose(request)).filter(({ reason }) => reason === '');
      if (moves.length === 0) {
        // Others may join, or come back: looked at again after as long.
        this.#silent.countAnew(leavingId);
        continue;
      }
      const all = [...this.#cutOff(), ...moves];
      await node.execute({ kind: 'begin-move-plan', ...request, startedNs: clock.wallNs(), moves: all }); // prettier-ignore
      this.#ports.log.warn('A silent node owns shards that are brought to others', { node: leavingId, shards: moves.length }); // prettier-ignore
      return;
    }
  }

  async #end({ beganIndex: planIndex }: MovePlan): Promise<void> {
    const { node, clock } = this.#ports;
    this.#attempts.clear();
    this.#waited.clear();
    await node.execute({ kind: 'end-move-plan', planIndex, nowNs: clock.wallNs() });
  }
}

function keyOf({ shardId, fromId, toId }: ShardMove): string {
  return `${shardId} ${fromId} ${toId}`;
}

function mustHave(plan: MovePlan | undefined): MovePlan {
  if (plan === undefined) throw new DbError('conflict', 'no plan is under way');
  return plan;
}

function nothing(): void {
  // The answer of the command is of no use here.
}

/** Others would be given what is for this node, and whoever asked would not have said so. */
function refuseJoining({ nodes }: PlanView, joiningId: number): void {
  const joining = nodes.find(({ id }) => id === joiningId);
  if (joining?.isPassive === true)
    throw new DbError('invalid_argument', `node ${joiningId} is passive: it owns no shards`);
  if (joining?.isSilent === true) throw new DbError('unavailable', `node ${joiningId} does not answer`); // prettier-ignore
}
