import type { EnginePorts } from '../../../src/env/engine-host.ts';
import type { Env } from '../../../src/env/env.ts';
import {
  endingBrokenStreams,
  forgettingCommands,
  forgettingDeletes,
  forgettingVotes,
  hearingAtOnce,
  holdingMarks,
  ignoringFences,
  lendingTooEarly,
  markingAhead,
  readingAtOnce,
  sendingAgain,
  sendingBackwards,
  settlingAhead,
  swallowingFailures,
  tellingNoIndex,
  tellingOfShares,
  trustingMemory,
  waitingToTheEnd,
  withoutBroughtMark,
  withoutRangePoints,
  wholeTooSoon,
} from './plants-network.ts';
import { endingBrokenRuns, shiftingEnds } from './plants-runs.ts';
import { endingAlone, holdingPledges, outlivingPledges } from './plants-pledges.ts';
import {
  droppingLogsEarly,
  endingWell,
  forgettingFailures,
  forgettingHints,
  keepingStagings,
  forgettingPledgeHolders,
  forgettingSegments,
  forgettingThatItLeaves,
  markingTooMuch,
  withoutAnySync,
  withoutMarks,
  withoutPledgeHolders,
  withoutRoster,
  withoutHintSync,
  withoutTableSync,
} from './plants-disk.ts';

