import type { SentStep } from '../send-step.ts';
import type { RandomChoice } from './random-choice.ts';

/** Beside the ends of hours, of days and of time. */
const hourNs = 3_600_000_000_000n;
const baseNs = 946_684_800_000_000_000n;
const corners: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 5n, 23n, 24n, 25n, 48n, 168n].flatMap((hours) => [-1n, 0n, 1n].map((more) => baseNs + hours * hourNs + more)), // prettier-ignore
  -9_223_372_036_854_775_806n,
  -9_223_372_036_854_775_805n,
  -1n,
  0n,
  1n,
  9_223_372_036_854_775_805n,
  9_223_372_036_854_775_806n,
];
const lengths = ['1h', '2h', '3h', '1d', '25h', '1w'];
const values = ['1', '2.5', '-0.5', '7i', '9223372036854775807i', '"x"', '"a, b"', 't', 'false'];
const wideCount = 1_000;

/** One thing that is asked of every node, or done by one. */
export type LifeStep =
  | { readonly kind: 'change'; readonly text: string; readonly step: SentStep }
  | { readonly kind: 'raw'; readonly text: string; readonly step: SentStep };

/**
 * The life of a database with policies a and b: it is made, dropped and made again under its points, lengths of shards change, points
 * go from policy to policy with fields of other types, shards are dropped; and what is left each time.
 */
export function databaseLife(
  random: RandomChoice,
  { copyCount, hasOneType }: { readonly copyCount: number; readonly hasOneType: boolean },
): readonly LifeStep[] {
  const write = hasOneType ? plainWrite : mixedWrite;
  const name = 'life';
  const copies = `REPLICATION ${copyCount}`;
  const made = (): readonly LifeStep[] => [
    change(`CREATE DATABASE ${name} WITH DURATION INF ${copies} SHARD DURATION ${random.of(lengths)} NAME a`),
    change(`CREATE RETENTION POLICY b ON ${name} DURATION INF ${copies} SHARD DURATION ${random.of(lengths)}`),
  ]; // prettier-ignore
  const ends = (): readonly LifeStep[] => [change(`DROP DATABASE ${name}`)];
  const policy = (): string => random.of(['a', 'b']);
  const measurement = (): string => random.of(['m', 'm', 'm', 'n', '"o p"']);
  const field = (): string => random.of(['f', 'f', 'g', 's']);
  const bounds = (): string => {
    const [from = 0n, to = 0n] = [random.of(corners), random.of(corners)].sort((one, other) => (one < other ? -1 : 1)); // prettier-ignore
    return random.of(['', ` WHERE time >= ${from} AND time <= ${to}`, ` WHERE time < ${to}`, ` WHERE time > ${from}`, ` WHERE host = 'a'`, ` WHERE host != 'a' AND time >= ${from}`]); // prettier-ignore
  };
  const into = (): string =>
    random.of([
      `SELECT * INTO ${name}.${policy()}.:MEASUREMENT FROM ${name}.${policy()}././ GROUP BY *`,
      `SELECT ${field()} INTO ${name}.${policy()}.${measurement()} FROM ${name}.${policy()}.${measurement()} GROUP BY *`,
      `SELECT count(${field()}) AS ${hasOneType ? 'g' : field()} INTO ${name}.${policy()}.${measurement()} FROM ${name}.${policy()}.${measurement()}${bounds()} GROUP BY *`,
      `SELECT first(f) AS f, last(g) AS l INTO ${name}.${policy()}.n FROM ${name}.${policy()}.m WHERE time >= ${baseNs - hourNs} AND time < ${baseNs + 30n * hourNs} GROUP BY time(1h), host`,
      `SELECT * INTO changing..:MEASUREMENT FROM ${name}.${policy()}././ GROUP BY *; SELECT count(*) FROM changing.././`,
    ]); // prettier-ignore
  const action = (): readonly LifeStep[] =>
    random.of<() => readonly LifeStep[]>([
      () => [write(random, policy())],
      () => [write(random, policy())],
      () => [write(random, policy())],
      () => [wide(random, policy())],
      () => [change(into())],
      () => [change(into())],
      () => [change(`DELETE FROM ${measurement()}${bounds()}`)],
      () => [change(`DELETE${bounds() || ' WHERE time > 0'}`)],
      () => [change(`DROP MEASUREMENT ${measurement()}`), write(random, policy())],
      () => [change(`DROP SERIES FROM ${measurement()}${random.of(['', " WHERE host = 'a'", " WHERE host != ''"])}`)],
      () => [change(`ALTER RETENTION POLICY ${policy()} ON ${name} SHARD DURATION ${random.of(lengths)}`), write(random, policy())],
      () => [change(`ALTER RETENTION POLICY ${policy()} ON ${name} DEFAULT`)],
      () => [change(`DROP RETENTION POLICY b ON ${name}`), change(`CREATE RETENTION POLICY b ON ${name} DURATION INF ${copies} SHARD DURATION ${random.of(lengths)}`), write(random, 'b')],
      () => [...ends(), ...made(), write(random, policy())],
      () => [change(`DROP DATABASE ${name}; CREATE DATABASE ${name} WITH DURATION INF ${copies} SHARD DURATION 1h NAME a; CREATE RETENTION POLICY b ON ${name} DURATION INF ${copies}`), write(random, policy())],
    ])(); // prettier-ignore
  const asked = (): LifeStep =>
    read(
      random,
      random.of([
        `SELECT * FROM ${name}.${policy()}././${random.maybe(0.5, () => ' GROUP BY *')}`,
        `SELECT ${field()} FROM ${name}.${policy()}.${measurement()}${bounds()} GROUP BY host LIMIT ${random.integer(1, 4)} OFFSET ${random.integer(0, 3)}`,
        `SELECT ${random.of(['count', 'first', 'last', 'min', 'max', 'mode', 'distinct', 'sum', 'mean'])}(${field()}) FROM ${name}.${policy()}.${measurement()}${bounds()}`,
        `SELECT ${random.of(['count', 'first', 'last', 'max', 'mean'])}(${field()}) FROM ${name}.${policy()}.${measurement()} WHERE time >= ${baseNs - hourNs} AND time < ${baseNs + 30n * hourNs} GROUP BY time(${random.of(['10m', '1h', '7h'])}), host fill(${random.of(['previous', 'linear', 'none', 'null', '0'])}) LIMIT ${random.of([3, 40, 200])}`,
        `SELECT /^w9\\d\\d$/ FROM ${name}.${policy()}.wide`,
        `SELECT count(*) FROM ${name}.${policy()}.wide GROUP BY host`,
        `SELECT count(*) FROM ${name}.a././, ${name}.b././`,
        'SHOW MEASUREMENTS',
        'SHOW FIELD KEYS',
        'SHOW SERIES',
        'SHOW TAG VALUES WITH KEY = host',
        `SHOW RETENTION POLICIES ON ${name}`,
        'SHOW SERIES EXACT CARDINALITY',
      ]),
    ); // prettier-ignore
  const middle = Array.from({ length: random.integer(3, 9) }, () => [...action(), asked()]).flat();
  return [...made(), write(random, 'a'), ...middle, ...ends()];
}

