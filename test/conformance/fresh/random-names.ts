import { Buffer } from 'node:buffer';
import type { SentStep } from '../send-step.ts';
import type { RandomChoice } from './random-choice.ts';

/** A character a byte: characters, halves of them, bytes that begin none, and what stands for what cannot be read. */
const parts = ['a', 'b', 'caf', '\xe9', '\xe8', '\xc3\xa9', '\xc3', '\xe4\xb8', '\xad', '\xed\xb2\x80', '\xef\xbf\xbd', '\xf0\x9f\x99\x82', '\xff', '\x80', '\\ ', '\\,']; // prettier-ignore
const patterns = ['.', '^.$', '^..$', 'f.$', '\ufffd', '^a\ufffd', '\ufffd\ufffd', '[^a-z]', '[^a-z]$', 'é', '^[ab]', '\\x{fffd}$', '[\\x80-\\xff]', '^', '^$', '🙂|é']; // prettier-ignore

function name(random: RandomChoice): string {
  return Array.from({ length: random.of([1, 1, 2, 3]) }, () => random.of(parts)).join('');
}

/** Lines that are sound but for the bytes of their names, each at a time of its own. */
function lines(random: RandomChoice, from: number): string {
  const key = (usual: string): string => (random.chance(0.3) ? name(random) : usual);
  const one = (i: number): string =>
    `${key('m')},${key('host')}=${name(random)} ${key('v')}=${i},${key('w')}=${-i} ${from + i}`;
  return Array.from({ length: random.integer(1, 12) }, (_, i) => one(i + 1)).join('\n');
}

/** What changes with them, and what is left then. */
export function namesDialogue(random: RandomChoice): readonly (SentStep | string)[] {
  const where = (): string => `host ${random.of(['=~', '=~', '!~'])} /${random.of(patterns)}/`;
  const from = (): string => `/${random.of(patterns)}/`;
  const asked = [
    () => 'SELECT * FROM /./',
    () => `SELECT * FROM ${from()} GROUP BY *`,
    () => `SELECT /${random.of(patterns)}/ FROM /./ WHERE ${where()} GROUP BY *`,
    () => `SELECT count(/./) FROM /./ WHERE ${where()} GROUP BY ${random.of(['host', '*', '/./', `/${random.of(patterns)}/`])}`,
    () => `SELECT max(*) FROM (SELECT * FROM ${from()}) GROUP BY *`,
    () => `SELECT last(v) FROM ${from()} WHERE host ${random.of(['=', '!='])} 'a${random.of(['', 'é', '\ufffd'])}' GROUP BY host ORDER BY time DESC`,
    () => `SHOW TAG VALUES WITH KEY =~ /${random.of(patterns)}/`,
    () => `SHOW TAG VALUES FROM /./ WITH KEY = host WHERE ${where()}`,
    () => `SHOW SERIES FROM ${from()} WHERE ${where()}`,
    () => `SHOW MEASUREMENTS WITH MEASUREMENT =~ ${from()}`,
    () => `SHOW TAG KEYS FROM ${from()}`,
    () => `SHOW ${random.of(['SERIES', 'MEASUREMENT', 'TAG KEY', 'FIELD KEY'])} EXACT CARDINALITY`,
    () => `DROP SERIES FROM /./ WHERE ${where()}`,
    () => `DELETE FROM ${from()}`,
    () => `DELETE WHERE ${where()}`,
    () => 'SELECT * INTO copy FROM m GROUP BY *; SELECT * FROM copy GROUP BY *',
  ]; // prettier-ignore
  const written = (at: number): SentStep => {
    const base64 = Buffer.from(lines(random, at), 'latin1').toString('base64');
    return { method: 'POST', path: '/write', params: { db: 'changing' }, headers: {}, base64 };
  };
  const left = 'SELECT * FROM /./ GROUP BY *; SHOW FIELD KEYS; SHOW SERIES; SHOW TAG VALUES WITH KEY =~ /./'; // prettier-ignore
  return [
    written(0),
    left,
    ...Array.from({ length: random.integer(1, 4) }, () => random.of(asked)()),
    written(random.of([0, 100])),
    random.of(asked)(),
    left,
    'DROP DATABASE changing; CREATE DATABASE changing WITH SHARD DURATION 1h',
  ];
}
