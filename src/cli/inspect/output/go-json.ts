import { stringifyWellFormed } from '../../../base/well-formed-json.ts';

/** A text as Go's encoding/json writes it. */
export function goJson(text: string): string {
  return stringifyWellFormed(text).replaceAll(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
