import { StepSender, type GivenAnswer, type SentStep } from '../../send-step.ts';
import { ClusterSender } from '../cluster-sender.ts';
import { RandomChoice } from '../random-choice.ts';
import { differenceOf, send, verdictOf, type FreshOutcome, type FreshUrls } from '../run-fresh.ts';
import { againWrites, firstWrites, largeDeletes, laterWrites, type LargeWrite } from './large-data.ts'; // prettier-ignore
import { largeCopy, largeQuestion } from './large-questions.ts';
import { trickle } from './large-trickle.ts';
import { slid } from './large-bounds.ts';

export interface LargeOptions {
  readonly seed: number;
  /** Questions of each phase. */
  readonly count: number;
  readonly copyCount: number;
  readonly restart: (how: 'as it was' | 'compacting') => Promise<void>;
  readonly onPhase: (name: string) => void;
}

/** What an outcome says whose two answers are both ours. */
const againText = 'asked again: ';
const database = 'large';
const copyShare = 0.04;
const atOnceCount = 6;
/** Of an answer that is kept. */
const keptLengthMax = 1 << 20;

type Sender = Pick<StepSender, 'send'>;

/**
 * Writes the large data to servers, all empty, phase by phase, and asks each phase's questions: ours twice each and of some bounds one after the
 * other, in which case the answers of both times have to be the same bytes.
 */
export async function* runLarge(
  urls: FreshUrls,
  options: LargeOptions,
): AsyncGenerator<FreshOutcome> {
  const ours = new ClusterSender(urls.ours);
  const theirs = new StepSender(urls.theirs);
  const second = urls.second === undefined ? undefined : new StepSender(urls.second);
  const asker = new Asker(ours, theirs, second);
  try {
    const { seed } = options;
    for (const text of setup(options.copyCount)) yield* asker.change(text);
    for (const { name, prepare, label = name } of phasesOf(options, asker)) {
      options.onPhase(name);
      yield* prepare();
      options.onPhase(`${name}: questions`);
      const random = new RandomChoice(seed, `questions ${label}`);
      yield* questions(asker, random, options.count);
      options.onPhase(`${name}: questions at once`);
      yield* asker.atOnce(random);
    }
    options.onPhase('trickle');
    yield* trickled(asker, seed);
  } finally {
    ours.close();
    theirs.close();
    second?.close();
  }
}

interface Phase {
  readonly name: string;
  readonly prepare: () => AsyncGenerator<FreshOutcome>;
  /** Of its questions, where they are those of another phase. */
  readonly label?: string;
}

function phasesOf({ seed, restart }: LargeOptions, asker: Asker): readonly Phase[] {
  const written = (writes: Iterable<LargeWrite>) => () => asker.write([...writes], seed);
  const restarted = (how: 'as it was' | 'compacting') =>
    async function* (): AsyncGenerator<FreshOutcome> {
      await restart(how);
    };
  return [
    { name: 'first', prepare: written(firstWrites(seed)) },
    { name: 'more', prepare: written(laterWrites(seed)) },
    {
      name: 'deleted',
      prepare: async function* () {
        for (const text of largeDeletes(seed)) yield* asker.change(text);
      },
    },
    { name: 'written behind deletes', prepare: written(againWrites(seed, 'behind')) },
    { name: 'restarted', label: 'written behind deletes', prepare: restarted('as it was') },
    {
      name: 'compacted',
      label: 'written behind deletes',
      prepare: async function* () {
        yield* restarted('compacting')();
        // What is written from now on stays in memory.
        yield* restarted('as it was')();
      },
    },
    { name: 'written again', prepare: written(againWrites(seed, 'again')) },
  ];
}

function setup(copyCount: number): readonly string[] {
  const copies = `REPLICATION ${copyCount}`;
  return [
    `CREATE DATABASE ${database} WITH DURATION INF ${copies} SHARD DURATION 1d NAME autogen`,
    `CREATE RETENTION POLICY hourly ON ${database} DURATION INF ${copies} SHARD DURATION 1h`,
    `CREATE RETENTION POLICY ages ON ${database} DURATION INF ${copies} SHARD DURATION 10000w`,
  ];
}

async function* questions(
  asker: Asker,
  random: RandomChoice,
  count: number,
): AsyncGenerator<FreshOutcome> {
  for (let i = 0; i < count; i++) {
    if (random.chance(copyShare)) {
      const [change, question, undo] = largeCopy(random);
      yield* asker.change(change);
      yield* asker.ask(question, formOf(random));
      yield* asker.change(undo);
      continue;
    }
    const { bounds, slideNs, text } = largeQuestion(random);
    const form = formOf(random);
    const times = random.of([1, 1, 1, 3]);
    for (let time = 0; time < times; time++)
      yield* asker.ask(text(slid(bounds, slideNs * BigInt(time))), form);
  }
}

async function* trickled(asker: Asker, seed: number): AsyncGenerator<FreshOutcome> {
  const random = new RandomChoice(seed, 'forms');
  for (const step of trickle(seed))
    if (step.kind === 'write') yield* asker.write([step.write], seed);
    else if (step.kind === 'change') yield* asker.change(step.text);
    else yield* asker.ask(step.text, random.chance(0.7) ? plainForm : formOf(random));
}

const plainForm = { params: { epoch: 'ns' }, headers: {}, method: 'GET' } as const;

type Form = Pick<SentStep, 'params' | 'headers' | 'method'>;

