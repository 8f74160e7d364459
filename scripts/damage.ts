/**
 * `npm run damage -- [--only PATTERN] [--killed]`: of two data nodes with two copies one is stopped, or killed, and each of its files is damaged in
 * each way (test/damage/ways.ts), one after the other. Started so, and once more after a kill, it answers right, or with an error, or does not
 * start and names a file; no answer is wrong, and nothing ends in a stack. Of hints that are lost the other node's answers are right too, as it is
 * read last. `--only` takes files whose names match.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DamageCluster, type Started } from '../test/damage/damage-cluster.ts';
import { waysOf, type Way } from '../test/damage/ways.ts';
import { eventually } from '../test/support/dev-cluster.ts';

/** What is told of it takes seconds to get around. */
const toldMsMax = 45_000;
/** A list of names may have such that are gone, until the next delete or rebuild of the index (decision 112). */
const mayName = { file: /\.gone$/, way: 'removed', statement: /SHOW (SERIES|TAG VALUES)/ };

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    killed: { type: 'boolean', default: false },
    'port-offset': { type: 'string', default: '13300' },
  },
});
const cluster = new DamageCluster(Number(options['port-offset']));
const counts = { right: 0, refused: 0, 'does not start': 0, wrong: 0 };
type Verdict = keyof typeof counts;

try {
  const whole = await cluster.prepare(options.killed);
  const files = cluster.files.filter((name) => new RegExp(options.only).test(name));
  for (const file of files)
    for (const way of waysOf(join(cluster.whole, file), join(cluster.earlier, file))) {
      const [verdict, why] = await judge(file, way, whole);
      counts[verdict]++;
      print(`${verdict.padEnd(14)} ${file} ${way.name}: ${why}`);
    }
  print(Object.entries(counts).map(([verdict, count]) => `${count} ${verdict}`).join(', ')); // prettier-ignore
  process.exitCode = counts.wrong > 0 ? 1 : 0;
} finally {
  await cluster.stop();
}

async function judge(
  file: string,
  way: Way,
  whole: readonly string[],
): Promise<readonly [Verdict, string]> {
  // prettier-ignore
  cluster.restore(2);
  way.apply(join(cluster.folder, file));
  const found: (readonly [Verdict, string])[] = [];
  for (let start = 0; start < 2; start++) {
    const started = await cluster.start(2);
    if (started.exit !== undefined) return refusalOf(started);
    found.push(hasStack(started) ? ['wrong', started.log] : compare(await cluster.answers(2), whole, [file, way.name])); // prettier-ignore
    if (start === 0 && file.startsWith('hh/')) found.push(await checkOther(whole));
    await cluster.kill(2);
  }
  return (
    found.find(([verdict]) => verdict === 'wrong') ?? found[0] ?? ['wrong', 'it was not asked']
  );
}

function refusalOf({ log }: Started): readonly [Verdict, string] {
  const [last = ''] = log.trim().split('\n').filter((line) => line.startsWith('run: ')).slice(-1); // prettier-ignore
  const isClear = last.includes(cluster.folder) && !hasStack({ log });
  return [isClear ? 'does not start' : 'wrong', last === '' ? log : last];
}

function hasStack({ log }: Pick<Started, 'log'>): boolean {
  return /\n\s+at /.test(log);
}

function compare(
  answers: readonly string[],
  whole: readonly string[],
  [file, way]: readonly [file: string, way: string],
): readonly [Verdict, string] {
  const errors = new Set<string>();
  for (const [i, answer] of answers.entries()) {
    const statement = cluster.statement(i);
    const mayDiffer = mayName.file.test(file) && way === mayName.way && mayName.statement.test(statement); // prettier-ignore
    if (answer === whole[i] || mayDiffer) continue;
    const [, error] = /"error":"([^"]*)"/.exec(answer) ?? [];
    if (error === undefined) return ['wrong', `${statement} has ${answer.length} bytes, not ${whole[i]?.length}`]; // prettier-ignore
    errors.add(error);
  }
  return errors.size === 0 ? ['right', ''] : ['refused', [...errors].join('; ')];
}

/** The first node runs again, with what it had as it was stopped. */
async function checkOther(whole: readonly string[]): Promise<readonly [Verdict, string]> {
  cluster.restore(1);
  await cluster.start(1);
  let found: readonly [Verdict, string] = ['wrong', ''];
  await eventually(async () => {
    const held = await cluster.heldByBoth(1);
    found = compare(held, whole, ['', '']);
    if (found[0] !== 'right') throw new Error(found[1]);
  }, toldMsMax).catch(() => undefined);
  await cluster.kill(1);
  return found;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
