/**
 * Records what the reference answers to raw bytes, to test/golden/testdata/raw.jsonl. Run with a real influxd 1.12.4:
 * `node test/golden/record-raw.ts /path/to/influxd`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReferenceServer } from '../support/reference-server.ts';
import { rawCases, rawDatabase, sendRaw } from './raw-requests.ts';

const server = await ReferenceServer.start(process.argv[2]);
try {
  await server.query({ q: `CREATE DATABASE ${rawDatabase}` });
  const recorded: string[] = [];
  for (const { name, request } of rawCases) {
    const answer = await sendRaw(Number(new URL(server.url).port), request);
    recorded.push(JSON.stringify({ name, ...answer }));
  }
  writeFileSync(join(import.meta.dirname, 'testdata/raw.jsonl'), `${recorded.join('\n')}\n`);
} finally {
  await server.stop();
}
