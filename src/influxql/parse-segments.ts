import { DbError } from '../base/errors.ts';
import { quoteIdent } from './printer.ts';
import type { TokenReader } from './token-reader.ts';

const segmentsMax = 3;

/**
 * The rest of `name{.name}` behind its first name, at most three in all (spec 6.1). No blank stands before a point, and
 * `a..b` has an empty name in the middle. Where a slash or a colon follows a point the names end, and what it opens is
 * the caller's to read. `afterName` sees the text before anything behind a name is looked at.
 */
export function parseSegments(
  reader: TokenReader,
  first: string,
  afterName: (count: number) => void = () => undefined,
): string[] {
  const names = [first];
  afterName(names.length);
  while (reader.acceptAtOnce('.')) {
    const ahead = reader.characterAtOnce();
    if (ahead === '/' || ahead === ':') break;
    if (ahead === '.') names.push('');
    else {
      names.push(reader.identifier());
      afterName(names.length);
    }
  }
  if (names.length <= segmentsMax) return names;
  throw new DbError('parse_error', `too many segments in ${joined(names)} at line 1, char 1`);
}

/** All but the last are quoted even where they need not be, the empty ones in the middle are not. */
function joined(names: readonly string[]): string {
  const last = names.length - 1;
  const shown = names.map((name, i) => {
    if (name === '') return i === 0 || i === last ? '""' : '';
    const quoted = quoteIdent(name);
    return i === last || quoted.startsWith('"') ? quoted : `"${quoted}"`;
  });
  return shown.join('.');
}
