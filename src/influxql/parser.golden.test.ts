import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isDbError } from '../base/errors.ts';
import { parseQuery } from './parser.ts';

/** What a real server answered; test/golden/record-influxql.ts records it anew. */
const recorded = readFileSync(join(import.meta.dirname, 'testdata/parse.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as { query: string; error: string | null });

/** Where the clustered product differs from the open one that was recorded (spec 6.2). */
const differs: ReadonlyMap<string, string | null> = new Map([["KILL QUERY 1 ON 'h:8088'", null]]);

function parseError(query: string): string | null {
  try {
    parseQuery(query);
    return null;
  } catch (error) {
    if (!isDbError(error, 'parse_error')) throw error;
    return error.message;
  }
}

test.each(recorded)('parser: $query', ({ query, error }) => {
  expect(parseError(query)).toBe(differs.has(query) ? differs.get(query) : error);
});
