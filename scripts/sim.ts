/**
 * `npm run sim -- --seed S --count N`: runs clusters under random faults, a seed in each of `--jobs` processes (one for
 * each core when left out), and prints how often each kind of fault struck; it fails when one never did. `--planted`
 * searches a seed that catches each planted bug instead. `--of backups` (copies, full-copies, leaves, plans, repairs, wiped) runs what moves, mends and saves
 * shards, `--of store` and `--of planner` one shard of one store, seed after seed, with what each has been through. `--trace` prints the trace; `--seconds` shortens the time of
 * faults, for a look at one seed. A run that is ended by a signal prints the sums of the seeds that have ended.
 */
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { parseArgs } from 'node:util';
import { eventKinds } from '../test/sim/cluster/events.ts';
import { judgeSeed, type JudgeOptions, type Outcome } from '../test/sim/cluster/judge-seed.ts';
import { runBackups } from '../test/sim/cluster/run-backups.ts';
import { runCopies } from '../test/sim/cluster/run-copies.ts';
import { runFullCopies } from '../test/sim/cluster/run-full-copies.ts';
import { runLeaves } from '../test/sim/cluster/run-leaves.ts';
import { runPlans } from '../test/sim/cluster/run-plans.ts';
import { runRepairs } from '../test/sim/cluster/run-repairs.ts';
import { runWiped } from '../test/sim/cluster/run-wiped.ts';
import { runPlanner } from '../test/sim/store/run-planner.ts';
import { runStore } from '../test/sim/store/run-store.ts';
import { plants } from '../test/sim/cluster/plants.ts';
import { runPlanted } from '../test/sim/cluster/run-planted.ts';
import type { SeedResult } from '../test/sim/cluster/run-seed.ts';
import { runSeedProcesses, serveSeeds } from '../test/sim/cluster/seed-processes.ts';
import { faultKinds } from '../test/sim/world/faults.ts';

const loadRuns: Readonly<Record<string, (seed: number, options: JudgeOptions) => Promise<object>>> =
  {
    backups: runBackups,
    copies: runCopies,
    'full-copies': runFullCopies,
    leaves: (seed) => runLeaves(seed),
    planner: (seed) => runPlanner(seed),
    plans: runPlans,
    repairs: runRepairs,
    store: (seed) => runStore(seed),
    wiped: runWiped,
  };
/** Below this a kind of fault may be missing by chance. */
const seedsForEveryFault = 5;
/** With more seeds than these only the failed ones get a line. */
const linesMax = 10;
/** A long run says after so many how far it is. */
const seedsPerSum = 50;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '60' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    planted: { type: 'boolean', default: false },
    of: { type: 'string', default: '' },
    trace: { type: 'boolean', default: false },
    /** What this program passes to the processes it starts. */
    child: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed);
const count = Number(values.count);
const jobCount = values.trace ? 1 : Math.max(1, Number(values.jobs));
const judgeOptions: JudgeOptions = {
  faultsMs: Number(values.seconds) * 1_000,
  ...(values.trace && { onTrace: (line: string) => void process.stdout.write(`${line}\n`) }),
};

// The memories of engines that died are large and hardly touched: to collect the garbage for the sake of each costs a
// third of the time.
setFlagsFromString('--external-memory-accounted-in-global-limit');
if (values.child) serveSeeds(judgeOptions);
else if (values.planted) await searchPlants();
else if (values.of !== '') await runLoads(values.of);
else await runAll();

async function runAll(): Promise<void> {
  const seeds = Array.from({ length: count }, (_, i) => first + i);
  const results: SeedResult[] = [];
  const failedSeeds: number[] = [];
  const onOutcome = (outcome: Outcome): void => {
    if ('result' in outcome) results.push(outcome.result);
    else failedSeeds.push(outcome.seed);
    print(outcome);
    const endedCount = results.length + failedSeeds.length;
    if (endedCount % seedsPerSum === 0 && endedCount < count)
      process.stdout.write(`${endedCount} of ${count} ended, ${failedSeeds.length} failed\n`);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      process.exit(printSums(results, failedSeeds));
    });
  if (jobCount === 1 || count === 1)
    for (const seed of seeds) onOutcome(await judgeSeed(seed, judgeOptions));
  else {
    const childArguments = ['--child', '--seconds', values.seconds];
    await runSeedProcesses(seeds, { program: import.meta.filename, childArguments, jobCount, onOutcome }); // prettier-ignore
  }
  process.exitCode = printSums(results, failedSeeds);
}

