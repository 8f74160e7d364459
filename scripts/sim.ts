/**
 * `npm run sim -- --seed S --count N`: runs clusters under random faults, one seed after the other, and prints how often
 * each kind of fault struck. `--planted` searches a seed that catches each planted bug instead. `--trace` prints one
 * seed's trace.
 */
import { parseArgs } from 'node:util';
import { plants } from '../test/sim/cluster/plants.ts';
import { runElections } from '../test/sim/cluster/run-elections.ts';
import { runPlanted } from '../test/sim/cluster/run-planted.ts';
import { runSeed } from '../test/sim/cluster/run-seed.ts';
import { faultKinds } from '../test/sim/world/faults.ts';

/** Kinds of fault that this scenario has; the others are of the storage scenarios. */
const expectedKinds = ['crash', 'lost_unsynced', 'torn_write', 'partition', 'loss', 'duplicate', 'delay', 'reorder', 'clock_jump', 'io_error'] as const; // prettier-ignore
const acknowledgedMin = 200;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '20' },
    planted: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed);
const count = Number(values.count);

if (values.planted) await searchPlants();
else await runAll();

async function runAll(): Promise<void> {
  const totals = new Map<string, number>(faultKinds.map((kind) => [kind, 0]));
  let acknowledged = 0;
  let queries = 0;
  let failures = 0;
  for (let seed = first; seed < first + count; seed++) {
    try {
      const onTrace = (line: string): void => void process.stdout.write(`${line}\n`);
      const result = await runSeed(seed, values.trace ? { onTrace } : {});
      await runElections(seed);
      acknowledged += result.acknowledged;
      queries += result.queries;
      for (const kind of faultKinds)
        totals.set(kind, (totals.get(kind) ?? 0) + result.faults[kind]);
      if (result.acknowledged < acknowledgedMin)
        throw new Error(`only ${result.acknowledged} writes were acknowledged`);
      if (count <= 10) process.stdout.write(`seed ${seed}: ${result.acknowledged} acknowledged, ${result.refused} refused, ${result.queries} queries, trace ${result.traceHash}\n`); // prettier-ignore
    } catch (error) {
      failures++;
      process.stdout.write(`seed ${seed} FAILED: ${error instanceof Error ? error.stack : String(error)}\n  replay: npm run sim -- --seed ${seed} --count 1\n`); // prettier-ignore
    }
  }
  const struck = [...totals].map(([kind, times]) => `${kind} ${times}`).join(', ');
  process.stdout.write(`faults: ${struck}\n`);
  const never = expectedKinds.filter((kind) => totals.get(kind) === 0);
  if (never.length > 0) process.stdout.write(`faults that never struck: ${never.join(', ')}\n`);
  process.stdout.write(`${count - failures} of ${count} seeds passed, ${acknowledged} writes acknowledged, ${queries} queries answered\n`); // prettier-ignore
  process.exitCode = failures > 0 || never.length > 0 ? 1 : 0;
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
