import { MiB } from '../../../src/base/units.ts';
import { RandomChoice } from '../../conformance/fresh/random-choice.ts';
import { tagTerm } from '../../conformance/fresh/random-clauses.ts';
import { freshMeasurements } from '../../conformance/fresh/random-data.ts';
import { ClusterWorld } from './cluster-world.ts';
import { answersDiffer } from './compare-answers.ts';
import type { Plant } from './plants.ts';
import { ask } from './read-rows.ts';
import { compare, fill, type Layout } from './run-answers.ts';

type Crashing = Pick<ClusterWorld, 'world' | 'data'> & { readonly crash: (name: string) => void };

/** Of each a copy is left when one node is down. */
const names: readonly Layout[] = ['everywhere', 'twice'];
const deletesCount = 6;
const interruptedCount = 12;
/** As the HTTP API holds back of an answer: until then a node that fails is read around. */
const heldBytes = MiB;

export interface ChangedAnswers {
  /** Of the deletes that were asked. */
  readonly deletes: number;
  /** Answers while a node went down. */
  readonly interrupted: number;
}

/** What is asked after deletes and while nodes go down: rows and windows of everything. */
const questions = freshMeasurements
  .filter(({ name }) => name !== 'mixed')
  .flatMap(({ name }) => [
    `SELECT * FROM "${name}" GROUP BY *`,
    `SELECT count(*) FROM "${name}"`,
    `SELECT * FROM "${name}"`,
  ]);

/** A DELETE by a name that is a field as well is refused. */
const deletable = freshMeasurements.filter(
  ({ name, tags }) => name !== 'mixed' && name !== 'odd name' && tags.length > 0,
);

/**
 * Answers over data that changes and nodes that fail: what a DELETE takes is gone from every node over every layout, and an
 * answer that a crash falls into is the one from before. Rejects where it is not.
 */
export async function runChangedAnswers(
  seed: number,
  options: { readonly plant?: Plant } = {},
): Promise<ChangedAnswers> {
  const cluster = new ClusterWorld(seed, options);
  const { world, data } = cluster;
  await cluster.form();
  const first = data.get('d1');
  if (first === undefined) throw new Error('d1 is down');
  for (const name of names) await fill(cluster, first, { name, seed });
  await deleteSome(cluster, new RandomChoice(seed, 'deletes'));
  await compare(
    cluster,
    questions.map((text) => ({ kind: 'raw', text })),
    names,
  );
  const random = new RandomChoice(seed, 'interrupted');
  const crash = (name: string): void => {
    cluster.crash(name, 1_000);
  };
  for (let i = 0; i < interruptedCount; i++) {
    await interrupted({ world, data, crash }, random);
    await world.run(world.nowMs + 8_000);
  }
  return { deletes: deletesCount * names.length, interrupted: interruptedCount };
}

/** Each statement at a node of its own choice; then nothing of what it named is there, whatever node is asked. */
async function deleteSome(cluster: ClusterWorld, random: RandomChoice): Promise<void> {
  const { world, data } = cluster;
  for (let i = 0; i < deletesCount; i++) {
    const measurement = random.of(deletable);
    const rest = ` FROM "${measurement.name}" WHERE ${tagTerm(random, measurement)}`;
    for (const name of names) {
      const said = await world.complete(ask(random.of([...data.values()]), `DELETE${rest}`, name));
      if (typeof said === 'string') throw new Error(`DELETE${rest}: ${said}`);
      for (const [machine, node] of data) {
        const left = await world.complete(ask(node, `SELECT count(*)${rest}`, name));
        if (typeof left === 'string' || left.length > 0)
          throw new Error(`${machine} has rows of ${name} after DELETE${rest}`);
      }
    }
  }
}

/**
 * An answer while a node goes down that is not asked, at any moment that the same answer took before; it is checked against
 * that one. Each shard has two owners here: some are read from the node that goes down, and then from the other one.
 */
async function interrupted({ world, data, crash }: Crashing, random: RandomChoice): Promise<void> {
  const [asked, victim] = random.shuffled([...data.keys()]);
  const node = data.get(asked ?? '');
  if (node === undefined || victim === undefined) throw new Error('two nodes are down');
  const text = random.of(questions);
  const startMs = world.nowMs;
  const right = await world.complete(ask(node, text, 'twice'));
  world.schedule(random.integer(0, Math.ceil(world.nowMs - startMs)), () => {
    crash(victim);
  });
  const answer = await world.complete(ask(node, text, 'twice', heldBytes));
  const difference = answersDiffer(answer, right);
  if (difference !== undefined)
    throw new Error(`${text} at ${asked ?? ''} while ${victim} went down: ${difference}`);
}
