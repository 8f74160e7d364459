/**
 * Records what the reference's parser says of each statement in src/influxql/testdata/statements.txt: its error, or null
 * where it parses. Run with a real influxd 1.12.4: `node test/golden/record-influxql.ts PATH`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReferenceServer } from '../support/reference-server.ts';

const folder = join(import.meta.dirname, '../../src/influxql/testdata');
const queries = readFileSync(join(folder, 'statements.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const server = await ReferenceServer.start(process.argv[2]);
const lines: string[] = [];
for (const query of queries) {
  const answer = JSON.parse(await server.query({ q: query, db: 'none' })) as { error?: string };
  const prefix = 'error parsing query: ';
  const error = answer.error?.startsWith(prefix) ? answer.error.slice(prefix.length) : null;
  lines.push(JSON.stringify({ query, error }));
}
await server.stop();
writeFileSync(join(folder, 'parse.jsonl'), `${lines.join('\n')}\n`);
