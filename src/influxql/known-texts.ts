import { RecentMap } from '../base/collections/recent-map.ts';
import type { Statement } from './ast.ts';
import { parseQuery } from './parser.ts';
import { cutTimes, TimeTemplate } from './time-template.ts';

/** Longer texts are parsed each time: what they are parsed to may be large. */
const textLengthMax = 2_048;
/**
 * A dashboard of a thousand hosts has a thousand texts. Characters of all together: what a text is parsed to grows with it,
 * so that many short ones take no more than a few long ones.
 */
const textsMax = { countMax: 2_048, weightMax: 1_048_576 };

/**
 * Texts that were asked before and what they were parsed to, as dashboards ask the same ones again and again. One text is
 * one list of statements, the same objects each time, so that what is worked out of a statement can be kept beside it
 * (data/select/known-plans.ts). Only SELECT and SHOW are kept: other texts may hold passwords, and are asked once.
 *
 * Of texts that differ in their bounds of time alone one is parsed, and the others are made of it (time-template.ts). Such a
 * text is parsed and kept by itself once it is asked again.
 */
export class KnownTexts {
  readonly #kept = new RecentMap<string, readonly Statement[]>(textsMax);
  /** By the text less its times. */
  readonly #templates = new RecentMap<string, TimeTemplate>(textsMax);
  /** Texts that were made of templates, and asked once. */
  readonly #made = new RecentMap<string, true>(textsMax);

  /** Throws DbError parse_error. */
  parse(text: string): readonly Statement[] {
    const known = this.#kept.get(text);
    if (known !== undefined) return known;
    if (text.length > textLengthMax) return parseQuery(text);
    const cut = this.#made.delete(text) ? undefined : cutTimes(text);
    const template = cut && this.#templates.get(cut.key);
    if (cut !== undefined && template !== undefined) {
      this.#made.set(text, true, text.length);
      return template.with(cut);
    }
    const statements = parseQuery(text);
    if (!statements.every(isKept)) return statements;
    this.#kept.set(text, statements, text.length);
    const made = cut && TimeTemplate.of(statements, cut);
    if (cut !== undefined && made !== undefined) this.#templates.set(cut.key, made, cut.key.length);
    return statements;
  }
}

function isKept({ kind }: Statement): boolean {
  return kind === 'select' || kind.startsWith('show-');
}
