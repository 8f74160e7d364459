/**
 * Records the reference's answers to test/golden/testdata/select-queries.txt over the dataset of query-dataset.ts.
 * Run with a real influxd on the path: `node test/golden/record-select.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReferenceServer } from '../support/reference-server.ts';
import { datasetLines } from './query-dataset.ts';

const folder = join(import.meta.dirname, 'testdata');
const queries = readFileSync(join(folder, 'select-queries.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const server = await ReferenceServer.start();
await server.query({ q: 'CREATE DATABASE golden WITH DURATION INF SHARD DURATION 520w' });
const written = await server.write('golden', datasetLines());
if (written.status !== 204) throw new Error(written.body);
const lines: string[] = [];
for (const query of queries) {
  const answer = await server.query({ q: query, db: 'golden' });
  const csv = await server.query({ q: query, db: 'golden' }, 'application/csv');
  // `pretty` counts in the address only, not in a form.
  const asked = new URLSearchParams({ q: query, db: 'golden', pretty: 'true', epoch: 'ms' });
  const pretty = await (await fetch(`${server.url}/query?${asked.toString()}`)).text();
  lines.push(JSON.stringify({ query, answer, csv, pretty }));
}
await server.stop();
writeFileSync(join(folder, 'select.jsonl'), `${lines.join('\n')}\n`);