/** Bugs that the simulation has to find: each breaks one promise of a port, as a mistake in our code would. */
export const plants = [
  'ack-before-fsync',
  'table-not-synced',
  'log-released-early',
  'flush-loses-in-flight',
  'vote-not-persisted',
  'lost-retry',
  'command-applied-twice',
  'acknowledged-unapplied',
  'damage-forgotten',
  'folder-not-missed',
  'hint-not-synced',
  'hints-forgotten',
  'fence-ignored',
  'marks-ahead',
  'segments-forgotten',
  'meanwhile-lost',
  'whole-too-soon',
  'deletes-unstamped',
  'sent-again',
  'deletes-untold',
  'digest-blind',
  'digest-stale',
  'hints-backwards',
  'lent-too-early',
  'deletes-return',
  'arrival-wins',
  'passive-owns',
  'reads-unsettled',
] as const;
/** Those of them that few seeds find. */
export const rarePlants: readonly Plant[] = ['deletes-return'];
/** Those that answers alone show: `run-changed-answers.ts` finds them. */
export const answerPlants = ['broken-stream-ends', 'deletes-forgotten'] as const;
/** Those of answers that several nodes make by themselves: `run-shared-answers.ts` finds them. */
export const sharePlants = ['groups-untold', 'schemas-untold', 'series-untold', 'feeds-cut'] as const; // prettier-ignore
/** Those of what a node has acknowledged: `run-own-writes.ts` finds them. */
export const ownWritePlants = ['laggards-read'] as const;
/** Those of clocks that differ: `run-clocks.ts` finds them. */
export const clockPlants = ['newer-untold'] as const;
/** Those of what a node has in hand that dies: `run-dead-coordinators.ts` finds them. */
export const deadPlants = ['settled-ahead', 'ended-well'] as const;
/** Those of what a node brings that comes back late: `run-late-returns.ts` finds them. */
export const latePlants = ['brought-as-news'] as const;
/** Those of hints that come late: `run-late-hints.ts` finds them; `log-let-go` is one of how an engine is opened (cluster-world.ts). */
export const lateHintPlants = ['log-let-go', 'unclear-unasked'] as const;
/** Those of hints that the log gives anew: `run-replayed-hints.ts` finds them. */
export const replayPlants = ['replays-unasked'] as const;
/** Those of hints that the disk fails to take: `run-failed-hints.ts` finds them. */
export const failedHintPlants = ['failures-forgotten'] as const;
/** Those of shards that are dropped: `run-drops.ts` finds them. */
export const dropPlants = ['drop-unheard'] as const;
/** Those of schemas that are remembered: `run-grown-schemas.ts` finds them. */
export const schemaPlants = ['memory-trusted', 'growth-untold'] as const;
/** Those of rows that bring a field while they are read: `run-growing-rows.ts` finds them. */
export const growingPlants = ['growth-unread'] as const;
/** Those of lists that are remembered: `run-grown-lists.ts` finds them. */
export const listPlants = ['memory-trusted', 'growth-untold', 'lists-held'] as const;
/** Those of the word that nodes give each other: `run-pledges.ts` finds them. */
export const pledgePlants = ['pledge-untold', 'pledge-held', 'pledge-outlived', 'pledge-forgotten', 'pledge-unrecorded'] as const; // prettier-ignore
/** Those of fragments of many measurements in one stream: `run-many-measurements.ts` finds them. */
export const runPlants = ['ends-shifted', 'broken-run-ends'] as const;
/** Those of types that several nodes give to one new field: `run-field-types.ts` finds them. */
export const typePlants = ['types-undecided'] as const;
/** Those of queries that are killed: `run-kills.ts` finds them. */
export const killPlants = ['kill-unheard'] as const;
/** Those of backups: `run-backups.ts` finds them. */
export const backupPlants = ['archive-not-synced', 'served-too-soon', 'one-owner-only'] as const;
/** Those of copies to a full disk: `run-full-copies.ts` finds them. */
export const fullCopyPlants = ['staging-kept'] as const;
/** Those of wiped disks: `run-wiped.ts` finds them. */
export const wipedPlants = ['awaiting-read'] as const;
/** Those of nodes that are taken out: `run-leaves.ts` finds them. */
export const leavePlants = ['leaving-forgotten'] as const;
/** Those of metas whose disks are put back: `run-put-back.ts` finds them. */
export const putBackPlants = ['index-untold'] as const;
export type Plant =
  | (typeof plants)[number]
  | (typeof answerPlants)[number]
  | (typeof sharePlants)[number]
  | (typeof ownWritePlants)[number]
  | (typeof clockPlants)[number]
  | (typeof deadPlants)[number]
  | (typeof latePlants)[number]
  | (typeof lateHintPlants)[number]
  | (typeof schemaPlants)[number]
  | (typeof growingPlants)[number]
  | (typeof listPlants)[number]
  | (typeof runPlants)[number]
  | (typeof typePlants)[number]
  | (typeof pledgePlants)[number]
  | (typeof dropPlants)[number]
  | (typeof replayPlants)[number]
  | (typeof failedHintPlants)[number]
  | (typeof killPlants)[number]
  | (typeof backupPlants)[number]
  | (typeof fullCopyPlants)[number]
  | (typeof wipedPlants)[number]
  | (typeof leavePlants)[number]
  | (typeof putBackPlants)[number];

/** What nodes bring each other after a crash (decision 137) makes good most of what these break: nobody brings anything. */
const mendedAfterwards: readonly Plant[] = ['damage-forgotten', 'deletes-unstamped'];

/**
 * The environment of a node with the bug in it; `laggards-read` is one of its configuration (knobs.ts), `passive-owns` one of how
 * it is added (cluster-world.ts), and those of a whole engine are in plants-engine.ts.
 */
