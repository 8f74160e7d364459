import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { errorText } from '../../src/base/errors.ts';
import { parseQuery } from '../../src/influxql/parser.ts';
import { writeJson } from '../../src/query/emit/json-writer.ts';
import { runQuery } from './run-query.ts';

const folder = join(import.meta.dirname, 'testdata');
const recorded = readFileSync(join(folder, 'combinations.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as { query: string; answer: string });

async function answerOf(query: string): Promise<string> {
  try {
    parseQuery(query);
  } catch (error) {
    const text = JSON.stringify({ error: `error parsing query: ${errorText(error)}` });
    return text.replaceAll('>', '\\u003e').replaceAll('<', '\\u003c').replaceAll('&', '\\u0026');
  }
  return writeJson([await runQuery(query)], { epochUnitNs: undefined })
    .toString()
    .trimEnd();
}

test('select: each combination is answered as by the recorded server, or as is chosen', async () => {
  const others: string[] = [];
  for (const { query, answer } of recorded) {
    const own = await answerOf(query);
    if (own === answer) continue;
    others.push(`${query}\n  ${own}\n  ${answer}`);
  }
  // What differs is listed, so that a change of it is seen: 1.6.7 recorded it, and 1.12.4 answers as we do, or as is said there.
  await expect(`${others.join('\n')}\n`).toMatchFileSnapshot(join(folder, 'chosen.txt'));
});
