import type { Statement } from './ast.ts';
import { parseQuery } from './parser.ts';

/** Longer texts are parsed each time: what they are parsed to may be large. */
const textLengthMax = 2_048;
/** Past so many texts those that were asked for longest ago are forgotten. */
const textsMax = 512;

/**
 * Texts that were asked before and what they were parsed to, as dashboards ask the same ones again and again. One text is
 * one list of statements, the same objects each time, so that what is worked out of a statement can be kept beside it
 * (data/select/known-plans.ts). Only SELECT and SHOW are kept: other texts may hold passwords, and are asked once.
 */
export class KnownTexts {
  /** The one asked last stands last. */
  readonly #kept = new Map<string, readonly Statement[]>();

  /** Throws DbError parse_error. */
  parse(text: string): readonly Statement[] {
    const known = this.#kept.get(text);
    if (known !== undefined) {
      this.#kept.delete(text);
      this.#kept.set(text, known);
      return known;
    }
    const statements = parseQuery(text);
    if (text.length > textLengthMax || !statements.every(isKept)) return statements;
    this.#kept.set(text, statements);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= textsMax) break;
      this.#kept.delete(oldest);
    }
    return statements;
  }
}

function isKept({ kind }: Statement): boolean {
  return kind === 'select' || kind.startsWith('show-');
}
