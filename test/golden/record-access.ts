/**
 * Records what the reference answers to who may do what, to test/golden/testdata/access.jsonl. Run with the path of a real
 * influxd 1.12.4: `node test/golden/record-access.ts PATH`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReferenceServer } from '../support/reference-server.ts';
import {
  accessCases,
  askAccess,
  guardedCases,
  sharedSecret,
  type AccessCase,
} from './access-requests.ts';

const guarded =
  '  auth-enabled = true\n  ping-auth-enabled = true\n  prom-read-auth-enabled = true';
const lines = `  auth-enabled = true\n  pprof-auth-enabled = true\n  shared-secret = "${sharedSecret}"`;
const recorded: string[] = [];

await record(lines, accessCases);
await record(guarded, guardedCases);
writeFileSync(join(import.meta.dirname, 'testdata/access.jsonl'), `${recorded.join('\n')}\n`);

async function record(httpLines: string, cases: readonly AccessCase[]): Promise<void> {
  const server = await ReferenceServer.start(process.argv[2], '', httpLines);
  try {
    for (const one of cases)
      recorded.push(JSON.stringify({ name: one.name, ...(await askAccess(server.url, one)) }));
  } finally {
    await server.stop();
  }
}
