import type { Statement } from './ast.ts';
import { parseQuery } from './parser.ts';
import { cutTimes, TimeTemplate } from './time-template.ts';

/** Longer texts are parsed each time: what they are parsed to may be large. */
const textLengthMax = 2_048;
/** Past so many texts those that were asked for longest ago are forgotten. */
const textsMax = 512;

/**
 * Texts that were asked before and what they were parsed to, as dashboards ask the same ones again and again. One text is
 * one list of statements, the same objects each time, so that what is worked out of a statement can be kept beside it
 * (data/select/known-plans.ts). Only SELECT and SHOW are kept: other texts may hold passwords, and are asked once.
 *
 * Of texts that differ in their bounds of time alone one is parsed, and the others are made of it (time-template.ts). Such a
 * text is parsed and kept by itself once it is asked again.
 */
export class KnownTexts {
  /** The one asked last stands last. */
  readonly #kept = new Map<string, readonly Statement[]>();
  /** By the text less its times. */
  readonly #templates = new Map<string, TimeTemplate>();
  /** Texts that were made of templates, and asked once. */
  readonly #made = new Map<string, true>();

  /** Throws DbError parse_error. */
  parse(text: string): readonly Statement[] {
    const known = this.#kept.get(text);
    if (known !== undefined) {
      keep(this.#kept, text, known);
      return known;
    }
    if (text.length > textLengthMax) return parseQuery(text);
    const cut = this.#made.delete(text) ? undefined : cutTimes(text);
    const template = cut && this.#templates.get(cut.key);
    if (cut !== undefined && template !== undefined) {
      keep(this.#made, text, true);
      keep(this.#templates, cut.key, template);
      return template.with(cut);
    }
    const statements = parseQuery(text);
    if (!statements.every(isKept)) return statements;
    keep(this.#kept, text, statements);
    const made = cut && TimeTemplate.of(statements, cut);
    if (cut !== undefined && made !== undefined) keep(this.#templates, cut.key, made);
    return statements;
  }
}

/** The one asked last stands last; past so many those that were asked for longest ago go. */
function keep<Value>(map: Map<string, Value>, text: string, value: Value): void {
  map.delete(text);
  map.set(text, value);
  for (const oldest of map.keys()) {
    if (map.size <= textsMax) break;
    map.delete(oldest);
  }
}

function isKept({ kind }: Statement): boolean {
  return kind === 'select' || kind.startsWith('show-');
}
