import type { RandomChoice } from './random-choice.ts';

const tokenForm = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\d+(?:\.\d+)?[a-zµ]*|[A-Za-z_]\w*|=~|!~|::|<=|>=|<>|!=|\s+|./gsu; // prettier-ignore

/** What may stand anywhere once a hand slips; no lengths of time, of which windows could be made by the million. */
const strays = [
  '$x', '"', "'", '/a/', '/', '\\', '(', ')', ',', ',', ';', '--', '/* c */', '/*', '::tag', '::field', '::integer', '::float', '1', '-1', '0', '1.5', '1e3',
  '9999999999999999999', 'true', 'null', '.', '..', '*', 'time', 'fill', 'tz', '{', '}', '=', '==', '!', '~', '^', '&', '|', '%', '-', '+', '<', 'ALL',
  'IN', 'ON', 'FROM', 'WHERE', 'SELECT', 'GROUP BY', 'LIMIT 1', 'SLIMIT 1', 'OFFSET 1', 'ORDER BY time DESC', 'ORDER BY', 'DESC', 'INTO', 'AS', 'AND', 'OR',
  'distinct', 'count(', 'mean(', 'max(', 'a..b', '"a"."b"."c"."d"', '/./', '::', ':',
]; // prettier-ignore

/**
 * One to three tokens taken out, doubled, exchanged, put elsewhere or made up. Of a statement that groups by time only its
 * list of columns is touched: without its bounds it would be millions of windows.
 */
export function mutated(random: RandomChoice, text: string): string {
  const tokens = text.match(tokenForm) ?? [];
  const from = tokens.findIndex((token) => token.toUpperCase() === 'FROM');
  const end = /time\s*\(/i.test(text) && from > 0 ? from : tokens.length;
  const open = tokens.slice(0, end);
  const words = tokens.filter((token) => !/^\s|^\d+[a-zµ]/.test(token));
  for (let left = random.of([1, 1, 1, 2, 3]); left > 0 && open.length > 0; left--)
    change(random, open, words);
  return [...open, ...tokens.slice(end)].join('');
}

function change(random: RandomChoice, tokens: string[], words: readonly string[]): void {
  const at = random.integer(0, tokens.length - 1);
  const stray = random.chance(0.5) ? random.of(strays) : random.of(words);
  switch (random.of(['out', 'double', 'exchange', 'insert', 'insert', 'swap'] as const)) {
    case 'out':
      tokens.splice(at, 1);
      break;
    case 'double':
      tokens.splice(at, 0, tokens[at] ?? '', ' ');
      break;
    case 'exchange':
      tokens[at] = stray;
      break;
    case 'insert':
      tokens.splice(
        at,
        0,
        random.maybe(0.7, () => ' '),
        stray,
        random.maybe(0.7, () => ' '),
      );
      break;
    case 'swap': {
      const other = random.integer(0, tokens.length - 1);
      [tokens[at], tokens[other]] = [tokens[other] ?? '', tokens[at] ?? ''];
    }
  }
}
