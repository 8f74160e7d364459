/**
 * Records what the reference makes of single lines to src/models/testdata/lines.jsonl: the error text, or the points as
 * stored and the types of their fields. Run with a real influxd on the path: `node test/golden/record-lines.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReferenceServer } from '../support/reference-server.ts';

const folder = join(import.meta.dirname, '../../src/models/testdata');
const cases = JSON.parse(readFileSync(join(folder, 'lines.json'), 'utf8')) as string[];
const server = await ReferenceServer.start();
const recorded: string[] = [];
for (const [index, line] of cases.entries()) {
  const db = `lines${index}`;
  await server.query({ q: `CREATE DATABASE ${db} WITH DURATION INF SHARD DURATION 5200w` });
  const { status, body } = await server.write(db, line);
  const q = 'SELECT * FROM /.*/ GROUP BY *; SHOW FIELD KEYS';
  const answer = await server.query({ q, db, epoch: 'ns' });
  recorded.push(JSON.stringify({ line, status, body: body.trimEnd(), answer: answer.trimEnd() }));
  await server.query({ q: `DROP DATABASE ${db}` });
}
await server.stop();
writeFileSync(join(folder, 'lines.jsonl'), `${recorded.join('\n')}\n`);
