/**
 * `npm run sim -- --seed S --count N`: runs clusters under random faults, one seed after the other, and prints how often
 * each kind of fault struck; it fails when one never did. `--planted` searches a seed that catches each planted bug
 * instead. `--trace` prints the trace; `--seconds` shortens the time of faults, for a look at one seed.
 */
import { parseArgs } from 'node:util';
import { eventKinds } from '../test/sim/cluster/events.ts';
import { plants } from '../test/sim/cluster/plants.ts';
import { runElections } from '../test/sim/cluster/run-elections.ts';
import { runPlanted } from '../test/sim/cluster/run-planted.ts';
import { runSeed, type SeedResult } from '../test/sim/cluster/run-seed.ts';
import { faultKinds } from '../test/sim/world/faults.ts';

/** What a seed has to have been through to count. */
const acknowledgedMin = 200;
const faultsMsMin = 60_000;
/** Kinds of other scenarios: flipped bits are turned over one by one in the tests of storage and its log. */
const struckElsewhere: readonly string[] = ['bit_flip'];
/** Below this a kind of fault may be missing by chance. */
const seedsForEveryFault = 5;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '60' },
    planted: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed);
const count = Number(values.count);
const faultsMs = Number(values.seconds) * 1_000;

if (values.planted) await searchPlants();
else await runAll();

async function runAll(): Promise<void> {
  const results: SeedResult[] = [];
  for (let seed = first; seed < first + count; seed++) {
    try {
      const result = await runOne(seed);
      results.push(result);
      if (count <= 10) process.stdout.write(`seed ${seed}: ${result.acknowledged} acknowledged, ${result.refused} refused, ${result.queries} queries, ${result.statements} statements, trace ${result.traceHash}\n`); // prettier-ignore
    } catch (error) {
      process.stdout.write(`seed ${seed} FAILED: ${error instanceof Error ? error.stack : String(error)}\n  replay: npm run sim -- --seed ${seed} --count 1 --seconds ${values.seconds}\n`); // prettier-ignore
    }
  }
  const never = [
    ...printCounts('faults', faultKinds, (result, kind) => result.faults[kind], results),
    ...printCounts('events', eventKinds, (result, kind) => result.events[kind], results),
  ];
  const sum = (of: (result: SeedResult) => number) => results.reduce((all, one) => all + of(one), 0); // prettier-ignore
  process.stdout.write(`${results.length} of ${count} seeds passed, ${sum((one) => one.acknowledged)} writes acknowledged, ${sum((one) => one.queries)} queries answered, ${sum((one) => one.statements)} statements\n`); // prettier-ignore
  const isThin = never.length > 0 && count >= seedsForEveryFault;
  if (never.length > 0) process.stdout.write(`never happened: ${never.join(', ')}\n`);
  process.exitCode = results.length < count || isThin ? 1 : 0;
}

async function runOne(seed: number): Promise<SeedResult> {
  const onTrace = (line: string): void => void process.stdout.write(`${line}\n`);
  const result = await runSeed(seed, { faultsMs, ...(values.trace && { onTrace }) });
  await runElections(seed);
  if (faultsMs < faultsMsMin) return result;
  if (result.faultsMs < faultsMsMin) throw new Error(`faults for ${result.faultsMs} ms only`);
  if (result.acknowledged < acknowledgedMin)
    throw new Error(`only ${result.acknowledged} writes were acknowledged`);
  return result;
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
  return kinds.filter((kind, i) => sums[i] === 0 && !struckElsewhere.includes(kind));
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
