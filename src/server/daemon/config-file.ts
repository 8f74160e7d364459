import { existsSync, readFileSync } from 'node:fs';
import { DbError } from '../../base/errors.ts';
import type { Environment } from '../../config/environment.ts';
import { decodeConfigText } from '../../config/config-text.ts';

export interface ConfigFilePlaces {
  /** The variable that names it. */
  readonly variable: string;
  /** Looked for in this order. */
  readonly paths: readonly string[];
}

/** Where the configuration is (spec 1.12); undefined when there is none, as `/dev/null` says. */
export function findConfigFile(
  given: string | undefined,
  environment: Environment,
  { variable, paths }: ConfigFilePlaces,
): string | undefined {
  const named = given ?? (environment[variable] || undefined);
  if (named !== undefined) return named === '/dev/null' ? undefined : named;
  return paths.find((path) => existsSync(path));
}

const goTexts: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
};

/** The file's text. Throws invalid_argument with Go's text. */
export function readConfigFile(path: string): string {
  try {
    return decodeConfigText(readFileSync(path));
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const verb = code === 'EISDIR' ? 'read' : 'open';
    const text = `${verb} ${path}: ${goTexts[code] ?? message}`;
    throw new DbError('invalid_argument', text, { cause: error });
  }
}
