/**
 * Records the reference's answers to the requests of test/golden/requests, in their order on a new server.
 * Run with a real influxd 1.12.4: `node test/golden/record-http.ts PATH`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReferenceServer } from '../support/reference-server.ts';
import { allRequests, prepareServer } from './requests/all-requests.ts';
import { sendRequest } from './requests/http-request.ts';

const server = await ReferenceServer.start(process.argv[2]);
await prepareServer(server.url);
const lines: string[] = [];
for (const request of allRequests) {
  const answer = await sendRequest(server.url, request);
  lines.push(JSON.stringify(answer));
}
await server.stop();
writeFileSync(join(import.meta.dirname, 'testdata/http.jsonl'), `${lines.join('\n')}\n`);