function change(text: string): LifeStep {
  const params = { db: 'life', epoch: 'ns', q: text };
  return { kind: 'change', text, step: { method: 'POST', path: '/query', params, headers: {} } };
}

function read(random: RandomChoice, text: string): LifeStep {
  const params: Record<string, string> = { db: 'life', epoch: 'ns', q: text };
  if (random.chance(0.3)) Object.assign(params, { chunked: 'true', chunk_size: random.of(['1', '2', '7', '1000']) }); // prettier-ignore
  const headers = random.chance(0.15) ? { Accept: random.of(['application/csv', 'application/x-msgpack']) } : undefined; // prettier-ignore
  return { kind: 'raw', text, step: { method: 'POST', path: '/query', params, headers: headers ?? {} } }; // prettier-ignore
}

/** Each field has its type. */
function plainWrite(random: RandomChoice, policy: string): LifeStep {
  return rows(random, policy, () => random.of([`f=${random.integer(1, 9)}`, `f=${random.integer(1, 99) / 8},g=${random.integer(-9, 9)}i`, `s="x",f=${random.integer(1, 9)}`, `s="${random.of(['', 'a, b', 'é'])}"`, `g=${random.integer(1, 9)}i`])); // prettier-ignore
}

function mixedWrite(random: RandomChoice, policy: string): LifeStep {
  return rows(random, policy, () => random.of([`f=${random.of(values)}`, `f=${random.integer(1, 9)}`, `f=${random.integer(1, 9)},g=${random.of(values)}`, `g=${random.integer(1, 9)}i`, `s="x",f=${random.integer(1, 9)}`])); // prettier-ignore
}

function rows(random: RandomChoice, policy: string, fields: () => string): LifeStep {
  const one = (): string => {
    const series = random.of(['m', 'm', 'm,host=a', 'm,host=b', 'n,host=a', 'o\\ p,host=c', 'm,host=a,z=1']); // prettier-ignore
    return `${series} ${fields()} ${random.of(corners)}`;
  };
  const text = Array.from({ length: random.integer(1, 9) }, one).join('\n');
  return written(policy, text, text);
}

/** A row of so many fields, and another of some of them. */
function wide(random: RandomChoice, policy: string): LifeStep {
  const fields = Array.from({ length: wideCount }, (_, i) => `w${i}=${i}`);
  const line = (some: readonly string[], at: bigint): string => `wide,host=${random.of(['a', 'b'])} ${some.join()} ${at}`; // prettier-ignore
  const every = random.integer(2, 400);
  const text = [line(fields, random.of(corners)), line(fields.filter((_, i) => i % every === 0), random.of(corners))].join('\n'); // prettier-ignore
  return written(policy, text, 'wide rows');
}

function written(policy: string, text: string, shown: string): LifeStep {
  const params = { db: 'life', rp: policy, consistency: 'all' };
  const step = { method: 'POST', path: '/write', params, headers: {}, text };
  return { kind: 'change', text: `write ${policy} ${shown}`, step };
}
