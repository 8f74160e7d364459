import type { RandomChoice } from './random-choice.ts';

const lengths = ['1h', '2h', '90m', '1h30m', '1h0m', '59m', '60m', '61m', '3600s', '3599s', '3600000ms', '3600000000u', '3600000000000ns', '1d', '24h', '25h', '1d1h', '2d', '1w', '7d', '1w2d3h4m5s', '26w', '180d', '181d', '4320h', '4321h', '52w', '1000w', '15250w', '15251w', '106751d', '106752d', '2562047h', '2562048h', '0', '0s', '0h', '0d', 'INF', 'inf', 'Inf', 'INFINITE', '-1h', '1', '3600', '1.5h', '1y', '1M', "'1h'", '"1h"', '1h 30m', '', '1µ', '1us', '01h', '1H', '99999999999999999999h', '1ns', '1s']; // prettier-ignore
const counts = ['1', '1', '1', '2', '3', '0', '-1', '1.5', 'x', "'1'", '9223372036854775807', '9223372036854775808', '2147483648', '+1', '01', '1h', '']; // prettier-ignore
const names = ['p', 'p', 'p', 'q', 'autogen', '"p"', '"odd name"', '"p"" "', '"é"', '"🙂"', '"a.b"', '"a/b"', '"."', '".."', '""', '"a\\nb"', '"a\\\\b"', '"\\""', 'default', 'policy', "'p'", '1p', 'p-q', 'P', '"*"', '"_"']; // prettier-ignore
const databases = ['pol', 'pol', 'pol', 'pol', '"pol"', 'nosuch', '""', 'Pol', '"po l"'];

function length(random: RandomChoice): string {
  return random.chance(0.6) ? random.of(lengths.slice(0, 31)) : random.of(lengths);
}

function count(random: RandomChoice): string {
  return random.chance(0.7) ? '1' : random.of(counts);
}

function clauses(random: RandomChoice, share: number): string {
  const some = [
    random.maybe(share, () => ` DURATION ${length(random)}`),
    random.maybe(share, () => ` REPLICATION ${count(random)}`),
    random.maybe(share * 0.7, () => ` SHARD DURATION ${length(random)}`),
    random.maybe(0.15, () => ` FUTURE LIMIT ${length(random)}`),
    random.maybe(0.15, () => ` PAST LIMIT ${length(random)}`),
    random.maybe(0.2, () => ' DEFAULT'),
    random.maybe(0.03, () => random.of([' DURATION 2h', ' NAME x', ' FOO', ' SHARD 1h', ' DEFAULT DEFAULT', ' FUTURE 1h', ' PAST', ' GROUP 1h'])),
  ]; // prettier-ignore
  return (random.chance(0.08) ? random.shuffled(some) : some).join('');
}

/** Policies of every length and form, changed and told, in a database of their own that is gone afterwards. */
export function policyDialogue(random: RandomChoice): readonly string[] {
  const one = (): string => {
    const place = `${random.of(names)} ON ${random.of(databases)}`;
    return random.of([
      `CREATE RETENTION POLICY ${place} DURATION ${length(random)} REPLICATION ${count(random)}${clauses(random, 0.2).replace(/ (DURATION|REPLICATION) \S*/g, '')}`,
      `CREATE RETENTION POLICY ${place} DURATION ${length(random)} REPLICATION 1 SHARD DURATION ${length(random)}`,
      `CREATE RETENTION POLICY ${place}${clauses(random, 0.6)}`,
      `ALTER RETENTION POLICY ${place}${clauses(random, 0.5)}`,
      `ALTER RETENTION POLICY ${place}${clauses(random, 0.5)}`,
      `ALTER RETENTION POLICY ${place} SHARD DURATION ${length(random)}`,
      `DROP RETENTION POLICY ${place}`,
      'CREATE DATABASE pol',
    ]); // prettier-ignore
  };
  const options = random.maybe(0.6, () => {
    const text = clauses(random, 0.4).replace(' DEFAULT', '') + random.maybe(0.3, () => ` NAME ${random.of(names)}`); // prettier-ignore
    return text === '' ? '' : ` WITH${text}`;
  });
  const told = 'SHOW RETENTION POLICIES ON pol';
  const middle = Array.from({ length: random.integer(2, 6) }, () => [one(), told]).flat();
  return [`CREATE DATABASE pol${options}`, told, ...middle, 'DROP DATABASE pol'];
}
