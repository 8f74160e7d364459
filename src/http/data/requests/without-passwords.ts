/**
 * Texts of statements as logs show them: without passwords, also where a statement is not quite right, is packed more tightly than
 * people write it, or has comments between its words. One pass over its tokens: a pattern that looks for the equals sign from each
 * `password` of a text would take the square of its length.
 */
import { shownAddress } from '../../../base/shown-address.ts';

const hidden = '[REDACTED]';
/** Longer ones that have the word at all are not shown. */
const charactersMax = 1 << 18;

/** Comments and white space, texts and names in quotes, which may lack their ends, words, and all else one by one. */
const tokens = /\/\*[^]*?(?:\*\/|$)|--[^\n]*|\s+|'(?:[^'\\]|\\[^])*(?:'|$)|"(?:[^"\\]|\\[^])*(?:"|$)|\w+|[^]/g; // prettier-ignore
const comment = /^(?:\/\*|--)/;
const space = /^\s/;

/** A password stands behind `WITH PASSWORD` and behind the equals sign of `PASSWORD FOR`; in quotes also where these lack. */
type Awaited = 'nothing' | 'for' | 'equals' | 'password';

export function withoutPasswords(statements: string): string {
  if (!namesPassword(statements)) return shownAddress(statements);
  if (statements.length > charactersMax) return hidden;
  const reader = new StatementReader();
  let shown = '';
  for (const [token] of statements.matchAll(tokens)) shown += reader.shown(token);
  return shownAddress(shown);
}

/** Whether a parameter of such statements may be one. */
export function namesPassword(statements: string): boolean {
  return /password/i.test(statements);
}

class StatementReader {
  #awaited: Awaited = 'nothing';
  #wordBefore = '';
  /** What is not in quotes goes on to the next space. */
  #isHiding = false;

  shown(token: string): string {
    const isComment = comment.test(token);
    const isGap = isComment || space.test(token);
    if (this.#isHiding && !isGap && token !== ';') return '';
    this.#isHiding = false;
    if (isGap) return isComment && namesPassword(token) ? `/*${hidden}*/` : token;
    if (this.#isPassword(token)) {
      // A name in the wrong quotes is no password: the one behind the equals sign is.
      if (this.#awaited !== 'equals') this.#awaited = 'nothing';
      this.#wordBefore = '';
      this.#isHiding = true;
      return hidden;
    }
    const word = token.toUpperCase();
    this.#awaited = this.#next(word);
    this.#wordBefore = word;
    return token;
  }

  #isPassword(token: string): boolean {
    if (this.#awaited === 'password') return token !== ';';
    return this.#awaited !== 'nothing' && token.startsWith("'");
  }

  #next(word: string): Awaited {
    if (word === ';') return 'nothing';
    if (word === 'PASSWORD') return this.#wordBefore === 'WITH' ? 'password' : 'for';
    if (this.#awaited === 'for') return word === 'FOR' ? 'equals' : 'nothing';
    return this.#awaited === 'equals' && word === '=' ? 'password' : this.#awaited;
  }
}
