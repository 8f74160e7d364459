import { quoted } from './random-clauses.ts';
import { edges, freshMeasurements } from './random-data.ts';
import type { RandomChoice } from './random-choice.ts';

const atoms = ['a', 'b', 's', 'x y', '-', '0', '1', '.', '\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '[a-m]', '[^a-m]', '[[:alpha:]]', '[[:^digit:]]', '[^[:space:]x]', '\\pL', '\\PN', '\\p{Greek}', '\\p{Latin}', '[\\pN_]', '[\\d-]', '[]a]', '[a-]', 'ü', '\\x61', '\\x{fc}', '\\141', '\\t', '\\.', '\\-', '\\Qa.b\\E', '', '\\C', '[a-zA-Z0-9_]', '[ü]', '\\n', '\\b', '\\B', '^', '$', '\\A', '\\z', '\\"', '42', 'server', 'us', 'alpha']; // prettier-ignore
const oddAtoms = ['\\Z', '\\1', '\\k', '(?=a)', '(?<!a)', '(?>a)', '[z-a]', '[', ']', '[[:nosuch:]]', '\\p{Nosuch}', '\\pX', '\\x{110000}', '\\xg', '{', '}', '{2}', '*', '+', '?', '**', 'a**', 'a++', 'a{1001}', 'a{2,1}', 'a{,2}', 'a{', '(?i', '(?P<a>', '(?P<1>a)', '(?<n>a)', '(?P=n)', '(?#c)', '\\8', '\\', ')', '(', '(?:', '[\\]', '[a', '\\u0061', '\\c', '(?z)', '(?i-)', '(a{500}){500}', '\\Qa', '(?', '(|a)*', '(a*)*', '(a*)+$']; // prettier-ignore
const repeats = ['', '', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,}', '{0,2}', '{2,3}?'];
const groups = ['(', '(?:', '(?i)(', '(?i:', '(?s:', '(?m:', '(?U:', '(?-i:', '(?P<n>', '(?im-s:'];

/** A pattern in the grammar of the reference, mostly. */
export function pattern(random: RandomChoice, depth = 2): string {
  const one = (): string => {
    if (depth > 0 && random.chance(0.3)) return `${random.of(groups)}${pattern(random, depth - 1)})${random.of(repeats)}`; // prettier-ignore
    return random.of(random.chance(0.02) ? oddAtoms : atoms) + random.of(repeats);
  };
  const part = (): string => Array.from({ length: random.of([1, 1, 2, 3]) }, one).join('');
  const whole = random.chance(0.2) ? `${part()}|${part()}` : part();
  if (depth < 2) return whole;
  const flags = random.maybe(0.1, () =>
    random.of(['(?i)', '(?s)', '(?m)', '(?U)', '(?is)', '(?-m)']),
  );
  return `${flags}${random.maybe(0.25, () => '^')}${whole}${random.maybe(0.25, () => '$')}`;
}

/** Patterns of every form wherever one may stand. */
export function regexStatement(random: RandomChoice): string {
  const one = (): string => `/${pattern(random).replaceAll('/', '\\/')}/`;
  const measurement = random.of([...freshMeasurements, edges]);
  const name = quoted(measurement.name);
  const text = random.of(['msg', 's', 'v', 'host', 'region', 'nosuch']);
  const tag = quoted(random.of([...measurement.tags, 'host']));
  const is = (): string => random.of(['=~', '!~']);
  return random.of([
    () => `SELECT count(*) FROM ${name} WHERE ${tag} ${is()} ${one()} GROUP BY ${tag}`,
    () => `SELECT count(*) FROM ${name} WHERE ${text} ${is()} ${one()}`,
    () => `SELECT msg FROM cpu WHERE msg ${is()} ${one()} GROUP BY * LIMIT 3`,
    () => `SELECT s FROM edges WHERE s ${is()} ${one()}`,
    () => `SELECT s FROM (SELECT s, host FROM edges) WHERE s ${is()} ${one()} AND host ${is()} ${one()}`,
    () => `SELECT count(*) FROM ${name} WHERE ${tag} ${is()} ${one()} ${random.of(['AND', 'OR'])} ${random.of([tag, text])} ${is()} ${one()}`,
    () => `SELECT count(${one()}) FROM ${one()} GROUP BY ${one()}`,
    () => `SHOW TAG VALUES WITH KEY ${is()} ${one()} WHERE ${tag} ${is()} ${one()}`,
    () => `SHOW MEASUREMENTS WITH MEASUREMENT ${is()} ${one()}`,
    () => `SHOW SERIES FROM ${one()} WHERE ${tag} ${is()} ${one()}`,
    () => `SHOW TAG KEYS FROM ${one()}`,
    () => `SHOW FIELD KEYS FROM ${one()}`,
  ])(); // prettier-ignore
}
