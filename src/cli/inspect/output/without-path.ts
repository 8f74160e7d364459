import { errorText } from '../../../base/errors.ts';

/** What is wrong with a file, for a line that names it already. */
export function withoutPath(error: unknown, path: string): string {
  const text = errorText(error);
  return text.startsWith(`${path}: `) ? text.slice(path.length + 2) : text;
}