function formOf(random: RandomChoice): Form {
  const params: Record<string, string> = {};
  if (random.chance(0.8)) params['epoch'] = random.of(['ns', 'ns', 'ns', 'u', 'ms', 's', 'm', 'h']);
  if (random.chance(0.12)) {
    params['chunked'] = 'true';
    if (random.chance(0.7)) params['chunk_size'] = random.of(['1', '7', '999', '1000', '1001', '25000']); // prettier-ignore
  }
  if (random.chance(0.03)) params['pretty'] = 'true';
  const accept = random.maybe(0.15, () => random.of(['application/csv', 'application/x-msgpack']));
  const headers = accept === '' ? {} : { Accept: accept };
  return { params, headers, method: random.of(['GET', 'POST']) };
}

/** Gives the same to all servers. */
class Asker {
  readonly #ours: ClusterSender;
  readonly #theirs: Sender;
  readonly #second: Sender | undefined;
  /** Since the last change. */
  #answered: FreshOutcome[] = [];

  constructor(ours: ClusterSender, theirs: Sender, second: Sender | undefined) {
    this.#ours = ours;
    this.#theirs = theirs;
    this.#second = second;
  }

  /** What changes something is done by all of them, once; throws where they disagree over that, as all that follows would tell it again. */
  async *change(text: string): AsyncGenerator<FreshOutcome> {
    this.#answered = [];
    const step: SentStep = { method: 'POST', path: '/query', params: { db: database, q: text }, headers: {} }; // prettier-ignore
    const [own, other] = await Promise.all([send(this.#ours, step), send(this.#theirs, step), this.#toSecond(step)]); // prettier-ignore
    const difference = differenceOf(own, other, 'change');
    const statement = { kind: 'change', text } as const;
    const verdict = difference === undefined ? 'agree' : 'differ';
    yield { statement, step, ours: own, theirs: other, difference, verdict };
  }

  async *write(writes: readonly LargeWrite[], seed: number): AsyncGenerator<FreshOutcome> {
    this.#answered = [];
    const shuffled = new RandomChoice(seed, 'order').shuffled(writes);
    for (const [i, write] of writes.entries()) {
      const step = writeStep(write);
      const [own, other] = await Promise.all([send(this.#ours, step), send(this.#theirs, step), this.#toSecond(writeStep(shuffled[i]!))]); // prettier-ignore
      if (own.status !== 204 || other.status !== 204)
        throw new Error(`a write is refused: ${own.text} ${other.text}`);
    }
    yield* [];
  }

  async *ask(text: string, { params, headers, method }: Form): AsyncGenerator<FreshOutcome> {
    const step: SentStep = { method, path: '/query', params: { ...params, db: database, q: text }, headers }; // prettier-ignore
    const [own, other] = await Promise.all([send(this.#ours.reader, step), send(this.#theirs, step)]); // prettier-ignore
    const difference = differenceOf(own, other, 'large');
    const chance = difference === undefined ? [] : await this.#chances(step);
    const answers = { statement: { kind: 'large', text } as const, step, ours: own, theirs: other, difference }; // prettier-ignore
    const verdict = verdictOf(answers, chance, { isCluster: this.#ours.isCluster, hasTies: false });
    yield { ...answers, verdict };
    if (own.text.length < keptLengthMax) this.#answered.push({ ...answers, verdict });
    const again = await send(this.#ours.reader, step);
    const changed = againDifference(again, own);
    if (changed !== undefined)
      yield { ...answers, ours: again, theirs: own, difference: againText + changed, verdict: 'differ' }; // prettier-ignore
  }

  /** What was asked one by one since the last change, by several at once: ours, which has to say the same. */
  async *atOnce(random: RandomChoice): AsyncGenerator<FreshOutcome> {
    const left = random.shuffled(this.#answered);
    const senders = Array.from({ length: atOnceCount }, () => this.#ours.another());
    const found: FreshOutcome[] = [];
    await Promise.all(
      senders.map(async (sender) => {
        for (let one = left.pop(); one !== undefined; one = left.pop()) {
          const again = await send(sender.reader, one.step);
          const difference = againDifference(again, one.ours);
          if (difference !== undefined) found.push({ ...one, ours: again, theirs: one.ours, difference: `at once: ${difference}`, verdict: 'differ' }); // prettier-ignore
        }
      }),
    );
    for (const sender of senders) sender.close();
    yield* found;
  }

  async #chances(step: SentStep): Promise<readonly GivenAnswer[]> {
    const answers: GivenAnswer[] = [];
    if (this.#second === undefined) return answers;
    for (const sender of [this.#theirs, this.#second, this.#second])
      answers.push(await send(sender, step));
    return answers;
  }

  #toSecond(step: SentStep): Promise<GivenAnswer | undefined> {
    return this.#second === undefined ? Promise.resolve(undefined) : send(this.#second, step);
  }
}

/** Two answers of ours have the same bytes. */
function againDifference(again: GivenAnswer, own: GivenAnswer): string | undefined {
  if (again.text === own.text) return undefined;
  return differenceOf(again, own, 'large') ?? 'other bytes';
}

function writeStep({ policy, body }: LargeWrite): SentStep {
  const rp = policy === undefined ? {} : { rp: policy };
  return { method: 'POST', path: '/write', params: { db: database, consistency: 'all', ...rp }, headers: {}, text: body }; // prettier-ignore
}