export function planted(bare: Env, plant: Plant | undefined): Env {
  const isMended = plant !== undefined && mendedAfterwards.includes(plant);
  const env = isMended ? { ...bare, disk: endingWell(bare.disk) } : bare;
  switch (plant) {
    case 'vote-not-persisted':
      return { ...env, kv: forgettingVotes(env.kv) };
    case 'hint-not-synced':
      return { ...env, disk: withoutHintSync(env.disk) };
    case 'hints-forgotten':
      return { ...env, disk: forgettingHints(env.disk) };
    case 'leaving-forgotten':
      return { ...env, disk: forgettingThatItLeaves(env.disk) };
    case 'index-untold':
      return { ...env, transport: tellingNoIndex(env.transport) };
    case 'staging-kept':
      return { ...env, disk: keepingStagings(env.disk) };
    case 'whole-too-soon':
      return { ...env, transport: wholeTooSoon(env.transport) };
    case 'lost-retry':
      return { ...env, transport: swallowingFailures(env.transport) };
    case 'fence-ignored':
      return { ...env, transport: ignoringFences(env.transport) };
    case 'settled-ahead':
      return { ...env, transport: settlingAhead(env.transport) };
    case 'brought-as-news':
      // What comes of it is made good where other owners are asked.
      return { ...env, transport: withoutBroughtMark(withoutRangePoints(env.transport)) };
    case 'unclear-unasked':
      return { ...env, transport: withoutRangePoints(env.transport) };
    case 'ended-well':
      return { ...env, disk: endingWell(env.disk) };
    case 'sent-again':
      return { ...env, outbound: sendingAgain(env.outbound) };
    case 'broken-stream-ends':
      return { ...env, transport: endingBrokenStreams(env.transport) };
    case 'ends-shifted':
      return { ...env, transport: shiftingEnds(env.transport) };
    case 'broken-run-ends':
      return { ...env, transport: endingBrokenRuns(env.transport) };
    case 'groups-untold':
      return {
        ...env,
        transport: tellingOfShares(env.transport, ({ planned }) => ({ planned, groups: [] })),
      };
    case 'schemas-untold':
      return {
        ...env,
        transport: tellingOfShares(env.transport, ({ groups }) => ({ planned: '', groups })),
      };
    case 'deletes-forgotten':
      return { ...env, transport: forgettingDeletes(env.transport) };
    case 'memory-trusted':
      return { ...env, transport: trustingMemory(env.transport) };
    case 'lists-held':
      return { ...env, transport: holdingMarks(env.transport) };
    case 'drop-unheard':
      return { ...env, transport: hearingAtOnce(env.transport) };
    case 'pledge-untold':
      return { ...env, transport: endingAlone(env.transport) };
    case 'pledge-held':
      return { ...env, transport: holdingPledges(env.transport) };
    case 'pledge-outlived':
      return { ...env, transport: outlivingPledges(env.transport) };
    case 'pledge-forgotten':
      return { ...env, disk: forgettingPledgeHolders(env.disk) };
    case 'pledge-unrecorded':
      return { ...env, disk: withoutPledgeHolders(env.disk) };
    case 'kill-unheard':
      return { ...env, transport: waitingToTheEnd(env.transport) };
    case 'hints-backwards':
      return { ...env, transport: sendingBackwards(env.transport) };
    case 'lent-too-early':
      return { ...env, transport: lendingTooEarly(env.transport, env.clock) };
    case 'marks-ahead':
      return { ...env, transport: markingAhead(env.transport) };
    case 'reads-unsettled':
      return { ...env, transport: readingAtOnce(env.transport) };
    case 'command-applied-twice':
      return { ...env, transport: forgettingCommands(env.transport) };
    default:
      return env;
  }
}

/** What a storage engine gets, with the bug in it. */
export function plantedEngine(ports: EnginePorts, plant: Plant | undefined): EnginePorts {
  const { disk } = ports;
  switch (plant) {
    case 'ack-before-fsync':
      return { ...ports, disk: withoutAnySync(disk) };
    case 'segments-forgotten':
      return { ...ports, disk: forgettingSegments(disk) };
    case 'table-not-synced':
      return { ...ports, disk: withoutTableSync(disk) };
    case 'log-released-early':
      return { ...ports, disk: droppingLogsEarly(disk) };
    case 'failures-forgotten':
      return { ...ports, disk: forgettingFailures(disk) };
    case 'damage-forgotten':
      return { ...ports, disk: withoutMarks(disk) };
    case 'folder-not-missed':
      return { ...ports, disk: withoutRoster(disk) };
    case 'flush-loses-in-flight':
      return { ...ports, disk: markingTooMuch(disk) };
    default:
      return ports;
  }
}
