import type { LifeStep } from './random-lives.ts';
import type { RandomChoice } from './random-choice.ts';

const hourMs = 3_600_000;
const database = 'life';
const durations = ['INF', '1h', '2h', '5h', '25h', '3d', '2w'];
const lengths = ['1h', '2h', '6h', '1d', '1w'];
/** From the hour of now: beside the ends of what is kept. */
const hours = [-500, -337, -336, -73, -50, -26, -25, -24, -7, -6, -5, -3, -2, -1, 0, 1, 2, 25];
/** How often services of the servers look, and how long what they have found takes until all know it. */
export const retentionCheckMs = 300;
export const retentionSettlesMs = 2_000;

/**
 * The life of a database whose policies keep more, or less, from step to step: shards that are past it go, and are made again under the
 * points that come then. Of the time of now: near the end of an hour two servers may disagree on what is past it.
 */
export function retentionLife(
  random: RandomChoice,
  { copyCount, nowMs }: { readonly copyCount: number; readonly nowMs: number },
): readonly LifeStep[] {
  const copies = `REPLICATION ${copyCount}`;
  const thisHourMs = Math.floor(nowMs / hourMs) * hourMs;
  const policy = (): string => random.of(['a', 'a', 'b']);
  const lived = (): string => `DURATION ${random.of(durations)}`;
  const long = (): string => `SHARD DURATION ${random.of(lengths)}`;
  const limit = (): string => random.of([' PAST LIMIT 3h', ' FUTURE LIMIT 90m', ' PAST LIMIT 30h FUTURE LIMIT 2h', ' PAST LIMIT 0s FUTURE LIMIT 0s']); // prettier-ignore
  const write = (): LifeStep => {
    const one = (): string => {
      const timeNs = BigInt(thisHourMs + random.of(hours) * hourMs) * 1_000_000n + random.of([-1n, 0n, 1_800_000_000_000n]); // prettier-ignore
      return `${random.of(['m', 'm,host=a', 'm,host=b', 'n,host=a'])} f=${random.integer(1, 99)} ${timeNs}`;
    };
    const text = Array.from({ length: random.integer(1, 12) }, one).join('\n');
    const params = { db: database, rp: policy(), consistency: 'all' };
    return { kind: 'change', text: `write ${params.rp} ${text}`, step: { method: 'POST', path: '/write', params, headers: {}, text } }; // prettier-ignore
  };
  const action = (): readonly LifeStep[] =>
    random.of<() => readonly LifeStep[]>([
      () => [write()],
      () => [write(), write()],
      () => [asked('change', `ALTER RETENTION POLICY ${policy()} ON ${database} ${lived()}`)],
      () => [asked('change', `ALTER RETENTION POLICY ${policy()} ON ${database} ${lived()} ${long()}`)],
      () => [asked('change', `ALTER RETENTION POLICY ${policy()} ON ${database} ${long()}`), write()],
      () => [asked('change', `ALTER RETENTION POLICY ${policy()} ON ${database}${limit()}`), write()],
      () => [asked('change', `DELETE WHERE time < ${thisHourMs - random.of([2, 6, 26]) * hourMs}ms`)],
      () => [asked('change', `SELECT * INTO ${database}.${policy()}.:MEASUREMENT FROM ${database}.${policy()}././ GROUP BY *`)],
      () => [asked('change', `DROP RETENTION POLICY b ON ${database}`), asked('change', `CREATE RETENTION POLICY b ON ${database} ${lived()} ${copies} ${long()}`), write()],
    ])(); // prettier-ignore
  const question = (): LifeStep =>
    asked(
      'raw',
      random.of([
        `SELECT * FROM ${database}.${policy()}././ GROUP BY *`,
        `SELECT count(f) FROM ${database}.a././, ${database}.b././`,
        `SELECT first(f), last(f) FROM ${database}.${policy()}.m WHERE time > ${thisHourMs - random.of([1, 5, 24, 400]) * hourMs}ms GROUP BY host`,
        `SHOW RETENTION POLICIES ON ${database}`,
        'SHOW MEASUREMENTS',
        'SHOW SERIES',
        'SHOW FIELD KEYS',
        'SHOW TAG VALUES WITH KEY = host',
      ]),
    ); // prettier-ignore
  const middle = Array.from({ length: random.integer(4, 10) }, () => [...action(), question()]);
  return [
    asked('change', `CREATE DATABASE ${database} WITH ${lived()} ${copies} ${long()} NAME a`),
    asked('change', `CREATE RETENTION POLICY b ON ${database} ${lived()} ${copies}`),
    write(),
    ...middle.flat(),
    asked('raw', `SELECT * FROM ${database}.a././, ${database}.b././ GROUP BY *`),
    asked('change', `DROP DATABASE ${database}`),
  ];
}

function asked(kind: LifeStep['kind'], text: string): LifeStep {
  const params = { db: database, epoch: 'ns', q: text };
  return { kind, text, step: { method: 'POST', path: '/query', params, headers: {} } };
}