/** Prints what all seeds that have ended have been through; gives the exit code. */
function printSums(results: readonly SeedResult[], failedSeeds: readonly number[]): number {
  const endedCount = results.length + failedSeeds.length;
  const never = [
    ...printCounts('faults', faultKinds, (result, kind) => result.faults[kind], results),
    ...printCounts('events', eventKinds, (result, kind) => result.events[kind], results),
  ];
  const sum = (of: (result: SeedResult) => number) => results.reduce((all, one) => all + of(one), 0); // prettier-ignore
  const end = endedCount < count ? ` (ended before the other ${count - endedCount})` : '';
  process.stdout.write(`${results.length} of ${endedCount} seeds passed${end}, ${sum((one) => one.acknowledged)} writes acknowledged, ${sum((one) => one.queries)} queries answered, ${sum((one) => one.ownReads)} writes read back, ${sum((one) => one.deletes)} deletes, ${sum((one) => one.statements)} statements, ${sum((one) => one.windows)} runs of continuous queries, ${sum((one) => one.delivered)} lines at subscribers, ${sum((one) => one.inOrder)} hints in order, ${sum((one) => one.equal)} shards with equal owners\n`); // prettier-ignore
  const isThin = never.length > 0 && endedCount >= seedsForEveryFault;
  if (never.length > 0) process.stdout.write(`never happened: ${never.join(', ')}\n`);
  if (failedSeeds.length > 0) process.stdout.write(`failed: ${failedSeeds.join(', ')}\n`);
  return failedSeeds.length > 0 || isThin || endedCount < count ? 1 : 0;
}

async function runLoads(name: string): Promise<void> {
  const run = Object.hasOwn(loadRuns, name) ? loadRuns[name] : undefined;
  if (run === undefined) throw new Error(`--of is one of ${Object.keys(loadRuns).join(', ')}`);
  for (let seed = first; seed < first + count; seed++) {
    try {
      process.stdout.write(`seed ${seed}: ${JSON.stringify(await run(seed, judgeOptions))}\n`);
    } catch (error) {
      process.exitCode = 1;
      const replay = `npm run sim -- --of ${name} --seed ${seed} --count 1 --seconds ${values.seconds}`;
      process.stdout.write(`seed ${seed} FAILED: ${error instanceof Error ? String(error.stack) : String(error)}\n  replay: ${replay}\n`); // prettier-ignore
    }
  }
}

function print(outcome: Outcome): void {
  const { seed } = outcome;
  if ('failure' in outcome)
    process.stdout.write(`seed ${seed} FAILED: ${outcome.failure}\n  replay: npm run sim -- --seed ${seed} --count 1 --seconds ${values.seconds}\n`); // prettier-ignore
  else if (count <= linesMax) {
    const { acknowledged, refused, queries, statements, traceHash } = outcome.result;
    process.stdout.write(`seed ${seed}: ${acknowledged} acknowledged, ${refused} refused, ${queries} queries, ${statements} statements, trace ${traceHash}\n`); // prettier-ignore
  }
}

/** Prints a line of sums; gives the kinds that are 0. */
function printCounts<Kind extends string>(
  title: string,
  kinds: readonly Kind[],
  of: (result: SeedResult, kind: Kind) => number,
  results: readonly SeedResult[],
): readonly Kind[] {
  const sums = kinds.map((kind) => results.reduce((sum, result) => sum + of(result, kind), 0));
  const text = kinds.map((kind, i) => `${kind} ${sums[i] ?? 0}`).join(', ');
  process.stdout.write(`${title}: ${text}\n`);
  return kinds.filter((_kind, i) => sums[i] === 0);
}

async function searchPlants(): Promise<void> {
  for (const plant of plants) {
    let caught = '';
    for (let seed = first; seed < first + count && caught === ''; seed++) {
      await runPlanted(seed, plant).catch((error: unknown) => {
        caught = `seed ${seed}: ${error instanceof Error ? error.message : String(error)}`;
      });
    }
    process.stdout.write(`${plant}: ${caught === '' ? `not caught in ${count} seeds` : caught}\n`);
    if (caught === '') process.exitCode = 1;
  }
}
