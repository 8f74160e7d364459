import { DbError } from './errors.ts';

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
  const values: Record<string, string | true> = {};
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
      if (attached !== 'false') values[name] = true;
    } else if (equals !== undefined) values[name] = attached ?? '';
    else {
      const value = args[++at];
      if (value === undefined)
        throw new DbError('invalid_argument', `flag needs an argument: -${name}`);
      values[name] = value;
    }
  }
  return { values, rest: args.slice(at) };
}
