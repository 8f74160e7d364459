/**
 * Records what the reference makes of bodies of line protocol to src/models/testdata: the error text, or the points as
 * stored and the types of their fields. Run with a real influxd on the path: `node test/golden/record-lines.ts`.
 * lines.jsonl has the chosen ones of lines.json, odd-lines.jsonl those that chance made: the third side of what the
 * kernel and its twin are held to.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReferenceServer } from '../support/reference-server.ts';
import { oddBodies } from './odd-lines.ts';

const folder = join(import.meta.dirname, '../../src/models/testdata');
const server = await ReferenceServer.start();

async function record(bodies: readonly string[], name: string): Promise<void> {
  const recorded: string[] = [];
  for (const line of new Set(bodies)) {
    const db = 'lines';
    await server.query({ q: `CREATE DATABASE ${db} WITH DURATION INF SHARD DURATION 5200w` });
    const { status, body } = await server.write(db, line);
    const q = 'SELECT * FROM /.*/ GROUP BY *; SHOW FIELD KEYS';
    const answer = await server.query({ q, db, epoch: 'ns' });
    recorded.push(JSON.stringify({ line, status, body: body.trimEnd(), answer: answer.trimEnd() }));
    await server.query({ q: `DROP DATABASE ${db}` });
  }
  writeFileSync(join(folder, name), `${recorded.join('\n')}\n`);
}

try {
  await record(JSON.parse(readFileSync(join(folder, 'lines.json'), 'utf8')) as string[], 'lines.jsonl'); // prettier-ignore
  await record(oddBodies(900, 1), 'odd-lines.jsonl');
} finally {
  await server.stop();
}
