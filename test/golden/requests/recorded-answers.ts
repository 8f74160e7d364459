import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpAnswer } from './http-request.ts';

/** The reference's answers, one for each of `allRequests`. */
export function recordedAnswers(): readonly HttpAnswer[] {
  const path = join(import.meta.dirname, '../testdata/http.jsonl');
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as HttpAnswer);
}
