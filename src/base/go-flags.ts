import { DbError } from './errors.ts';
import { quoteGo } from './go-format.ts';

export interface Flags {
  /** Values of flags that were given; `true` for a switch. */
  readonly values: Readonly<Record<string, string | true>>;
  /** What follows the flags. */
  readonly rest: readonly string[];
}

/**
 * Parses a command line as Go's flag package does: `-name value`, `-name=value`, one dash or two; the first argument that
 * is no flag, or `--`, ends them. `kinds` says which take a value. Throws invalid_argument with Go's texts.
 */
export function parseGoFlags(
  args: readonly string[],
  kinds: Readonly<Record<string, 'text' | 'switch'>>,
): Flags {
  const values = new Map<string, string | true>();
  let at = 0;
  for (; at < args.length; at++) {
    const [, name, equals, attached] = /^--?([^=-][^=]*)(=(.*))?$/s.exec(args[at] ?? '') ?? [];
    if (name === undefined) {
      if (args[at] === '--') at++;
      break;
    }
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined)
      throw new DbError('invalid_argument', `flag provided but not defined: -${name}`);
    if (kind === 'switch') {
      if (isOn(name, attached)) values.set(name, true);
      else values.delete(name);
    } else if (equals !== undefined) values.set(name, attached ?? '');
    else {
      const value = args[++at];
      if (value === undefined)
        throw new DbError('invalid_argument', `flag needs an argument: -${name}`);
      values.set(name, value);
    }
  }
  return { values: Object.fromEntries(values), rest: args.slice(at) };
}

/** A switch that is there is on, unless something else is attached to it. */
function isOn(name: string, attached: string | undefined): boolean {
  if (attached === undefined || /^(1|t|T|TRUE|true|True)$/.test(attached)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(attached)) return false;
  const text = `invalid boolean value ${quoteGo(attached)} for -${name}: parse error`;
  throw new DbError('invalid_argument', text);
}
