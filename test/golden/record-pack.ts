/**
 * Records the MessagePack answers of the reference to test/golden/testdata/pack.jsonl. Run with a real influxd on the path:
 * `node test/golden/record-pack.ts`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReferenceServer } from '../support/reference-server.ts';
import { packDatabase, packLines, packRequests } from './pack-requests.ts';

const server = await ReferenceServer.start();
try {
  await server.query({
    q: `CREATE DATABASE ${packDatabase} WITH DURATION INF SHARD DURATION 5200w`,
  });
  const { status, body } = await server.write(packDatabase, packLines);
  if (status !== 204) throw new Error(body);
  const recorded: string[] = [];
  for (const parameters of packRequests) {
    const query = new URLSearchParams({ db: packDatabase, ...parameters }).toString();
    const headers = { Accept: 'application/x-msgpack' };
    const response = await fetch(`${server.url}/query?${query}`, { headers });
    const base64 = Buffer.from(await response.arrayBuffer()).toString('base64');
    const type = response.headers.get('content-type');
    recorded.push(JSON.stringify({ parameters, status: response.status, type, base64 }));
  }
  const path = join(import.meta.dirname, 'testdata/pack.jsonl');
  writeFileSync(path, `${recorded.join('\n')}\n`);
} finally {
  await server.stop();
}
