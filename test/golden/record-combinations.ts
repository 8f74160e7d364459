/**
 * Records the reference's answers to the statements of select-combinations.ts over the dataset of query-dataset.ts.
 * Run with a real influxd on the path: `node test/golden/record-combinations.ts`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReferenceServer } from '../support/reference-server.ts';
import { prepareServer } from './requests/all-requests.ts';
import { combinations } from './select-combinations.ts';

const server = await ReferenceServer.start();
await prepareServer(server.url);
const lines: string[] = [];
for (const query of combinations()) {
  const answer = await server.query({ q: query, db: 'golden' });
  lines.push(JSON.stringify({ query, answer: answer.trimEnd() }));
}
await server.stop();
writeFileSync(join(import.meta.dirname, 'testdata/combinations.jsonl'), `${lines.join('\n')}\n`);
