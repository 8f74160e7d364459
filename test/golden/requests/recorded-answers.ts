import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpAnswer } from './http-request.ts';

/** The reference's answers, one for each of `allRequests`, or those of another file of testdata. */
export function recordedAnswers(file = 'http.jsonl'): readonly HttpAnswer[] {
  const path = join(import.meta.dirname, `../testdata/${file}`);
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as HttpAnswer);
}
