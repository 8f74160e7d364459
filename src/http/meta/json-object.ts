import { parseWellFormed } from '../../base/well-formed-json.ts';
import { DbError } from '../../base/errors.ts';

/** The body of a request as a JSON object; of another document it is empty. Throws `invalid_argument` for what is no JSON. */
export function readJsonObject(body: unknown): Readonly<Record<string, unknown>> {
  let given: unknown;
  try {
    given = typeof body === 'string' ? parseWellFormed(body) : undefined;
  } catch (error) {
    throw new DbError('invalid_argument', 'the body is not valid JSON', { cause: error });
  }
  return isRecord(given) ? given : {};
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
